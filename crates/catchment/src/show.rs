//! Showing things to a person: sizes, times, tables, and names that may hold anything.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};

/// A vendor's text made safe for a terminal: control characters and characters that turn the
/// direction of writing around are shown by their code, so that no name can disguise itself or
/// drive the terminal.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

/// Text over several lines made safe for a terminal; line feeds stay.
pub(crate) fn prose(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// A size in bytes as a person reads it.
pub(crate) fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}

/// Counts in words, without the zeros: "14 imported, 2 failed". `None` if all are zero.
pub(crate) fn counts(counts: &[(u64, &str)]) -> Option<String> {
    let some = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    let some: Vec<String> = some.collect();
    (!some.is_empty()).then(|| some.join(", "))
}

/// A moment, to the minute.
pub(crate) fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// A line under the header, and nothing else.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table with these columns.
pub(crate) fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_drive_the_terminal_or_disguise_itself() {
        assert_eq!(plain("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
        assert_eq!(plain("invoice\u{202e}fdp.exe"), "invoice\\u{202e}fdp.exe");
        assert_eq!(plain("貯水槽 — שלום"), "貯水槽 — שלום");
    }
}
