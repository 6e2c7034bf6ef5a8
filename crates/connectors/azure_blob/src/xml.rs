//! The XML of the service: lists and errors, read as they stream by.

use catchment_core::{Error, ErrorKind, Result};
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use quick_xml::{Reader, XmlVersion, events::Event};

/// One page of a list.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct List {
    pub(crate) blobs: Vec<Blob>,
    /// What the delimiter folded together; each ends in it.
    pub(crate) prefixes: Vec<String>,
    /// Where the next page starts, if there is one.
    pub(crate) next: Option<String>,
}

/// One blob.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Blob {
    pub(crate) name: String,
    /// The name is not UTF-8, and stands here with replacements.
    pub(crate) invalid: bool,
    pub(crate) size: Option<u64>,
    /// With quotes, as `If-Match` wants it.
    pub(crate) etag: Option<String>,
    pub(crate) modified: Option<DateTime<Utc>>,
    pub(crate) created: Option<DateTime<Utc>>,
    pub(crate) mime: Option<String>,
    /// MD5 in base64.
    pub(crate) md5: Option<String>,
    pub(crate) tier: Option<String>,
    /// On its way out of the archive.
    pub(crate) thawing: bool,
    /// A directory of an account with a hierarchical namespace, or a marker that stands for one.
    pub(crate) directory: bool,
    /// Encrypted with a key that the service does not keep.
    pub(crate) locked: bool,
    /// A snapshot, an old version, or deleted: not what is there now.
    pub(crate) past: bool,
}

/// What an error body says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The code, for example `BlobNotFound`.
    pub(crate) code: String,
    /// The parameter that is at fault, with some codes.
    pub(crate) parameter: Option<String>,
}

/// Reads an `EnumerationResults`.
pub(crate) fn list(body: &[u8]) -> Result<List> {
    let mut list = List::default();
    let mut blob = Blob::default();
    let mut seen = false;
    elements(body, |path, text| {
        match path {
            ["EnumerationResults", rest @ ..] => {
                seen = true;
                match rest {
                    ["NextMarker"] => list.next = text.value().filter(|marker| !marker.is_empty()),
                    ["Blobs", "Blob"] => list.blobs.push(std::mem::take(&mut blob)),
                    ["Blobs", "Blob", field @ ..] => blob.set(field, text),
                    ["Blobs", "BlobPrefix", "Name"] => list.prefixes.push(text.name().0),
                    _ => {}
                }
            }
            ["Error", ..] => {}
            _ => return Err(strange()),
        }
        Ok(())
    })?;
    if !seen {
        return Err(strange());
    }
    list.blobs.retain(|blob| !blob.past);
    Ok(list)
}

/// Reads an error body; `None` if it is something else.
pub(crate) fn fault(body: &[u8]) -> Option<Fault> {
    let mut fault = Fault::default();
    let mut is_error = false;
    let read = elements(body, |path, text| {
        match path {
            ["Error"] => is_error = true,
            ["Error", "Code"] => fault.code = text.trimmed(),
            ["Error", "QueryParameterName"] => fault.parameter = Some(text.trimmed()),
            _ => {}
        }
        Ok(())
    });
    // The code stands first: a body cut off behind it still says what is wrong.
    ((is_error || read.is_err()) && is_code(&fault.code)).then_some(fault)
}

