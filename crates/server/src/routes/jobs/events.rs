//! `GET /jobs/{id}/events`: a job as it goes, as server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use catchment_store::JobId;
use futures::Stream;
use utoipa::ToSchema;

use super::view::JobView;
use crate::{
    extract::{Caller, Id},
    problem::{Problem, Result},
    state::App,
    worker::{Follow, Slot},
};

/// The last event that a client has seen, sent by itself when it comes back.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How soon a client comes back after the stream broke off.
const COME_BACK: Duration = Duration::from_secs(1);

/// How often something is sent when nothing happens, so that nobody takes the stream for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// An event of a stream, as it is described: the job is JSON in `data`.
#[derive(ToSchema)]
#[schema(as = JobEvent)]
#[expect(dead_code, reason = "axum writes events; this describes them")]
struct Told {
    /// `progress`, or `end` for the last one.
    event: String,
    /// What to send as `Last-Event-ID` when coming back.
    id: String,
    /// The job as it is then.
    #[schema(content_media_type = "application/json")]
    data: String,
    /// How soon to come back after the stream broke off, in milliseconds.
    retry: Option<u64>,
}

/// Follows a job. Each `progress` event is the whole job as it is then; the last one is `end`.
/// A client that comes back with `Last-Event-ID` is told only what is newer; when there will be
/// nothing newer, the answer is 204, which tells it to stop coming back. The stream ends when the
/// server stops: another one, or the same after its start, goes on with it.
#[utoipa::path(
    get, path = "/jobs/{id}/events", tag = "jobs",
    params(
        ("id" = i64, Path, minimum = 0, description = "The job"),
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was seen"),
    ),
    responses(
        (status = 200, description = "Events `progress` and `end`, each with the job as data", body = Told,
            content_type = "text/event-stream"),
        (status = 204, description = "The end was seen already"),
        (status = 429, description = "Too many streams of this user are open"),
    ),
)]
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Id,
    headers: HeaderMap,
) -> Result<Response> {
    let seen = headers.get(&LAST_EVENT_ID).and_then(|id| id.to_str().ok()?.trim().parse::<i64>().ok());
    let scoped = app.store.scoped(caller.scope());
    let job = scoped.job(JobId(id.0)).await?;
    // An id from the future is not one of this job.
    let seen = seen.filter(|seen| (0..=job.revision).contains(seen));
    if job.state.is_final() && seen == Some(job.revision) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let Some(slot) = app.board.slot(&caller.tenant) else {
        return Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_streams",
            "too many streams of events are open: close one first",
        )
        .retry_after(COME_BACK));
    };
    let follow = Follow::new(app, scoped, job.id, seen);
    Ok(Sse::new(stream(follow, slot)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

fn stream(mut follow: Follow, slot: Slot) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    async_stream::stream! {
        let _slot = slot;
        let mut told: Option<JobView> = None;
        loop {
            let job = match follow.changed().await {
                Ok(Some(job)) => job,
                Ok(None) => break,
                // Deleted, or the database is away: the client comes back and learns which.
                Err(error) => {
                    tracing::debug!(error = ?error, "a stream of events broke off");
                    break;
                }
            };
            let revision = job.revision;
            let view = JobView::from(job);
            // A mere sign of life is no news.
            if told.as_ref() == Some(&view) {
                continue;
            }
            yield Ok(event(&view, revision));
            if view.is_over() {
                break;
            }
            told = Some(view);
        }
    }
}

fn event(view: &JobView, revision: i64) -> Event {
    let name = if view.is_over() { "end" } else { "progress" };
    // JSON has no line feeds.
    let data = serde_json::to_string(view).unwrap_or_default();
    Event::default().event(name).id(revision.to_string()).retry(COME_BACK).data(data)
}
