//! Items as Graph writes them, and as entries.
//!
//! See <https://learn.microsoft.com/graph/api/resources/driveitem>.

use catchment_core::{ContentHash, Entry, EntryId, Fingerprint};
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, de::IgnoredAny};

/// What is asked of an item. Without `$select` an item is five times as long.
pub(crate) const FIELDS: &str = "id,name,size,eTag,cTag,createdDateTime,lastModifiedDateTime,file,folder,package,\
                                 remoteItem,parentReference,webUrl,deleted,malware,root";

/// An item of a drive.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item {
    pub(crate) id: String,
    /// Missing where a business drive tells of something deleted.
    #[serde(default)]
    pub(crate) name: String,
    size: Option<i64>,
    pub(crate) e_tag: Option<String>,
    pub(crate) c_tag: Option<String>,
    created_date_time: Option<DateTime<Utc>>,
    last_modified_date_time: Option<DateTime<Utc>>,
    file: Option<File>,
    folder: Option<IgnoredAny>,
    package: Option<Package>,
    remote_item: Option<IgnoredAny>,
    #[serde(default)]
    pub(crate) parent_reference: Reference,
    web_url: Option<String>,
    deleted: Option<IgnoredAny>,
    malware: Option<IgnoredAny>,
    root: Option<IgnoredAny>,
    /// Where the bytes are, for some minutes, for whoever has it.
    #[serde(rename = "@microsoft.graph.downloadUrl")]
    pub(crate) download_url: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reference {
    pub(crate) drive_id: Option<String>,
    pub(crate) id: Option<String>,
    path: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    mime_type: Option<String>,
    #[serde(default)]
    hashes: Hashes,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hashes {
    quick_xor_hash: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Package {
    r#type: Option<String>,
}

impl Item {
    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted.is_some()
    }

    /// Whether it is the top of a drive.
    pub(crate) fn is_root(&self) -> bool {
        self.root.is_some()
    }

    /// Whether it stands for something in another drive.
    pub(crate) fn is_remote(&self) -> bool {
        self.remote_item.is_some()
    }

    /// Whether it is a folder of this drive.
    pub(crate) fn is_folder(&self) -> bool {
        (self.folder.is_some() || self.is_root()) && self.package.is_none() && !self.is_remote()
    }

    pub(crate) fn size(&self) -> Option<u64> {
        self.size.and_then(|size| u64::try_from(size).ok())
    }

    /// The hash of the content, in base64.
    pub(crate) fn hash(&self) -> Option<&str> {
        self.file.as_ref()?.hashes.quick_xor_hash.as_deref().filter(|hash| !hash.is_empty())
    }

    /// The media type of a file, unless it says nothing.
    pub(crate) fn mime(&self) -> Option<String> {
        self.file.as_ref()?.mime_type.clone().filter(|mime| mime != "application/octet-stream")
    }

    /// The path of what it is in, from the top of the drive, where Graph says it: `/drives/ID/root:/a/b`,
    /// encoded.
    pub(crate) fn folder_path(&self) -> Option<String> {
        let (_, path) = self.parent_reference.path.as_deref()?.split_once("root:")?;
        let path = percent_decode_str(path).decode_utf8().ok()?;
        Some(path.trim_matches('/').to_owned())
    }

    /// Why it has neither children nor content for us, if so.
    fn special(&self) -> Option<&'static str> {
        if self.is_remote() {
            return Some("a shortcut to something in another drive: connect that site or OneDrive to read it");
        }
        if let Some(package) = &self.package {
            return Some(match package.r#type.as_deref() {
                Some("oneNote") => "a OneNote notebook: its pages are not files, export it to read it",
                _ => "a package that is no file: open it where it was made",
            });
        }
        if self.malware.is_some() {
            return Some("held back as malware: have an administrator look at the file");
        }
        (self.file.is_none() && !self.is_folder()).then_some("neither a file nor a folder")
    }

    /// The entry at a path from the integration's root.
    pub(crate) fn entry(&self, drive: &str, path: String) -> Entry {
        let id = entry_id(drive, &self.id);
        let mut entry = match self.special() {
            Some(reason) => Entry::special(id, path, reason),
            None if self.is_folder() => Entry::container(id, path),
            None => Entry::file(id, path),
        };
        entry.name.clone_from(&self.name);
        entry.parent = self.parent_reference.id.as_deref().map(|parent| entry_id(drive, parent));
        entry.modified = self.last_modified_date_time;
        entry.created = self.created_date_time;
        entry.web_url.clone_from(&self.web_url);
        if entry.is_file() {
            entry.size = self.size();
            entry.mime = self.mime();
            // The cTag would change with the content alone, but a feed of a business drive leaves it out.
            entry.fingerprint = self.e_tag.clone().map(Fingerprint::new);
            entry.hash =
                self.hash().map(|hash| ContentHash { algorithm: "quickxor".to_owned(), value: hash.to_owned() });
        }
        entry
    }
}

/// An item's id is its own only within its drive.
pub(crate) fn entry_id(drive: &str, item: &str) -> EntryId {
    EntryId::from(format!("{drive}/{item}"))
}

/// Drive and item of an entry, if the id can be one of ours.
pub(crate) fn split(id: &EntryId) -> Option<(&str, &str)> {
    let (drive, item) = id.as_str().split_once('/')?;
    (is_id(drive) && is_id(item)).then_some((drive, item))
}

/// Ids are letters, digits, and a few signs.
fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'!' | b'-' | b'_' | b'.' | b'=');
    !id.is_empty() && id.bytes().all(plain) && !id.bytes().all(|byte| byte == b'.')
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn item(more: Value) -> Item {
        let mut item = json!({ "id": "01A", "name": "n" });
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(item).unwrap()
    }

    #[test]
    fn what_is_no_file_says_why() {
        for (more, word) in [
            (json!({ "package": { "type": "oneNote" } }), "OneNote"),
            (json!({ "folder": {}, "remoteItem": { "id": "x" } }), "another drive"),
            (json!({ "file": {}, "malware": { "description": "x" } }), "malware"),
            (json!({}), "neither"),
        ] {
            let entry = item(more).entry("b!d", "n".to_owned());
            assert!(matches!(&entry.kind, catchment_core::EntryKind::Special(why) if why.contains(word)), "{entry:?}");
        }
        assert!(item(json!({ "file": {} })).entry("b!d", "n".to_owned()).is_file());
        assert!(item(json!({ "folder": {} })).entry("b!d", "n".to_owned()).is_container());
    }

    #[test]
    fn the_path_of_the_folder_is_decoded_once() {
        let path = |path: &str| item(json!({ "parentReference": { "path": path } })).folder_path();
        assert_eq!(path("/drives/b!d/root:").as_deref(), Some(""));
        assert_eq!(path("/drives/b!d/root:/a%20b/100%25/%2541").as_deref(), Some("a b/100%/%41"));
        assert_eq!(path("/drive/root:/root:/x").as_deref(), Some("root:/x"));
        assert_eq!(item(json!({})).folder_path(), None);
    }

    #[test]
    fn only_ids_of_ours_are_taken_apart() {
        assert_eq!(split(&entry_id("b!x-_1", "01ABC")), Some(("b!x-_1", "01ABC")));
        for id in ["", "x", "/x", "x/", "a/b/c", "a/..", "../a", "a/b:c", "a/%2e", "a b/c"] {
            assert_eq!(split(&EntryId::from(id)), None, "{id}");
        }
    }
}
