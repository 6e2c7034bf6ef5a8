//! `GET /health` and `GET /ready`.

use std::{future::Future, sync::Arc, time::Duration};

use axum::{Json, extract::State, http::StatusCode};
use catchment_core::{Error, ErrorKind, Ingestor, IntegrationId, Result as CoreResult};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    problem::{Problem, Result},
    state::App,
};

/// How long each part may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// When to look again.
const AGAIN: Duration = Duration::from_secs(5);

/// The server answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// What the server stands on answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    /// Always `ready`.
    #[schema(example = "ready")]
    status: &'static str,
    /// The database.
    #[schema(example = "ok")]
    database: &'static str,
    /// The index.
    #[schema(example = "ok")]
    index: &'static str,
    /// The queue of jobs.
    #[schema(example = "ok")]
    queue: &'static str,
}

/// Whether the process is alive. Says nothing of what it stands on.
#[utoipa::path(
    get, path = "/health", tag = "operations",
    responses((status = 200, description = "It is", body = Health)),
)]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether database, index and queue answer, each within two seconds.
#[utoipa::path(
    get, path = "/ready", tag = "operations",
    responses(
        (status = 200, description = "They do", body = Ready),
        (status = 503, description = "The server stops, or one of them does not answer: `detail` says which"),
    ),
)]
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Result<Json<Ready>> {
    if app.stopping.is_cancelled() {
        return Err(not_ready("the server is stopping"));
    }
    let (database, index, queue) = tokio::join!(
        answers(app.store.ready()),
        // No integration has this id: the cheapest thing every index can be asked.
        answers(app.index.audit(IntegrationId(0), None, 1)),
        answers(app.store.queue()),
    );
    let mut silent = Vec::new();
    for (part, answered) in [("database", database), ("index", index), ("queue", queue)] {
        if let Err(error) = answered {
            tracing::warn!(part, error = ?error, "not ready");
            silent.push(part);
        }
    }
    if !silent.is_empty() {
        return Err(not_ready(&format!("no answer from the {}: see the log", silent.join(", the "))));
    }
    Ok(Json(Ready { status: "ready", database: "ok", index: "ok", queue: "ok" }))
}

async fn answers<T>(asked: impl Future<Output = CoreResult<T>>) -> CoreResult<()> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answered) => answered.map(drop),
        Err(_) => Err(Error::new(ErrorKind::Timeout, "no answer in time")),
    }
}

fn not_ready(detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail).retry_after(AGAIN)
}
