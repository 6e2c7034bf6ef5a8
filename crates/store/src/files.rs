//! What the ledger holds of an integration, for people.

use catchment_core::{EntryId, Error, IntegrationId, Result, RunOutcome};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{jobs::Failure, scope::Scoped};

/// A file in the ledger.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LedgerFile {
    /// The entry's id.
    pub entry: EntryId,
    /// Its path when it was last seen.
    pub path: String,
    /// Where it stands.
    pub status: FileStatus,
    /// SHA-256 of the bytes that were ingested.
    pub content_hash: Option<String>,
    /// How many chunks that made.
    pub chunks: u32,
    /// The portfolio it was imported into.
    pub portfolio: Option<String>,
    /// How often it failed in a row.
    pub failures: u32,
    /// What the last failure was.
    pub error: Option<Failure>,
    /// Until when it is left alone.
    pub retry_at: Option<DateTime<Utc>>,
}

/// Where a file in the ledger stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// It was seen and not ingested yet.
    Pending,
    /// It is in the index.
    Ingested,
    /// It failed the last time it was tried.
    Failed,
    /// It is gone from the source.
    Removed,
}

/// Which files to list, in the order of their ids (by bytes).
#[derive(Debug, Clone)]
pub struct FileList {
    /// Only those that stand so.
    pub status: Option<FileStatus>,
    /// From behind this one.
    pub after: Option<EntryId>,
    /// At most so many.
    pub limit: u32,
}

impl Default for FileList {
    fn default() -> Self {
        Self { status: None, after: None, limit: 100 }
    }
}

/// A run of an integration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunRow {
    /// Its number; newer runs have greater ones.
    pub number: i64,
    /// The integration.
    pub integration: IntegrationId,
    /// The paths it went through.
    pub roots: Vec<String>,
    /// When it began.
    pub began_at: DateTime<Utc>,
    /// When it ended; `None` while it runs, and for ever if it was killed.
    pub ended_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub outcome: Option<RunOutcome>,
}

/// Which runs to list. The newest come first.
#[derive(Debug, Clone)]
pub struct RunList {
    /// Only older ones than this.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

impl Default for RunList {
    fn default() -> Self {
        Self { before: None, limit: 100 }
    }
}

impl Scoped {
    /// The files of an integration that the ledger knows.
    pub async fn files(&self, id: IntegrationId, list: &FileList) -> Result<Vec<LedgerFile>> {
        let _ = (id, list);
        Err(Error::internal("not there yet"))
    }

    /// The runs of an integration.
    pub async fn runs(&self, id: IntegrationId, list: &RunList) -> Result<Vec<RunRow>> {
        let _ = (id, list);
        Err(Error::internal("not there yet"))
    }
}
