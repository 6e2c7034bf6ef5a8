//! Compound files: what Office wrote before 2007, and Outlook still does.

use std::io::{Cursor, Read};

use catchment_core::{Result, Text};
use cfb::CompoundFile;
use encoding_rs::{Encoding, WINDOWS_1252};

use super::{dates, failure::damaged, text};

/// An open compound file.
pub(crate) struct Compound<'a> {
    file: CompoundFile<Cursor<&'a [u8]>>,
    len: u64,
}

impl<'a> Compound<'a> {
    /// Opens the file; cfb itself checks that chains of sectors end.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self> {
        let file = CompoundFile::open(Cursor::new(bytes)).map_err(|error| damaged("compound file").source(error))?;
        Ok(Self { file, len: bytes.len() as u64 })
    }

    /// The bytes of a stream, or nothing if it is not there or broken. A stream cannot be longer
    /// than the file: compound files are not compressed.
    pub(crate) fn stream(&mut self, path: &str) -> Option<Vec<u8>> {
        let stream = self.file.open_stream(path).ok()?;
        let mut bytes = Vec::new();
        stream.take(self.len).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// The names of the storages and streams inside the storage at `path`.
    pub(crate) fn children(&self, path: &str) -> Vec<String> {
        match self.file.read_storage(path) {
            Ok(entries) => entries.map(|entry| entry.name().to_owned()).collect(),
            Err(_) => Vec::new(),
        }
    }
}

/// Title, author and dates from the summary information. Broken properties are no reason to lose
/// the text.
pub(crate) fn properties(bytes: &[u8], text: &mut Text) {
    let summary = Compound::open(bytes).ok().and_then(|mut file| file.stream("/\u{5}SummaryInformation"));
    if let Some(summary) = summary {
        summary_information(&summary, text);
    }
}

fn summary_information(set: &[u8], out: &mut Text) -> Option<()> {
    const CODE_PAGE: u32 = 1;
    let section = set.get(u32_at(set, 44)? as usize..)?;
    let count = u32_at(section, 4)?.min(100) as usize;
    let mut encoding = WINDOWS_1252;
    for index in 0..count {
        let (id, at) = (u32_at(section, 8 + index * 8)?, u32_at(section, 12 + index * 8)? as usize);
        let Some(value) = section.get(at..) else { continue };
        match (id, u32_at(value, 0)) {
            (CODE_PAGE, Some(2)) => encoding = code_page(u32_at(value, 4)? & 0xffff),
            (2 | 4, Some(0x1e)) => {
                let len = u32_at(value, 4)? as usize;
                let raw = value.get(8..)?;
                let raw = &raw[..len.min(raw.len())];
                let raw = raw.split(|byte| *byte == 0).next().unwrap_or_default();
                let value = text::label(&encoding.decode_without_bom_handling(raw).0);
                if id == 2 { out.title = value } else { out.author = value }
            }
            (12 | 13, Some(0x40)) => {
                let ticks = u64::from(u32_at(value, 4)?) | u64::from(u32_at(value, 8)?) << 32;
                if id == 12 { out.created = dates::filetime(ticks) } else { out.modified = dates::filetime(ticks) }
            }
            _ => {}
        }
    }
    Some(())
}

/// The encoding of a Windows code page; Western where it is unknown.
pub(crate) fn code_page(number: u32) -> &'static Encoding {
    let label = match number {
        932 => "shift_jis".to_owned(),
        936 | 54_936 => "gb18030".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        1361 => "euc-kr".to_owned(),
        10_000 => "macintosh".to_owned(),
        10_007 => "x-mac-cyrillic".to_owned(),
        20_866 => "koi8-r".to_owned(),
        21_866 => "koi8-u".to_owned(),
        28_591..=28_606 => format!("iso-8859-{}", number - 28_590),
        65_001 => "utf-8".to_owned(),
        866 => "ibm866".to_owned(),
        number => format!("windows-{number}"),
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(WINDOWS_1252)
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes([bytes[0], bytes[1]]))
}
