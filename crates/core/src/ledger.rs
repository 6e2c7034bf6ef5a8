//! The ledger: what was seen at the source, and what of it has been ingested.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    entry::{Entry, EntryId, Fingerprint},
    error::{ErrorKind, Result},
    following::Following,
    tenant::IntegrationId,
    walk::Complete,
};

/// Keeps, for each integration, what was seen and what became of it.
///
/// The order that makes a crash harmless: the ingestor acknowledges, then the ledger records.
/// What the ledger calls ingested is in the index; what is in the index and not recorded is
/// unsettled, and ingested again under the same key. Every call is one transaction, durable when
/// it returns, and cancel-safe.
///
/// An entry is *settled* while the ledger can vouch for what the ingestor holds of it. Whatever
/// may make that untrue unsettles it first.
#[async_trait]
pub trait Ledger: Following {
    /// Starts a run over everything under `roots` (paths; "" is everything), which are kept for
    /// the person. Runs of one integration may overlap; each has a number greater than all
    /// before it.
    async fn begin(&self, integration: IntegrationId, roots: &[String]) -> Result<Run>;

    /// Notes that a page of entries was seen in this run, and gives what is known of each, in
    /// the same order. An entry under a tombstone is alive again. An entry that was ingested
    /// under another path is unsettled: its document carries the old one. A container is kept
    /// for [`Following`] alone, if this run has the feed, and nothing is known of it.
    async fn seen(&self, run: &Run, entries: &[Entry]) -> Result<Vec<Known>>;

    /// Notes that the ingestor is about to replace what it holds of an entry. From here until
    /// [`Ledger::record`] nothing is known of its content, so that a crash in between ends in
    /// another ingestion, even if the source goes back to the version before.
    async fn unsettle(&self, run: &Run, entry: &EntryId) -> Result<()>;

    /// Records what became of entries, after the ingestor has acknowledged them. A result of an
    /// older run never replaces one of a newer run, nor an [invalidation](Ledger::invalidate)
    /// since that run began; where the two ingested different bytes the entry is unsettled,
    /// because nobody knows which of them came last.
    async fn record(&self, run: &Run, results: &[(Entry, EntryResult)]) -> Result<()>;

    /// Counts the living entries below the proof's root from before this run, and those of them
    /// that neither this run nor a later one has seen.
    async fn unseen(&self, run: &Run, proof: &Complete) -> Result<Unseen>;

    /// Puts a tombstone on every entry below the proof's root that neither this run nor a later
    /// one has seen, and says how many.
    async fn bury(&self, run: &Run, proof: &Complete) -> Result<u64>;

    /// Unsettles and gives up to `limit` entries whose tombstone is older than `grace`, for the
    /// ingestor to remove and the ledger to forget.
    async fn take_buried(&self, integration: IntegrationId, grace: Duration, limit: u32) -> Result<Vec<Buried>>;

    /// Forgets entries for good, after the ingestor has removed them. Entries that came back to
    /// life or were ingested again in the meantime stay; their ids are given back, for
    /// [`Ledger::invalidate`]: nobody knows which came last, the removal or the new document.
    async fn forget(&self, integration: IntegrationId, entries: &[EntryId]) -> Result<Vec<EntryId>>;

    /// One page of everything the ledger holds, tombstones included, in the order of the
    /// entries' ids (by bytes), from behind `after`.
    async fn entries(
        &self,
        integration: IntegrationId,
        after: Option<&EntryId>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>>;

    /// Unsettles entries, whatever a run that has already begun may still record of them: the
    /// next run ingests them again.
    async fn invalidate(&self, integration: IntegrationId, entries: &[EntryId]) -> Result<()>;

    /// Ends a run. A run that was dropped or killed never ends, which harms nothing.
    async fn finish(&self, run: &Run, outcome: RunOutcome) -> Result<()>;
}

/// One run of an integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Greater than the number of every run that began before.
    pub number: i64,
    /// The integration.
    pub integration: IntegrationId,
}

/// What the ledger knows of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The fingerprint at the last ingestion; only of a settled entry, and only if it had one.
    pub fingerprint: Option<Fingerprint>,
    /// SHA-256 of the bytes at the last ingestion; only of a settled entry.
    pub content_hash: Option<String>,
    /// How many chunks the last ingestion made; 0 unless settled.
    pub chunks: u32,
    /// The portfolio of the last ingestion; only of a settled entry, and only if it had one.
    pub portfolio: Option<String>,
    /// Set if the entry failed the last time it was tried, with the fingerprint it has now.
    pub quarantine: Option<Quarantine>,
    /// Whether this very run has seen the entry before, under this path or another.
    pub again: bool,
}

/// An entry that failed, and when it is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// The fingerprint it failed with. Another one ends the quarantine at once.
    pub fingerprint: Option<Fingerprint>,
    /// How often it failed in a row.
    pub failures: u32,
    /// Not before this time; `None`: not at all until its fingerprint changes.
    pub until: Option<DateTime<Utc>>,
    /// What the last failure was.
    pub kind: ErrorKind,
    /// What the last failure said.
    pub message: String,
}

/// What became of an entry in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryResult {
    /// The ingestor acknowledged it.
    Ingested {
        /// SHA-256 of the bytes.
        content_hash: String,
        /// How many chunks it made.
        chunks: u32,
        /// The portfolio it was imported into, if any.
        portfolio: Option<String>,
    },
    /// It could not be ingested. What was ingested before stays.
    Failed {
        /// What kind of failure.
        kind: ErrorKind,
        /// What it said.
        message: String,
        /// How long to leave it alone; `None` until its fingerprint changes.
        pause: Option<Duration>,
    },
}

/// What a run has not seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unseen {
    /// Living entries below the root that were there before this run.
    pub living: u64,
    /// Those of them that neither this run nor a later one has seen.
    pub unseen: u64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// Everything was listed and every entry has a result.
    Complete,
    /// Some branch could not be listed; nothing was removed.
    Partial,
    /// It was stopped or could not go on.
    Aborted,
}

/// An entry under a tombstone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buried {
    /// The entry.
    pub entry: EntryId,
    /// Its path when it was last seen.
    pub path: String,
}

/// An entry the ledger holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The entry.
    pub entry: EntryId,
    /// Its path when it was last seen.
    pub path: String,
    /// Whether it is under a tombstone.
    pub buried: bool,
    /// What the ingestor holds of it; `None` unless settled.
    pub settled: Option<Settled>,
}

/// What the ledger vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// SHA-256 of the bytes that were ingested.
    pub content_hash: String,
    /// How many chunks that made.
    pub chunks: u32,
}
