//! Events: what an import tells while it runs.

use std::time::Duration;

use catchment_core::{EntryId, Error, ErrorKind, Known};
use serde::Serialize;

/// What happens in an import.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// So many files have been found so far.
    Listed {
        /// Files and special entries, each counted once.
        found: u64,
    },
    /// The vendor's feed is followed instead of a listing; so many changes of it so far.
    Followed {
        /// Changes, one entry perhaps several times.
        changes: u64,
    },
    /// The feed cannot be followed any further: everything is listed after all.
    Unfollowed {
        /// Why.
        error: Failure,
    },
    /// A container, or a path that was asked for, could not be listed. Nothing below it is
    /// removed, and the import will not be complete.
    Unlisted {
        /// Its path.
        path: String,
        /// Why.
        error: Failure,
    },
    /// A file is about to be downloaded.
    Started {
        /// The entry.
        entry: EntryId,
        /// Its path.
        path: String,
        /// Bytes, if the vendor says.
        size: Option<u64>,
    },
    /// Bytes of a file have come. Not sent for small files.
    Progress {
        /// The entry.
        entry: EntryId,
        /// How many bytes of it there are by now.
        bytes: u64,
    },
    /// A file has its result.
    Finished(FileResult),
    /// An entry is gone from the source, and now from the index too.
    Removed {
        /// The entry.
        entry: EntryId,
        /// Its path when it was last seen.
        path: String,
    },
    /// More is gone than is believed without asking: nothing was removed below this root. A
    /// person looks, and imports again with `approve_removals`.
    Parked {
        /// The path below which so much is gone; "" is everything.
        root: String,
        /// How many entries are gone.
        gone: u64,
        /// Of how many.
        of: u64,
    },
    /// The import has ended. Always the last event, unless an error was.
    Done(Summary),
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileResult {
    /// The entry.
    pub entry: EntryId,
    /// Its path.
    pub path: String,
    /// What became of it.
    pub status: Status,
    /// How many chunks of it the index holds, as far as the ledger knows.
    pub chunks: u32,
    /// How many bytes were downloaded.
    pub bytes: u64,
    /// Why, unless it is ingested or unchanged.
    pub error: Option<Failure>,
    /// How long it took, with downloading and parsing.
    pub duration: Duration,
}

/// What can become of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is in the index, new or anew.
    Ingested,
    /// It is in the index as it is at the source.
    Unchanged,
    /// It could not be ingested, and goes into quarantine.
    Failed,
    /// It has no content that could be had: a socket, a dangling link, an archived object.
    Skipped,
    /// It failed before and was left alone this time. The error is the one of that time.
    Quarantined,
}

/// An error, as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What kind.
    pub kind: ErrorKind,
    /// What it says to the person.
    pub message: String,
}

/// How an import went.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Files that were ingested, new or anew.
    pub ingested: u64,
    /// Files that were in the index already.
    pub unchanged: u64,
    /// Files that failed.
    pub failed: u64,
    /// Entries without content.
    pub skipped: u64,
    /// Files left alone because they failed before.
    pub quarantined: u64,
    /// Bytes that were downloaded.
    pub bytes: u64,
    /// Entries that were found gone, and now are under a tombstone or removed.
    pub gone: u64,
    /// Entries that were removed from the index.
    pub removed: u64,
    /// Entries that are gone, but wait for a person's approval.
    pub parked: u64,
    /// Whether everything was listed without an error, or the feed followed to its end.
    pub complete: bool,
    /// How many changes the vendor's feed told of, if it was followed instead of a listing.
    pub followed: Option<u64>,
    /// How long it took.
    pub elapsed: Duration,
}

impl Summary {
    /// How many entries have a result.
    pub fn files(&self) -> u64 {
        self.ingested + self.unchanged + self.failed + self.skipped + self.quarantined
    }

    pub(crate) fn count(&mut self, result: &FileResult) {
        self.bytes += result.bytes;
        *match result.status {
            Status::Ingested => &mut self.ingested,
            Status::Unchanged => &mut self.unchanged,
            Status::Failed => &mut self.failed,
            Status::Skipped => &mut self.skipped,
            Status::Quarantined => &mut self.quarantined,
        } += 1;
    }
}

impl FileResult {
    /// A result that took no work.
    pub(crate) fn of(entry: &catchment_core::Entry, status: Status, known: &Known) -> Self {
        Self {
            entry: entry.id.clone(),
            path: entry.path.clone(),
            status,
            chunks: known.chunks,
            bytes: 0,
            error: None,
            duration: Duration::ZERO,
        }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self { kind: error.kind(), message: error.to_string() }
    }
}