/// Whether this is the name of an error, and no sentence.
pub(crate) fn is_code(code: &str) -> bool {
    !code.is_empty() && code.len() < 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether a body begins as a list and breaks off before its end.
pub(crate) fn is_cut_list(body: &[u8]) -> bool {
    let start = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    let begins = start.starts_with(b"<?xml") || start.starts_with(b"<EnumerationResults");
    begins && matches!(elements(body, |_, _| Ok(())), Err(error) if error.kind() == ErrorKind::Unavailable)
}

/// The text of an element that holds no others.
#[derive(Debug, Default)]
struct Text {
    text: String,
    leaf: bool,
    /// It says of itself that it is percent-encoded, since XML cannot hold all of it.
    encoded: bool,
}

/// Calls `visit` at the end of every element, with the names down to it and its own text.
fn elements(body: &[u8], mut visit: impl FnMut(&[&str], &Text) -> Result<()>) -> Result<()> {
    let body = std::str::from_utf8(body).map_err(|_| strange())?;
    // The service begins with a byte order mark.
    let mut reader = Reader::from_str(body.trim_start_matches('\u{feff}'));
    let mut names: Vec<&str> = Vec::new();
    let mut text = Text::default();
    loop {
        match reader.read_event().map_err(|_| cut())? {
            Event::Start(start) => {
                names.push(known(start.local_name().as_ref()));
                let encoded = matches!(start.try_get_attribute("Encoded"), Ok(Some(value)) if &*value.value == "true");
                text = Text { leaf: true, encoded, ..Text::default() };
            }
            Event::Empty(start) => {
                names.push(known(start.local_name().as_ref()));
                visit(&names, &Text { leaf: true, ..Text::default() })?;
                names.pop();
                text = Text::default();
            }
            Event::Text(part) => text.text.push_str(&part.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(part) => text.text.push_str(&part.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(name) => match (name.resolve_char_ref(), &*name) {
                (Ok(Some(character)), _) => text.text.push(character),
                (_, "amp") => text.text.push('&'),
                (_, "lt") => text.text.push('<'),
                (_, "gt") => text.text.push('>'),
                (_, "quot") => text.text.push('"'),
                (_, "apos") => text.text.push('\''),
                _ => return Err(strange()),
            },
            Event::End(_) => {
                visit(&names, &text)?;
                names.pop();
                text = Text::default();
            }
            Event::Eof if names.is_empty() => return Ok(()),
            Event::Eof => return Err(cut()),
            _ => {}
        }
    }
}

/// The names this module looks at; any other is of no interest.
fn known(name: &str) -> &'static str {
    const NAMES: [&str; 26] = [
        "EnumerationResults",
        "Blobs",
        "Blob",
        "BlobPrefix",
        "Name",
        "NextMarker",
        "Properties",
        "Metadata",
        "Deleted",
        "Snapshot",
        "IsCurrentVersion",
        "Creation-Time",
        "Last-Modified",
        "Etag",
        "Content-Length",
        "Content-Type",
        "Content-MD5",
        "AccessTier",
        "ArchiveStatus",
        "ResourceType",
        "CustomerProvidedKeySha256",
        "hdi_isfolder",
        "Error",
        "Code",
        "QueryParameterName",
        "VersionId",
    ];
    // Tools do not agree on the case of metadata.
    if name.eq_ignore_ascii_case("hdi_isfolder") {
        return "hdi_isfolder";
    }
    NAMES.into_iter().find(|known| *known == name).unwrap_or_default()
}

impl Text {
    fn value(&self) -> Option<String> {
        self.leaf.then(|| self.text.clone())
    }

    fn trimmed(&self) -> String {
        self.text.trim().to_owned()
    }

    fn filled(&self) -> Option<String> {
        Some(self.trimmed()).filter(|text| !text.is_empty())
    }

    /// A name, and whether it is not UTF-8.
    fn name(&self) -> (String, bool) {
        if !self.encoded {
            return (self.text.clone(), false);
        }
        match percent_decode_str(&self.text).decode_utf8() {
            Ok(name) => (name.into_owned(), false),
            Err(_) => (percent_decode_str(&self.text).decode_utf8_lossy().into_owned(), true),
        }
    }
}

impl Blob {
    fn set(&mut self, field: &[&str], text: &Text) {
        match field {
            ["Name"] => (self.name, self.invalid) = text.name(),
            ["Snapshot"] => self.past |= text.filled().is_some(),
            ["Deleted"] => self.past |= text.trimmed() == "true",
            ["IsCurrentVersion"] => self.past |= text.trimmed() == "false",
            ["Metadata", "hdi_isfolder"] => self.directory |= text.trimmed().eq_ignore_ascii_case("true"),
            ["Properties", property] => self.set_property(property, text),
            _ => {}
        }
    }

    fn set_property(&mut self, property: &str, text: &Text) {
        match property {
            "Content-Length" => self.size = text.trimmed().parse().ok(),
            "Etag" => self.etag = quoted(&text.text),
            "Last-Modified" => self.modified = http_date(&text.text),
            "Creation-Time" => self.created = http_date(&text.text),
            "Content-Type" => self.mime = text.filled(),
            "Content-MD5" => self.md5 = text.filled(),
            "AccessTier" => self.tier = text.filled(),
            "ArchiveStatus" => self.thawing = text.filled().is_some(),
            "ResourceType" => self.directory |= text.trimmed().eq_ignore_ascii_case("directory"),
            "CustomerProvidedKeySha256" => self.locked = text.filled().is_some(),
            _ => {}
        }
    }
}

/// An ETag with its quotes, which lists leave out and headers have.
pub(crate) fn quoted(etag: &str) -> Option<String> {
    let etag = etag.trim();
    match etag {
        "" | "\"\"" => None,
        _ if etag.ends_with('"') => Some(etag.to_owned()),
        _ => Some(format!("\"{etag}\"")),
    }
}

pub(crate) fn http_date(text: &str) -> Option<DateTime<Utc>> {
    httpdate::parse_http_date(text.trim()).ok().map(Into::into)
}

fn cut() -> Error {
    Error::new(ErrorKind::Unavailable, "the list broke off in the middle: try again")
}

fn strange() -> Error {
    Error::protocol("the answer is not a list of blobs: check url, it may be the address of something else")
}

#[cfg(test)]
#[path = "xml_tests.rs"]
mod tests;
