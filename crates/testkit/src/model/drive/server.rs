//! The server of the drive: listings and content.

use std::collections::HashSet;

use catchment_core::{Entry, Page, PageToken};
use serde::Serialize;

use crate::{
    model::{
        drive::{Ask, id, mark},
        http::Answer,
    },
    world::{Key, Node, World},
};

/// What the server knows.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) world: World,
    /// Counts how often all cursors were forgotten.
    pub(crate) epoch: u64,
    /// Counts how often all links were made void.
    pub(crate) links: u64,
    pub(crate) breaks: Option<&'static str>,
    /// The cursors that have been asked for.
    pub(crate) asked: HashSet<String>,
    /// Since which event the cursor counts that is not settled yet.
    pub(crate) pending: Option<u64>,
}

impl State {
    pub(crate) fn breaks(&self, promise: &str) -> bool {
        self.breaks == Some(promise)
    }

    pub(crate) fn answer(&mut self, target: &str) -> Answer {
        let (operation, query) = target.split_once('?').unwrap_or((target, ""));
        let query = percent_encoding::percent_decode_str(query).decode_utf8().map_err(|_| 400_u16)?;
        let ask: Ask = serde_json::from_str(&query).map_err(|_| 400_u16)?;
        // Another drive is one with nothing in it.
        let empty = World::new();
        let mine = ask.drive == "mine";
        let world = if mine { &self.world } else { &empty };
        match operation {
            "/check" => json(&serde_json::json!({ "id": ask.drive })),
            "/lookup" => json(&self.lookup(world, &ask)?),
            "/children" => {
                let page = children(world, &ask)?;
                // A cursor that is settled late begins with the walk, and not when it was asked for.
                self.pending = self.pending.map(|_| self.world.version());
                json(&page)
            }
            "/link" => {
                let node = node(world, &ask)?;
                json(&format!("{}.{}", node.key, self.links))
            }
            "/content" => self.content(world, &ask),
            "/now" => {
                let version = world.version();
                json(&self.now(&ask, version))
            }
            "/changes" => {
                let world = if mine { self.world.clone() } else { empty };
                json(&self.changes(&world, &ask)?)
            }
            "/grants" => json(&self.grants(world, node(world, &ask)?.key)),
            "/members" => json(&self.members(world, &ask)?),
            _ => Err(404),
        }
    }

    fn lookup(&self, world: &World, ask: &Ask) -> Result<Entry, u16> {
        let key = world.find(Key(ask.root), &ask.of).ok_or(404_u16)?;
        entry(world, Key(ask.root), key).ok_or(404)
    }

    fn content(&self, world: &World, ask: &Ask) -> Answer {
        let (key, link) = ask.of.split_once('.').ok_or(400_u16)?;
        if link != self.links.to_string() {
            return Err(403);
        }
        let node = world.get(Key(key.parse().map_err(|_| 400_u16)?)).ok_or(404_u16)?;
        let content = node.content.as_ref().ok_or(400_u16)?;
        let version = mark(node).map(|mark| mark.as_str().to_owned());
        if ask.fingerprint.is_some() && ask.fingerprint != version {
            return Err(409);
        }
        let from = content.len().min(ask.offset as usize);
        let length = ask.length.map_or(usize::MAX, |length| length as usize);
        let until = content.len().min(from.saturating_add(length));
        Ok((content[from..until].to_vec(), version))
    }
}

fn json(value: &impl Serialize) -> Answer {
    Ok((serde_json::to_vec(value).map_err(|_| 500_u16)?, None))
}

/// What an id stands for, if it is below the root.
fn node<'a>(world: &'a World, ask: &Ask) -> Result<&'a Node, u16> {
    let key = ask.of.strip_prefix("id-").and_then(|key| key.parse().ok()).map(Key).ok_or(404_u16)?;
    if !world.is_within(key, Key(ask.root)) {
        return Err(404);
    }
    world.get(key).ok_or(404)
}

pub(crate) fn entry(world: &World, root: Key, key: Key) -> Option<Entry> {
    let node = world.get(key)?;
    let path = world.path_from(root, key)?;
    let mut entry = if node.is_folder() { Entry::container(id(key), path) } else { Entry::file(id(key), path) };
    entry.parent = node.parent.filter(|_| key != root).map(id);
    entry.size = node.content.as_ref().map(|content| content.len() as u64);
    entry.modified = Some(node.modified);
    entry.fingerprint = mark(node);
    Some(entry)
}

fn children(world: &World, ask: &Ask) -> Result<Page<Entry>, u16> {
    let folder = node(world, ask)?;
    if !folder.is_folder() {
        return Err(404);
    }
    let after: u64 = ask.token.as_ref().map_or(Ok(0), |token| token.parse()).map_err(|_| 400_u16)?;
    let mut left = world.children(folder.key).filter(|node| node.key.0 > after);
    let shown: Vec<_> = left.by_ref().take(ask.limit.unwrap_or(1000)).map(|node| node.key).collect();
    let last = shown.last().map(|key| PageToken::new(key.to_string()));
    let items = shown.into_iter().filter_map(|key| entry(world, Key(ask.root), key)).collect();
    Ok(Page { items, next: left.next().and(last) })
}
