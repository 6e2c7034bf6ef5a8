//! Prefixes: what stands for a folder where names are no paths.

use catchment_core::{Entry, EntryId, Error, Fingerprint, Result};
use chrono::{DateTime, Utc};

/// The prefix that is connected to: "" or something that ends in `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// As a person gives it: with or without a slash at its end.
    pub fn new(given: &str) -> Self {
        Self(if given.is_empty() || given.ends_with('/') { given.to_owned() } else { format!("{given}/") })
    }

    /// "" or something that ends in `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The root as an entry.
    pub fn root(&self) -> Entry {
        Entry::container(self.0.as_str(), "")
    }

    /// The prefix that an id of a container stands for.
    ///
    /// # Errors
    /// `NotFound` for whatever is none, or not below this one.
    pub fn container(&self, id: &EntryId) -> Result<String> {
        let prefix = id.as_str();
        let ours = prefix.starts_with(&self.0) && (prefix.is_empty() || prefix.ends_with('/'));
        if ours { Ok(prefix.to_owned()) } else { Err(Error::not_found(prefix)) }
    }

    /// A common prefix as an entry. Its name is what stands between the last two slashes, which
    /// may be nothing.
    pub fn folder(&self, common: &str) -> Entry {
        let path = self.path(common.strip_suffix('/').unwrap_or(common));
        let mut entry = Entry::container(common, path);
        entry.name = entry.path.rsplit('/').next().unwrap_or_default().to_owned();
        entry
    }

    /// What is stored under a name as an entry; special, if there is a reason why its content cannot
    /// be had. The fingerprint is the ETag, or size and time where there is none.
    pub fn file(
        &self,
        name: &str,
        closed: Option<&str>,
        etag: Option<&str>,
        size: Option<u64>,
        modified: Option<DateTime<Utc>>,
    ) -> Entry {
        let path = self.path(name);
        let mut entry = match closed {
            Some(reason) => Entry::special(name, path, reason),
            None => Entry::file(name, path),
        };
        entry.name = name.rsplit('/').next().unwrap_or_default().to_owned();
        entry.size = size;
        entry.modified = modified;
        entry.fingerprint = match (etag, size, modified) {
            (Some(etag), ..) => Some(Fingerprint::new(etag)),
            (None, Some(size), Some(modified)) => Some(Fingerprint::of_size_and_time(size, modified)),
            _ => None,
        };
        entry
    }

    /// The name that a path below the root stands for.
    pub fn name(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    fn path<'a>(&self, name: &'a str) -> &'a str {
        name.strip_prefix(&self.0).unwrap_or(name)
    }
}

/// That a store lists what it was asked for, and nothing else.
///
/// # Errors
/// `Protocol` where a name does not begin with `prefix`.
pub fn only_below<'a>(prefix: &str, mut names: impl Iterator<Item = &'a str>) -> Result<()> {
    if names.all(|name| name.starts_with(prefix)) {
        return Ok(());
    }
    Err(Error::protocol("the store lists what it was not asked for: this store cannot be listed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_lose_nothing() {
        let prefix = Prefix::new("p");
        for (name, path, last) in [
            ("p/a", "a", "a"),
            ("p//a", "/a", "a"),
            ("p/a//b", "a//b", "b"),
            ("p/../b", "../b", "b"),
            ("p/ a ", " a ", " a "),
        ] {
            let entry = prefix.file(name, None, Some("\"e\""), Some(1), None);
            assert_eq!((entry.id.as_str(), entry.path.as_str(), entry.name.as_str()), (name, path, last));
            assert_eq!(prefix.name(&entry.path), name);
        }
        for (common, path, name) in [("p/a/", "a", "a"), ("p//", "", ""), ("p/a//", "a/", "")] {
            let entry = prefix.folder(common);
            assert_eq!((entry.id.as_str(), entry.path.as_str(), entry.name.as_str()), (common, path, name));
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

    #[test]
    fn what_is_not_below_was_not_asked_for() {
        assert!(only_below("p/", ["p/a", "p/"].into_iter()).is_ok());
        assert!(only_below("p/", ["p/a", "p"].into_iter()).is_err());
    }
}
