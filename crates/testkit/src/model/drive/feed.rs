//! The feed of the drive: the latest of each entry that was touched, in pages.

use catchment_core::{Change, ChangePage, Cursor};

use crate::{
    model::drive::{Ask, id, server, server::State},
    world::{Event, Key, Op, World},
};

/// How many changes a page holds.
const PAGE: usize = 7;

/// Where a reader of the feed stands, and whose feed it is.
#[derive(Debug, Clone, PartialEq)]
struct Position {
    drive: String,
    root: u64,
    epoch: u64,
    /// The last event that is known; `None`: that is not settled yet.
    since: Option<u64>,
    /// Pages are cut from what was touched until then.
    until: u64,
    offset: usize,
}

impl State {
    pub(crate) fn now(&mut self, ask: &Ask, version: u64) -> Cursor {
        let late = self.breaks("a_cursor_holds_from_the_moment_it_was_asked_for");
        if late {
            self.pending = Some(version);
        }
        let since = (!late).then_some(version);
        let (drive, root, epoch) = (ask.drive.clone(), ask.root, self.epoch);
        Position { drive, root, epoch, since, until: 0, offset: 0 }.cursor()
    }

    pub(crate) fn changes(&mut self, world: &World, ask: &Ask) -> Result<ChangePage, u16> {
        let stranger = self.breaks("a_cursor_of_another_source_is_refused");
        let own = |at: &Position| stranger || (at.drive == ask.drive && at.root == ask.root);
        let at = match Position::of(&ask.of).filter(own) {
            Some(at) if at.epoch == self.epoch => at,
            Some(at) if self.breaks("an_expired_cursor_says_so") => {
                return Ok(ChangePage { changes: Vec::new(), cursor: at.now(world, self.epoch), more: false });
            }
            None if stranger => return Ok(ChangePage { changes: Vec::new(), cursor: self.now(ask, 0), more: false }),
            _ => return Err(410),
        };
        let since = at.since.or(self.pending).unwrap_or_default();
        let until = if at.until == 0 { world.version() } else { at.until };
        let touched = world.at(until).touched_since(since);
        let left = touched.get(at.offset..).unwrap_or_default();
        let shown = &left[..left.len().min(PAGE)];
        let mut changes: Vec<_> =
            shown.iter().filter_map(|key| self.change(world, since, Key(ask.root), *key)).collect();
        let more = left.len() > PAGE;
        if more && self.breaks("every_page_of_a_feed_counts") {
            changes.pop();
        }
        let whole = at.offset == 0 && !more;
        if whole && !changes.is_empty() && !self.asked.insert(ask.of.clone()) && self.breaks("a_cursor_can_be_replayed")
        {
            changes.clear();
        }
        // A drive with hardly anything in it: the feeds of the others have to end.
        let small = world.nodes().count() < 6;
        let quiet = touched.is_empty() && small && self.breaks("a_quiet_source_has_nothing_to_tell");
        let cursor = if more {
            Position { since: Some(since), until, offset: at.offset + PAGE, ..at }.cursor()
        } else if quiet {
            Position { offset: at.offset + 1, ..at }.cursor()
        } else {
            Position { since: Some(until), until: 0, offset: 0, ..at }.cursor()
        };
        Ok(ChangePage { changes, cursor, more: more || quiet })
    }

    fn change(&self, world: &World, since: u64, root: Key, key: Key) -> Option<Change> {
        let last = world.since(since).iter().rev().find(|event| event.key == Some(key));
        let is_folder = world.get(key).or_else(|| world.gone(key)).is_some_and(|node| node.is_folder());
        let event = |kind: fn(&Op) -> bool| last.is_some_and(|event: &Event| kind(&event.op));
        let inside = |path: &Option<String>| path.as_ref().is_some_and(|path| path.starts_with("root/"));
        let was = last.is_some_and(|event| inside(&event.before));
        let is = world.is_within(key, root);
        let moved = event(|op| matches!(op, Op::Move { .. }));
        let renamed = event(|op| matches!(op, Op::Rename { .. }));
        let deleted = event(|op| matches!(op, Op::Delete { .. }));
        let broken = |promise, what| what && self.breaks(promise);
        let silent = broken("a_rewritten_file_is_told", event(|op| matches!(op, Op::Write { .. })) && is)
            || broken("a_removed_file_is_told", deleted && !is_folder)
            || broken("a_renamed_file_is_told", renamed && !is_folder)
            || broken("a_moved_folder_takes_along_what_is_below", moved && is_folder && was && is)
            || broken("a_removed_folder_takes_along_what_is_below", deleted && is_folder)
            || broken("folders_that_exchange_their_names_keep_what_they_hold", renamed && is_folder)
            || broken("what_is_moved_out_is_gone", moved && !is)
            || broken("what_is_moved_in_is_found", moved && !was && is)
            // Every third key of what was moved, renamed or removed.
            || broken("every_history_is_followed", key.0.is_multiple_of(3) && (moved || renamed || deleted));
        if silent {
            return None;
        }
        let told = if self.breaks("what_happens_outside_is_not_told") && !is && world.get(key).is_some() && !moved {
            server::entry(world, Key::DRIVE, key)
        } else {
            server::entry(world, root, key)
        };
        Some(told.map_or_else(|| Change::Remove(id(key)), |entry| Change::Upsert(Box::new(entry))))
    }
}

impl Position {
    fn cursor(&self) -> Cursor {
        let since = self.since.map(|since| since.to_string()).unwrap_or_default();
        let Self { drive, root, epoch, until, offset, .. } = self;
        Cursor::new(format!("{drive}/{root}/{epoch}/{since}/{until}/{offset}"))
    }

    fn of(cursor: &str) -> Option<Self> {
        let mut parts = cursor.split('/');
        let mut next = || parts.next();
        Some(Self {
            drive: next()?.to_owned(),
            root: next()?.parse().ok()?,
            epoch: next()?.parse().ok()?,
            since: match next()? {
                "" => None,
                since => Some(since.parse().ok()?),
            },
            until: next()?.parse().ok()?,
            offset: next()?.parse().ok()?,
        })
    }

    fn now(self, world: &World, epoch: u64) -> Cursor {
        Self { epoch, since: Some(world.version()), until: 0, offset: 0, ..self }.cursor()
    }
}
