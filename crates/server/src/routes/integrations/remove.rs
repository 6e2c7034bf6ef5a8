//! `DELETE /integrations/{id}` and `POST /integrations/{id}/disconnect`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{extract::State, http::StatusCode, response::Response};
use catchment_core::{DocumentKey, Ingestor, IntegrationId, Result as CoreResult};
use catchment_store::{Integration, JobList, JobState, Scoped};
use serde::Deserialize;

use super::view::{View, answer};
use crate::{
    extract::{Caller, Id, Query},
    problem::{Problem, Result},
    state::App,
};

/// How many documents are taken out of the index at once.
const BATCH: u32 = 500;

/// How long running jobs may take to stop, and how often that is looked at.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

/// What goes besides the integration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Removal {
    #[serde(default)]
    purge: bool,
}

/// Deletes an integration with its secrets and its history. Its documents stay in the index,
/// unless they are to be purged.
#[utoipa::path(
    delete, path = "/integrations/{id}", tag = "integrations",
    params(
        ("id" = i64, Path, minimum = 0, description = "The integration"),
        ("purge" = Option<bool>, Query, description = "Whether its documents leave the index"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, description = "A job of it does not stop: try again"),
    ),
)]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Id,
    Query(removal): Query<Removal>,
) -> Result<StatusCode> {
    let scoped = app.store.scoped(caller.scope());
    let integration = scoped.integration(id.integration()).await?;
    if removal.purge {
        app.purge(&scoped, &integration).await?;
    } else {
        app.disconnect(&scoped, &integration).await?;
        scoped.delete(integration.id).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Revokes the tokens of an integration at the vendor where it can, and erases them here with all
/// its secrets. Settings, history and documents stay.
#[utoipa::path(
    post, path = "/integrations/{id}/disconnect", tag = "integrations",
    params(("id" = i64, Path, minimum = 0, description = "The integration")),
    responses((status = 200, description = "As it is now, `status` is `disconnected`", body = View, headers(
        ("ETag" = String, description = "Its revision, for If-Match"),
    ))),
)]
pub(crate) async fn disconnect(State(app): State<Arc<App>>, caller: Caller, id: Id) -> Result<Response> {
    let scoped = app.store.scoped(caller.scope());
    let integration = scoped.integration(id.integration()).await?;
    Ok(answer(StatusCode::OK, &app.disconnect(&scoped, &integration).await?))
}

impl App {
    /// Deletes an integration and takes its documents out of the index. In this order, so that
    /// after any failure the integration is still there to be deleted again: no job brings
    /// documents back, the documents go, then what knows of them.
    pub(crate) async fn purge(&self, scoped: &Scoped, integration: &Integration) -> Result<()> {
        self.disconnect(scoped, integration).await?;
        stop_jobs(self, scoped, integration.id).await?;
        purge(&*self.ingestor, integration.id).await?;
        Ok(scoped.delete(integration.id).await?)
    }
}

/// Asks the running jobs of an integration to stop, and waits until they have.
async fn stop_jobs(app: &App, scoped: &Scoped, id: IntegrationId) -> Result<()> {
    let running = JobList { integration: Some(id), state: Some(JobState::Running), ..JobList::default() };
    let give_up = Instant::now() + PATIENCE;
    loop {
        let jobs = scoped.jobs(&running).await?;
        if jobs.is_empty() {
            return Ok(());
        }
        if Instant::now() > give_up {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "conflict",
                "a job of the integration is still running: it was asked to stop, try again in a moment",
            ));
        }
        for job in jobs.iter().filter(|job| !job.cancel_requested) {
            app.cancel(scoped, job.id).await?;
        }
        // The worker may be another server's, which tells nobody but the database.
        tokio::time::sleep(LOOK).await;
    }
}

/// Takes every document of an integration out of the index. Cancel-safe: done again, it goes on.
async fn purge(ingestor: &dyn Ingestor, integration: IntegrationId) -> CoreResult<()> {
    loop {
        let held = ingestor.audit(integration, None, BATCH).await?;
        if held.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = held.into_iter().map(|held| DocumentKey { integration, entry: held.entry }).collect();
        ingestor.remove(&keys).await?;
    }
}
