//! Lists and the feed of changes: what a cursor stands for, and what comes behind it.

use std::collections::BTreeMap;

use catchment_testkit::world::{Key, Op};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Account, Answer};

/// Pages of the feed may be far smaller than was asked for.
const PAGE: usize = 12;

/// What a cursor remembers.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cursor {
    top: u64,
    /// In lower case.
    path: String,
    recursive: bool,
    limit: usize,
    at: At,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum At {
    /// In a list that began when this was the last event, behind this path.
    List { since: u64, after: Option<String> },
    /// In the feed, behind this row of this event.
    Feed { event: u64, row: usize },
}

impl Account {
    pub fn list_folder(&mut self, top: Key, argument: &Value) -> Answer {
        match self.cursor(top, argument) {
            Ok(cursor) => self.list_page(cursor),
            Err(tags) => Answer::tags(tags),
        }
    }

    pub fn get_latest_cursor(&mut self, top: Key, argument: &Value) -> Answer {
        match self.cursor(top, argument) {
            Ok(cursor) => {
                let at = At::Feed { event: self.drive.world.version(), row: usize::MAX };
                Answer::json(json!({ "cursor": written(&Cursor { at, ..cursor }) }))
            }
            Err(tags) => Answer::tags(tags),
        }
    }

    pub fn list_folder_continue(&mut self, top: Key, argument: &Value) -> Answer {
        let cursor = argument["cursor"].as_str().and_then(|text| hex::decode(text).ok());
        let Some(cursor) = cursor.and_then(|bytes| serde_json::from_slice::<Cursor>(&bytes).ok()) else {
            return Answer::text(
                400,
                "Error in call to API function \"files/list_folder/continue\": Invalid \"cursor\"",
            );
        };
        let (At::List { since: given, .. } | At::Feed { event: given, .. }) = cursor.at;
        if given < self.drive.forgotten || cursor.top != top.0 {
            return Answer::tags(&["reset"]);
        }
        match cursor.at {
            At::List { .. } => self.list_page(cursor),
            At::Feed { .. } => self.feed_page(cursor),
        }
    }

    /// Whether there is something at once: nobody waits here.
    pub fn longpoll(&mut self, argument: &Value) -> Answer {
        let bytes = argument["cursor"].as_str().and_then(|text| hex::decode(text).ok()).expect("a cursor");
        let cursor: Cursor = serde_json::from_slice(&bytes).expect("a cursor");
        let At::Feed { event, row } = cursor.at else { unreachable!("a feed") };
        if event < self.drive.forgotten {
            return Answer::tags(&["reset"]);
        }
        let changes = !self.rows(Key(cursor.top), event, row).is_empty();
        Answer::json(json!({ "changes": changes }))
    }

