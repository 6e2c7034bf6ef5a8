//! One neutral world of files, which every stand-in of a vendor serves and every history mutates.
//!
//! A [`World`] is a tree of files and folders by stable key. Whatever happens to it is an [`Op`], gets
//! a number, and stays in a log, so that a stand-in can serve a change feed from any number on.
//! Histories are random and valid ([`Rules`]); a [`Mirror`] follows a connector's changes as the
//! contract in [`catchment_core::changes`] says, and tells where it differs from the world.
//!
//! The tree's top is the vendor's drive. In it are two folders: [`Key::ROOT`], which the integration
//! sees as its root, and [`Key::OUTSIDE`], which it must never see. Things move between the two.

mod compare;
mod event;
pub mod feed;
mod history;
mod mirror;
mod op;
mod shortcuts;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use catchment_core::Principal;
use chrono::{DateTime, TimeDelta, Utc};

pub use compare::{Expected, Folders};
pub use event::Event;
pub use history::Rules;
pub use mirror::Mirror;
pub use op::{Op, Refused};

/// What a file or folder is known by, whatever its name and place become. Keys are given in order
/// and never twice, so the same operations on two new worlds give the same keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub u64);

/// A file or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is known by.
    pub key: Key,
    /// The folder it is in; `None` for the drive itself.
    pub parent: Option<Key>,
    /// Its name.
    pub name: String,
    /// The content of a file; `None` for a folder.
    pub content: Option<Bytes>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When its content was last written.
    pub modified: DateTime<Utc>,
    /// The number of the last event that touched it in any way.
    pub version: u64,
    /// The number of the last event that wrote its content.
    pub edition: u64,
    /// Who may read it by a grant of its own.
    pub shared: BTreeSet<Principal>,
    /// Whether the grants of the folder it is in hold for it as well.
    pub inherits: bool,
}

/// Files and folders, groups, and all that ever happened to them.
#[derive(Debug, Clone)]
pub struct World {
    nodes: BTreeMap<Key, Node>,
    /// What was deleted, as it last was.
    gone: BTreeMap<Key, Node>,
    groups: BTreeMap<String, BTreeSet<Principal>>,
    log: Vec<Event>,
    next: u64,
    /// Whether one folder may hold two things of one name.
    twins: bool,
}

impl Key {
    /// The vendor's drive, which holds everything.
    pub const DRIVE: Self = Self(0);
    /// The folder that is the integration's root; named `root`.
    pub const ROOT: Self = Self(1);
    /// A folder next to it; named `outside`.
    pub const OUTSIDE: Self = Self(2);

    /// Whether it is one of the three that every world begins with and that stay as they are.
    pub fn is_fixed(self) -> bool {
        self <= Self::OUTSIDE
    }
}

impl Node {
    /// Whether it has children.
    pub fn is_folder(&self) -> bool {
        self.content.is_none()
    }

