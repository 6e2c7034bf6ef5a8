//! The drive: a world as Dropbox shows it, with its paths, ids and revisions.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Bytes;
use catchment_testkit::world::{Key, Node, Op, World};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A document that has no bytes of its own.
#[derive(Debug, Clone, Default)]
pub struct Document {
    pub export_as: Option<&'static str>,
    pub options: Vec<&'static str>,
    /// What it is exported to, by format.
    pub exports: BTreeMap<&'static str, Bytes>,
}

pub struct Drive {
    pub world: World,
    /// Files that can be exported alone.
    pub documents: BTreeMap<Key, Document>,
    /// Folders that show nothing of what is in them.
    pub closed: BTreeSet<Key>,
    /// Files that stand for a place on somebody's machine.
    pub links: BTreeSet<Key>,
    /// Hashes instead of the right ones.
    pub hashes: BTreeMap<Key, String>,
    /// Cursors that were given out before this event are not known any more.
    pub forgotten: u64,
    hashed: BTreeMap<u64, String>,
}

impl Drive {
    pub fn new(world: World) -> Self {
        Self {
            world,
            documents: BTreeMap::new(),
            closed: BTreeSet::new(),
            links: BTreeSet::new(),
            hashes: BTreeMap::new(),
            forgotten: 0,
            hashed: BTreeMap::new(),
        }
    }

    /// The path below `top` as a person would write it, with a slash in front; "" for `top`.
    pub fn display(&self, top: Key, key: Key) -> Option<String> {
        let path = self.world.path_from(top, key)?;
        Some(if path.is_empty() { path } else { format!("/{path}") })
    }

    /// What lies at a path below `top`, whatever the case of its letters.
    pub fn at(&self, top: Key, path: &str) -> Option<Key> {
        path.split('/').skip(1).try_fold(top, |key, name| {
            let name = name.to_lowercase();
            self.world.children(key).find(|node| node.name.to_lowercase() == name).map(|node| node.key)
        })
    }

    /// What a path, an id or a revision stands for, or the tags of what is wrong with it.
    pub fn find(&self, top: Key, wanted: &str) -> Result<Key, &'static [&'static str]> {
        let key = if let Some(id) = wanted.strip_prefix("id:") {
            id.trim_start_matches('k').parse().ok().map(Key).filter(|key| self.world.get(*key).is_some())
        } else if let Some(rev) = wanted.strip_prefix("rev:") {
            self.revision(rev).map(|(key, _)| key)
        } else if wanted.is_empty() || wanted.starts_with('/') {
            if wanted.split('/').skip(1).any(|name| matches!(name, "" | "." | "..")) {
                return Err(&["path", "malformed_path"]);
            }
            self.at(top, wanted)
        } else {
            return Err(&["path", "malformed_path"]);
        };
        key.ok_or(&["path", "not_found"])
    }

    /// The file and the content that a revision is of.
    pub fn revision(&self, rev: &str) -> Option<(Key, Bytes)> {
        let number = u64::from_str_radix(rev, 16).ok()?.checked_sub(REVISIONS)?;
        let event = self.world.log().get(usize::try_from(number).ok()?.checked_sub(1)?)?;
        match &event.op {
            Op::Create { content: Some(content), .. } | Op::Write { content, .. } => {
                Some((event.key?, content.clone()))
            }
            _ => None,
        }
    }

    /// Of a file or folder below `top`.
    pub fn metadata(&mut self, top: Key, key: Key) -> Value {
        let mut metadata = match self.world.content(key) {
            Some(_) => self.file(top, key),
            None => self.folder(top, key),
        };
        metadata[".tag"] = if self.world.content(key).is_some() { "file" } else { "folder" }.into();
        metadata
    }

    fn folder(&self, top: Key, key: Key) -> Value {
        let (node, display) = self.node(top, key);
        let mut folder = json!({
            "name": node.name, "id": id(key), "path_lower": display.to_lowercase(), "path_display": display,
        });
        let shared = self.shared_folder(key);
        if self.closed.contains(&key) {
            folder["sharing_info"] = json!({ "read_only": true, "traverse_only": false, "no_access": true });
        } else if let Some(at) = shared {
            let name = if at == key { "shared_folder_id" } else { "parent_shared_folder_id" };
            folder["sharing_info"] = json!({ "read_only": false, "traverse_only": false, "no_access": false });
            folder["sharing_info"][name] = at.0.to_string().into();
        }
        folder
    }

    /// As it also comes beside the bytes.
    pub fn file(&mut self, top: Key, key: Key) -> Value {
        let (node, display) = self.node(top, key);
        let (edition, content) = (node.edition, node.content.clone().expect("a file"));
        let hash = self.hashed.entry(edition).or_insert_with(|| content_hash(&content)).clone();
        let (node, _) = self.node(top, key);
        let mut file = json!({
            "name": node.name,
            "id": id(key),
            "path_lower": display.to_lowercase(),
            "path_display": display,
            "client_modified": time(node),
            "server_modified": time(node),
            "rev": rev(node),
            "size": content.len(),
            "is_downloadable": true,
            "content_hash": self.hashes.get(&key).cloned().unwrap_or(hash),
        });
        if let Some(document) = self.documents.get(&key) {
            file["is_downloadable"] = false.into();
            file["export_info"] = json!({});
            if let Some(format) = document.export_as {
                file["export_info"]["export_as"] = format.into();
            }
            if !document.options.is_empty() {
                file["export_info"]["export_options"] = json!(document.options);
            }
        }
        if self.links.contains(&key) {
            file["symlink_info"] = json!({ "target": "../elsewhere/file.txt" });
        }
        if let Some(at) = self.shared_folder(key) {
            file["sharing_info"] = json!({ "read_only": false, "parent_shared_folder_id": at.0.to_string() });
        }
        file
    }

    fn node(&self, top: Key, key: Key) -> (&Node, String) {
        (self.world.get(key).expect("there"), self.display(top, key).expect("below"))
    }
}

/// Where revisions begin to count.
const REVISIONS: u64 = 0x0015_f000_0000;

pub fn id(key: Key) -> String {
    format!("id:{:k>22}", key.0)
}

pub fn rev(node: &Node) -> String {
    format!("{:013x}", REVISIONS + node.edition)
}

fn time(node: &Node) -> String {
    node.modified.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Written a second time, from the vendor's words: all blocks at once.
pub fn content_hash(content: &[u8]) -> String {
    let blocks: Vec<u8> = content.chunks(4 << 20).flat_map(|block| Sha256::digest(block).to_vec()).collect();
    hex::encode(Sha256::digest(blocks))
}
