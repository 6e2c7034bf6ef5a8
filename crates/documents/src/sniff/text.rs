//! Telling text from other data, and one kind of text from another.

use catchment_core::Result;

use super::{Format, unsupported};
use crate::hint::Hint;

/// How much of a file is looked at.
const HEAD: usize = 64 << 10;

/// The beginning of the file as text, or nothing if it is no text. `suspect` says that it begins
/// like some binary format; then only valid UTF-8 or a byte order mark is believed.
pub(super) fn decode_head(bytes: &[u8], suspect: bool) -> Option<String> {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    if let Some((little, at)) = utf16(head) {
        let unit = |pair: &[u8]| match little {
            true => u16::from_le_bytes([pair[0], pair[1]]),
            false => u16::from_be_bytes([pair[0], pair[1]]),
        };
        let units: Vec<u16> = head[at..].chunks_exact(2).map(unit).collect();
        return Some(String::from_utf16_lossy(&units));
    }
    if head.starts_with(&[0xff, 0xfe, 0, 0]) || head.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Some(String::new());
    }
    let controls = head.iter().filter(|byte| matches!(byte, 0..=8 | 0xe..=0x1a | 0x1c..=0x1f | 0x7f)).count();
    let nul = head.contains(&0);
    match std::str::from_utf8(head) {
        Ok(text) if !nul && controls * 20 <= head.len() => {
            return Some(text.trim_start_matches('\u{feff}').to_owned());
        }
        // The head may end within a character.
        Err(error) if !nul && error.valid_up_to() + 4 > head.len() && controls * 20 <= head.len() => {
            return Some(String::from_utf8_lossy(head).trim_start_matches('\u{feff}').to_owned());
        }
        _ => {}
    }
    // An older encoding: a text has hardly any control characters, other data has many.
    (!suspect && !nul && controls * 200 <= head.len()).then(|| head.iter().copied().map(char::from).collect())
}

/// UTF-16 by its byte order mark, or without one by the zeros in every second byte. Gives whether
/// the little end comes first, and where the text begins.
fn utf16(head: &[u8]) -> Option<(bool, usize)> {
    match head {
        [0xff, 0xfe, 0, 0, ..] => return None,
        [0xff, 0xfe, ..] => return Some((true, 2)),
        [0xfe, 0xff, ..] => return Some((false, 2)),
        _ => {}
    }
    if head.len() < 8 {
        return None;
    }
    let pairs = head.len() / 2;
    let zeros = |offset: usize| head.chunks_exact(2).filter(|pair| pair[offset] == 0).count();
    let printable = |offset: usize| {
        head.chunks_exact(2).filter(|pair| matches!(pair[offset], b'\t' | b'\n' | b'\r' | b' '..=b'~')).count()
    };
    if zeros(1) * 10 >= pairs * 7 && printable(0) * 10 >= pairs * 7 {
        Some((true, 0))
    } else if zeros(0) * 10 >= pairs * 7 && printable(1) * 10 >= pairs * 7 {
        Some((false, 0))
    } else {
        None
    }
}

/// Which kind of text this is. `text` is its beginning, `bytes` is all of it.
pub(super) fn kind(text: &str, bytes: &[u8], hint: &Hint<'_>) -> Result<Format> {
    let start = text.trim_start();
    let extension = hint.extension();
    if is_html(start) {
        return Ok(Format::Html);
    }
    if start.starts_with("<?xml") {
        return Ok(Format::Xml);
    }
    if text.starts_with("From ") && text.lines().nth(1).is_some_and(|line| header(line).is_some()) {
        return Err(unsupported("mbox mailbox", "export its messages as .eml files"));
    }
    if is_mail(text, extension == "eml" || claims(hint, "message/rfc822")) {
        return Ok(Format::Mail);
    }
    if start.starts_with(['{', '['])
        && (serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok() || matches!(&*extension, "json" | "jsonl"))
    {
        return Ok(Format::Json);
    }
    Ok(match &*extension {
        "csv" | "tsv" | "tab" => Format::Csv,
        "md" | "markdown" | "mdown" | "mkd" => Format::Markdown,
        "html" | "htm" | "xhtml" => Format::Html,
        "xml" | "svg" | "rss" | "xsl" | "xsd" => Format::Xml,
        "" if claims(hint, "text/csv") || claims(hint, "text/tab-separated-values") => Format::Csv,
        "" if claims(hint, "text/markdown") => Format::Markdown,
        "" if claims(hint, "text/html") => Format::Html,
        _ => Format::Plain,
    })
}

fn claims(hint: &Hint<'_>, mime: &str) -> bool {
    hint.mime.is_some_and(|claimed| claimed.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(mime))
}

/// Whether the first element, after comments and declarations, is one of HTML's.
fn is_html(mut text: &str) -> bool {
    loop {
        text = text.trim_start();
        if let Some(comment) = text.strip_prefix("<!--") {
            match comment.find("-->") {
                Some(end) => text = &comment[end + 3..],
                None => return false,
            }
        } else if text.starts_with("<?xml") {
            match text.find("?>") {
                Some(end) => text = &text[end + 2..],
                None => return false,
            }
        } else {
            break;
        }
    }
    let Some(tag) = text.strip_prefix('<') else {
        return false;
    };
    let tag = tag.get(..64.min(tag.len())).unwrap_or_default().to_ascii_lowercase();
    if let Some(doctype) = tag.strip_prefix("!doctype") {
        return doctype.trim_start().starts_with("html");
    }
    let name = tag.split(|char: char| !char.is_ascii_alphanumeric()).next().unwrap_or("");
    matches!(name, "html" | "head" | "body" | "title" | "meta" | "script" | "style" | "table" | "div" | "h1" | "p")
}

/// A mail begins with headers up to a blank line. Two well-known ones are asked for, one of which
/// no person writes at the top of a note; a name that ends in `.eml` needs only one.
fn is_mail(text: &str, claimed: bool) -> bool {
    const WRITTEN: &[&str] = &["from", "to", "subject", "date", "cc", "bcc", "reply-to", "sender"];
    const MACHINE: &[&str] =
        &["received", "message-id", "mime-version", "return-path", "delivered-to", "dkim-signature", "content-type"];
    let (mut written, mut machine) = (0, 0);
    for line in text.lines().take(200) {
        if line.trim().is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some(name) = header(line) else {
            break;
        };
        written += usize::from(WRITTEN.iter().any(|known| name.eq_ignore_ascii_case(known)));
        machine += usize::from(MACHINE.iter().any(|known| name.eq_ignore_ascii_case(known)));
    }
    (machine > 0 && written > 0) || (claimed && machine + written > 0)
}

/// The name of a header field, if the line is one.
fn header(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(':')?;
    (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())).then_some(name)
}
