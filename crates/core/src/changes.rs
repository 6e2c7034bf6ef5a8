//! Changes: a vendor's feed of what was added, changed or removed.
//!
//! A consumer takes the cursor of [`now`](Changes::now), walks everything, and from then on asks for
//! what changed since. What it has then is what the vendor has, whatever happened in between, because
//! both sides keep to this:
//!
//! - **Everything below the root, nothing else.** What is moved out of the integration's root is a
//!   [`Remove`](Change::Remove), what is moved into it an [`Upsert`](Change::Upsert), and what stays
//!   outside is nothing. The root itself is never told of. A `Remove` may name what the consumer never
//!   knew; it then means nothing.
//! - **A container stands for what is below it.** A container that was moved or renamed takes
//!   everything below it along, and a removed one takes everything below it with it; neither is told
//!   one by one, though it may be. A container that the consumer did not know has to be listed: it may
//!   have come from outside with all it holds. What is no container has nothing below it: where ids are
//!   paths a file may take a container's place under its id, and what was below is gone.
//! - **Parents are named, or come first.** An entry says in [`parent`](crate::Entry::parent) which
//!   container it is in, and may then come in any order: the latest word on an entry, by id, is what
//!   holds, and paths follow from parents and names. A vendor that knows paths only leaves `parent`
//!   empty; then an entry comes after the container it is in, in the order in which things happened, and
//!   its path is right as of everything told before it, and nothing comes in with a container from
//!   outside but what is told one by one.
//! - **Late is right.** An entry is told as it is when the page is made, or as it was when it changed;
//!   either way the last word on it, once [`more`](ChangePage::more) is false, is how it is now. So a
//!   container may be listed while its later changes are still in the feed: the listing runs ahead, the
//!   feed repeats what the listing has shown already, and both end at the same. What a listing does not
//!   find any more, the feed is about to remove. Telling twice is harmless, leaving out is not. A feed
//!   that tells entries as they were tells one by one what comes in with a container from outside: the
//!   listing may have run ahead of what it removes before that.
//! - **A cursor knows whose it is.** It carries what it needs to be told apart (the drive, the root):
//!   one of another account, drive or root is [`CursorExpired`](crate::ErrorKind::CursorExpired) like
//!   one that is too old, never another's changes. Then the consumer begins anew, with `now`.
//! - **The cursor moves when the work is done.** It is stored after a page has been applied, so the
//!   same page may come twice. Asking again with the same cursor gives the same changes again, as they
//!   are by then, and perhaps more.
//!
//! `catchment_testkit::world::Mirror` is the reference consumer. Imports follow feeds that name parents,
//! with what [`Following`](crate::Following) keeps; and they take a path as it is told where they do not
//! know the parent yet.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    entry::{Entry, EntryId},
    error::{Error, Result},
};

/// The capability to tell what changed since a cursor.
#[async_trait]
pub trait Changes: Send + Sync {
    /// The cursor of this moment: everything later will be in the feed.
    async fn now(&self) -> Result<Cursor>;

    /// What changed since `cursor`. Asking again with the same cursor gives the same changes
    /// again, and perhaps more. A cursor the vendor no longer honours is
    /// [`CursorExpired`](crate::ErrorKind::CursorExpired).
    async fn changes(&self, since: &Cursor) -> Result<ChangePage>;

    /// Waits until something has changed since a cursor, and says whether it has: `false` after `most`,
    /// or when the vendor ends the wait before. Where the vendor cannot be waited for this is
    /// `Unsupported`, and whoever wants to know asks for the changes now and then. Cancel-safe.
    async fn wait(&self, since: &Cursor, most: Duration) -> Result<bool> {
        let _ = (since, most);
        Err(Error::unsupported("this vendor does not tell when something changes: ask for the changes now and then"))
    }
}

/// A position in a vendor's change feed, kept across runs. Opaque.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

/// Some changes and the cursor behind them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangePage {
    /// The changes, oldest first.
    pub changes: Vec<Change>,
    /// Where the next page starts.
    pub cursor: Cursor,
    /// Whether there is more at once. `more` with an unmoved cursor is a protocol error.
    pub more: bool,
}

/// One change of an entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new, has changed, was moved or renamed; this is how it looks now. A container takes
    /// everything below it along; one that was not known has to be listed.
    Upsert(Box<Entry>),
    /// It is gone from below the root, with everything below it. May name what was never known.
    Remove(EntryId),
}

impl Cursor {
    /// A cursor as the vendor gave it.
    pub fn new(cursor: impl Into<String>) -> Self {
        Self(cursor.into())
    }

    /// The cursor as the vendor gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
