//! Keys: from what a bucket holds to entries below the connected prefix.

use catchment_core::Entry;
use catchment_object_store::Prefix;

use crate::xml::Object;

/// The prefix that a person means. One slash in front is taken for a habit of paths, a second one for
/// part of the key.
pub(crate) fn prefix(folder_path: Option<&str>) -> Prefix {
    let given = folder_path.unwrap_or_default();
    Prefix::new(given.strip_prefix('/').unwrap_or(given))
}

/// An object as an entry; `None` for the markers with which tools make empty folders.
pub(crate) fn file(prefix: &Prefix, object: &Object) -> Option<Entry> {
    let key = object.key.as_str();
    let is_marker = object.size == Some(0) && (key.ends_with('/') || key.ends_with("_$folder$"));
    let entry = || prefix.file(key, object.closed(), object.etag.as_deref(), object.size, object.modified);
    (!is_marker).then(entry)
}

impl Object {
    /// Why the content cannot be had, if it cannot.
    fn closed(&self) -> Option<&'static str> {
        let archived = matches!(self.storage_class.as_deref(), Some("GLACIER" | "DEEP_ARCHIVE"));
        if self.key.ends_with('/') {
            Some("an object with content whose key ends in a slash, as folders do: copy it to another key")
        } else if self.invalid {
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
        for (given, wanted) in [("", ""), ("/", ""), ("a", "a/"), ("a/", "a/"), ("/a/b", "a/b/"), ("//a", "/a/")] {
            assert_eq!(prefix(Some(given)).as_str(), wanted, "{given}");
        }
        assert_eq!(prefix(None).as_str(), "");
    }

    #[test]
    fn markers_of_folders_are_no_documents() {
        let file = |object: &Object| file(&prefix(None), object);
        assert_eq!(file(&object("a/", 0)), None);
        assert_eq!(file(&object("a_$folder$", 0)), None);
        assert!(!file(&object("a/", 5)).expect("listed").is_file());
        assert!(file(&object("a_$folder$", 5)).expect("listed").is_file());
    }

    #[test]
    fn archived_objects_say_what_to_do() {
        let file = |object: &Object| file(&prefix(None), object);
        let class = |class: &str| Object { storage_class: Some(class.to_owned()), ..object("a", 1) };
        assert!(!file(&class("GLACIER")).expect("listed").is_file());
        assert!(!file(&class("DEEP_ARCHIVE")).expect("listed").is_file());
        assert!(file(&class("GLACIER_IR")).expect("listed").is_file());
        assert!(file(&Object { restored: true, ..class("GLACIER") }).expect("listed").is_file());
        assert!(!file(&Object { restoring: true, ..class("GLACIER") }).expect("listed").is_file());
    }
}
