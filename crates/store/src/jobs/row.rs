//! Jobs as rows.

use catchment_core::{Error, ErrorKind, IntegrationId, Result, Tenant};
use serde_json::Value as Json;

use super::{Failure, Job, JobId, JobState};
use crate::db::Row;

/// The columns that [`job_of`] reads.
macro_rules! columns {
    () => {
        "id, organization, user_id, integration, kind, payload, state, attempt, failures, progress, result, error,
         cancel_requested, revision, created_at, started_at, ended_at"
    };
}

pub(super) use columns;

pub(super) fn job_of(row: &Row) -> Result<Job> {
    Ok(Job {
        id: JobId(row.int(0)?),
        tenant: Tenant::new(row.text(1)?, row.text(2)?),
        integration: row.maybe_int(3)?.map(IntegrationId),
        kind: row.text(4)?,
        payload: row.json(5)?,
        state: JobState::named(&row.text(6)?)?,
        attempt: row.count(7)?,
        failures: row.count(8)?,
        progress: row.json(9)?,
        result: row.maybe_json(10)?,
        error: failure_of(row, 11)?,
        cancel_requested: row.bool(12)?,
        revision: row.int(13)?,
        created_at: row.time(14)?,
        started_at: row.maybe_time(15)?,
        ended_at: row.maybe_time(16)?,
    })
}

/// A failure in a column. One of a kind that only a newer version knows is a fault of ours to
/// this one.
pub(super) fn failure_of(row: &Row, column: usize) -> Result<Option<Failure>> {
    let Some(mut json) = row.maybe_json::<Json>(column)? else { return Ok(None) };
    let message = match json["message"].take() {
        Json::String(message) => message,
        _ => String::new(),
    };
    let kind = serde_json::from_value(json["kind"].take()).unwrap_or(ErrorKind::Internal);
    Ok(Some(Failure { kind, message }))
}

/// A failure as it is stored.
pub(super) fn stored(failure: &Failure) -> String {
    serde_json::json!({ "kind": failure.kind.as_str(), "message": failure.message }).to_string()
}

impl JobState {
    /// Its stable name, as it stands on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it stays so.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    fn named(name: &str) -> Result<Self> {
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == name)
            .ok_or_else(|| Error::internal("a job is in a state that this version does not know: use the newest"))
    }
}

pub(super) fn no_job(id: JobId) -> Error {
    Error::new(ErrorKind::NotFound, "no such job: list the jobs to see their ids").with("job", id)
}
