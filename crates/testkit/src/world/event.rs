//! Events: what happened to a world, with all that a feed or a real store needs to repeat it.

use chrono::{DateTime, Utc};

use crate::world::{Key, Op, World};

/// One operation that was done, and what it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number; the first is 1.
    pub number: u64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What was done.
    pub op: Op,
    /// What it was done to; `None` where it was done to a group.
    pub key: Option<Key>,
    /// The path from the drive before; `None` for what was not there.
    pub before: Option<String>,
    /// The path from the drive since; `None` for what is gone.
    pub after: Option<String>,
    /// What is below it, every folder before what is in it: it moved along, or went along.
    pub below: Vec<Key>,
}

impl Event {
    /// Whether something was deleted.
    pub fn is_delete(&self) -> bool {
        matches!(self.op, Op::Delete { .. })
    }

    /// The paths of the event below the integration's root, before and since; `None` where it was
    /// not there or not below the root.
    pub fn within_root(&self) -> (Option<&str>, Option<&str>) {
        (self.before.as_deref().and_then(inside), self.after.as_deref().and_then(inside))
    }
}

/// The path from the integration's root, of a path from the drive.
fn inside(path: &str) -> Option<&str> {
    path.strip_prefix("root/")
}

impl World {
    /// Where something lay before an event that it went or moved along with, from the drive.
    pub fn path_before(&self, event: &Event, key: Key) -> Option<String> {
        let top = event.key?;
        let before = event.before.as_ref()?;
        if key == top {
            return Some(before.clone());
        }
        let mut names = Vec::new();
        let mut at = key;
        while at != top {
            let node = self.get(at).or_else(|| self.gone(at))?;
            names.push(node.name.as_str());
            at = node.parent?;
        }
        names.push(before);
        names.reverse();
        Some(names.join("/"))
    }
}
