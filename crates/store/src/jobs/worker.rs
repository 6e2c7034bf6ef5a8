//! The worker's side of the queue, across tenants.
//!
//! On Postgres the clock is the database's: servers need not agree on the time.

use std::{collections::HashSet, time::Duration};

use catchment_core::Result;
use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use super::{Beat, Claim, Failure, JobEnd, JobFile, JobState, QueueStats, files, queue::lost, row::stored};
use crate::{
    db::{Sql, Twice, Tx, Value, Who, clock, locked, page::page, values},
    store::Store,
    time,
};

/// How many jobs [`Store::prune`] deletes in one transaction, and how many of
/// the small things.
const JOBS: u32 = 20;
const KEYS: u32 = 1_000;

const BEAT: Sql = clock!(
    "more (lease_until) AS (SELECT now + $2 FROM clock)
     UPDATE jobs SET lease_until = (SELECT lease_until FROM more), progress = $3, revision = revision + 1
     WHERE id = $4 AND attempt = $5 AND state = 'running' RETURNING cancel_requested"
);

const FINISH: &str = "UPDATE jobs SET state = $3, result = $4, error = $5, ended_at = $6, revision = revision + 1,
                     worker = NULL, lease_until = NULL
     WHERE id = $1 AND attempt = $2 AND state = 'running'";

/// Back into the queue, unless somebody asked it to stop.
const GIVE_BACK: &str = "UPDATE jobs SET state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'queued' END,
                     ended_at = CASE WHEN cancel_requested THEN $3 END, due_at = $4,
                     failures = failures + $5, error = coalesce($6, error), revision = revision + 1,
                     worker = NULL, lease_until = NULL
     WHERE id = $1 AND attempt = $2 AND state = 'running'";

const ATTEMPT: &str = "SELECT state FROM jobs WHERE id = $1 AND attempt = $2";

const HOLD: Sql = locked!("SELECT id FROM jobs WHERE id = $1 AND attempt = $2 AND state = 'running'");

const QUEUE: &str = "SELECT state, count(*), min(due_at) FROM jobs GROUP BY state";

const PRUNE_JOBS: &str =
    "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE ended_at < $1 ORDER BY ended_at LIMIT $2)";

const PRUNE_KEYS: &str = "DELETE FROM idempotency WHERE (organization, user_id, name) IN
     (SELECT organization, user_id, name FROM idempotency WHERE expires_at < $1 LIMIT $2)";

const PRUNE_AUTHORIZATIONS: &str = "DELETE FROM authorizations WHERE state_hash IN
     (SELECT state_hash FROM authorizations WHERE expires_at < $1 LIMIT $2)";

impl Store {
    /// Prolongs the lease, and says how far the job is.
    ///
    /// # Errors
    /// `Conflict` if the claim was lost: stop, and say nothing more about the job.
    pub async fn beat(&self, claim: &Claim, lease: Duration, progress: &Json) -> Result<Beat> {
        let progress = progress.to_string();
        let work = async || {
            let mut tx = self.db.write(Who::System).await?;
            let values = values![time::now(), time::lease(lease), &progress, claim.job.id.0, claim.job.attempt];
            let row = tx.maybe(BEAT, values).await?.ok_or_else(|| lost(claim.job.id))?;
            tx.commit().await?;
            Ok(Beat { cancel: row.bool(0)? })
        };
        self.db.retried(Twice::Harmless, work).await
    }

    /// Ends a job for good.
    ///
    /// # Errors
    /// `Conflict` if the claim was lost.
    pub async fn finish_job(&self, claim: &Claim, end: JobEnd) -> Result<()> {
        let (state, result, error) = match end {
            JobEnd::Succeeded(result) => (JobState::Succeeded, Some(result.to_string()), None),
            JobEnd::Failed(failure) => (JobState::Failed, None, Some(stored(&failure))),
            JobEnd::Cancelled => (JobState::Cancelled, None, None),
        };
        let values = values![state.as_str(), result, error, time::now()];
        self.end_attempt(claim, FINISH, &values, &[state]).await
    }

    /// Gives a job back unharmed, for example at shutdown: it is due again at once.
    ///
    /// # Errors
    /// `Conflict` if the claim was lost.
    pub async fn release(&self, claim: &Claim) -> Result<()> {
        let now = time::now();
        let values = values![now, now, 0_i64, None::<&str>];
        self.end_attempt(claim, GIVE_BACK, &values, &[JobState::Queued, JobState::Cancelled]).await
    }

