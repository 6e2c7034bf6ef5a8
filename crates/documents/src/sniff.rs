//! What a file is, decided by its content. The name breaks ties between kinds of text only.

use std::io::{Cursor, Read};

use catchment_core::{Error, ErrorKind, Result};
use file_format::{FileFormat, Kind};

use crate::hint::Hint;

mod text;

/// A format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Pdf,
    Docx,
    Pptx,
    Xlsx,
    Xlsb,
    Xls,
    Ods,
    Odt,
    Odp,
    Epub,
    Doc,
    Ppt,
    Msg,
    Mail,
    Rtf,
    Html,
    Markdown,
    Csv,
    Json,
    Xml,
    Plain,
}

impl Format {
    /// Its media type.
    pub(crate) fn mime(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Pptx => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Xlsb => "application/vnd.ms-excel.sheet.binary.macroenabled.12",
            Self::Xls => "application/vnd.ms-excel",
            Self::Ods => "application/vnd.oasis.opendocument.spreadsheet",
            Self::Odt => "application/vnd.oasis.opendocument.text",
            Self::Odp => "application/vnd.oasis.opendocument.presentation",
            Self::Epub => "application/epub+zip",
            Self::Doc => "application/msword",
            Self::Ppt => "application/vnd.ms-powerpoint",
            Self::Msg => "application/vnd.ms-outlook",
            Self::Mail => "message/rfc822",
            Self::Rtf => "application/rtf",
            Self::Html => "text/html",
            Self::Markdown => "text/markdown",
            Self::Csv => "text/csv",
            Self::Json => "application/json",
            Self::Xml => "application/xml",
            Self::Plain => "text/plain",
        }
    }
}

/// The format of `bytes`.
///
/// # Errors
/// `Unreadable` when the file is empty, damaged at its root or protected by a password;
/// `Unsupported` when it is of a kind that is not read, which the error names.
pub(crate) fn sniff(bytes: &[u8], hint: &Hint<'_>) -> Result<Format> {
    if bytes.is_empty() {
        return Err(Error::new(ErrorKind::Unreadable, "the file is empty"));
    }
    if is_pdf(bytes) {
        return Ok(Format::Pdf);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return zip(bytes);
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
        return compound(bytes);
    }
    if bytes.trim_ascii_start().starts_with(b"{\\rtf") {
        return Ok(Format::Rtf);
    }
    if bytes.starts_with(b"%!PS") {
        return Err(unsupported("PostScript", "print it to a PDF file"));
    }
    let magic = FileFormat::from_bytes(bytes);
    if let Some(text) = text::decode_head(bytes, is_binary(magic)) {
        return text::kind(&text, bytes, hint);
    }
    if is_binary(magic) {
        return Err(unsupported(magic.name(), remedy(magic.kind())));
    }
    Err(unsupported("unknown binary data", "convert it to PDF or text"))
}

/// A PDF may be preceded by up to 1 KiB of something else, but a text about PDF is not one.
fn is_pdf(bytes: &[u8]) -> bool {
    let head = bytes.get(..1024 + 5).unwrap_or(bytes);
    match head.windows(5).position(|window| window == b"%PDF-") {
        None => false,
        Some(at) if bytes[..at].iter().all(|byte| byte.is_ascii_whitespace() || *byte >= 0x80 || *byte == 0) => true,
        Some(at) => bytes[at..].windows(6).take(64 << 10).any(|window| window == b"endobj" || window == b" obj\r\n"),
    }
}

fn is_binary(magic: FileFormat) -> bool {
    !matches!(
        magic,
        FileFormat::ArbitraryBinaryData
            | FileFormat::PlainText
            | FileFormat::Empty
            | FileFormat::ExtensibleMarkupLanguage
    )
}

fn remedy(kind: Kind) -> &'static str {
    match kind {
        Kind::Archive | Kind::Compressed | Kind::Package => "unpack it and give the files inside",
        Kind::Image => "images hold no text that can be read, convert it to a PDF with a text layer",
        Kind::Audio | Kind::Video => "sound and video hold no text that can be read, give a transcript",
        _ => "convert it to PDF or text, or leave it out",
    }
}

fn unsupported(name: &str, remedy: &'static str) -> Error {
    Error::unsupported(format!("this kind of file is not read: {remedy}")).with("type", name)
}

fn protected() -> Error {
    Error::new(ErrorKind::Unreadable, "protected by a password: remove the password and try again")
}

fn damaged() -> Error {
    Error::new(ErrorKind::Unreadable, "damaged or cut off: fetch the file again, or save it anew from its program")
}

