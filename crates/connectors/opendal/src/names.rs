//! Names: between a person's paths, our ids, and the paths that OpenDAL takes.
//!
//! An id is OpenDAL's path below the folder: a folder ends in `/`, a file does not, the folder
//! itself is "". OpenDAL tidies every path it is given (it trims white space at both ends and joins
//! slashes), so a name that this would change can be listed but not asked for.

use catchment_core::{EntryId, Error, Result};

/// The folder of the settings, as OpenDAL takes it: "" or `a/b/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Root(String);

impl Root {
    /// # Errors
    /// `Config` when OpenDAL would make another path of it.
    pub(crate) fn new(folder: &str) -> Result<Self> {
        let folder = folder.trim_matches('/');
        let root = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        if can_be_asked_for(&root) {
            return Ok(Self(root));
        }
        let remedy = "give the path of a folder, without . or .. or an empty name as a part, and without white space \
                      in front";
        Err(Error::config("folder_path", remedy))
    }

    /// OpenDAL's path of an id.
    ///
    /// # Errors
    /// `NotFound` when it is none of ours.
    pub(crate) fn full(&self, id: &str) -> Result<String> {
        let full = format!("{}{id}", self.0);
        if id.starts_with('/') || !can_be_asked_for(&full) {
            return Err(Error::not_found(id.escape_debug()));
        }
        Ok(full)
    }

    /// OpenDAL's path of a folder.
    ///
    /// # Errors
    /// `NotFound` when the id is none of ours; `Unsupported` when it is a file's.
    pub(crate) fn folder(&self, id: &EntryId) -> Result<String> {
        let id = id.as_str();
        if !id.is_empty() && !id.ends_with('/') {
            return Err(Error::unsupported("a file holds no other files: list the folder it is in"));
        }
        self.full(id)
    }

    /// The id of what OpenDAL lists at `path`; `None` if that is not below the folder.
    pub(crate) fn id<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(self.0.as_str())
    }

    /// For people.
    pub(crate) fn as_str(&self) -> &str {
        self.0.trim_end_matches('/')
    }
}

/// Whether OpenDAL, and the addresses it makes, leave a path as it is.
pub(crate) fn can_be_asked_for(path: &str) -> bool {
    let parts = path.strip_suffix('/').unwrap_or(path);
    path.trim() == path && (path.is_empty() || parts.split('/').all(|part| !matches!(part, "" | "." | "..")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_below_the_folder_and_nowhere_else() {
        let root = Root::new("/a b/c/").unwrap();
        assert_eq!(root.full("d/e.txt").unwrap(), "a b/c/d/e.txt");
        assert_eq!(root.folder(&"".into()).unwrap(), "a b/c/");
        assert_eq!(root.id("a b/c/d/"), Some("d/"));
        assert_eq!(root.id("a b/other"), None);
        for out in ["../x", "d/../../x", "/x", "d//x", "./x", "..", "d/..", "/", "x "] {
            assert!(root.full(out).is_err(), "{out}");
        }
        assert!(root.folder(&"file".into()).is_err());
        for folder in ["..", "a/../b", "a//b", " a"] {
            assert!(Root::new(folder).is_err(), "{folder}");
        }
    }

    #[test]
    fn a_name_that_opendal_would_change_is_known() {
        for kept in ["", "a", "a/", "a/ b/c", "a /", "…", "...", "a\u{202e}b"] {
            assert!(can_be_asked_for(kept), "{kept}");
            let tidied = opendal::raw::normalize_path(kept);
            assert_eq!(tidied, if kept.is_empty() { "/" } else { kept }, "OpenDAL leaves it");
        }
        for changed in [" a", "a ", "a//b", "/a", "a\n"] {
            assert!(!can_be_asked_for(changed), "{changed:?}");
            assert_ne!(opendal::raw::normalize_path(changed), changed, "OpenDAL changes it");
        }
    }
}
