//! `POST /integrations/import`, `POST /integrations/{id}/sync`, and what came of them.

use std::sync::Arc;

use axum::{
    Json as JsonBody,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use catchment_core::{Error, ErrorKind, IntegrationId};
use catchment_store::{Integration, Job, JobState, NewJob, Scoped, Status};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    extract::{Caller, Id, Json, OptionalJson},
    problem::{Problem, Result},
    routes::{
        Routes,
        jobs::{FileView, JobView},
    },
    state::App,
    worker::{Follow, IMPORT, Order, Outcome, SYNC},
};

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const RESPOND_ASYNC: &str = "respond-async";

/// How many results stand in the answer itself.
const RESULTS: usize = 1_000;

/// How many paths one call may have, and how long each may be.
const PATHS: usize = 10_000;
const LONGEST: usize = 4_096;

/// The longest name of a portfolio.
const LONGEST_PORTFOLIO: usize = 200;

/// What is answered at once.
pub(crate) fn short() -> Routes {
    Routes::new().routes(routes!(sync))
}

/// What is answered when the import is done.
pub(crate) fn long() -> Routes {
    Routes::new().routes(routes!(import))
}

/// What to import.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Import, example = json!({"integration_id": 7, "file_paths": ["contracts/2026", "readme.md"]}))]
pub(crate) struct Wanted {
    /// The integration.
    #[schema(minimum = 0)]
    integration_id: i64,
    /// Files and folders below the integration's root; "" is everything.
    #[schema(min_items = 1, max_items = 10000)]
    file_paths: Vec<String>,
    /// The portfolio the documents go into.
    #[schema(min_length = 1, max_length = 200)]
    portfolio_id: Option<String>,
}

/// What came of an import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportResult)]
pub(crate) struct Imported {
    /// The integration.
    integration_id: i64,
    /// The job that did it.
    job_id: i64,
    /// How many files have a result.
    total_files: u64,
    /// How many are in the index as they are at the source.
    successful: u64,
    /// How many failed, now or before.
    failed: u64,
    /// How many entries had no content.
    skipped: u64,
    /// How many changes the vendor's feed told of, where it was followed. Then files that have not
    /// changed have no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    followed: Option<u64>,
    /// The results, 1000 at most.
    file_results: Vec<FileView>,
    /// Where the further results are: the `cursor` of `GET /jobs/{job_id}/files`.
    next_cursor: Option<String>,
}

/// A job that goes on by itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Accepted)]
pub(crate) struct Accepted {
    /// The job's id: see `GET /jobs/{id}` and `GET /jobs/{id}/events`.
    job_id: i64,
    /// The job.
    job: JobView,
}

/// How to bring everything in step.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Sync)]
pub(crate) struct Whole {
    /// Whether every file is ingested again, also where nothing has changed.
    #[serde(default)]
    full: bool,
}

/// Imports files and folders. One that is missing or broken is a result and fails nothing else.
///
/// The work is a job and goes on when the client hangs up. With `Prefer: respond-async` the answer
/// is the job; otherwise it comes when the job has ended.
#[utoipa::path(
    post, path = "/integrations/import", tag = "documents", request_body = Wanted,
    params(("Prefer" = Option<String>, Header, description = "`respond-async` answers at once with a job")),
    responses(
        (status = 200, description = "What became of each file", body = Imported),
        (status = 202, description = "The job goes on by itself", body = Accepted, headers(
            ("Location" = String, description = "The job"),
            ("Preference-Applied" = String, description = "`respond-async`"),
        )),
        (status = 409, description = "The integration is disconnected, or the import was called off"),
        (status = 429, description = "The vendor takes no more calls for now"),
        (status = 502, description = "The vendor failed; the `Location` header names the job"),
    ),
)]
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Json(wanted): Json<Wanted>,
) -> Result<Response> {
    let order = wanted.order()?;
    let scoped = app.store.scoped(caller.scope());
    let integration = usable(&scoped, IntegrationId(wanted.integration_id)).await?;
    let job = submit(&app, &scoped, &integration, IMPORT, &order).await?;
    if prefers_async(&headers) {
        let mut response = accepted(job);
        response.headers_mut().insert(PREFERENCE_APPLIED, HeaderValue::from_static(RESPOND_ASYNC));
        return Ok(response);
    }
    let location = location(&job);
    let mut answer = ended(&app, &scoped, job).await.unwrap_or_else(IntoResponse::into_response);
    answer.headers_mut().insert(header::LOCATION, location);
    Ok(answer)
}

/// Brings everything of an integration in step with its source, as a job.
#[utoipa::path(
    post, path = "/integrations/{id}/sync", tag = "documents",
    request_body(content = Option<Whole>, description = "May be left out"),
    params(("id" = i64, Path, minimum = 0, description = "The integration")),
    responses(
        (status = 202, description = "The job goes on by itself", body = Accepted, headers(
            ("Location" = String, description = "The job"),
        )),
        (status = 409, description = "The integration is disconnected"),
    ),
)]
pub(crate) async fn sync(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Id,
    OptionalJson(whole): OptionalJson<Whole>,
) -> Result<Response> {
    let scoped = app.store.scoped(caller.scope());
    let integration = usable(&scoped, id.integration()).await?;
    let order = Order { paths: vec![String::new()], portfolio: None, full: whole.full };
    Ok(accepted(submit(&app, &scoped, &integration, SYNC, &order).await?))
}

