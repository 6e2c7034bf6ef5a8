//! Bytes to text: byte order mark, UTF-8, UTF-16 without a mark, a declared label, and then a guess.

use std::borrow::Cow;

use catchment_core::{Error, ErrorKind, Result};
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes that are looked at to guess an encoding; more of a log file says nothing new.
const SAMPLE: usize = 256 << 10;

/// The text in `bytes`. `declared` is a label that the file itself or its envelope carries; it is
/// believed unless the bytes say otherwise. Refuses what is not text.
pub(crate) fn decode<'a>(bytes: &'a [u8], declared: Option<&str>) -> Result<Cow<'a, str>> {
    if let Some(text) = utf32(bytes) {
        return Ok(text.into());
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Ok(encoding.decode_without_bom_handling(&bytes[mark..]).0);
    }
    if let Some(encoding) = utf16(bytes) {
        return Ok(encoding.decode_without_bom_handling(bytes).0);
    }
    if is_binary(bytes) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "not a text file: export it as PDF, Office, HTML or plain text",
        ));
    }
    Ok(narrow(bytes, declared))
}

/// The text of a file in UTF-16 or UTF-32, for parsers that only know bytes that begin with ASCII.
pub(crate) fn wide(bytes: &[u8]) -> Option<String> {
    if let Some(text) = utf32(bytes) {
        return Some(text);
    }
    let (encoding, mark) = Encoding::for_bom(bytes).or_else(|| utf16(bytes).map(|encoding| (encoding, 0)))?;
    (encoding != UTF_8).then(|| encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned())
}

/// The same for markup inside a container, where refusing would lose the rest.
pub(crate) fn decode_lossy<'a>(bytes: &'a [u8], declared: Option<&str>) -> Cow<'a, str> {
    decode(bytes, declared).unwrap_or_else(|_| String::from_utf8_lossy(bytes))
}

/// XML says its encoding by mark, by the shape of its first bytes or in its declaration.
pub(crate) fn xml(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0;
    }
    match bytes {
        [b'<', 0, ..] => return UTF_16LE.decode_without_bom_handling(bytes).0,
        [0, b'<', ..] => return UTF_16BE.decode_without_bom_handling(bytes).0,
        _ => {}
    }
    let label = bytes.starts_with(b"<?xml").then(|| {
        let declaration = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        let value = declaration.split("?>").next()?.split_once("encoding")?.1.split(['"', '\'']).nth(1)?;
        Encoding::for_label(value.as_bytes())
    });
    match label.flatten() {
        Some(encoding) if encoding != UTF_8 && encoding.is_ascii_compatible() => {
            encoding.decode_without_bom_handling(bytes).0
        }
        _ => String::from_utf8_lossy(bytes),
    }
}

fn narrow<'a>(bytes: &'a [u8], declared: Option<&str>) -> Cow<'a, str> {
    if is_utf8(bytes) {
        return String::from_utf8_lossy(bytes);
    }
    let label = declared.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    if let Some(encoding) = label.filter(|encoding| *encoding != UTF_8 && encoding.is_ascii_compatible()) {
        return encoding.decode_without_bom_handling(bytes).0;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&bytes[..bytes.len().min(SAMPLE)], bytes.len() <= SAMPLE);
    detector.guess(None, Utf8Detection::Deny).decode_without_bom_handling(bytes).0
}

/// UTF-8, also when a few bytes of it are broken: a cut at the end, a stray byte in a log.
fn is_utf8(bytes: &[u8]) -> bool {
    if std::str::from_utf8(bytes).is_ok() {
        // ISO-2022-JP is ASCII with escapes, and so it is valid UTF-8.
        return !bytes.windows(3).take(SAMPLE).any(|window| matches!(window, b"\x1b$B" | b"\x1b$@" | b"\x1b(J"));
    }
    let (mut wide, mut invalid) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        wide += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        invalid += usize::from(!chunk.invalid().is_empty());
    }
    invalid * 8 <= wide
}

/// UTF-32 is recognised by its mark alone; it is too rare for more.
fn utf32(bytes: &[u8]) -> Option<String> {
    let read: fn([u8; 4]) -> u32 = match bytes {
        [0xff, 0xfe, 0, 0, ..] => u32::from_le_bytes,
        [0, 0, 0xfe, 0xff, ..] => u32::from_be_bytes,
        _ => return None,
    };
    let units = bytes[4..].as_chunks::<4>().0;
    Some(units.iter().map(|unit| char::from_u32(read(*unit)).unwrap_or('\u{fffd}')).collect())
}

