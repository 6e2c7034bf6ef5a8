#![doc = include_str!("../README.md")]

mod audit;
mod authorizations;
mod db;
mod error;
mod files;
mod integrations;
mod jobs;
mod ledger;
mod once;
mod options;
mod rotate;
mod scope;
mod store;
mod threads;
mod time;
mod tokens;

pub use audit::{AuditList, AuditRow};
pub use authorizations::{Authorization, NewAuthorization};
pub use files::{FileList, FileStatus, LedgerFile, RunList, RunRow};
pub use integrations::{
    Connected, GrantInfo, Integration, IntegrationChange, List, Mark, NewIntegration, Past, Status, Success,
};
pub use jobs::{Beat, Claim, Failure, Job, JobEnd, JobFile, JobId, JobList, JobState, NewJob, QueueStats};
pub use once::{Once, OnceGuard, StoredAnswer};
pub use options::Options;
pub use rotate::Rotated;
pub use scope::{Scope, Scoped};
pub use store::Store;