    /// Bytes; 0 for a folder.
    pub fn size(&self) -> u64 {
        self.content.as_ref().map_or(0, |content| content.len() as u64)
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// An empty root, and an empty folder outside it.
    pub fn new() -> Self {
        let fixed = [
            (Key::DRIVE, None, ""),
            (Key::ROOT, Some(Key::DRIVE), "root"),
            (Key::OUTSIDE, Some(Key::DRIVE), "outside"),
        ];
        let nodes = fixed.map(|(key, parent, name)| (key, Node::new(key, parent, name.to_owned(), None, 0)));
        Self {
            nodes: nodes.into(),
            gone: BTreeMap::new(),
            groups: BTreeMap::new(),
            log: Vec::new(),
            next: Key::OUTSIDE.0 + 1,
            twins: false,
        }
    }

    /// The same, where a folder may hold two things of one name.
    pub fn with_twins() -> Self {
        Self { twins: true, ..Self::new() }
    }

    /// The number of the last event; 0 while nothing has happened.
    pub fn version(&self) -> u64 {
        self.log.len() as u64
    }

    /// When the event of this number happened: a second after the one before it.
    pub fn time(number: u64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(1_767_225_600 + number as i64)
    }

    /// All that is there, the fixed three included, in the order of their keys.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// What has this key, if it is there.
    pub fn get(&self, key: Key) -> Option<&Node> {
        self.nodes.get(&key)
    }

    /// What had this key, as it was when it was deleted.
    pub fn gone(&self, key: Key) -> Option<&Node> {
        self.gone.get(&key)
    }

    /// What is in a folder, in the order of the keys.
    pub fn children(&self, key: Key) -> impl Iterator<Item = &Node> {
        self.nodes.values().filter(move |node| node.parent == Some(key))
    }

    /// Everything below a folder, every folder before what is in it.
    pub fn below(&self, key: Key) -> Vec<Key> {
        let mut all = Vec::new();
        let mut left = vec![key];
        while let Some(folder) = left.pop() {
            for child in self.children(folder) {
                all.push(child.key);
                left.push(child.key);
            }
        }
        all
    }

    /// Whether `key` is `top` or lies below it.
    pub fn is_within(&self, key: Key, top: Key) -> bool {
        self.up(key).any(|node| node.key == top)
    }

    /// The names from the integration's root, separated by `/`; `None` for what is not below it.
    pub fn path(&self, key: Key) -> Option<String> {
        self.path_from(Key::ROOT, key)
    }

    /// The names from `top`, separated by `/`; "" for `top` itself, `None` for what is not below it.
    pub fn path_from(&self, top: Key, key: Key) -> Option<String> {
        let mut names = Vec::new();
        for node in self.up(key) {
            if node.key == top {
                names.reverse();
                return Some(names.join("/"));
            }
            names.push(node.name.as_str());
        }
        None
    }

    /// The content of a file.
    pub fn content(&self, key: Key) -> Option<&Bytes> {
        self.get(key)?.content.as_ref()
    }

    /// What lies at a path below `top`; the oldest, where there are twins.
    pub fn find(&self, top: Key, path: &str) -> Option<Key> {
        let mut names = path.split('/').filter(|name| !name.is_empty());
        names.try_fold(top, |key, name| self.child(key, name))
    }

    /// What has this name in a folder; the oldest, where there are twins.
    pub fn child(&self, folder: Key, name: &str) -> Option<Key> {
        self.children(folder).find(|node| node.name == name).map(|node| node.key)
    }

    /// Everybody who may read it: its own grants and, where it inherits, those of the folders above.
    pub fn readers(&self, key: Key) -> BTreeSet<Principal> {
        let mut all = BTreeSet::new();
        for node in self.up(key) {
            all.extend(node.shared.iter().cloned());
            if !node.inherits {
                break;
            }
        }
        all
    }

    /// The groups and their members, users and groups.
    pub fn groups(&self) -> &BTreeMap<String, BTreeSet<Principal>> {
        &self.groups
    }

    /// All events, oldest first.
    pub fn log(&self) -> &[Event] {
        &self.log
    }

    /// The events after the one of this number, oldest first.
    pub fn since(&self, number: u64) -> &[Event] {
        self.log.get(number as usize..).unwrap_or_default()
    }

    /// What was touched after the event of this number, each once, in the order of their last
    /// events: what a feed tells that keeps only the latest of each entry. Something that is below
    /// a deleted folder comes before that folder; ask [`get`](Self::get) whether a key is still there.
    pub fn touched_since(&self, number: u64) -> Vec<Key> {
        let mut last = BTreeMap::new();
        for event in self.since(number) {
            let deepest_first = event.below.iter().rev().filter(|_| event.is_delete());
            for (place, key) in deepest_first.chain(&event.key).enumerate() {
                last.insert(*key, (event.number, place));
            }
        }
        let mut keys: Vec<_> = last.into_iter().map(|(key, when)| (when, key)).collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, key)| key).collect()
    }

    /// The world as it was after the event of this number.
    pub fn at(&self, number: u64) -> Self {
        let mut past = Self { twins: self.twins, ..Self::new() };
        for event in &self.log[..(number as usize).min(self.log.len())] {
            // Whatever was valid once is valid again in the same order.
            if let Err(refused) = past.apply(event.op.clone()) {
                unreachable!("event {} cannot be repeated: {refused}", event.number);
            }
        }
        past
    }

    /// From a node to the drive.
    fn up(&self, key: Key) -> impl Iterator<Item = &Node> {
        std::iter::successors(self.get(key), |node| self.get(node.parent?))
    }
}

impl Node {
    fn new(key: Key, parent: Option<Key>, name: String, content: Option<Bytes>, number: u64) -> Self {
        let now = World::time(number);
        Self {
            key,
            parent,
            name,
            content,
            created: now,
            modified: now,
            version: number,
            edition: number,
            shared: BTreeSet::new(),
            inherits: true,
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}
