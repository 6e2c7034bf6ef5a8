//! Names: from what a container holds to entries below the connected prefix.

use catchment_core::{ContentHash, Entry, EntryId, Error, Fingerprint, Result};

use crate::xml::Blob;

/// The prefix that is connected to: "" or something that ends in `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prefix(String);

impl Prefix {
    /// As a person gives it: with or without a slash at its end.
    pub(crate) fn new(given: &str) -> Self {
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

    /// A blob as an entry; `None` for directories, which a list by levels gives as prefixes, and
    /// for the empty blobs with which tools mark them.
    pub(crate) fn file(&self, blob: &Blob) -> Option<Entry> {
        let name = blob.name.as_str();
        let is_empty = blob.size.is_none_or(|size| size == 0);
        if is_empty && (blob.directory || name.ends_with('/')) {
            return None;
        }
        let path = self.path(name);
        let mut entry = match blob.closed() {
            Some(reason) => Entry::special(name, path, reason),
            None => Entry::file(name, path),
        };
        entry.name = name.rsplit('/').next().unwrap_or_default().to_owned();
        entry.size = blob.size;
        entry.modified = blob.modified;
        entry.created = blob.created;
        entry.mime = blob.mime.clone().filter(|mime| !is_unsaid(mime));
        entry.hash = blob.md5.clone().map(|value| ContentHash { algorithm: "md5".to_owned(), value });
        entry.fingerprint = match (&blob.etag, blob.size, blob.modified) {
            (Some(etag), ..) => Some(Fingerprint::new(etag.as_str())),
            (None, Some(size), Some(modified)) => Some(Fingerprint::of_size_and_time(size, modified)),
            _ => None,
        };
        Some(entry)
    }

    /// The name that a path below the root stands for. The service writes `/` for every `\`, and
    /// a blob must not have two ids.
    pub(crate) fn name(&self, path: &str) -> String {
        format!("{}{}", self.0, path.replace('\\', "/"))
    }

    fn path<'a>(&self, name: &'a str) -> &'a str {
        name.strip_prefix(&self.0).unwrap_or(name)
    }
}

impl Blob {
    /// Why the content cannot be had, if it cannot.
    fn closed(&self) -> Option<&'static str> {
        let archived = self.tier.as_deref().is_some_and(|tier| tier.eq_ignore_ascii_case("archive"));
        if self.invalid {
            Some("its name is not valid UTF-8: copy it to another name")
        } else if !can_be_addressed(&self.name) {
            Some("no address can name it, since a part of its name is one or two dots: copy it to another name")
        } else if self.name.ends_with('/') {
            Some("a blob with content whose name ends in a slash, as folders do: copy it to another name")
        } else if self.locked {
            Some("encrypted with a key that the account does not keep: copy it without one")
        } else if archived && self.thawing {
            Some("archived, and on its way out: import again when it is in the hot, cool or cold tier")
        } else if archived {
            Some("archived: change its access tier to hot, cool or cold, which takes hours, then import again")
        } else {
            None
        }
    }
}

/// Addresses take segments of one or two dots away, encoded or not: such a name leads elsewhere.
pub(crate) fn can_be_addressed(name: &str) -> bool {
    !name.split('/').any(|part| matches!(part, "." | ".."))
}

/// What uploaders write that do not know either.
pub(crate) fn is_unsaid(mime: &str) -> bool {
    matches!(mime, "application/octet-stream" | "binary/octet-stream")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(name: &str, size: u64) -> Blob {
        Blob { name: name.to_owned(), size: Some(size), etag: Some("\"e\"".to_owned()), ..Blob::default() }
    }

    #[test]
    fn names_and_paths_lose_nothing() {
        let prefix = Prefix::new("p");
        for (name, path, last) in
            [("p/a", "a", "a"), ("p//a", "/a", "a"), ("p/a//b", "a//b", "b"), ("p/ a ", " a ", " a ")]
        {
            let entry = prefix.file(&blob(name, 1)).expect("a file");
            assert_eq!((entry.id.as_str(), entry.path.as_str(), entry.name.as_str()), (name, path, last));
            assert_eq!(prefix.name(&entry.path), name);
        }
        for (common, path, name) in [("p/a/", "a", "a"), ("p//", "", ""), ("p/a//", "a/", "")] {
            let entry = prefix.folder(common);
            assert_eq!((entry.id.as_str(), entry.path.as_str(), entry.name.as_str()), (common, path, name));
        }
    }

    #[test]
    fn directories_and_their_markers_are_no_documents() {
        let prefix = Prefix::new("");
        assert_eq!(prefix.file(&blob("a/", 0)), None);
        assert_eq!(prefix.file(&Blob { directory: true, ..blob("a", 0) }), None);
        assert_eq!(prefix.file(&Blob { directory: true, size: None, ..blob("a", 0) }), None);
        assert!(!prefix.file(&blob("a/", 5)).expect("listed").is_file());
        assert!(prefix.file(&Blob { directory: true, ..blob("a", 5) }).expect("it has content").is_file());
    }

    #[test]
    fn what_cannot_be_read_says_what_to_do() {
        let prefix = Prefix::new("");
        let tier = |tier: &str| Blob { tier: Some(tier.to_owned()), ..blob("a", 1) };
        let kind = |blob: &Blob| format!("{:?}", prefix.file(blob).expect("listed").kind);
        assert!(kind(&tier("Archive")).contains("access tier"));
        assert!(kind(&Blob { thawing: true, ..tier("Archive") }).contains("on its way"));
        assert!(kind(&Blob { locked: true, ..blob("a", 1) }).contains("encrypted"));
        for dots in ["..", "a/../b", "./a", "a/."] {
            assert!(kind(&blob(dots, 1)).contains("dots"), "{dots}");
        }
        for fine in [tier("Hot"), tier("Cool"), tier("Cold"), blob("a..", 1), blob(".../x", 1)] {
            assert!(prefix.file(&fine).expect("listed").is_file(), "{fine:?}");
        }
    }

    #[test]
    fn only_prefixes_below_the_root_have_children() {
        let prefix = Prefix::new("p");
        assert!(prefix.container(&"p/a/".into()).is_ok());
        for outside in ["", "p", "p/a", "q/", "/"] {
            assert!(prefix.container(&outside.into()).is_err(), "{outside}");
        }
    }
}