impl Wanted {
    fn order(&self) -> Result<Order> {
        let paths = &self.file_paths;
        if paths.is_empty() || paths.len() > PATHS {
            return Err(Problem::field("file_paths", format_args!("give 1 to {PATHS} paths")));
        }
        let bad = |path: &String| path.len() > LONGEST;
        if let Some(at) = paths.iter().position(bad) {
            let field = format!("file_paths[{at}]");
            return Err(Problem::field(field, format_args!("give a path of at most {LONGEST} bytes")));
        }
        let portfolio = portfolio(self.portfolio_id.as_deref())?;
        Ok(Order { paths: paths.clone(), portfolio, full: false })
    }
}

/// A portfolio that a client has named.
pub(super) fn portfolio(id: Option<&str>) -> Result<Option<String>> {
    match id {
        Some(id) if id.is_empty() || id.len() > LONGEST_PORTFOLIO || id.chars().any(char::is_control) => Err(
            Problem::field("portfolio_id", format_args!("give 1 to {LONGEST_PORTFOLIO} characters, or leave it out")),
        ),
        id => Ok(id.map(str::to_owned)),
    }
}

/// An integration that something can be brought in from.
async fn usable(scoped: &Scoped, id: IntegrationId) -> Result<Integration> {
    let integration = scoped.integration(id).await?;
    if integration.status == Status::Disconnected {
        let error =
            Error::new(ErrorKind::Conflict, "the integration is disconnected: give its credentials again first");
        return Err(error.with("integration", id).into());
    }
    Ok(integration)
}

async fn submit(app: &App, scoped: &Scoped, of: &Integration, kind: &str, order: &Order) -> Result<Job> {
    let payload = serde_json::to_value(order)
        .map_err(|error| Error::internal("an order cannot be written down").source(error))?;
    let job = NewJob { integration: Some(of.id), kind: kind.to_owned(), payload, not_before: None };
    Ok(app.submit(scoped, job).await?)
}

/// Waits for the end of a job, and answers with what came of it.
async fn ended(app: &Arc<App>, scoped: &Scoped, job: Job) -> Result<Response> {
    let id = job.id;
    let mut follow = Follow::new(app.clone(), scoped.clone(), id, None);
    loop {
        let Some(job) = follow.changed().await? else {
            return Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "stopping",
                "the server stops: the import goes on by itself, see the job in the Location header",
            )
            .retry_after(std::time::Duration::from_secs(5)));
        };
        match (job.state, job.error) {
            (JobState::Succeeded, _) => {
                let outcome: Outcome = job.result.and_then(|out| serde_json::from_value(out).ok()).unwrap_or_default();
                let found = scoped.job_files(id, None, RESULTS as u32 + 1).await?;
                let (file_results, next_cursor) = FileView::page(found, RESULTS);
                return Ok(JsonBody(Imported {
                    integration_id: job.integration.map_or(0, |id| id.0),
                    job_id: id.0,
                    total_files: outcome.total_files,
                    successful: outcome.successful,
                    failed: outcome.failed,
                    skipped: outcome.skipped,
                    followed: outcome.followed,
                    file_results,
                    next_cursor,
                })
                .into_response());
            }
            (JobState::Cancelled, _) => {
                return Err(Error::new(ErrorKind::Conflict, "the import was called off: start another one").into());
            }
            (JobState::Failed, Some(error)) => return Err(Problem::vendor(Error::new(error.kind, error.message))),
            (JobState::Failed, None) => return Err(Error::internal("a job failed for no reason").into()),
            // It may take minutes until the vendor is back: nobody waits on a line for that.
            (JobState::Queued, Some(error)) => {
                let message =
                    format!("{}; it is tried again by itself, see the job in the Location header", error.message);
                return Err(Problem::vendor(Error::new(error.kind, message)));
            }
            (JobState::Queued | JobState::Running, _) => {}
        }
    }
}

fn accepted(job: Job) -> Response {
    let location = location(&job);
    let body = Accepted { job_id: job.id.0, job: job.into() };
    (StatusCode::ACCEPTED, [(header::LOCATION, location)], JsonBody(body)).into_response()
}

fn location(job: &Job) -> HeaderValue {
    HeaderValue::try_from(format!("/jobs/{}", job.id)).unwrap_or_else(|_| HeaderValue::from_static("/jobs"))
}

/// `Prefer: respond-async`, among other preferences.
fn prefers_async(headers: &HeaderMap) -> bool {
    let values = headers.get_all(&PREFER).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| {
        let name = one.split(';').next().unwrap_or_default().trim();
        name.eq_ignore_ascii_case(RESPOND_ASYNC)
    })
}