/// UTF-16 without a mark: zero bytes in one half of every unit (Latin text), or units that nearly
/// all are letters, punctuation or blanks (other scripts, where only the line ends hold a zero).
fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(16 << 10)];
    if sample.len() < 4 || !bytes.len().is_multiple_of(2) || !sample.contains(&0) {
        return None;
    }
    let units = sample.as_chunks::<2>().0;
    let score = |read: fn([u8; 2]) -> u16| {
        let mut good = 0;
        for unit in char::decode_utf16(units.iter().map(|unit| read(*unit))) {
            match unit {
                Ok(c) if c.is_alphanumeric() || matches!(c, '\n' | '\r' | '\t') => good += 1,
                Ok(' '..='~' | '\u{a0}'..='\u{bf}' | '\u{2010}'..='\u{205e}' | '\u{3000}'..='\u{303f}') => good += 1,
                Ok('\u{ff01}'..='\u{ff65}') => good += 1,
                _ => {}
            }
        }
        good * 100 / units.len()
    };
    let zeros = |half: usize| units.iter().filter(|unit| unit[half] == 0).count() * 100 / units.len();
    let (little, big) = (score(u16::from_le_bytes), score(u16::from_be_bytes));
    let (low, high) = (zeros(0), zeros(1));
    if little > 90 && (high > 40 && low < 5 || little > 95 && little > big) {
        Some(UTF_16LE)
    } else if big > 90 && (low > 40 && high < 5 || big > 95 && big > little) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Control characters that no text editor writes, more of them than an accident explains.
fn is_binary(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let count = |wanted: fn(&u8) -> bool| sample.iter().filter(|byte| wanted(byte)).count();
    let zeros = count(|byte| *byte == 0);
    let controls = count(|byte| matches!(byte, 1..=8 | 0xe..=0x1a | 0x1c..=0x1f | 0x7f));
    zeros * 200 > sample.len() || (zeros + controls) * 20 > sample.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GERMAN: &str = "Größe und Maß: fünf Äpfel kosten 3 € in der Straße. ";

    fn utf16_bytes(text: &str, write: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(write).collect()
    }

    #[test]
    fn every_unicode_form_decodes_with_and_without_a_mark() {
        for text in [GERMAN, "これは日本語の文章です。\n二行目もあります。\n", "Привет, мир\nвторая строка\n"]
        {
            for write in [u16::to_le_bytes, u16::to_be_bytes] {
                let bare = utf16_bytes(text, write);
                assert_eq!(decode(&bare, None).unwrap(), text);
                let marked = utf16_bytes(&format!("\u{feff}{text}"), write);
                assert_eq!(decode(&marked, None).unwrap(), text);
            }
            assert_eq!(decode(format!("\u{feff}{text}").as_bytes(), None).unwrap(), text);
            let wide: Vec<u8> =
                std::iter::once('\u{feff}').chain(text.chars()).flat_map(|c| (c as u32).to_le_bytes()).collect();
            assert_eq!(decode(&wide, None).unwrap(), text);
        }
    }

    #[test]
    fn eight_bit_encodings_are_guessed_or_believed() {
        let german = encoding_rs::WINDOWS_1252.encode(GERMAN).0.into_owned();
        assert_eq!(decode(&german, None).unwrap(), GERMAN);
        let russian = encoding_rs::WINDOWS_1251.encode("Съешь же ещё этих мягких французских булок").0.into_owned();
        assert_eq!(decode(&russian, None).unwrap(), "Съешь же ещё этих мягких французских булок");
        let japanese = encoding_rs::SHIFT_JIS.encode("これは日本語の文章です。").0.into_owned();
        assert_eq!(decode(&japanese, None).unwrap(), "これは日本語の文章です。");
        let greek = encoding_rs::ISO_8859_7.encode("άλφα").0.into_owned();
        assert_eq!(decode(&greek, Some("iso-8859-7")).unwrap(), "άλφα");
    }

    #[test]
    fn utf8_with_a_stray_byte_is_still_utf8() {
        let mut bytes = GERMAN.repeat(9).into_bytes();
        bytes.push(0xc3);
        assert!(decode(&bytes, None).unwrap().starts_with(GERMAN));
    }

    #[test]
    fn binary_is_refused() {
        let noise: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert_eq!(decode(&noise, None).unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(
            decode(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0", None).unwrap_err().kind(),
            ErrorKind::Unsupported
        );
    }

    #[test]
    fn xml_declares_its_encoding() {
        let latin = b"<?xml version='1.0' encoding='iso-8859-1'?><a>\xe4</a>";
        assert!(xml(latin).ends_with("<a>ä</a>"));
        let wide = utf16_bytes("<?xml version='1.0'?><a>ä</a>", u16::to_le_bytes);
        assert!(xml(&wide).ends_with("<a>ä</a>"));
    }
}
