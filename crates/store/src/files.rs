//! What the ledger holds of an integration, for people.

use catchment_core::{EntryId, IntegrationId, Result, RunOutcome};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    db::{Row, Twice, Value},
    integrations::{no_integration, of_mine},
    jobs::Failure,
    ledger::kind,
    scope::{Scoped, mine},
};

/// A file in the ledger.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LedgerFile {
    /// The entry's id.
    pub entry: EntryId,
    /// Its path when it was last seen.
    pub path: String,
    /// Its size in bytes, if the source said.
    pub size: Option<u64>,
    /// The media type that the source claimed.
    pub mime: Option<String>,
    /// When it last changed at the source.
    pub modified: Option<DateTime<Utc>>,
    /// When it was made there.
    pub created: Option<DateTime<Utc>>,
    /// Where a person can open it.
    pub web_url: Option<String>,
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

/// Where an entry stands; what comes first counts.
macro_rules! status {
    () => {
        "CASE WHEN buried_at IS NOT NULL THEN 'removed'
              WHEN failures > 0 THEN 'failed'
              WHEN content_hash IS NOT NULL THEN 'ingested'
              ELSE 'pending' END"
    };
}

macro_rules! files {
    ($bound:literal) => {
        concat!(
            "SELECT entry, path, ",
            status!(),
            ", content_hash, chunks, portfolio, failures, failed_kind, failed_message, failed_until,
             size, mime, modified, created, web_url
             FROM entries WHERE ",
            of_mine!(),
            " AND ($4 IS NULL OR ",
            status!(),
            " = $4)",
            $bound,
            " ORDER BY entry LIMIT $5"
        )
    };
}

const FILES: &str = files!("");
/// No text sorts before the empty one, and an id may be empty: the first page has no bound.
const NEXT_FILES: &str = files!(" AND entry > $6");

const RUNS: &str = concat!(
    "SELECT number, integration, roots, began_at, ended_at, outcome FROM runs WHERE ",
    of_mine!(),
    " AND number < $4 ORDER BY number DESC LIMIT $5"
);

const IS_MINE: &str = concat!("SELECT id FROM integrations WHERE ", mine!(), " AND id = $3");

impl Scoped {
    /// The files of an integration that the ledger knows, in the order of their ids.
    pub async fn files(&self, id: IntegrationId, list: &FileList) -> Result<Vec<LedgerFile>> {
        let status = list.status.map(FileStatus::as_str);
        let mut more = vec![status.into(), list.limit.into()];
        more.extend(list.after.as_ref().map(Value::from));
        let sql = if list.after.is_some() { NEXT_FILES } else { FILES };
        self.of_integration(id, sql, &more).await?.iter().map(file).collect()
    }

    /// The runs of an integration, newest first.
    pub async fn runs(&self, id: IntegrationId, list: &RunList) -> Result<Vec<RunRow>> {
        let more = [list.before.unwrap_or(i64::MAX).into(), list.limit.into()];
        self.of_integration(id, RUNS, &more).await?.iter().map(run).collect()
    }

    /// Rows of an integration. `NotFound` if it is not the scope's.
    async fn of_integration(&self, id: IntegrationId, sql: &'static str, more: &[Value<'_>]) -> Result<Vec<Row>> {
        let [organization, user] = self.mine();
        let mine = [organization, user, id.into()];
        let work = async || {
            let mut tx = self.read().await?;
            let rows = tx.all(sql, mine.iter().chain(more).cloned()).await?;
            if rows.is_empty() && tx.maybe(IS_MINE, mine.clone()).await?.is_none() {
                return Err(no_integration(id));
            }
            Ok(rows)
        };
        self.store.db.retried(Twice::Harmless, work).await
    }
}

impl FileStatus {
    /// Its stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ingested => "ingested",
            Self::Failed => "failed",
            Self::Removed => "removed",
        }
    }
}

fn file(row: &Row) -> Result<LedgerFile> {
    let content_hash = row.maybe_text(3)?;
    let status = match row.text(2)?.as_str() {
        "removed" => FileStatus::Removed,
        "failed" => FileStatus::Failed,
        "ingested" => FileStatus::Ingested,
        _ => FileStatus::Pending,
    };
    let failures = row.count(6)?;
    let error = match (failures > 0).then(|| row.maybe_text(7)).transpose()?.flatten() {
        Some(name) => Some(Failure { kind: kind(&name), message: row.maybe_text(8)?.unwrap_or_default() }),
        None => None,
    };
    Ok(LedgerFile {
        entry: row.text(0)?.into(),
        path: row.text(1)?,
        size: row.maybe_int(10)?.and_then(|size| u64::try_from(size).ok()),
        mime: row.maybe_text(11)?,
        modified: row.maybe_time(12)?,
        created: row.maybe_time(13)?,
        web_url: row.maybe_text(14)?,
        status,
        chunks: if content_hash.is_some() { row.count(4)? } else { 0 },
        content_hash,
        portfolio: row.maybe_text(5)?,
        failures,
        error,
        retry_at: row.maybe_time(9)?,
    })
}

fn run(row: &Row) -> Result<RunRow> {
    let outcome = row.maybe_text(5)?.and_then(|outcome| match outcome.as_str() {
        "complete" => Some(RunOutcome::Complete),
        "partial" => Some(RunOutcome::Partial),
        "aborted" => Some(RunOutcome::Aborted),
        _ => None,
    });
    Ok(RunRow {
        number: row.int(0)?,
        integration: IntegrationId(row.int(1)?),
        roots: row.json(2)?,
        began_at: row.time(3)?,
        ended_at: row.maybe_time(4)?,
        outcome,
    })
}
