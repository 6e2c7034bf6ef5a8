//! Jobs: rows that workers claim by lease.

mod claim;
mod files;
mod queue;
mod row;
mod types;
mod worker;

pub use types::{Beat, Claim, Failure, Job, JobEnd, JobFile, JobId, JobList, JobState, NewJob, QueueStats};
