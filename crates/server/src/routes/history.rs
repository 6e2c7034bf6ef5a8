//! `GET /integrations/{id}/syncs` and `GET /integrations/{id}/files`: what was brought in.

use std::sync::Arc;

use axum::{Json, extract::State};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use catchment_core::EntryId;
use catchment_store::{FileList, FileStatus, Job, JobId, JobList, JobState, LedgerFile};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    extract::{Caller, Cursor, Id, Limit, Query},
    problem::{Problem, Result},
    routes::Routes,
    state::App,
    worker::Counts,
};

pub(crate) fn router() -> Routes {
    Routes::new().routes(routes!(syncs)).routes(routes!(files))
}

/// Which part of the log.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// Which files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedFiles {
    status: Option<StatusView>,
    #[serde(default)]
    limit: Limit,
    cursor: Option<String>,
}

/// The sync log of an integration, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Syncs {
    /// The rows.
    syncs: Vec<SyncRow>,
    /// Where the older ones are, if there are any.
    next_cursor: Option<String>,
}

/// A sync, or an import of some paths.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncLogRow)]
pub(crate) struct SyncRow {
    /// Its id: that of the job.
    id: i64,
    /// The integration.
    integration_id: i64,
    /// What was done.
    #[schema(example = "sync")]
    kind: String,
    /// How it went. `partial`: some files failed.
    status: SyncStatus,
    /// Files that are in the index as they are at the source.
    records_synced: u64,
    /// Files that failed.
    records_failed: u64,
    /// Bytes that were downloaded.
    bytes: u64,
    /// Why it failed.
    error_message: Option<String>,
    /// When it was submitted.
    created_at: DateTime<Utc>,
    /// When it started.
    started_at: Option<DateTime<Utc>>,
    /// When it ended.
    completed_at: Option<DateTime<Utc>>,
}

/// How a sync went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SyncStatus {
    /// It waits for a worker.
    Queued,
    /// It is under way.
    Running,
    /// Everything is in step.
    Success,
    /// Some files failed.
    Partial,
    /// It could not be done.
    Failed,
    /// It was called off.
    Cancelled,
}

/// What was brought in, in the order of the vendor's ids.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SyncedFiles {
    /// The files.
    files: Vec<FileRow>,
    /// Where the next ones are, if there are any.
    next_cursor: Option<String>,
}

/// A file, as its source described it when it was last seen. What the source does not say is
/// `null`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncedFile)]
pub(crate) struct FileRow {
    /// The vendor's id.
    external_file_id: String,
    /// Its name.
    file_name: String,
    /// Its path when it was last seen.
    file_path: String,
    /// Where a person can open it.
    file_link: Option<String>,
    /// Bytes.
    file_size: Option<u64>,
    /// Its media type.
    mime_type: Option<String>,
    /// When it was made.
    external_created_at: Option<DateTime<Utc>>,
    /// When it last changed.
    external_updated_at: Option<DateTime<Utc>>,
    /// Where it stands.
    sync_status: StatusView,
    /// What else is known.
    file_metadata: Metadata,
}

/// What else is known of a file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FileMetadata)]
pub(crate) struct Metadata {
    /// SHA-256 of the bytes that are in the index.
    content_hash: Option<String>,
    /// How many chunks they make.
    chunks: u32,
    /// The portfolio they are in.
    portfolio_id: Option<String>,
    /// How often it failed in a row.
    failures: u32,
    /// What the last failure said.
    error: Option<String>,
    /// When it is tried again at the earliest.
    retry_at: Option<DateTime<Utc>>,
}

/// Where a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FileStatus)]
pub(crate) enum StatusView {
    /// It was seen and not brought in yet.
    Pending,
    /// It is in the index.
    Ingested,
    /// It failed the last time it was tried.
    Failed,
    /// It is gone from the source.
    Removed,
}

