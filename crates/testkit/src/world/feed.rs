//! A feed of a [`World`], told in each of the ways that the contract permits.

use catchment_core::{
    Change, ChangePage, Cursor, Entry, EntryId, Error, ErrorKind, Fingerprint, Page, PageRequest, PageToken, Result,
};

use super::{Key, Node, World};

/// How many entries a page of a listing has.
const LISTED: usize = 3;

/// In which of the permitted ways a feed tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Each event as it was, in order, parents named.
    Events,
    /// Each event as it was, in order, parents by path.
    Paths,
    /// The latest of each entry, in the order of the last events.
    Latest,
    /// The latest of each entry, in no order.
    Shuffled,
}

/// How a vendor in memory lists and tells what is in a world.
#[derive(Debug, Clone, Copy)]
pub struct Feed {
    /// The way.
    pub style: Style,
    /// How many changes a page of the feed holds.
    pub page: usize,
}

impl Feed {
    /// The cursor of this moment.
    pub fn now(&self, world: &World) -> Cursor {
        cursor(world.version(), 0)
    }

    /// What changed since a cursor. One that is older than the event `forgotten`, or ahead of the world, has expired.
    ///
    /// # Panics
    /// When the cursor is none of a feed.
    pub fn changes(&self, world: &World, since: &Cursor, forgotten: u64) -> Result<ChangePage> {
        let (number, offset) = since.as_str().split_once('.').expect("a cursor");
        let (number, offset) = (number.parse().expect("a number"), offset.parse().expect("an offset"));
        if number < forgotten || number > world.version() {
            return Err(Error::new(ErrorKind::CursorExpired, "not a cursor of this drive, or too old: begin anew"));
        }
        Ok(if matches!(self.style, Style::Events | Style::Paths) {
            self.events(world, number)
        } else {
            self.latest(world, number, offset)
        })
    }

    /// One page of what is in a folder.
    ///
    /// # Panics
    /// When the token is none of a listing.
    pub fn children(&self, world: &World, parent: &EntryId, page: &PageRequest) -> Result<Page<Entry>> {
        let folder = key(parent);
        if world.path(folder).is_none() {
            return Err(Error::not_found(parent));
        }
        let after = page.token.as_ref().map_or(0, |token| token.as_str().parse().expect("a token"));
        let left: Vec<_> = world.children(folder).filter(|node| node.key.0 > after).take(LISTED).collect();
        let next = left.get(LISTED - 1).map(|last| PageToken::new(last.key.to_string()));
        let items = left.iter().filter_map(|node| Some(entry(node, world.path(node.key)?, true))).collect();
        Ok(Page { items, next })
    }

    fn events(&self, world: &World, since: u64) -> ChangePage {
        let mut changes = Vec::new();
        let events = world.since(since);
        let some = events.len().min(self.page);
        for event in events.iter().take(some) {
            let (before, past) = (world.at(event.number - 1), world.at(event.number));
            let Some(key) = event.key else { continue };
            match (before.path(key), past.path(key)) {
                (None, None) => {}
                // The listing of what came in may have run ahead of this.
                (None, Some(_)) => self.with_all_below(&past, key, &mut changes),
                (_, path) => changes.extend(self.change(&past, key, path)),
            }
        }
        ChangePage { changes, cursor: cursor(since + some as u64, 0), more: events.len() > some }
    }

    /// What is new while a feed of this kind is read comes behind it: pages are cut from the state at the first.
    fn latest(&self, world: &World, since: u64, offset: usize) -> ChangePage {
        let mut keys = world.touched_since(since);
        if self.style == Style::Shuffled {
            keys.sort_by_key(|key| key.0.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        let left = keys.get(offset..).unwrap_or_default();
        let some = left.iter().take(self.page);
        let changes = some.filter_map(|key| self.change(world, *key, world.path(*key))).collect();
        let more = left.len() > self.page;
        let next = if more { cursor(since, offset + self.page) } else { cursor(world.version(), 0) };
        ChangePage { changes, cursor: next, more }
    }

    fn change(&self, world: &World, key: Key, path: Option<String>) -> Option<Change> {
        let node = world.get(key).or_else(|| world.gone(key))?;
        match path {
            Some(path) => Some(Change::Upsert(Box::new(entry(node, path, self.style != Style::Paths)))),
            None => Some(Change::Remove(id(key))),
        }
    }

    /// An entry and all below it, parents first.
    fn with_all_below(&self, world: &World, key: Key, changes: &mut Vec<Change>) {
        changes.extend(self.change(world, key, world.path(key)));
        for node in world.children(key) {
            self.with_all_below(world, node.key, changes);
        }
    }
}

fn cursor(since: u64, offset: usize) -> Cursor {
    Cursor::new(format!("{since}.{offset}"))
}

/// The id of a node.
pub fn id(key: Key) -> EntryId {
    format!("id-{key}").into()
}

/// The node of an id.
///
/// # Panics
/// When it is no id of a node.
pub fn key(id: &EntryId) -> Key {
    Key(id.as_str().strip_prefix("id-").and_then(|key| key.parse().ok()).expect("an id"))
}

/// A node as an entry; with its parent, or without.
pub fn entry(node: &Node, path: String, parent: bool) -> Entry {
    let mut entry =
        if node.is_folder() { Entry::container(id(node.key), path) } else { Entry::file(id(node.key), path) };
    entry.parent = node.parent.filter(|_| parent).map(id);
    entry.size = node.content.as_ref().map(|content| content.len() as u64);
    entry.fingerprint = fingerprint(node);
    entry
}

/// The fingerprint of a file.
pub fn fingerprint(node: &Node) -> Option<Fingerprint> {
    (!node.is_folder()).then(|| Fingerprint::new(node.edition.to_string()))
}
