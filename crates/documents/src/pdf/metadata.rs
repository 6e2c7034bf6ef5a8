//! What a PDF file says about itself.

use catchment_core::Text;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use hayro_syntax::{
    Pdf,
    object::{DateTime as PdfDate, Dict, Stream},
};

/// The most of an XMP packet that is looked at.
const XMP: usize = 1 << 20;

/// Title, author and dates from the information dictionary, and from XMP where it says nothing.
pub(super) fn read(pdf: &Pdf, text: &mut Text) {
    let info = pdf.metadata();
    text.title = info.title.as_deref().map(string).filter(|title| !title.trim().is_empty());
    text.author = info.author.as_deref().map(string).filter(|author| !author.trim().is_empty());
    text.created = info.creation_date.and_then(date);
    text.modified = info.modification_date.and_then(date);
    if text.title.is_some() && text.author.is_some() && text.created.is_some() && text.modified.is_some() {
        return;
    }
    let packet = pdf
        .xref()
        .get::<Dict<'_>>(pdf.xref().root_id())
        .and_then(|catalog| catalog.get::<Stream<'_>>("Metadata"))
        .and_then(|stream| stream.decoded_data().ok().map(|data| data.into_owned()));
    if let Some(packet) = packet {
        let xmp = String::from_utf8_lossy(packet.get(..XMP).unwrap_or(&packet)).into_owned();
        text.title = text.title.take().or_else(|| listed(&xmp, "dc:title"));
        text.author = text.author.take().or_else(|| listed(&xmp, "dc:creator"));
        text.created = text.created.or_else(|| stamped(&xmp, "xmp:CreateDate"));
        text.modified = text.modified.or_else(|| stamped(&xmp, "xmp:ModifyDate"));
    }
}

/// The first entry of a list in XMP: `<dc:title><rdf:Alt><rdf:li>...`.
fn listed(xmp: &str, name: &str) -> Option<String> {
    let (_, rest) = xmp.split_once(&format!("<{name}"))?;
    let (inside, _) = rest.split_once(&format!("</{name}>"))?;
    let (_, item) = inside.split_once("<rdf:li")?;
    let (_, item) = item.split_once('>')?;
    let (item, _) = item.split_once("</rdf:li>")?;
    let item = unescape(item);
    (!item.trim().is_empty()).then_some(item)
}

/// A date in XMP, as an element or as an attribute.
fn stamped(xmp: &str, name: &str) -> Option<DateTime<Utc>> {
    let (_, rest) = xmp.split_once(name)?;
    let value = rest
        .strip_prefix('>')
        .or_else(|| rest.trim_start().strip_prefix('=')?.trim_start().strip_prefix(['"', '\'']))?;
    let end = value.find(['<', '"', '\''])?;
    DateTime::parse_from_rfc3339(value[..end].trim()).ok().map(|date| date.to_utc())
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}

fn date(date: PdfDate) -> Option<DateTime<Utc>> {
    let naive =
        NaiveDate::from_ymd_opt(i32::from(date.year), u32::from(date.month).max(1), u32::from(date.day).max(1))?
            .and_hms_opt(u32::from(date.hour), u32::from(date.minute), u32::from(date.second))?;
    let minutes = i64::from(date.utc_offset_hour) * 60 + i64::from(date.utc_offset_minute);
    naive.and_utc().checked_sub_signed(TimeDelta::minutes(minutes))
}

/// A text string: UTF-16 or UTF-8 by its byte order mark, else PDFDocEncoding.
pub(super) fn string(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        // Against the rules, but common.
        _ if !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok() => String::from_utf8_lossy(bytes).into_owned(),
        _ => bytes.iter().map(|byte| pdf_doc(*byte)).collect(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, _) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    let text = String::from_utf16_lossy(&units);
    // Language tags stand between two escape characters.
    match text.split_once('\u{1b}').and_then(|(before, rest)| Some((before, rest.split_once('\u{1b}')?.1))) {
        Some((before, after)) => format!("{before}{after}"),
        None => text,
    }
}

/// PDFDocEncoding (ISO 32000-1, D.2) is Latin-1 but for these.
fn pdf_doc(byte: u8) -> char {
    const HIGH: [char; 33] = [
        '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™', 'ﬁ', 'ﬂ', 'Ł',
        'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', ' ', '€',
    ];
    match byte {
        0x80..=0xa0 => HIGH[usize::from(byte - 0x80)],
        0x18 => '˘',
        0x19 => 'ˇ',
        0x1a => 'ˆ',
        0x1b => '˙',
        0x1c => '˝',
        0x1d => '˛',
        0x1e => '˚',
        0x1f => '˜',
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_strings_are_read_in_every_encoding() {
        assert_eq!(string(b"\xfe\xff\x00\xdc\x00b"), "Üb");
        assert_eq!(string(b"\xef\xbb\xbf\xc3\x9cb"), "Üb");
        assert_eq!(string(b"\xdcb \x84\xa0"), "Üb —€");
        assert_eq!(string(b"\xfe\xff\x00\x1b\x00d\x00e\x00\x1b\x00x"), "x");
    }

    #[test]
    fn xmp_gives_title_author_and_dates() {
        let xmp = r#"<x xmp:CreateDate="2024-05-06T07:08:09+02:00"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">R &amp; D</rdf:li>
            </rdf:Alt></dc:title><xmp:ModifyDate>2024-05-07T00:00:00Z</xmp:ModifyDate>"#;
        assert_eq!(listed(xmp, "dc:title").as_deref(), Some("R & D"));
        assert_eq!(listed(xmp, "dc:creator"), None);
        assert_eq!(
            stamped(xmp, "xmp:CreateDate").map(|date| date.to_rfc3339()).as_deref(),
            Some("2024-05-06T05:08:09+00:00")
        );
        assert!(stamped(xmp, "xmp:ModifyDate").is_some());
    }
}
