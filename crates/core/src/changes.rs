//! Changes: a vendor's feed of what was added, changed or removed.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    entry::{Entry, EntryId},
    error::Result,
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
    /// It is new, has changed, was moved or renamed; this is how it looks now.
    Upsert(Box<Entry>),
    /// It is gone, with everything below it.
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
