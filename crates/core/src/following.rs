//! Following: what a ledger keeps so that an import can follow a feed instead of listing everything.
//!
//! A feed tells of a container that moved, and not of what is below it. So the ledger keeps containers
//! beside the entries: which lies in which, and the paths that follow from that.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    changes::{Change, Cursor},
    entry::{Entry, EntryId},
    error::Result,
    ledger::{Known, Run, Unseen},
};

/// Keeps where a feed stands, and which entry lies in which container.
///
/// One run at a time follows: the newest that [took](Self::take_feed) the feed. What an older one
/// still wants to change by these calls is refused with [`Conflict`](crate::ErrorKind::Conflict), and
/// nothing changes. Every call is one transaction, durable when it returns, and cancel-safe.
#[async_trait]
pub trait Following: Send + Sync {
    /// Takes the feed over for this run, and gives where it stands, if anything is kept. Refused
    /// where a newer run has taken it.
    async fn take_feed(&self, run: &Run) -> Result<Option<Feed>>;

    /// Forgets where the feed stands: the next import lists everything.
    async fn drop_feed(&self, run: &Run) -> Result<()>;

    /// Begins to follow from a cursor that was taken before this run listed everything, without a
    /// gap. Forgets the containers that it has not met.
    async fn start_feed(&self, run: &Run, feed: &Feed) -> Result<()>;

    /// Moves the cursor, after everything before it was told and recorded.
    async fn move_feed(&self, run: &Run, cursor: &Cursor) -> Result<()>;

    /// How many living entries there are, and how many of them these changes would bury at the most:
    /// what they remove, what is below it, and what is below a container that a file replaces. Both
    /// are 0 where that is nothing.
    async fn doomed(&self, run: &Run, changes: &[Change]) -> Result<Unseen>;

    /// Applies changes, in their order. Every entry names the container it is in.
    ///
    /// - What is removed goes under a tombstone with everything below it.
    /// - A file or special entry is [seen](crate::Ledger::seen), and where the changes tell of it
    ///   twice, the last word counts. Its path is the one of the container it names and its
    ///   [leaf](Entry::leaf); as it was told where that container is not known.
    /// - A container that was not known has to be [listed](Self::unlisted). One that moved takes
    ///   along what is below it: the paths change, and what was ingested under another is unsettled.
    async fn told(&self, run: &Run, changes: &[Change]) -> Result<Told>;

    /// Forgets where the feed stands, and takes back the tombstones that [`told`](Self::told) has put in
    /// this run: everything is listed instead, and that decides.
    async fn leave_feed(&self, run: &Run) -> Result<()>;

    /// Up to `limit` containers that have to be listed.
    async fn unlisted(&self, run: &Run, limit: u32) -> Result<Vec<Entry>>;

    /// Notes what the listing of a container shows, as far as it was not known: the rest is left to
    /// the feed, which may not be there yet. Gives the files and special entries that are new.
    async fn found(&self, run: &Run, container: &EntryId, entries: &[Entry]) -> Result<Vec<(Entry, Known)>>;

    /// Notes that a container was listed to its end.
    async fn listed(&self, run: &Run, container: &EntryId) -> Result<()>;

    /// One page of the entries that no feed will tell again although there is work to do: unsettled
    /// and not failed, or failed with a pause that is over. In the order of their ids (by bytes),
    /// from behind `after`.
    async fn due(&self, run: &Run, after: Option<&EntryId>, limit: u32) -> Result<Vec<Due>>;
}

/// Where a feed stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// Everything before it was applied.
    pub cursor: Cursor,
    /// When everything was last listed.
    pub walked: DateTime<Utc>,
    /// The portfolio it was imported into, if any.
    pub portfolio: Option<String>,
}

/// What became of changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// The files and special entries that were told of and are there, each once, with their paths
    /// as they are by now, and what is known of them.
    pub files: Vec<(Entry, Known)>,
    /// How many entries were put under a tombstone.
    pub buried: u64,
}

/// An entry with work to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The entry.
    pub entry: EntryId,
    /// Its path.
    pub path: String,
}
