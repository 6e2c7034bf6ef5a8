//! `GET /metrics`.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    extract::Caller,
    problem::{Problem, Result},
    state::App,
};

/// Numbers for Prometheus, over all organizations and without their names. For administrators, also
/// on loopback: behind a proxy on the same machine, everybody comes from there.
#[utoipa::path(
    get, path = "/metrics", tag = "operations",
    responses((
        status = 200, description = "The OpenMetrics text format", body = String,
        content_type = "application/openmetrics-text",
    )),
)]
pub(crate) async fn metrics(State(app): State<Arc<App>>, caller: Caller) -> Result<Response> {
    if !caller.admin {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "metrics are for administrators: use such a token",
        ));
    }
    // Numbers are wanted most when the database is down.
    let queue = app.store.queue().await.inspect_err(|error| tracing::warn!(?error, "the queue is not counted")).ok();
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], app.metrics.render(queue.as_ref())).into_response())
}