    /// Puts a job off after a failure that may pass.
    ///
    /// # Errors
    /// `Conflict` if the claim was lost.
    pub async fn postpone(&self, claim: &Claim, until: DateTime<Utc>, failure: &Failure) -> Result<()> {
        let values = values![time::now(), until.timestamp_micros(), 1_i64, stored(failure)];
        self.end_attempt(claim, GIVE_BACK, &values, &[JobState::Queued, JobState::Cancelled]).await
    }

    /// Records what became of files of a job. A file that is recorded again is replaced, except
    /// that `unchanged` does not replace the `ingested` of an earlier attempt.
    ///
    /// # Errors
    /// `Conflict` if the claim was lost.
    pub async fn record_files(&self, claim: &Claim, files: &[JobFile]) -> Result<()> {
        let work = async || {
            let mut tx = self.db.write(Who::System).await?;
            let (job, attempt) = (claim.job.id.0, claim.job.attempt);
            tx.maybe(HOLD, values![job, attempt]).await?.ok_or_else(|| lost(claim.job.id))?;
            let mut rest = files;
            while !rest.is_empty() {
                // One statement can record a file once.
                let mut met = HashSet::with_capacity(rest.len());
                let distinct = rest.iter().take_while(|file| met.insert(&file.entry)).count();
                let (some, more) = rest.split_at(distinct);
                let page = page(some.iter().map(files::stored)).value(&tx);
                tx.run(files::RECORD, [page, job.into(), attempt.into()]).await?;
                rest = more;
            }
            tx.commit().await
        };
        self.db.retried(Twice::Harmless, work).await
    }

    /// How the queue stands.
    pub async fn queue(&self) -> Result<QueueStats> {
        let work = async || self.db.read(Who::System).await?.all(QUEUE, []).await;
        let mut stats = QueueStats::default();
        for row in self.db.retried(Twice::Harmless, work).await? {
            let count = row.large_count(1)?;
            match row.text(0)?.as_str() {
                "queued" => (stats.queued, stats.oldest_queued) = (count, row.maybe_time(2)?),
                "running" => stats.running = count,
                "succeeded" => stats.succeeded = count,
                "failed" => stats.failed = count,
                _ => stats.cancelled = count,
            }
        }
        Ok(stats)
    }

    /// Deletes jobs that ended so long ago, with their files, idempotency keys that have lapsed, and
    /// authorizations that nobody came back for in time, a few at a time. Says how many in all.
    pub async fn prune(&self, older_than: Duration) -> Result<u64> {
        let mut pruned = 0;
        let now = time::now();
        for (sql, before, limit) in
            [(PRUNE_JOBS, time::ago(older_than), JOBS), (PRUNE_KEYS, now, KEYS), (PRUNE_AUTHORIZATIONS, now, KEYS)]
        {
            loop {
                let batch = async || {
                    let mut tx = self.db.write(Who::System).await?;
                    let gone = tx.run(sql, values![before, limit]).await?;
                    tx.commit().await?;
                    Ok(gone)
                };
                let gone = self.db.retried(Twice::Harmless, batch).await?;
                pruned += gone;
                if gone < u64::from(limit) {
                    break;
                }
            }
        }
        Ok(pruned)
    }

    /// Ends an attempt in one of these states. Saying it again is no loss of the claim.
    async fn end_attempt(
        &self,
        claim: &Claim,
        sql: &'static str,
        values: &[Value<'_>],
        states: &[JobState],
    ) -> Result<()> {
        let fence = values![claim.job.id.0, claim.job.attempt];
        let work = async || {
            let mut tx = self.db.write(Who::System).await?;
            if tx.run(sql, fence.iter().chain(values).cloned()).await? == 0 {
                return already(&mut tx, &fence, states).await?.then_some(()).ok_or_else(|| lost(claim.job.id));
            }
            tx.commit().await
        };
        self.db.retried(Twice::Harmless, work).await
    }
}

async fn already(tx: &mut Tx, fence: &[Value<'_>], states: &[JobState]) -> Result<bool> {
    let Some(row) = tx.maybe(ATTEMPT, fence.iter().cloned()).await? else { return Ok(false) };
    let state = row.text(0)?;
    Ok(states.iter().any(|known| known.as_str() == state))
}
