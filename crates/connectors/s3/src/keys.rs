//! Keys: from what a bucket holds to entries below the connected prefix.

use catchment_core::{Entry, EntryId, Error, Fingerprint, Result};

use crate::xml::Object;

/// The prefix that is connected to: "" or something that ends in `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prefix(String);

impl Prefix {
    /// As a person gives it: with or without a slash at either end. One slash in front is taken
    /// for a habit of paths, a second one for part of the key.
    pub(crate) fn new(folder_path: Option<&str>) -> Self {
        let given = folder_path.unwrap_or_default();
        let given = given.strip_prefix('/').unwrap_or(given);
        Self(if given.is_empty() || given.ends_with('/') { given.to_owned() } else { format!("{given}/") })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The root as an entry.
    pub(crate) fn root(&self) -> Entry {
        Entry::container(self.0.as_str(), "")
    }

    /// The prefix that an id of a container stands for.
    pub(crate) fn container(&self, id: &EntryId) -> Result<String> {
        let prefix = id.as_str();
        let ours = prefix.starts_with(&self.0) && (prefix.is_empty() || prefix.ends_with('/'));
        if ours { Ok(prefix.to_owned()) } else { Err(Error::not_found(prefix)) }
    }

    /// A common prefix as an entry. Its name is what stands between the last two slashes, which
    /// may be nothing.
    pub(crate) fn folder(&self, common: &str) -> Entry {
        let path = self.path(common.strip_suffix('/').unwrap_or(common));
        let mut entry = Entry::container(common, path);
        entry.name = entry.path.rsplit('/').next().unwrap_or_default().to_owned();
        entry
    }

    /// An object as an entry; `None` for the markers with which tools make empty folders.
    pub(crate) fn file(&self, object: &Object) -> Option<Entry> {
        let key = object.key.as_str();
        let path = self.path(key);
        let mut entry = if key.ends_with('/') {
            if object.size == Some(0) {
                return None;
            }
            let reason = "an object with content whose key ends in a slash, as folders do: copy it to another key";
            Entry::special(key, path, reason)
        } else if key.ends_with("_$folder$") && object.size == Some(0) {
            return None;
        } else if let Some(reason) = object.closed() {
            Entry::special(key, path, reason)
        } else {
            Entry::file(key, path)
        };
        entry.name = key.rsplit('/').next().unwrap_or_default().to_owned();
        entry.size = object.size;
        entry.modified = object.modified;
        entry.fingerprint = match (&object.etag, object.size, object.modified) {
            (Some(etag), ..) => Some(Fingerprint::new(etag.as_str())),
            (None, Some(size), Some(modified)) => Some(Fingerprint::of_size_and_time(size, modified)),
            _ => None,
        };
        Some(entry)
    }

    /// The key that a path below the root stands for.
    pub(crate) fn key(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    fn path<'a>(&self, key: &'a str) -> &'a str {
        key.strip_prefix(&self.0).unwrap_or(key)
    }
}

impl Object {
    /// Why the content cannot be had, if it cannot.
    fn closed(&self) -> Option<&'static str> {
        let archived = matches!(self.storage_class.as_deref(), Some("GLACIER" | "DEEP_ARCHIVE"));
        if self.invalid {
            Some("its key is not valid UTF-8: copy it to another key")
        } else if matches!(self.key.as_str(), "." | "..") {
            Some("no address can name a key of one or two dots: copy it to another key")
        } else if archived && self.restoring {
            Some("archived, and being restored: import again when that is done")
        } else if archived && !self.restored {
            Some("archived (Glacier): restore it, then import again")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str, size: u64) -> Object {
        Object { key: key.to_owned(), size: Some(size), etag: Some("\"e\"".to_owned()), ..Object::default() }
    }

    #[test]
    fn a_prefix_is_given_with_or_without_slashes() {
        for (given, prefix) in [("", ""), ("/", ""), ("a", "a/"), ("a/", "a/"), ("/a/b", "a/b/"), ("//a", "/a/")] {
            assert_eq!(Prefix::new(Some(given)).as_str(), prefix, "{given}");
        }
        assert_eq!(Prefix::new(None).as_str(), "");
    }

    #[test]
    fn names_and_paths_lose_nothing() {
        let prefix = Prefix::new(Some("p"));
        for (key, path, name) in
            [("p/a", "a", "a"), ("p//a", "/a", "a"), ("p/a//b", "a//b", "b"), ("p/../b", "../b", "b")]
        {
            let entry = prefix.file(&object(key, 1)).expect("a file");
            assert_eq!((entry.id.as_str(), entry.path.as_str(), entry.name.as_str()), (key, path, name));
            assert_eq!(prefix.key(&entry.path), key);
        }
        for (common, path, name) in [("p/a/", "a", "a"), ("p//", "", ""), ("p/a//", "a/", "")] {
            let entry = prefix.folder(common);
            assert_eq!((entry.id.as_str(), entry.path.as_str(), entry.name.as_str()), (common, path, name));
        }
    }

    #[test]
    fn markers_of_folders_are_no_documents() {
        let prefix = Prefix::new(None);
        assert_eq!(prefix.file(&object("a/", 0)), None);
        assert_eq!(prefix.file(&object("a_$folder$", 0)), None);
        assert!(!prefix.file(&object("a/", 5)).expect("listed").is_file());
        assert!(prefix.file(&object("a_$folder$", 5)).expect("listed").is_file());
    }

    #[test]
    fn archived_objects_say_what_to_do() {
        let prefix = Prefix::new(None);
        let class = |class: &str| Object { storage_class: Some(class.to_owned()), ..object("a", 1) };
        assert!(!prefix.file(&class("GLACIER")).expect("listed").is_file());
        assert!(!prefix.file(&class("DEEP_ARCHIVE")).expect("listed").is_file());
        assert!(prefix.file(&class("GLACIER_IR")).expect("listed").is_file());
        assert!(prefix.file(&Object { restored: true, ..class("GLACIER") }).expect("listed").is_file());
        assert!(!prefix.file(&Object { restoring: true, ..class("GLACIER") }).expect("listed").is_file());
    }

    #[test]
    fn only_prefixes_below_the_root_have_children() {
        let prefix = Prefix::new(Some("p"));
        assert!(prefix.container(&"p/a/".into()).is_ok());
        for outside in ["", "p", "p/a", "q/", "/"] {
            assert!(prefix.container(&outside.into()).is_err(), "{outside}");
        }
    }
}
