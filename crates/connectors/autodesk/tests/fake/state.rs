//! The account: a world of files, served as a project, and how the services behave.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Bytes;
use catchment_testkit::{
    openapi,
    world::{Key, Node, World},
};

/// The folders at the top of the project are the world's root and what lies outside it.
pub struct Account {
    pub world: World,
    /// Requests, the status and the body of their answers.
    pub asked: Vec<(openapi::Request, u16, Bytes)>,
    /// How often a token was asked for.
    pub exchanges: usize,
    /// Ends of paths that are refused, with a status and a code.
    pub refuses: Vec<(String, u16, String)>,
    /// Whether the account knows the app.
    pub provisioned: bool,
    /// The status with which a region is missing in the list of hubs.
    pub warned: Option<&'static str>,
    /// Where signed addresses lead, if not to the host that was asked.
    pub store: Option<String>,
    /// Signed addresses by their number, and how often each is still honoured.
    pub signed: BTreeMap<u32, u32>,
    /// How often a new one is.
    pub uses: u32,
    /// Whether the store gives other bytes than it holds.
    pub damaged: bool,
    /// Whether uploads are not put together yet.
    pub chunked: bool,
    /// Whether people, a role and a company may do this and that in every folder.
    pub staffed: bool,
    /// Files without a file behind their version.
    pub unpublished: BTreeSet<Key>,
    /// The host that addresses of next pages name; none for addresses without a host.
    pub links_at: Option<String>,
    /// Numbers of pages that come empty although more follow.
    pub empty_pages: BTreeSet<usize>,
    /// The number of the page behind which the first comes again.
    pub circle: Option<usize>,
    /// Until when everything but tokens is answered with 503.
    pub down_until: Option<tokio::time::Instant>,
}

impl Account {
    pub fn new() -> Self {
        Self {
            world: World::new(),
            asked: Vec::new(),
            exchanges: 0,
            refuses: Vec::new(),
            provisioned: true,
            warned: None,
            store: None,
            signed: BTreeMap::new(),
            uses: u32::MAX,
            damaged: false,
            chunked: false,
            staffed: false,
            unpublished: BTreeSet::new(),
            links_at: None,
            empty_pages: BTreeSet::new(),
            circle: None,
            down_until: None,
        }
    }

    pub fn put(&mut self, path: &str, bytes: &[u8]) -> Key {
        self.world.put(Key::ROOT, path, bytes.to_vec()).expect("a name that can be")
    }

    pub fn remove(&mut self, path: &str) {
        let _ = self.world.remove(Key::ROOT, path);
    }

    /// A file or folder, deleted or not.
    pub fn ever(&self, key: Key) -> Option<&Node> {
        self.world.get(key).or_else(|| self.world.gone(key))
    }

    /// What was written as this edition.
    pub fn edition(&self, key: Key, edition: u64) -> Option<Bytes> {
        match self.world.get(key) {
            Some(node) if node.edition == edition => node.content.clone(),
            _ => self.world.at(edition).content(key).cloned(),
        }
    }

    /// Paths and methods that were asked, without those of the object store.
    pub fn calls(&self) -> Vec<String> {
        self.asked.iter().map(|(request, ..)| format!("{} {}", request.method, request.path)).collect()
    }
}

/// What things are called on the wire.
pub fn folder_id(key: Key) -> String {
    match key {
        Key::DRIVE => "urn:adsk.wipprod:fs.folder:co.drive".to_owned(),
        key => format!("urn:adsk.wipprod:fs.folder:co.{key}"),
    }
}

pub fn item_id(key: Key) -> String {
    format!("urn:adsk.wipprod:dm.lineage:{key}")
}

pub fn version_id(node: &Node) -> String {
    format!("urn:adsk.wipprod:fs.file:vf.{}?version={}", node.key, node.edition)
}

/// The key of a folder, by its id.
pub fn folder_key(id: &str) -> Option<Key> {
    id.strip_prefix("urn:adsk.wipprod:fs.folder:co.")?.parse().ok().map(Key)
}

/// The key of an item, by its id.
pub fn item_key(id: &str) -> Option<Key> {
    id.strip_prefix("urn:adsk.wipprod:dm.lineage:")?.parse().ok().map(Key)
}
