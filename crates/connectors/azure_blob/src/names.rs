//! Names: from what a container holds to entries below the connected prefix.

use catchment_core::{ContentHash, Entry};
use catchment_object_store::Prefix;

use crate::xml::Blob;

/// A blob as an entry; `None` for directories, which a list by levels gives as prefixes, and for the
/// empty blobs with which tools mark them.
pub(crate) fn file(prefix: &Prefix, blob: &Blob) -> Option<Entry> {
    let name = blob.name.as_str();
    let is_empty = blob.size.is_none_or(|size| size == 0);
    if is_empty && (blob.directory || name.ends_with('/')) {
        return None;
    }
    let mut entry = prefix.file(name, blob.closed(), blob.etag.as_deref(), blob.size, blob.modified);
    entry.created = blob.created;
    entry.mime = blob.mime.clone().filter(|mime| !is_unsaid(mime));
    entry.hash = blob.md5.clone().map(|value| ContentHash { algorithm: "md5".to_owned(), value });
    Some(entry)
}

/// The name that a path below the root stands for. The service writes `/` for every `\`, and a blob
/// must not have two ids.
pub(crate) fn name(prefix: &Prefix, path: &str) -> String {
    prefix.name(&path.replace('\\', "/"))
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
    fn directories_and_their_markers_are_no_documents() {
        let file = |blob: &Blob| file(&Prefix::new(""), blob);
        assert_eq!(file(&blob("a/", 0)), None);
        assert_eq!(file(&Blob { directory: true, ..blob("a", 0) }), None);
        assert_eq!(file(&Blob { directory: true, size: None, ..blob("a", 0) }), None);
        assert!(!file(&blob("a/", 5)).expect("listed").is_file());
        assert!(file(&Blob { directory: true, ..blob("a", 5) }).expect("it has content").is_file());
    }

    #[test]
    fn what_cannot_be_read_says_what_to_do() {
        let file = |blob: &Blob| file(&Prefix::new(""), blob);
        let tier = |tier: &str| Blob { tier: Some(tier.to_owned()), ..blob("a", 1) };
        let kind = |blob: &Blob| format!("{:?}", file(blob).expect("listed").kind);
        assert!(kind(&tier("Archive")).contains("access tier"));
        assert!(kind(&Blob { thawing: true, ..tier("Archive") }).contains("on its way"));
        assert!(kind(&Blob { locked: true, ..blob("a", 1) }).contains("encrypted"));
        for dots in ["..", "a/../b", "./a", "a/."] {
            assert!(kind(&blob(dots, 1)).contains("dots"), "{dots}");
        }
        for fine in [tier("Hot"), tier("Cool"), tier("Cold"), blob("a..", 1), blob(".../x", 1)] {
            assert!(file(&fine).expect("listed").is_file(), "{fine:?}");
        }
    }
}
