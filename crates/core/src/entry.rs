//! Entries: what can be browsed. Containers, files, and things that are neither.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The vendor's stable id of an entry. Opaque: compare it, store it, hand it back, nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(String);

/// A mark that changes whenever the content changes: an ETag, or size and modification time.
/// Compared for equality only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

/// Something browsable, as the vendor lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The vendor's stable id.
    pub id: EntryId,
    /// The name a person sees. May hold anything a vendor allows: never join it to a local path.
    pub name: String,
    /// Names from the integration's root, separated by `/`, without a leading `/`. The root is "".
    pub path: String,
    /// The container it is in, if the vendor says. What it means in a feed of changes stands in
    /// [`changes`](crate::changes).
    pub parent: Option<EntryId>,
    /// Container, file, or neither.
    pub kind: EntryKind,
    /// Bytes, if the vendor says.
    pub size: Option<u64>,
    /// When it last changed, if the vendor says.
    pub modified: Option<DateTime<Utc>>,
    /// When it was made, if the vendor says.
    pub created: Option<DateTime<Utc>>,
    /// The media type the vendor claims.
    pub mime: Option<String>,
    /// Changes whenever the content does. Without one, a file is downloaded to find out.
    pub fingerprint: Option<Fingerprint>,
    /// A hash of the content, if the vendor gives one.
    pub hash: Option<ContentHash>,
    /// Where a person can open it.
    pub web_url: Option<String>,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Has children.
    Container,
    /// Has content.
    File,
    /// Has neither, or its content cannot be had: a socket, a dangling link, an archived object.
    /// The text says which and what a person could do.
    Special(String),
}

/// A vendor's hash of the content.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContentHash {
    /// `md5`, `sha256`, `quickxor`, `dropbox`, ...
    pub algorithm: String,
    /// As the vendor writes it.
    pub value: String,
}

impl Entry {
    /// A file; the other fields are filled in as the vendor gives them.
    pub fn file(id: impl Into<EntryId>, path: impl Into<String>) -> Self {
        Self::new(id, path, EntryKind::File)
    }

    /// A container.
    pub fn container(id: impl Into<EntryId>, path: impl Into<String>) -> Self {
        Self::new(id, path, EntryKind::Container)
    }

    /// Something whose content cannot be had, and why.
    pub fn special(id: impl Into<EntryId>, path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(id, path, EntryKind::Special(reason.into()))
    }

    fn new(id: impl Into<EntryId>, path: impl Into<String>, kind: EntryKind) -> Self {
        let path = path.into();
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        Self {
            id: id.into(),
            name,
            path,
            parent: None,
            kind,
            size: None,
            modified: None,
            created: None,
            mime: None,
            fingerprint: None,
            hash: None,
            web_url: None,
        }
    }

    /// What its path has behind the path of its container: the name, unless the path cannot hold
    /// it as it is.
    pub fn leaf(&self) -> &str {
        let path = self.path.trim_end_matches('/');
        let above = path.strip_suffix(self.name.as_str());
        match above {
            Some(above) if !self.name.is_empty() && (above.is_empty() || above.ends_with('/')) => &self.name,
            _ => path.rsplit('/').next().unwrap_or(path),
        }
    }

    /// Whether it has children.
    pub fn is_container(&self) -> bool {
        self.kind == EntryKind::Container
    }

    /// Whether it has content.
    pub fn is_file(&self) -> bool {
        self.kind == EntryKind::File
    }
}

impl EntryId {
    /// The id as the vendor writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Fingerprint {
    /// A fingerprint of anything that changes with the content.
    pub fn new(mark: impl Into<String>) -> Self {
        Self(mark.into())
    }

    /// Size in bytes and modification time, for stores that have nothing better.
    pub fn of_size_and_time(size: u64, modified: DateTime<Utc>) -> Self {
        Self(format!("{size}@{}", modified.timestamp_nanos_opt().unwrap_or_else(|| modified.timestamp_millis())))
    }

    /// The mark itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for EntryId {
    fn from(id: T) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_last_part_of_the_path() {
        assert_eq!(Entry::file("1", "a/b/c.txt").name, "c.txt");
        assert_eq!(Entry::container("2", "a/b/").name, "b");
        assert_eq!(Entry::container("", "").name, "");
    }

    #[test]
    fn the_leaf_is_what_the_path_has_of_the_name() {
        let named = |path, name: &str| Entry { name: name.into(), ..Entry::file("1", path) };
        assert_eq!(named("a/b", "b").leaf(), "b");
        assert_eq!(named("a/b/c", "b/c").leaf(), "b/c", "a name may hold a slash");
        assert_eq!(named("a/b-c", "b/c").leaf(), "b-c", "or stand in the path in other letters");
        assert_eq!(named("a/xb", "b").leaf(), "xb");
    }
}
