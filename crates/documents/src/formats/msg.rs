//! Outlook messages: `.msg`, properties in the streams of a compound file.

use catchment_core::{Result, Text};
use chrono::{DateTime, Utc};
use encoding_rs::{Encoding, WINDOWS_1252};

use super::{
    charset,
    compound::{Compound, code_page, u16_at, u32_at},
    dates,
    failure::damaged,
    mail::{Letter, attach, attachment_text, body_html, write_letter},
    out::Out,
    plain, rtf, text,
};
use crate::{hint::Hint, limits::Budget};

/// Property ids, as MS-OXPROPS numbers them.
mod id {
    pub(super) const SUBJECT: u16 = 0x0037;
    pub(super) const SUBMITTED: u16 = 0x0039;
    pub(super) const SENDER_NAME: u16 = 0x0c1a;
    pub(super) const SENDER_ADDRESS: u16 = 0x0c1f;
    pub(super) const SENDER_SMTP: u16 = 0x5d01;
    pub(super) const DISPLAY_CC: u16 = 0x0e03;
    pub(super) const DISPLAY_TO: u16 = 0x0e04;
    pub(super) const DELIVERED: u16 = 0x0e06;
    pub(super) const BODY: u16 = 0x1000;
    pub(super) const BODY_RTF: u16 = 0x1009;
    pub(super) const BODY_HTML: u16 = 0x1013;
    pub(super) const ATTACH_DATA: u16 = 0x3701;
    pub(super) const ATTACH_NAME: u16 = 0x3704;
    pub(super) const ATTACH_LONG_NAME: u16 = 0x3707;
    pub(super) const ATTACH_MIME: u16 = 0x370e;
    pub(super) const INTERNET_CODE_PAGE: u16 = 0x3fde;
    pub(super) const MESSAGE_CODE_PAGE: u16 = 0x3ffd;
}

/// The same as for other mail: envelope, text, attachments.
pub(crate) fn parse(bytes: &[u8], budget: &mut Budget, _hint: &Hint<'_>) -> Result<Text> {
    let mut file = Compound::open(bytes)?;
    let mut out = Out::default();
    message(&mut file, "", 32, &mut out, budget)?;
    out.finish(budget)
}

/// Reads the message in the storage at `path`; `header` bytes precede its fixed properties.
fn message(file: &mut Compound<'_>, path: &str, header: usize, out: &mut Out, budget: &mut Budget) -> Result<()> {
    budget.tick()?;
    let fixed = file.stream(&format!("{path}/__properties_version1.0")).ok_or_else(|| damaged("message properties"))?;
    let fixed = Fixed(fixed.get(header..).unwrap_or_default());
    let mut props = Properties { file, path, encoding: fixed.code_page(id::MESSAGE_CODE_PAGE).unwrap_or(WINDOWS_1252) };
    let name = props.text(id::SENDER_NAME).unwrap_or_default();
    let smtp = props.text(id::SENDER_SMTP).or_else(|| props.text(id::SENDER_ADDRESS));
    let address = smtp.filter(|address| address.contains('@') && *address != name);
    let letter = Letter {
        subject: props.text(id::SUBJECT),
        from: address.map_or_else(|| name.clone(), |address| format!("{name} <{address}>").trim().to_owned()),
        to: props.text(id::DISPLAY_TO).unwrap_or_default(),
        cc: props.text(id::DISPLAY_CC).unwrap_or_default(),
        date: fixed.date(id::SUBMITTED).or_else(|| fixed.date(id::DELIVERED)),
    };
    write_letter(&letter, out, budget)?;
    let plain = props.text(id::BODY).filter(|text| !text.trim().is_empty());
    if let Some(plain) = plain {
        plain::blocks(&plain, false, out, budget)?;
    } else if let Some(html) = props.binary(id::BODY_HTML) {
        let label = fixed.code_page(id::INTERNET_CODE_PAGE).map(Encoding::name);
        body_html(&charset::decode_lossy(&html, label), out, budget)?;
    } else if let Some(html) = props.text(id::BODY_HTML) {
        body_html(&html, out, budget)?;
    } else if let Some(packed) = props.binary(id::BODY_RTF) {
        match unpack(&packed) {
            Some(body) => {
                budget.decompressed(body.len() as u64)?;
                rtf::blocks(&body, out, budget)?;
            }
            None => out.warn("the body of the message is damaged"),
        }
    }
    let children = file.children(if path.is_empty() { "/" } else { path });
    let attached = children.into_iter().filter(|name| name.starts_with("__attach_version1.0_"));
    for (number, storage) in attached.enumerate() {
        attachment(file, &format!("{path}/{storage}"), number, out, budget)?;
    }
    Ok(())
}

