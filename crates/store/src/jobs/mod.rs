//! Jobs: rows that workers claim by lease.

mod types;
mod worker;

use catchment_core::{Error, Result};

use crate::scope::Scoped;

pub use types::{Beat, Claim, Failure, Job, JobEnd, JobFile, JobId, JobList, JobState, NewJob, QueueStats};

impl Scoped {
    /// Puts a job into the queue. With an integration it is its owner's.
    pub async fn submit(&self, job: NewJob) -> Result<Job> {
        let _ = job;
        Err(Error::internal("not there yet"))
    }

    /// One job.
    pub async fn job(&self, id: JobId) -> Result<Job> {
        let _ = id;
        Err(Error::internal("not there yet"))
    }

    /// Jobs, newest first.
    pub async fn jobs(&self, list: &JobList) -> Result<Vec<Job>> {
        let _ = list;
        Err(Error::internal("not there yet"))
    }

    /// Calls a job off: one that waits is cancelled at once, one that runs is asked to stop, one
    /// that ended stays as it is.
    pub async fn cancel(&self, id: JobId) -> Result<Job> {
        let _ = id;
        Err(Error::internal("not there yet"))
    }

    /// What became of the files of a job, in the order they were first recorded, from behind
    /// the number `after`.
    pub async fn job_files(&self, id: JobId, after: Option<i64>, limit: u32) -> Result<Vec<JobFile>> {
        let _ = (id, after, limit);
        Err(Error::internal("not there yet"))
    }
}
