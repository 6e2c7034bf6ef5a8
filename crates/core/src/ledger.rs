//! The ledger: what was seen at the source, and what of it has been ingested.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    entry::{Entry, EntryId, Fingerprint},
    error::{ErrorKind, Result},
    tenant::IntegrationId,
    walk::Complete,
};

/// Keeps, for each integration, what was seen and what became of it.
///
/// The order that makes a crash harmless: the ingestor acknowledges, then the ledger records.
/// What the ledger calls ingested is in the index; what is in the index and not in the ledger is
/// ingested again under the same key. Every call is durable when it returns and cancel-safe.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Starts a run over everything under `root` (a path; "" is everything). Runs of one
    /// integration may overlap; each has a number greater than all before it.
    async fn begin(&self, integration: IntegrationId, root: &str) -> Result<Run>;

    /// Notes that a page of entries was seen in this run, and gives what is known of each, in
    /// the same order. An entry under a tombstone is alive again.
    async fn seen(&self, run: &Run, entries: &[Entry]) -> Result<Vec<Known>>;

    /// Records what became of an entry, after the ingestor has acknowledged it. A result of an
    /// older run never replaces one of a newer run.
    async fn record(&self, run: &Run, entry: &Entry, result: &EntryResult) -> Result<()>;

    /// Counts the living entries under the run's root, and those of them this run has not seen.
    async fn unseen(&self, run: &Run) -> Result<Unseen>;

    /// Puts a tombstone on every entry under the run's root that this run has not seen, and says
    /// how many. Only a complete listing may do this.
    async fn bury(&self, run: &Run, proof: &Complete) -> Result<u64>;

    /// Up to `limit` entries whose tombstone is older than `grace`, for the ingestor to remove.
    async fn buried(&self, integration: IntegrationId, grace: Duration, limit: u32) -> Result<Vec<EntryId>>;

    /// Forgets entries for good, after the ingestor has removed them. Entries that came back to
    /// life in the meantime stay; their ids are given back.
    async fn forget(&self, integration: IntegrationId, entries: &[EntryId]) -> Result<Vec<EntryId>>;

    /// One page of what is held as ingested, tombstones included, in the order of the entries'
    /// ids (by bytes), from behind `after`.
    async fn ingested(
        &self,
        integration: IntegrationId,
        after: Option<&EntryId>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>>;

    /// Makes the next run ingest these entries again, whatever their fingerprints say.
    async fn invalidate(&self, integration: IntegrationId, entries: &[EntryId]) -> Result<()>;

    /// Ends a run.
    async fn finish(&self, run: &Run, outcome: RunOutcome) -> Result<()>;
}

/// One run of an integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Greater than the number of every run that began before.
    pub number: i64,
    /// The integration.
    pub integration: IntegrationId,
    /// The path that is walked; "" is everything.
    pub root: String,
}

/// What the ledger knows of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The fingerprint at the last ingestion, unless it was invalidated.
    pub fingerprint: Option<Fingerprint>,
    /// SHA-256 of the bytes at the last ingestion, unless it was invalidated.
    pub content_hash: Option<String>,
    /// How many chunks the last ingestion made.
    pub chunks: u32,
    /// Set while the entry is in quarantine: it failed before with this fingerprint.
    pub quarantine: Option<Quarantine>,
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
    pub kind: String,
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
    /// Living entries under the root, before this run.
    pub living: u64,
    /// Those this run has not seen.
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

/// An entry the ledger holds as ingested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The entry.
    pub entry: EntryId,
    /// Its path when it was last seen.
    pub path: String,
    /// SHA-256 of the bytes that were ingested.
    pub content_hash: String,
    /// How many chunks that made.
    pub chunks: u32,
}
