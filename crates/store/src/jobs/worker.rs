//! The worker's side of the queue, across tenants.

use std::time::Duration;

use catchment_core::{Error, Result};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Beat, Claim, Failure, JobEnd, JobFile, QueueStats};
use crate::store::Store;

impl Store {
    /// Gives the worker a job that is due, for the length of a lease. Never a second one of an
    /// integration that has one running. A job whose lease has lapsed is given to another worker.
    pub async fn claim(&self, worker: &str, lease: Duration) -> Result<Option<Claim>> {
        let _ = (worker, lease);
        Err(Error::internal("not there yet"))
    }

    /// Prolongs the lease, and says how far the job is. `Conflict` if the claim was lost.
    pub async fn beat(&self, claim: &Claim, lease: Duration, progress: &Value) -> Result<Beat> {
        let _ = (claim, lease, progress);
        Err(Error::internal("not there yet"))
    }

    /// Ends a job for good. `Conflict` if the claim was lost.
    pub async fn finish_job(&self, claim: &Claim, end: JobEnd) -> Result<()> {
        let _ = (claim, end);
        Err(Error::internal("not there yet"))
    }

    /// Gives a job back unharmed, for example at shutdown: it is due again at once.
    pub async fn release(&self, claim: &Claim) -> Result<()> {
        let _ = claim;
        Err(Error::internal("not there yet"))
    }

    /// Puts a job off after a failure that may pass.
    pub async fn postpone(&self, claim: &Claim, until: DateTime<Utc>, failure: &Failure) -> Result<()> {
        let _ = (claim, until, failure);
        Err(Error::internal("not there yet"))
    }

    /// Records what became of files of a job. A file recorded again is replaced, except that
    /// `unchanged` does not replace what an earlier attempt did.
    pub async fn record_files(&self, claim: &Claim, files: &[JobFile]) -> Result<()> {
        let _ = (claim, files);
        Err(Error::internal("not there yet"))
    }

    /// How the queue stands.
    pub async fn queue(&self) -> Result<QueueStats> {
        Err(Error::internal("not there yet"))
    }

    /// Deletes jobs that ended so long ago, with their files, and idempotency keys that have
    /// lapsed. Says how many rows.
    pub async fn prune(&self, older_than: Duration) -> Result<u64> {
        let _ = older_than;
        Err(Error::internal("not there yet"))
    }
}
