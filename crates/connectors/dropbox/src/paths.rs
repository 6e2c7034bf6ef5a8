//! Paths and ids, and from metadata to entries.
//!
//! An entry's id is its path in lower case, as Dropbox writes it. Dropbox has ids of its own that
//! outlast moves, but says of what was deleted nothing but the path: with paths as ids a deletion
//! names the entry without an index that would have to be kept somewhere.

use catchment_core::{ContentHash, Entry, EntryId, Error, Fingerprint, Result};

use crate::{
    export,
    model::{File, Folder, Metadata},
};

/// The id of what has no path above it.
const TOP: &str = "/";

/// The folder that is connected to: "" or a path such as `/reports`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Root(String);

impl Root {
    /// Of a path as Dropbox writes it in lower case; "" is all there is.
    pub(crate) fn new(lower: impl Into<String>) -> Self {
        Self(lower.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Itself as an entry.
    pub(crate) fn entry(&self) -> Entry {
        Entry::container(if self.0.is_empty() { TOP } else { &self.0 }, "")
    }

    /// The path that an id stands for, as calls want it.
    ///
    /// # Errors
    /// `NotFound` when it does not lie in this root.
    pub(crate) fn path<'a>(&self, id: &'a EntryId) -> Result<&'a str> {
        let path = if id.as_str() == TOP { "" } else { id.as_str() };
        let inside = path == self.0 || (self.holds(path) && is_plain(&path[self.0.len() + 1..]));
        if inside { Ok(path) } else { Err(Error::not_found(path)) }
    }

    /// Whether a path in lower case lies below.
    pub(crate) fn holds(&self, lower: &str) -> bool {
        lower.strip_prefix(&self.0).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
    }