fn attachment(file: &mut Compound<'_>, path: &str, number: usize, out: &mut Out, budget: &mut Budget) -> Result<()> {
    let mut props = Properties { file, path, encoding: WINDOWS_1252 };
    let name = props.text(id::ATTACH_LONG_NAME).or_else(|| props.text(id::ATTACH_NAME));
    let name = name.and_then(|name| text::label(&name)).unwrap_or_else(|| format!("attachment {}", number + 1));
    let kind = props.text(id::ATTACH_MIME).map(|kind| kind.to_ascii_lowercase());
    let data = props.binary(id::ATTACH_DATA);
    attach(&name, kind.as_deref(), out, budget, &mut |budget| match &data {
        Some(data) => attachment_text(data, &name, kind.as_deref(), budget),
        // No bytes: then it is a message, kept as a storage of its own.
        None => {
            let mut inner = Out::default();
            message(file, &format!("{path}/__substg1.0_{:04X}000D", id::ATTACH_DATA), 24, &mut inner, budget)?;
            inner.finish(budget)
        }
    })
}

/// The RTF in a compressed body. The library believes the lengths that the header claims, so those
/// are checked first; what it gives is one character for every byte.
fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    /// A reference of two bytes stands for at most seventeen.
    const RATIO: usize = 9;
    const STORED: u32 = 0x414c_454d;
    let (raw, kind) = (u32_at(packed, 4)? as usize, u32_at(packed, 8)?);
    let most = if kind == STORED { packed.len().checked_sub(16)? } else { packed.len() * RATIO };
    if packed.len() < 16 || raw > most {
        return None;
    }
    let text = compressed_rtf::decompress_rtf(packed).ok()?;
    Some(text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect())
}

/// Properties of variable length: a stream each, named by id and type.
struct Properties<'f, 'a> {
    file: &'f mut Compound<'a>,
    path: &'f str,
    encoding: &'static Encoding,
}

impl Properties<'_, '_> {
    fn text(&mut self, id: u16) -> Option<String> {
        let path = format!("{}/__substg1.0_{id:04X}", self.path);
        if let Some(bytes) = self.file.stream(&format!("{path}001F")) {
            // Some programs write 8-bit text under the type for UTF-16.
            if bytes.len() >= 8 && bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
                return String::from_utf8(bytes).ok();
            }
            return Some(encoding_rs::UTF_16LE.decode_without_bom_handling(&bytes).0.into_owned());
        }
        let bytes = self.file.stream(&format!("{path}001E"))?;
        Some(charset::decode_lossy(&bytes, Some(self.encoding.name())).into_owned())
    }

    fn binary(&mut self, id: u16) -> Option<Vec<u8>> {
        self.file.stream(&format!("{}/__substg1.0_{id:04X}0102", self.path))
    }
}

/// Properties of fixed length: 16 bytes each, with type, id, flags and value.
struct Fixed<'a>(&'a [u8]);