/// Office files of today, OpenDocument and EPUB: ZIP archives, told apart by what is in them.
fn zip(bytes: &[u8]) -> Result<Format> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged().source(error))?;
    // At most so much of a part is looked at.
    let mut part = |name: &str| -> Option<String> {
        let index = archive.index_for_name(name)?;
        let mut content = Vec::new();
        archive.by_index(index).ok()?.take(1 << 20).read_to_end(&mut content).ok()?;
        Some(String::from_utf8_lossy(&content).into_owned())
    };
    if let Some(mimetype) = part("mimetype") {
        let mimetype = mimetype.trim();
        let open_document = mimetype.strip_prefix("application/vnd.oasis.opendocument.");
        let format = match open_document.map(|kind| kind.trim_end_matches("-template")) {
            Some("text" | "text-master" | "text-web") => Some(Format::Odt),
            Some("spreadsheet") => Some(Format::Ods),
            Some("presentation") => Some(Format::Odp),
            Some(_) => return Err(unsupported("OpenDocument drawing", "convert it to PDF")),
            None if mimetype == "application/epub+zip" => Some(Format::Epub),
            None => None,
        };
        if open_document.is_some()
            && part("META-INF/manifest.xml").is_some_and(|manifest| manifest.contains("encryption-data"))
        {
            return Err(protected());
        }
        if let Some(format) = format {
            return Ok(format);
        }
    }
    if let Some(types) = part("[Content_Types].xml")
        && let Some(format) = main_part(&types)
    {
        return Ok(format);
    }
    let names: Vec<_> = archive.file_names().take(100_000).filter_map(std::result::Result::ok).collect();
    let has = |name: &str| names.iter().any(|entry| entry.eq_ignore_ascii_case(name));
    let ends = |suffix: &str| names.iter().any(|entry| entry.ends_with(suffix));
    match () {
        () if has("word/document.xml") => Ok(Format::Docx),
        () if has("ppt/presentation.xml") => Ok(Format::Pptx),
        () if has("xl/workbook.xml") => Ok(Format::Xlsx),
        () if has("xl/workbook.bin") => Ok(Format::Xlsb),
        () if has("META-INF/container.xml") && ends(".opf") => Ok(Format::Epub),
        () if ends(".iwa") || has("index.apxl") => {
            Err(unsupported("Apple Pages, Numbers or Keynote", "export it as PDF or as an Office file"))
        }
        () if has("visio/document.xml") => Err(unsupported("Visio drawing", "export it as PDF")),
        () if names.is_empty() => Err(unsupported("empty ZIP archive", "nothing is in it")),
        () => Err(unsupported("ZIP archive", "unpack it and give the files inside")),
    }
}

/// The format that `[Content_Types].xml` declares for the main part, also with macros or as a
/// template.
fn main_part(types: &str) -> Option<Format> {
    let types = types.to_ascii_lowercase();
    let declares = |kinds: &[&str]| kinds.iter().any(|kind| types.contains(kind));
    if declares(&[
        "wordprocessingml.document.main",
        "wordprocessingml.template.main",
        "ms-word.document",
        "ms-word.template",
    ]) {
        Some(Format::Docx)
    } else if declares(&[
        "presentationml.presentation.main",
        "presentationml.template.main",
        "presentationml.slideshow.main",
        "ms-powerpoint.presentation",
        "ms-powerpoint.template",
        "ms-powerpoint.slideshow",
    ]) {
        Some(Format::Pptx)
    } else if declares(&["ms-excel.sheet.binary"]) {
        Some(Format::Xlsb)
    } else if declares(&[
        "spreadsheetml.sheet.main",
        "spreadsheetml.template.main",
        "ms-excel.sheet.macro",
        "ms-excel.template.macro",
        "ms-excel.addin.macro",
    ]) {
        Some(Format::Xlsx)
    } else {
        None
    }
}

/// Office files before 2007, Outlook messages, and today's Office files under a password: compound
/// files, told apart by the streams at their root.
fn compound(bytes: &[u8]) -> Result<Format> {
    let roots: Vec<String> = match cfb::CompoundFile::open(Cursor::new(bytes)) {
        Ok(file) => file.read_root_storage().take(10_000).map(|entry| entry.name().to_owned()).collect(),
        // Too damaged for its directory, perhaps not for its text.
        Err(_) => {
            STREAMS.iter().filter(|(name, _)| mentions(bytes, name)).map(|(name, _)| (*name).to_owned()).collect()
        }
    };
    let found = STREAMS.iter().find(|(name, _)| roots.iter().any(|root| root.eq_ignore_ascii_case(name)));
    match found {
        Some((_, Some(format))) => Ok(*format),
        Some((_, None)) => Err(protected()),
        None if roots.is_empty() => Err(damaged()),
        None => Err(unsupported("OLE compound file", "save it in the format of its program, or as PDF")),
    }
}

/// Streams by which a compound file is known, in the order in which they decide: a message may
/// hold documents, and documents hold sheets. No format means protected.
const STREAMS: &[(&str, Option<Format>)] = &[
    ("EncryptedPackage", None),
    ("EncryptionInfo", None),
    ("__properties_version1.0", Some(Format::Msg)),
    ("WordDocument", Some(Format::Doc)),
    ("PowerPoint Document", Some(Format::Ppt)),
    ("Workbook", Some(Format::Xls)),
    ("Book", Some(Format::Xls)),
];

/// Whether a directory entry of this name stands in a compound file: entries have 128 bytes and
/// begin with their name in UTF-16.
fn mentions(bytes: &[u8], name: &str) -> bool {
    let name: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    bytes.chunks(128).any(|entry| entry.starts_with(&name))
}

#[cfg(test)]
mod tests;