    /// Whether a path in lower case is this one or lies above it.
    pub(crate) fn is_within(&self, lower: &str) -> bool {
        self.0.strip_prefix(lower).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The whole path of one below the root, as a person writes it.
    ///
    /// # Errors
    /// `NotFound` when nothing can have such a path.
    pub(crate) fn join(&self, path: &str) -> Result<String> {
        if is_plain(path) { Ok(format!("{}/{path}", self.0)) } else { Err(Error::not_found(path)) }
    }

    /// What Dropbox describes as an entry; `None` for what lies elsewhere, is the root itself or
    /// was deleted.
    pub(crate) fn entry_of(&self, metadata: &Metadata) -> Option<Entry> {
        match metadata {
            Metadata::File(file) => self.file(file),
            Metadata::Folder(folder) => self.folder(folder),
            Metadata::Deleted(_) => None,
        }
    }

    fn folder(&self, folder: &Folder) -> Option<Entry> {
        let Folder { id, name, path_lower, path_display, preview_url, .. } = folder;
        let Some((lower, path)) = self.below(path_lower.as_deref(), path_display.as_deref(), name)? else {
            return Some(unmounted(id, name));
        };
        let mut entry = Entry::container(lower, path);
        entry.parent = Some(Self::parent(&entry.id));
        entry.name = name.clone();
        entry.web_url = preview_url.clone();
        Some(entry)
    }

    fn file(&self, file: &File) -> Option<Entry> {
        let Some((lower, path)) = self.below(file.path_lower.as_deref(), file.path_display.as_deref(), &file.name)?
        else {
            return Some(unmounted(&file.id, &file.name));
        };
        let mut entry = if file.symlink_info.is_some() {
            Entry::special(lower, path, "a symbolic link, whose goal Dropbox does not keep: put the file itself here")
        } else if file.is_downloadable {
            let mut entry = Entry::file(lower, path);
            entry.size = Some(file.size);
            entry.fingerprint = Some(Fingerprint::new(file.rev.as_str()));
            entry.hash = file.content_hash.clone().map(|value| ContentHash { algorithm: "dropbox".to_owned(), value });
            entry
        } else if let Some(format) = export::format(file) {
            // Size and hash would be those of something else than is read.
            let mut entry = Entry::file(lower, path);
            entry.mime = export::mime(&format).map(str::to_owned);
            entry.fingerprint = Some(export::mark(&file.rev, &format));
            entry
        } else {
            Entry::special(
                lower,
                path,
                "a document that Dropbox can neither give out nor export: save a copy as a file",
            )
        };
        entry.parent = Some(Self::parent(&entry.id));
        entry.name = file.name.clone();
        entry.modified = Some(file.server_modified);
        entry.web_url = file.preview_url.clone();
        Some(entry)
    }

    /// The folder that an entry lies in.
    fn parent(id: &EntryId) -> EntryId {
        match id.as_str().rsplit_once('/') {
            Some((above, _)) if !above.is_empty() => above.into(),
            _ => TOP.into(),
        }
    }

    /// The path in lower case, and the one to show below the root; `None` for what lies elsewhere,
    /// `Some(None)` for what has no path.
    fn below(&self, lower: Option<&str>, display: Option<&str>, name: &str) -> Option<Option<(String, String)>> {
        let Some(lower) = lower else { return Some(None) };
        if !self.holds(lower) {
            return None;
        }
        // Cut by parts: letters may have another length in lower case.
        let depth = self.0.matches('/').count();
        let parts = display.unwrap_or(lower).split('/').skip(depth + 1).collect::<Vec<_>>();
        let above = parts.len().saturating_sub(1);
        // Only the last part is sure to be written as it is.
        let path = parts[..above].iter().copied().chain([name]).collect::<Vec<_>>().join("/");
        Some(Some((lower.to_owned(), path)))
    }
}

/// What is shared with the account and not put in any folder of it.
fn unmounted(id: &str, name: &str) -> Entry {
    Entry::special(id, name, "shared, but not added to the account's Dropbox: add it there")
}

/// Whether every part of a path can be a name.
fn is_plain(path: &str) -> bool {
    !path.split('/').any(|part| matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(lower: &str, display: &str, name: &str) -> Metadata {
        let file = serde_json::json!({
            ".tag": "file", "id": "id:1", "name": name, "path_lower": lower, "path_display": display, "size": 1,
            "client_modified": "2026-01-02T03:04:05Z", "server_modified": "2026-01-02T03:04:05Z", "rev": "a1c10ce0dd78"
        });
        serde_json::from_value(file).unwrap()
    }

    #[test]
    fn ids_are_in_lower_case_and_paths_as_people_write_them() {
        let root = Root::new("/reports i̇");
        let entry = root.entry_of(&file("/reports i̇/a/b.txt", "/Reports İ/A/B.TXT", "b.TXT")).unwrap();
        assert_eq!(
            (entry.id.as_str(), entry.path.as_str(), entry.name.as_str()),
            ("/reports i̇/a/b.txt", "A/b.TXT", "b.TXT")
        );
        assert_eq!(entry.parent, Some("/reports i̇/a".into()));
        let top = Root::new("").entry_of(&file("/a.txt", "/A.txt", "A.txt")).unwrap();
        assert_eq!((top.id.as_str(), top.path.as_str()), ("/a.txt", "A.txt"));
        assert_eq!(top.parent, Some(Root::new("").entry().id));
    }

    #[test]
    fn what_lies_elsewhere_is_no_entry_and_no_id() {
        let root = Root::new("/a");
        for outside in ["/ab/c", "/a", "/", "/b", "a/c"] {
            assert_eq!(root.entry_of(&file(outside, outside, "c")), None, "{outside}");
        }
        for outside in ["", "/", "a", "/a/", "/ab", "/a/../b", "/a//b", "/a/.", "id:1", "ns:1/a", "rev:0123456789"] {
            assert!(root.path(&outside.into()).is_err(), "{outside}");
        }
        assert_eq!(root.path(&"/a".into()).unwrap(), "/a");
        assert_eq!(root.path(&"/a/b c".into()).unwrap(), "/a/b c");
        assert_eq!(Root::new("").path(&"/".into()).unwrap(), "");
        assert!(Root::new("").path(&"".into()).is_ok());
    }

    #[test]
    fn a_path_that_nothing_can_have_is_not_found() {
        let root = Root::new("/a");
        for path in ["/", "..", "b/../../c", "b//c", "b/", "."] {
            assert!(root.join(path).is_err(), "{path}");
        }
        assert_eq!(root.join("B/c").unwrap(), "/a/B/c");
    }

    #[test]
    fn the_root_and_what_is_above_it_are_known() {
        let root = Root::new("/a/b");
        assert!(root.is_within("/a/b") && root.is_within("/a") && root.is_within(""));
        assert!(!root.is_within("/a/b/c") && !root.is_within("/a/bc") && !root.is_within("/c"));
    }
}
