//! Jobs: listed, looked at, followed, called off.

mod events;
mod view;

use std::sync::Arc;

use axum::{Json, extract::State};
use catchment_core::IntegrationId;
use catchment_store::{JobId, JobList};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use self::events::*;
use crate::{
    extract::{Caller, Cursor, Id, Limit, Query},
    problem::Result,
    routes::Routes,
    state::App,
};

pub(crate) use self::view::{FileView, JobView, StateView};

/// Those that are answered at once.
pub(crate) fn short() -> Routes {
    Routes::new().routes(routes!(list)).routes(routes!(get)).routes(routes!(files)).routes(routes!(cancel))
}

/// Those that last as long as the job.
pub(crate) fn long() -> Routes {
    Routes::new().routes(routes!(events))
}

/// Which jobs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    integration_id: Option<Cursor>,
    state: Option<StateView>,
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// Which part of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// Jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Jobs {
    /// The jobs.
    jobs: Vec<JobView>,
    /// Where the older ones are, if there are any.
    next_cursor: Option<String>,
}

/// What became of files, in the order of their results.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobFiles)]
pub(crate) struct Files {
    /// The results.
    file_results: Vec<FileView>,
    /// Where the next ones are, if there are any.
    next_cursor: Option<String>,
}

/// The caller's jobs, newest first; the organization's for an administrator.
#[utoipa::path(
    get, path = "/jobs", tag = "jobs",
    params(
        ("integration_id" = Option<i64>, Query, minimum = 0, description = "Only of this integration"),
        ("state" = Option<StateView>, Query, description = "Only in this state"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "How many at most; 100 if left out"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9]{1,18}$", description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "The jobs", body = Jobs)),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Jobs>> {
    let limit = wanted.limit.0;
    let list = JobList {
        integration: wanted.integration_id.map(|id| IntegrationId(id.0)),
        state: wanted.state.map(Into::into),
        before: wanted.cursor.map(|cursor| JobId(cursor.0)),
        limit: limit + 1,
    };
    let mut jobs = app.store.scoped(caller.scope()).jobs(&list).await?;
    let more = jobs.len() > limit as usize;
    jobs.truncate(limit as usize);
    let next_cursor = jobs.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Json(Jobs { jobs: jobs.into_iter().map(JobView::from).collect(), next_cursor }))
}

/// One job.
#[utoipa::path(
    get, path = "/jobs/{id}", tag = "jobs",
    params(("id" = i64, Path, minimum = 0, description = "The job")),
    responses((status = 200, description = "The job", body = JobView)),
)]
pub(crate) async fn get(State(app): State<Arc<App>>, caller: Caller, id: Id) -> Result<Json<JobView>> {
    let job = app.store.scoped(caller.scope()).job(JobId(id.0)).await?;
    Ok(Json(job.into()))
}

/// What became of the files of a job so far.
#[utoipa::path(
    get, path = "/jobs/{id}/files", tag = "jobs",
    params(
        ("id" = i64, Path, minimum = 0, description = "The job"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "How many at most; 100 if left out"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9]{1,18}$", description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "The results", body = Files)),
)]
pub(crate) async fn files(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Id,
    Query(part): Query<Part>,
) -> Result<Json<Files>> {
    let limit = part.limit.0;
    let scoped = app.store.scoped(caller.scope());
    let found = scoped.job_files(JobId(id.0), part.cursor.map(|cursor| cursor.0), limit + 1).await?;
    let (file_results, next_cursor) = FileView::page(found, limit as usize);
    Ok(Json(Files { file_results, next_cursor }))
}

/// Calls a job off. One that waits is cancelled at once; one that runs stops soon, and what it
/// has imported by then stays; one that has ended stays as it is.
#[utoipa::path(
    post, path = "/jobs/{id}/cancel", tag = "jobs",
    params(("id" = i64, Path, minimum = 0, description = "The job")),
    responses((status = 200, description = "As it is now", body = JobView)),
)]
pub(crate) async fn cancel(State(app): State<Arc<App>>, caller: Caller, id: Id) -> Result<Json<JobView>> {
    let job = app.cancel(&app.store.scoped(caller.scope()), JobId(id.0)).await?;
    Ok(Json(job.into()))
}
