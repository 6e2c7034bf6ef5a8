//! What a client sees of a job.

use catchment_core::ErrorKind;
use catchment_store::{Failure, Job, JobFile, JobState};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::worker::Counts;

/// Work that outlives its request.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct JobView {
    /// Its id.
    #[schema(example = 12)]
    id: i64,
    /// What is done.
    #[schema(example = "import")]
    kind: String,
    /// The integration it works on.
    integration_id: Option<i64>,
    /// Whose it is.
    user_id: String,
    /// Where it stands.
    state: StateView,
    /// How often it was started: more than once after a server stopped in the middle, or after a
    /// failure that may pass.
    attempt: u32,
    /// What the current attempt, or the last one, has done so far.
    progress: Counts,
    /// What came out, once it has succeeded.
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
    /// Why it failed, or what the attempt before failed with.
    error: Option<FailureView>,
    /// Whether somebody asked it to stop.
    cancel_requested: bool,
    /// When it was submitted.
    created_at: DateTime<Utc>,
    /// When it was first started.
    started_at: Option<DateTime<Utc>>,
    /// When it ended for good.
    ended_at: Option<DateTime<Utc>>,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = JobState)]
pub(crate) enum StateView {
    /// It waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// It is done.
    Succeeded,
    /// It could not be done.
    Failed,
    /// It was called off.
    Cancelled,
}

/// Why something failed.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Failure)]
pub(crate) struct FailureView {
    /// The stable name of the failure, for programs.
    #[schema(value_type = String, example = "unavailable")]
    code: ErrorKind,
    /// What to do about it.
    message: String,
}

/// What became of one file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FileResult)]
pub(crate) struct FileView {
    /// Its path below the integration's root.
    #[schema(example = "contracts/2026/lease.pdf")]
    file_path: String,
    /// `ingested`: new or anew in the index. `unchanged`: it was there already. `failed`.
    /// `skipped`: it has no content. `quarantined`: it failed before, and is left alone for a
    /// while.
    #[schema(example = "ingested")]
    status: String,
    /// Whether it is in the index as it is at the source.
    success: bool,
    /// The status in words, or what to do about a failure.
    message: String,
    /// How many chunks were added to the index.
    chunks_added: u32,
    /// How many bytes were downloaded.
    bytes: u64,
    /// Why it failed.
    error: Option<String>,
    /// The stable name of the failure, for programs.
    #[schema(value_type = Option<String>, example = "unreadable")]
    error_code: Option<ErrorKind>,
}

impl JobView {
    /// Whether nothing more will come.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, StateView::Succeeded | StateView::Failed | StateView::Cancelled)
    }
}

impl FileView {
    /// A page of at most `limit` results, and the cursor of the next one.
    pub(crate) fn page(mut found: Vec<JobFile>, limit: usize) -> (Vec<Self>, Option<String>) {
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|last| last.number.to_string());
        (found.into_iter().map(Self::from).collect(), next)
    }
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        Self {
            id: job.id.0,
            kind: job.kind,
            integration_id: job.integration.map(|id| id.0),
            user_id: job.tenant.user,
            state: job.state.into(),
            attempt: job.attempt,
            progress: serde_json::from_value(job.progress).unwrap_or_default(),
            result: job.result,
            error: job.error.map(|Failure { kind, message }| FailureView { code: kind, message }),
            cancel_requested: job.cancel_requested,
            created_at: job.created_at,
            started_at: job.started_at,
            ended_at: job.ended_at,
        }
    }
}

impl From<JobFile> for FileView {
    fn from(file: JobFile) -> Self {
        let ingested = file.status == "ingested";
        let success = ingested || file.status == "unchanged";
        let message = match (&file.error, file.status.as_str()) {
            (Some(error), "quarantined") => format!("failed before, and is left alone for a while: {}", error.message),
            (Some(error), _) => error.message.clone(),
            (None, "ingested") if file.chunks == 1 => "imported: 1 chunk".to_owned(),
            (None, "ingested") => format!("imported: {} chunks", file.chunks),
            (None, "unchanged") => "unchanged since it was imported".to_owned(),
            (None, _) => "no content to import".to_owned(),
        };
        Self {
            file_path: file.path,
            status: file.status,
            success,
            message,
            chunks_added: if ingested { file.chunks } else { 0 },
            bytes: file.bytes,
            error_code: file.error.as_ref().map(|error| error.kind),
            error: file.error.map(|error| error.message),
        }
    }
}

impl From<JobState> for StateView {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Queued => Self::Queued,
            JobState::Running => Self::Running,
            JobState::Succeeded => Self::Succeeded,
            JobState::Failed => Self::Failed,
            JobState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<StateView> for JobState {
    fn from(state: StateView) -> Self {
        match state {
            StateView::Queued => Self::Queued,
            StateView::Running => Self::Running,
            StateView::Succeeded => Self::Succeeded,
            StateView::Failed => Self::Failed,
            StateView::Cancelled => Self::Cancelled,
        }
    }
}
