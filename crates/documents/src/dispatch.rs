//! From bytes to text: find the format, call its reader, hold what comes back to its promises.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use bytes::Bytes;
use catchment_core::{Error, ErrorKind, Result, Secret, Text};

use crate::{
    formats,
    hint::Hint,
    limits::{Budget, Limits},
    parser::Parsed,
    pdf,
    sniff::{self, Format},
};

/// Reads one document on the calling thread: the pure function behind [`Parser`](crate::Parser).
///
/// `name` is the file's name; it breaks ties between kinds of text and decides nothing else. There
/// is no boundary around it: a panic becomes an error, but a file that loops, takes all memory or
/// overflows the stack takes the process along. Use it on files you made yourself.
///
/// # Errors
/// `Unreadable` for a broken, protected or empty file, `Unsupported` for one that holds no text
/// format, `TooLarge` for one over a limit.
pub fn parse_bytes(name: &str, bytes: &[u8], limits: &Limits) -> Result<Parsed> {
    let mut budget = Budget::new(limits, bytes.len() as u64)?;
    parse(&Bytes::copy_from_slice(bytes), &Hint { name, mime: None }, None, &mut budget)
}

/// Reads one document within `budget`. A panic in a reader becomes an error.
pub(crate) fn parse(bytes: &Bytes, hint: &Hint<'_>, password: Option<&Secret>, budget: &mut Budget) -> Result<Parsed> {
    match catch_unwind(AssertUnwindSafe(|| read(bytes, hint, password, budget))) {
        Ok(result) => result,
        Err(panic) => Err(Error::new(
            ErrorKind::Unreadable,
            "the file makes its reader fail: it is damaged or very unusual, save it anew and try again",
        )
        .source(panic_message(panic.as_ref()))),
    }
}

fn read(bytes: &Bytes, hint: &Hint<'_>, password: Option<&Secret>, budget: &mut Budget) -> Result<Parsed> {
    let format = sniff::sniff(bytes, hint)?;
    let text = match format {
        Format::Pdf => pdf::parse(bytes, password, budget)?,
        Format::Docx => formats::docx::parse(bytes, budget, hint)?,
        Format::Pptx => formats::pptx::parse(bytes, budget, hint)?,
        Format::Xlsx | Format::Xlsb | Format::Xls => formats::spreadsheet::parse(bytes, budget, hint)?,
        Format::Html => formats::html::parse(bytes, budget, hint)?,
        Format::Markdown => formats::markdown::parse(bytes, budget, hint)?,
        Format::Csv => formats::csv::parse(bytes, budget, hint)?,
        Format::Json | Format::Xml | Format::Plain => formats::plain::parse(bytes, budget, hint)?,
        Format::Ods | Format::Odt | Format::Odp => formats::odf::parse(bytes, budget, hint)?,
        Format::Epub => formats::epub::parse(bytes, budget, hint)?,
        Format::Doc => formats::office97::doc(bytes, budget, hint)?,
        Format::Ppt => formats::office97::ppt(bytes, budget, hint)?,
        Format::Msg => formats::msg::parse(bytes, budget, hint)?,
        Format::Mail => formats::mail::parse(bytes, budget, hint)?,
        Format::Rtf => formats::rtf::parse(bytes, budget, hint)?,
    };
    Ok(Parsed { mime: format.mime().to_owned(), text: clean(text) })
}

/// Holds the text to what [`Text`] promises: no empty block, no control characters.
fn clean(mut text: Text) -> Text {
    for page in &mut text.pages {
        for block in &mut page.blocks {
            if block.text.chars().any(is_unwanted) {
                block.text = block.text.replace("\r\n", "\n").replace(['\r', '\u{b}', '\u{c}', '\u{85}'], "\n");
                block.text.retain(|char| !is_unwanted(char));
            }
            let kept = block.text.trim_end().trim_start_matches('\n').len();
            if kept != block.text.len() {
                block.text = block.text.trim_end().trim_start_matches('\n').to_owned();
            }
        }
        page.blocks.retain(|block| !block.text.trim().is_empty());
        page.label = page.label.take().and_then(line);
    }
    text.title = text.title.and_then(line);
    text.author = text.author.and_then(line);
    text
}

fn is_unwanted(char: char) -> bool {
    // U+FFFE, U+FFFF and U+FEFF are what is left of broken encodings and stray byte order marks.
    (char.is_control() && char != '\n' && char != '\t') || matches!(char, '\u{fffe}' | '\u{ffff}' | '\u{feff}')
}

/// One line without control characters, or nothing when nothing is left.
fn line(text: String) -> Option<String> {
    const MOST: usize = 1000;
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|char| !char.is_control()).take(MOST).collect();
    (!line.trim().is_empty()).then_some(line)
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    message.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a message".into())
}

#[cfg(test)]
mod tests {
    use catchment_core::{Block, TextPage};

    use super::*;

    #[test]
    fn no_block_is_empty_or_holds_control_characters() {
        let blocks = vec![Block::paragraph("a\r\nb\u{0}\u{7}\tc\n"), Block::paragraph(" \n\u{1}")];
        let text = Text { pages: vec![TextPage { number: 1, label: None, blocks }], ..Text::default() };
        assert_eq!(clean(text).pages[0].blocks, [Block::paragraph("a\nb\tc")]);
    }

    #[test]
    fn a_title_is_one_line() {
        let text = Text { title: Some(" a \n b\u{0} ".into()), author: Some("\u{0} ".into()), ..Text::default() };
        let text = clean(text);
        assert_eq!((text.title.as_deref(), text.author), (Some("a b"), None));
    }
}
