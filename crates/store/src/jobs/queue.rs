//! The tenant's side of the queue.

use catchment_core::{Error, ErrorKind, Result, Tenant};
use serde_json::json;

use super::{
    Job, JobFile, JobId, JobList, JobState, NewJob, files,
    row::{columns, job_of, no_job},
};
use crate::{
    audit,
    db::{Sql, Twice, locked, values},
    integrations::no_integration,
    scope::{Scoped, mine},
    time,
};

const OWNER: &str = concat!("SELECT user_id FROM integrations WHERE ", mine!(), " AND id = $3");

const INSERT: &str = concat!(
    "INSERT INTO jobs (organization, user_id, integration, kind, payload, state, due_at, created_at)
     VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7) RETURNING ",
    columns!()
);

const ONE: &str = concat!("SELECT ", columns!(), " FROM jobs WHERE ", mine!(), " AND id = $3");

const ONE_TO_CHANGE: Sql = locked!(concat!("SELECT ", columns!(), " FROM jobs WHERE ", mine!(), " AND id = $3"));

const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM jobs WHERE ",
    mine!(),
    " AND ($3 IS NULL OR state = $3) AND id < $4 ORDER BY id DESC LIMIT $5"
);

const LIST_OF_INTEGRATION: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM jobs WHERE ",
    mine!(),
    " AND ($3 IS NULL OR state = $3) AND id < $4 AND integration = $6 ORDER BY id DESC LIMIT $5"
);

const CANCEL: &str = concat!(
    "UPDATE jobs SET state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END,
                     ended_at = CASE WHEN state = 'queued' THEN $2 ELSE ended_at END,
                     cancel_requested = true, revision = revision + 1
     WHERE id = $1 RETURNING ",
    columns!()
);

impl Scoped {
    /// Puts a job into the queue. With an integration it is its owner's, else the scope's user's.
    pub async fn submit(&self, job: NewJob) -> Result<Job> {
        let payload = job.payload.to_string();
        let work = async || {
            let mut tx = self.write().await?;
            let owner = match job.integration {
                None => self.owner()?,
                Some(id) => {
                    let [organization, user] = self.mine();
                    let row = tx.maybe(OWNER, [organization, user, id.into()]).await?;
                    Tenant::new(&self.scope.organization, row.ok_or_else(|| no_integration(id))?.text(0)?)
                }
            };
            let now = time::now();
            let due = job.not_before.map_or(now, |time| time.timestamp_micros().max(now));
            let values = values![&owner.organization, &owner.user, job.integration, &job.kind, &payload, due, now];
            let submitted = job_of(&tx.one(INSERT, values).await?)?;
            let detail = json!({ "job": submitted.id, "kind": submitted.kind });
            audit::write(&mut tx, &self.scope, Some(&owner.user), "job.submit", job.integration, &detail).await?;
            tx.commit().await?;
            Ok(submitted)
        };
        self.store.db.retried(Twice::Harmful, work).await
    }

    /// One job.
    ///
    /// # Errors
    /// `NotFound` also for another tenant's, as if there were none.
    pub async fn job(&self, id: JobId) -> Result<Job> {
        let [organization, user] = self.mine();
        let values = [organization, user, id.0.into()];
        let work = async || self.read().await?.maybe(ONE, values.clone()).await;
        let row = self.store.db.retried(Twice::Harmless, work).await?;
        row.map(|row| job_of(&row)).unwrap_or_else(|| Err(no_job(id)))
    }

    /// A page of jobs, newest first.
    pub async fn jobs(&self, list: &JobList) -> Result<Vec<Job>> {
        let [organization, user] = self.mine();
        let before = list.before.map_or(i64::MAX, |before| before.0);
        let state = list.state.map(JobState::as_str);
        let mut values = vec![organization, user, state.into(), before.into(), list.limit.into()];
        values.extend(list.integration.map(Into::into));
        let sql = if list.integration.is_some() { LIST_OF_INTEGRATION } else { LIST };
        let work = async || self.read().await?.all(sql, values.clone()).await;
        self.store.db.retried(Twice::Harmless, work).await?.iter().map(job_of).collect()
    }

    /// Calls a job off: one that waits is cancelled at once, one that runs is asked to stop, one
    /// that ended stays as it is.
    pub async fn cancel(&self, id: JobId) -> Result<Job> {
        let work = async || {
            let mut tx = self.write().await?;
            let [organization, user] = self.mine();
            let row = tx.maybe(ONE_TO_CHANGE, [organization, user, id.0.into()]).await?;
            let job = job_of(&row.ok_or_else(|| no_job(id))?)?;
            if job.state.is_final() || job.cancel_requested {
                return Ok(job);
            }
            let job = job_of(&tx.one(CANCEL, values![id.0, time::now()]).await?)?;
            let detail = json!({ "job": id, "kind": job.kind });
            audit::write(&mut tx, &self.scope, Some(&job.tenant.user), "job.cancel", job.integration, &detail).await?;
            tx.commit().await?;
            Ok(job)
        };
        // A second time would find it cancelled.
        self.store.db.retried(Twice::Harmless, work).await
    }

    /// What became of the files of a job, in the order they were first recorded, from behind the
    /// number `after`.
    pub async fn job_files(&self, id: JobId, after: Option<i64>, limit: u32) -> Result<Vec<JobFile>> {
        let [organization, user] = self.mine();
        let mine = [organization, user, id.0.into()];
        let more = values![after.unwrap_or(0), limit];
        let work = async || {
            let mut tx = self.read().await?;
            let rows = tx.all(files::LIST, mine.iter().chain(&more).cloned()).await?;
            if rows.is_empty() && tx.maybe(ONE, mine.clone()).await?.is_none() {
                return Err(no_job(id));
            }
            Ok(rows)
        };
        self.store.db.retried(Twice::Harmless, work).await?.iter().map(files::file_of).collect()
    }
}

/// The claim is somebody else's by now, or the job is over.
pub(super) fn lost(id: JobId) -> Error {
    Error::new(ErrorKind::Conflict, "this worker has lost the job: another one has it, or it is over").with("job", id)
}
