//! Clean text for blocks: no control characters, no runs of blanks, nothing empty.

/// Running text: blanks collapse to one, line breaks stay, empty lines go.
pub(crate) fn prose(raw: &str) -> String {
    squeeze(raw, '\n')
}

/// One line: line breaks count as blanks, as in a table's cell, a label or a title.
pub(crate) fn line(raw: &str) -> String {
    squeeze(raw, ' ')
}

/// Preformatted lines: indentation and inner blanks stay, blanks at line ends and empty lines
/// around the whole go.
pub(crate) fn code(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            c if is_break(c) => {
                trim_blanks(&mut out);
                if !out.is_empty() {
                    out.push('\n');
                }
            }
            '\t' => out.push('\t'),
            c if is_noise(c) => {}
            c => out.push(c),
        }
    }
    out.truncate(out.trim_end().len());
    if out.trim().is_empty() {
        out.clear();
    }
    out
}

/// A title, an author or a label, if there is anything in it.
pub(crate) fn label(raw: &str) -> Option<String> {
    // A title is shown in lists: a hostile one must not be a megabyte long.
    let mut text = line(raw);
    if let Some((at, _)) = text.char_indices().nth(500) {
        text.truncate(at);
    }
    (!text.is_empty()).then_some(text)
}

fn squeeze(raw: &str, newline: char) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut gap = None;
    for c in raw.chars() {
        if is_break(c) {
            gap = Some(newline);
        } else if c.is_whitespace() {
            gap = gap.or(Some(' '));
        } else if !is_noise(c) {
            if let Some(gap) = gap.take()
                && !out.is_empty()
            {
                out.push(gap);
            }
            out.push(c);
        }
    }
    out
}

fn trim_blanks(out: &mut String) {
    let kept = out.trim_end_matches([' ', '\t']).len();
    out.truncate(kept);
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What carries no text: control characters, byte order marks, soft hyphens, non-characters.
fn is_noise(c: char) -> bool {
    c.is_control() || matches!(c, '\u{ad}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{fff9}'..='\u{fffc}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_keeps_lines_and_collapses_blanks() {
        assert_eq!(prose("  a\u{a0}\t b\r\n\r\n c\u{0}\u{7}d\u{ad}e \n"), "a b\ncde");
        assert_eq!(prose(" \u{0} \n"), "");
    }

    #[test]
    fn a_line_has_no_breaks() {
        assert_eq!(line("a\nb\u{2028}c\td"), "a b c d");
    }

    #[test]
    fn code_keeps_indentation() {
        assert_eq!(code("\n  fn a() {  \r\n\tb\u{1b}\n\n  }\n\n"), "  fn a() {\n\tb\n\n  }");
        assert_eq!(code(" \n\t\n"), "");
    }

    #[test]
    fn a_label_is_short_or_absent() {
        assert_eq!(label(" \n "), None);
        assert_eq!(label(&"ä".repeat(9_000)).map(|label| label.chars().count()), Some(500));
    }
}
