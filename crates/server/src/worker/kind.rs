//! Kinds of jobs. A further kind is an implementation of [`JobKind`] and a line in [`all`].

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use catchment_core::{Error, Result};
use catchment_store::{Claim, Job};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    import::{IMPORT, Import, SYNC},
    progress::Progress,
};
use crate::state::App;

/// What a worker can do.
#[async_trait]
pub(crate) trait JobKind: Send + Sync {
    /// Its name, as it stands in the database.
    fn name(&self) -> &'static str;

    /// Does the work, and says what came out. It is dropped when somebody calls it off, when the
    /// server stops and when another worker has taken over; what was begun is then begun again,
    /// so doing a part of it twice must do no harm. An error that passes puts the job off.
    async fn run(&self, task: &Task) -> Result<Value>;

    /// Notes that the job has failed for good.
    async fn failed(&self, task: &Task, error: &Error) {
        let _ = (task, error);
    }
}

/// A job in the hands of a worker.
pub(crate) struct Task {
    /// What the work stands on.
    pub(crate) app: Arc<App>,
    /// The right to do it.
    pub(crate) claim: Claim,
    /// How far it is.
    pub(crate) progress: Progress,
}

impl Task {
    /// The job as it was when the attempt began.
    pub(crate) fn job(&self) -> &Job {
        &self.claim.job
    }

    /// What the job needs to know.
    pub(crate) fn payload<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.job().payload.clone())
            .map_err(|error| Error::internal("a job has a payload that cannot be read").source(error))
    }
}

/// All kinds, by name.
pub(super) fn all() -> HashMap<&'static str, Arc<dyn JobKind>> {
    let kinds: [Arc<dyn JobKind>; 2] = [Arc::new(Import(IMPORT)), Arc::new(Import(SYNC))];
    kinds.into_iter().map(|kind| (kind.name(), kind)).collect()
}