impl Fixed<'_> {
    fn find(&self, id: u16) -> Option<&[u8]> {
        self.0.as_chunks::<16>().0.iter().find(|entry| u16_at(*entry, 2) == Some(id)).map(|entry| &entry[8..])
    }

    fn date(&self, id: u16) -> Option<DateTime<Utc>> {
        let value = self.find(id)?;
        dates::filetime(u64::from(u32_at(value, 0)?) | u64::from(u32_at(value, 4)?) << 32)
    }

    fn code_page(&self, id: u16) -> Option<&'static Encoding> {
        self.find(id).and_then(|value| u32_at(value, 0)).map(code_page)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use catchment_core::BlockKind;
    use cfb::CompoundFile;

    use super::*;
    use crate::Limits;

    type File = CompoundFile<Cursor<Vec<u8>>>;

    /// A message at `path` with these texts, and a date among its fixed properties.
    fn fill(file: &mut File, path: &str, header: usize, texts: &[(u16, &str)], binaries: &[(u16, &[u8])]) {
        let mut fixed = vec![0; header];
        fixed.extend([0x40, 0, 0x39, 0, 6, 0, 0, 0]);
        fixed.extend(133_594_528_890_000_000_u64.to_le_bytes());
        put(file, &format!("{path}/__properties_version1.0"), &fixed);
        for (id, text) in texts {
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            put(file, &format!("{path}/__substg1.0_{id:04X}001F"), &wide);
        }
        for (id, bytes) in binaries {
            put(file, &format!("{path}/__substg1.0_{id:04X}0102"), bytes);
        }
    }

    fn put(file: &mut File, path: &str, bytes: &[u8]) {
        file.create_stream(path).unwrap().write_all(bytes).unwrap();
    }

    fn read(file: File) -> Text {
        let bytes = file.into_inner().into_inner();
        parse(&bytes, &mut Budget::new(&Limits::default(), bytes.len() as u64).unwrap(), &Hint::default()).unwrap()
    }

    #[test]
    fn a_message_brings_its_envelope_text_and_attachments() {
        let mut file = CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        let texts = [
            (id::SUBJECT, "Größe"),
            (id::SENDER_NAME, "Ada"),
            (id::SENDER_SMTP, "ada@example.com"),
            (id::DISPLAY_TO, "Bob"),
            (id::BODY, "First.\r\n\r\nSecond."),
        ];
        fill(&mut file, "", 32, &texts, &[]);
        let (list, inner) = ("/__attach_version1.0_#00000000", "/__attach_version1.0_#00000001");
        file.create_storage(list).unwrap();
        fill(&mut file, list, 8, &[(id::ATTACH_LONG_NAME, "list.csv")], &[(id::ATTACH_DATA, b"a,b\n1,2\n")]);
        file.create_storage(inner).unwrap();
        fill(&mut file, inner, 8, &[(id::ATTACH_LONG_NAME, "Forwarded")], &[]);
        let nested = format!("{inner}/__substg1.0_3701000D");
        file.create_storage(&nested).unwrap();
        fill(&mut file, &nested, 24, &[(id::SUBJECT, "Inner"), (id::BODY, "Words inside.")], &[]);
        let text = read(file);
        assert_eq!(
            (text.title.as_deref(), text.created.map(|date| date.timestamp())),
            (Some("Größe"), Some(1_714_979_289))
        );
        let blocks: Vec<_> = text
            .pages
            .iter()
            .flat_map(|page| page.blocks.iter().map(|block| (page.number, block.kind, block.text.as_str())))
            .collect();
        assert_eq!(
            blocks,
            [
                (
                    1,
                    BlockKind::Paragraph,
                    "From: Ada <ada@example.com>\nTo: Bob\nDate: 2024-05-06 07:08:09 UTC\nSubject: Größe"
                ),
                (1, BlockKind::Paragraph, "First."),
                (1, BlockKind::Paragraph, "Second."),
                (2, BlockKind::Heading(2), "list.csv"),
                (2, BlockKind::Table, "a\tb\n1\t2"),
                (3, BlockKind::Heading(2), "Forwarded"),
                (3, BlockKind::Paragraph, "Date: 2024-05-06 07:08:09 UTC\nSubject: Inner"),
                (3, BlockKind::Paragraph, "Words inside."),
            ]
        );
    }

    #[test]
    fn a_body_in_compressed_rtf_is_read_and_its_lengths_are_not_believed() {
        let packed = compressed_rtf::compress_rtf(r"{\rtf1\ansi Gr\'fc\'dfe\par}").unwrap();
        let body = |packed: &[u8]| {
            let mut file = CompoundFile::create(Cursor::new(Vec::new())).unwrap();
            fill(&mut file, "", 32, &[(id::SUBJECT, "S")], &[(id::BODY_RTF, packed)]);
            read(file)
        };
        assert_eq!(body(&packed).pages[0].blocks[1].text, "Grüße");
        let mut claims = packed.clone();
        claims[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        for broken in [&claims[..], &packed[..15], b"", b"LZFu"] {
            assert_eq!(body(broken).warnings, ["the body of the message is damaged"]);
        }
    }
}