/// The log of syncs and imports, newest first.
#[utoipa::path(
    get, path = "/integrations/{id}/syncs", tag = "documents",
    params(
        ("id" = i64, Path, minimum = 0, description = "The integration"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "How many at most; 100 if left out"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9]{1,18}$", description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "The log", body = Syncs)),
)]
pub(crate) async fn syncs(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Id,
    Query(part): Query<Part>,
) -> Result<Json<Syncs>> {
    let scoped = app.store.scoped(caller.scope());
    // A list of jobs is empty also where there is no such integration.
    let integration = scoped.integration(id.integration()).await?.id;
    let limit = part.limit.0;
    let before = part.cursor.map(|cursor| JobId(cursor.0));
    let list = JobList { integration: Some(integration), state: None, before, limit: limit + 1 };
    let mut jobs = scoped.jobs(&list).await?;
    let more = jobs.len() > limit as usize;
    jobs.truncate(limit as usize);
    let next_cursor = jobs.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Json(Syncs { syncs: jobs.into_iter().map(SyncRow::from).collect(), next_cursor }))
}

/// What was brought in, and where each file stands.
#[utoipa::path(
    get, path = "/integrations/{id}/files", tag = "documents",
    params(
        ("id" = i64, Path, minimum = 0, description = "The integration"),
        ("status" = Option<StatusView>, Query, description = "Only files that stand so"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "How many at most; 100 if left out"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "The files", body = SyncedFiles)),
)]
pub(crate) async fn files(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Id,
    Query(wanted): Query<WantedFiles>,
) -> Result<Json<SyncedFiles>> {
    let limit = wanted.limit.0;
    let list = FileList {
        status: wanted.status.map(Into::into),
        after: wanted.cursor.as_deref().map(opened).transpose()?,
        limit: limit + 1,
    };
    let mut files = app.store.scoped(caller.scope()).files(id.integration(), &list).await?;
    let more = files.len() > limit as usize;
    files.truncate(limit as usize);
    let next_cursor = files.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(last.entry.as_str()));
    Ok(Json(SyncedFiles { files: files.into_iter().map(FileRow::from).collect(), next_cursor }))
}

fn opened(cursor: &str) -> Result<EntryId> {
    let id = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|id| String::from_utf8(id).ok());
    id.map(EntryId::from)
        .ok_or_else(|| Problem::field("cursor", "not a cursor: give the next_cursor of the page before"))
}

impl From<Job> for SyncRow {
    fn from(job: Job) -> Self {
        let counts: Counts = serde_json::from_value(job.progress).unwrap_or_default();
        let status = match job.state {
            JobState::Queued => SyncStatus::Queued,
            JobState::Running => SyncStatus::Running,
            JobState::Succeeded if counts.failed > 0 => SyncStatus::Partial,
            JobState::Succeeded => SyncStatus::Success,
            JobState::Failed => SyncStatus::Failed,
            JobState::Cancelled => SyncStatus::Cancelled,
        };
        Self {
            id: job.id.0,
            integration_id: job.integration.map_or(0, |id| id.0),
            kind: job.kind,
            status,
            records_synced: counts.ingested + counts.unchanged,
            records_failed: counts.failed,
            bytes: counts.bytes,
            error_message: job.error.map(|error| error.message),
            created_at: job.created_at,
            started_at: job.started_at,
            completed_at: job.ended_at,
        }
    }
}

impl From<LedgerFile> for FileRow {
    fn from(file: LedgerFile) -> Self {
        Self {
            external_file_id: file.entry.to_string(),
            file_name: file.path.rsplit('/').next().unwrap_or_default().to_owned(),
            file_path: file.path,
            file_link: file.web_url,
            file_size: file.size,
            mime_type: file.mime,
            external_created_at: file.created,
            external_updated_at: file.modified,
            sync_status: file.status.into(),
            file_metadata: Metadata {
                content_hash: file.content_hash,
                chunks: file.chunks,
                portfolio_id: file.portfolio,
                failures: file.failures,
                error: file.error.map(|error| error.message),
                retry_at: file.retry_at,
            },
        }
    }
}

impl From<FileStatus> for StatusView {
    fn from(status: FileStatus) -> Self {
        match status {
            FileStatus::Pending => Self::Pending,
            FileStatus::Ingested => Self::Ingested,
            FileStatus::Failed => Self::Failed,
            FileStatus::Removed => Self::Removed,
        }
    }
}

impl From<StatusView> for FileStatus {
    fn from(status: StatusView) -> Self {
        match status {
            StatusView::Pending => Self::Pending,
            StatusView::Ingested => Self::Ingested,
            StatusView::Failed => Self::Failed,
            StatusView::Removed => Self::Removed,
        }
    }
}