    fn cursor(&self, top: Key, argument: &Value) -> Result<Cursor, &'static [&'static str]> {
        let key = self.drive.find(top, argument["path"].as_str().unwrap_or_default())?;
        if self.drive.world.content(key).is_some() {
            return Err(&["path", "not_folder"]);
        }
        if self.drive.closed.contains(&key) {
            return Err(&["path", "not_found"]);
        }
        Ok(Cursor {
            top: top.0,
            path: self.drive.display(top, key).expect("below").to_lowercase(),
            recursive: argument["recursive"] == true,
            limit: argument["limit"].as_u64().unwrap_or(500) as usize,
            at: At::List { since: self.drive.world.version(), after: None },
        })
    }

    /// What is there now behind a path, in the order of paths: folders before what is in them.
    fn list_page(&mut self, mut cursor: Cursor) -> Answer {
        let At::List { since, after } = cursor.at.clone() else { unreachable!("a list") };
        let top = Key(cursor.top);
        let Some(key) = self.drive.at(top, &cursor.path) else { return Answer::tags(&["path", "not_found"]) };
        let mut keys = match cursor.recursive {
            false => self.drive.world.children(key).map(|node| node.key).collect(),
            // The folder itself comes first.
            true => {
                let mut all = self.drive.world.below(key);
                all.extend((key != top).then_some(key));
                all
            }
        };
        keys.retain(|key| !self.is_hidden(*key));
        let mut sorted: Vec<_> = keys.into_iter().map(|key| (self.order(top, key), key)).collect();
        sorted.retain(|(path, _)| after.as_ref().is_none_or(|after| path > after));
        sorted.sort();
        let more = sorted.len() > cursor.limit;
        sorted.truncate(cursor.limit);
        cursor.at = match sorted.last().filter(|_| more) {
            Some((path, _)) => At::List { since, after: Some(path.clone()) },
            None => At::Feed { event: since, row: usize::MAX },
        };
        let entries: Vec<_> = sorted.into_iter().map(|(_, key)| self.drive.metadata(top, key)).collect();
        Answer::json(json!({ "entries": entries, "cursor": written(&cursor), "has_more": more }))
    }

    /// By path in lower case, a slash being less than any letter.
    fn order(&self, top: Key, key: Key) -> String {
        self.drive.display(top, key).expect("below").to_lowercase().replace('/', "\0")
    }

    /// Below a folder that shows nothing.
    fn is_hidden(&self, key: Key) -> bool {
        self.drive.closed.iter().any(|closed| *closed != key && self.drive.world.is_within(key, *closed))
    }

    fn feed_page(&mut self, mut cursor: Cursor) -> Answer {
        let At::Feed { event, row } = cursor.at else { unreachable!("a feed") };
        let top = Key(cursor.top);
        let mut rows = self.rows(top, event, row);
        let below = |path: &str| {
            let rest = path.to_lowercase();
            let rest = rest.strip_prefix(&cursor.path).map(str::to_owned);
            rest.is_some_and(|rest| {
                rest.is_empty() || (rest.starts_with('/') && (cursor.recursive || !rest[1..].contains('/')))
            })
        };
        rows.retain(|(_, path)| below(path));
        if rows.is_empty() && self.drive.at(top, &cursor.path).is_none() {
            return Answer::tags(&["path", "not_found"]);
        }
        let most = cursor.limit.min(PAGE);
        let more = rows.len() > most;
        rows.truncate(most);
        cursor.at = match rows.last().filter(|_| more) {
            Some((at, _)) => At::Feed { event: at.0, row: at.1 },
            None => At::Feed { event: self.drive.world.version(), row: usize::MAX },
        };
        let entries: Vec<_> = rows.into_iter().map(|(_, path)| self.row(top, &path)).collect();
        Answer::json(json!({ "entries": entries, "cursor": written(&cursor), "has_more": more }))
    }

    /// How it is at a path now.
    fn row(&mut self, top: Key, path: &str) -> Value {
        match self.drive.at(top, path) {
            Some(key) => self.drive.metadata(top, key),
            None => json!({
                ".tag": "deleted",
                "name": path.rsplit('/').next(),
                "path_lower": path.to_lowercase(),
                "path_display": path,
            }),
        }
    }

    /// The paths that were touched behind a row of an event, each once, in the order of their last
    /// events. What lay below something that was deleted, or that is a file by now, is not told:
    /// it went along.
    fn rows(&self, top: Key, event: u64, row: usize) -> Vec<((u64, usize), String)> {
        let world = &self.drive.world;
        let from_top = |path: &str| match world.path_from(Key::DRIVE, top).as_deref() {
            Some("") => Some(format!("/{path}")),
            Some(above) => Some(format!("/{}", path.strip_prefix(above)?.strip_prefix('/')?)),
            None => None,
        };
        let mut last: BTreeMap<String, ((u64, usize), String)> = BTreeMap::new();
        for change in world.since(event.saturating_sub(1)) {
            let mut paths = Vec::new();
            let keys = || change.key.into_iter().chain(change.below.iter().copied());
            let (before, after) = (change.before.as_deref(), change.after.as_deref());
            let goes = matches!(change.op, Op::Delete { .. } | Op::Rename { .. } | Op::Move { .. });
            // Where something came to, it and all below it are told of; where it was, as well.
            let past = world.at(change.number.saturating_sub(1));
            let then = world.at(change.number);
            if goes && before != after {
                paths.extend(keys().filter_map(|key| past.path_from(Key::DRIVE, key)));
            }
            match change.op {
                Op::Rename { .. } | Op::Move { .. } => {
                    paths.extend(keys().filter_map(|key| then.path_from(Key::DRIVE, key)));
                }
                Op::Create { .. } | Op::Write { .. } => paths.extend(after.map(str::to_owned)),
                _ => {}
            }
            for (place, path) in paths.iter().enumerate() {
                if let Some(path) = from_top(path) {
                    last.insert(path.to_lowercase(), ((change.number, place), path));
                }
            }
        }
        let went_along = |path: &str| {
            let above = path.match_indices('/').skip(1).map(|(at, _)| &path[..at]);
            let mut told = above.filter(|above| last.contains_key(*above));
            told.any(|above| match self.drive.at(top, above) {
                None => true,
                Some(key) => world.content(key).is_some(),
            })
        };
        let rows = last.iter().filter(|(path, (at, _))| *at > (event, row) && !went_along(path));
        let mut rows: Vec<_> = rows.map(|(_, row)| row.clone()).collect();
        rows.sort();
        rows
    }
}

fn written(cursor: &Cursor) -> String {
    hex::encode(serde_json::to_vec(cursor).expect("JSON"))
}
