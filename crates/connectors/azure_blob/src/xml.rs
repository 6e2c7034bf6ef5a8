//! The XML of the service: lists and errors, read as they stream by.

use catchment_core::Result;
use catchment_object_store::{
    quoted,
    xml::{self, Fault, Text, elements, strange},
};
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;

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

/// The names that are looked at; any other is of no interest.
const NAMES: [&str; 24] = [
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
    "VersionId",
];

/// Reads an `EnumerationResults`.
pub(crate) fn list(body: &[u8]) -> Result<List> {
    let mut list = List::default();
    let mut blob = Blob::default();
    let mut seen = false;
    elements(body, &NAMES, |path, text| {
        match path {
            ["EnumerationResults", rest @ ..] => {
                seen = true;
                match rest {
                    ["NextMarker"] => list.next = text.value().filter(|marker| !marker.is_empty()),
                    ["Blobs", "Blob"] => list.blobs.push(std::mem::take(&mut blob)),
                    ["Blobs", "Blob", field @ ..] => blob.set(field, text),
                    ["Blobs", "BlobPrefix", "Name"] => list.prefixes.push(name(text).0),
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

/// Reads an error body, with the parameter that is at fault as its detail; `None` if it is something else.
pub(crate) fn fault(body: &[u8]) -> Option<Fault> {
    xml::fault(body, "QueryParameterName")
}

/// Whether a body begins as a list and breaks off before its end.
pub(crate) fn is_cut_list(body: &[u8]) -> bool {
    xml::is_cut_list(body, "EnumerationResults")
}

/// A name, and whether it is not UTF-8.
fn name(text: &Text) -> (String, bool) {
    if !text.is_encoded() {
        return (text.as_str().to_owned(), false);
    }
    let decoded = percent_decode_str(text.as_str());
    match decoded.clone().decode_utf8() {
        Ok(name) => (name.into_owned(), false),
        Err(_) => (decoded.decode_utf8_lossy().into_owned(), true),
    }
}

impl Blob {
    fn set(&mut self, field: &[&str], text: &Text) {
        match field {
            ["Name"] => (self.name, self.invalid) = name(text),
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
            "Etag" => self.etag = quoted(text.as_str()),
            "Last-Modified" => self.modified = http_date(text.as_str()),
            "Creation-Time" => self.created = http_date(text.as_str()),
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

pub(crate) fn http_date(text: &str) -> Option<DateTime<Utc>> {
    httpdate::parse_http_date(text.trim()).ok().map(Into::into)
}

#[cfg(test)]
#[path = "xml_tests.rs"]
mod tests;
