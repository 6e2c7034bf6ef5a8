//! What a job is made of.

use std::fmt;

use catchment_core::{ErrorKind, IntegrationId, Tenant};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names a job. Never given twice; newer jobs have greater ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Work that outlives the request that asked for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// On whose behalf.
    pub tenant: Tenant,
    /// The integration it works on. No two jobs of one integration run at a time.
    pub integration: Option<IntegrationId>,
    /// What is to be done, for example `import`.
    pub kind: String,
    /// What it needs to know.
    pub payload: Value,
    /// Where it stands.
    pub state: JobState,
    /// How often it was started. Also the fence: what an earlier attempt says no longer counts.
    pub attempt: u32,
    /// How many attempts failed and were put off.
    pub failures: u32,
    /// What the worker said last; `null` before it said anything.
    pub progress: Value,
    /// What came out, once it has succeeded.
    pub result: Option<Value>,
    /// Why it failed, or what the last attempt failed with.
    pub error: Option<Failure>,
    /// Whether somebody asked it to stop.
    pub cancel_requested: bool,
    /// Counts its changes.
    pub revision: i64,
    /// When it was submitted.
    pub created_at: DateTime<Utc>,
    /// When its first attempt started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended for good.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// What it said. No secrets.
    pub message: String,
}

/// A job to submit.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// The integration it works on.
    pub integration: Option<IntegrationId>,
    /// What is to be done.
    pub kind: String,
    /// What it needs to know. No secrets.
    pub payload: Value,
    /// Not before this time.
    pub not_before: Option<DateTime<Utc>>,
}

/// Which jobs to list. The newest come first.
#[derive(Debug, Clone)]
pub struct JobList {
    /// Only of this integration.
    pub integration: Option<IntegrationId>,
    /// Only in this state.
    pub state: Option<JobState>,
    /// Only older ones than this.
    pub before: Option<JobId>,
    /// At most so many.
    pub limit: u32,
}

impl Default for JobList {
    fn default() -> Self {
        Self { integration: None, state: None, before: None, limit: 100 }
    }
}

/// A job that a worker has, until its lease ends.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The job as it was when it was claimed.
    pub job: Job,
    /// Who has it.
    pub worker: String,
}

/// What a worker learns when it says that it is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Whether somebody asked the job to stop.
    pub cancel: bool,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub enum JobEnd {
    /// It is done; this came out.
    Succeeded(Value),
    /// It could not be done.
    Failed(Failure),
    /// It stopped because it was asked to.
    Cancelled,
}

/// What became of one file of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobFile {
    /// Its place in the order in which files were first recorded, from 1. Given by the store:
    /// it is ignored in what is recorded.
    pub number: i64,
    /// The entry's id.
    pub entry: String,
    /// The entry's path.
    pub path: String,
    /// What became of it, for example `ingested`, `unchanged` or `failed`.
    pub status: String,
    /// How many chunks it has.
    pub chunks: u32,
    /// How large it is, in bytes.
    pub bytes: u64,
    /// Why it failed.
    pub error: Option<Failure>,
}

/// How the queue stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct QueueStats {
    /// Jobs that wait for a worker.
    pub queued: u64,
    /// Jobs that a worker has.
    pub running: u64,
    /// Jobs that are done and still kept.
    pub succeeded: u64,
    /// Jobs that failed and are still kept.
    pub failed: u64,
    /// Jobs that were called off and are still kept.
    pub cancelled: u64,
    /// Since when the longest-waiting job could have been started.
    pub oldest_queued: Option<DateTime<Utc>>,
}
