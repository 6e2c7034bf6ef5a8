//! Integrity: whether what came is what the vendor's hash says.

use catchment_core::{Error, ErrorKind, Result};

use crate::item::Item;

/// SharePoint writes metadata of its own into these when they are stored and when they are read, so that size
/// and hash may differ from what it says of them: <https://github.com/OneDrive/onedrive-api-docs/issues/935>.
const REWRITTEN: [&str; 18] = [
    "aspx", "doc", "docm", "docx", "dotm", "dotx", "htm", "html", "mht", "one", "onepkg", "pptm", "pptx", "vsdx",
    "xlsm", "xlsx", "xltx", "ppt",
];

/// Whether the vendor itself changes such files.
pub(crate) fn is_rewritten(name: &str) -> bool {
    let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
    REWRITTEN.contains(&end.as_str())
}

/// Whether two words on an item speak of the same content: nothing changed at all, or not the content.
pub(crate) fn is_same(one: &Item, other: &Item) -> bool {
    let equal = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
    equal(&one.e_tag, &other.e_tag) || equal(&one.c_tag, &other.c_tag)
}

/// Judges content whose hash is not the one that was announced, now that the item was looked at again.
///
/// # Errors
/// `Conflict` when the file has changed meanwhile, `Unreadable` when it has not.
pub(crate) fn judged(announced: &Item, again: &Item, found: &str) -> Result<()> {
    if !is_same(announced, again) {
        return Err(changed());
    }
    if again.hash() == Some(found) {
        return Ok(());
    }
    if is_rewritten(&announced.name) {
        tracing::warn!(item = %announced.id, "the hash does not fit: SharePoint rewrites files of this kind, so the content is kept");
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unreadable,
        "the content is not what its quickXorHash says: it was damaged on the way or in the store, import again, and if \
         that does not help upload the file again",
    ))
}

/// The file is not any more what was listed.
pub(crate) fn changed() -> Error {
    Error::new(ErrorKind::Conflict, "the file has changed since it was listed: list it again, then read it")
}
