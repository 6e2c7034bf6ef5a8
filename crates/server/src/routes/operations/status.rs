//! `GET /status`.

use std::sync::Arc;

use axum::{Json, extract::State};
use catchment_core::IntegrationId;
use catchment_store::{Integration, List, Status};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    extract::{Caller, Cursor, Limit, Query},
    problem::Result,
    routes::integrations::StatusView,
    state::App,
};

/// Which integrations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// How everything is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Status)]
pub(crate) struct Report {
    /// The integrations, oldest first.
    integrations: Vec<Row>,
    /// Where the next ones are, if there are any.
    next_cursor: Option<String>,
    /// The queue of all servers on this database.
    queue: Queue,
    /// What runs.
    versions: Versions,
}

/// How an integration is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatusOfIntegration)]
pub(crate) struct Row {
    /// The integration.
    integration_id: i64,
    /// The vendor's id.
    vendor: String,
    /// What the person calls it.
    name: String,
    /// Whether it can be used.
    status: StatusView,
    /// Whether it has a credential that is good, as far as is known.
    token: Token,
    /// When it was last brought in step with its source.
    last_sync: Option<DateTime<Utc>>,
    /// Failures since the last success.
    error_count: u32,
    /// What the last failure said.
    last_error: Option<String>,
}

/// The state of a credential.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenState)]
pub(crate) enum Token {
    /// There is one.
    Valid,
    /// There is one, and the vendor no longer takes it.
    Expired,
    /// There is none.
    #[serde(rename = "No Token")]
    None,
}

/// How long the queue is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Queue {
    /// Jobs that wait for a worker.
    queued: u64,
    /// Jobs that a worker has.
    running: u64,
    /// Since when the longest-waiting job could have been started.
    oldest_queued: Option<DateTime<Utc>>,
}

/// What runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Versions {
    /// The server.
    #[schema(example = "0.1.0")]
    server: &'static str,
    /// The kind of database.
    #[schema(example = "sqlite")]
    database: &'static str,
}

/// How the caller's integrations and the queue are. An administrator sees the organization's.
#[utoipa::path(
    get, path = "/status", tag = "operations",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "How many at most; 100 if left out"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9]{1,18}$", description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "How everything is", body = Report)),
)]
pub(crate) async fn status(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Report>> {
    let limit = wanted.limit.0;
    let list = List { after: wanted.cursor.map(|cursor| IntegrationId(cursor.0)), limit: limit + 1, ..List::default() };
    let mut found = app.store.scoped(caller.scope()).integrations(&list).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let queue = app.store.queue().await?;
    Ok(Json(Report {
        next_cursor: found.last().filter(|_| more).map(|last| last.id.to_string()),
        integrations: found.into_iter().map(Row::from).collect(),
        queue: Queue { queued: queue.queued, running: queue.running, oldest_queued: queue.oldest_queued },
        versions: Versions {
            server: env!("CARGO_PKG_VERSION"),
            database: if app.store.is_shared() { "postgres" } else { "sqlite" },
        },
    }))
}

impl From<Integration> for Row {
    fn from(one: Integration) -> Self {
        let token = match one.status {
            Status::Expired | Status::Revoked => Token::Expired,
            _ if one.secret_fields.is_empty() && one.grant.is_none() => Token::None,
            _ => Token::Valid,
        };
        Self {
            integration_id: one.id.0,
            vendor: one.vendor,
            name: one.name,
            status: one.status.into(),
            token,
            last_sync: one.last_sync,
            error_count: one.errors,
            last_error: one.last_error,
        }
    }
}
