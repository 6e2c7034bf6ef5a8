//! The floor under every request: its id, its log line and its numbers, a problem for everything
//! that goes wrong, and headers that keep browsers from harm.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use catchment_core::Error;
use futures::FutureExt;
use tracing::{Instrument, Span, field::Empty};

use crate::{
    problem::Problem,
    request_id::{REQUEST_ID, RequestId},
    state::App,
};

/// What is logged and counted for a request that matched no route.
const NO_ROUTE: &str = "(none)";

/// Wraps everything. Logs the route's pattern and never the query: what a client puts there may
/// be meant for somebody else.
pub(crate) async fn floor(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = RequestId::take(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let span = tracing::info_span!(
        "request",
        request_id = id.as_str(),
        %method,
        route,
        organization = Empty,
        user = Empty,
    );
    request.extensions_mut().insert(id.clone());
    let held = app.metrics.request();
    let answer = async {
        let answer = match app.guard.check(request.uri(), request.headers()) {
            Ok(()) => AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| panicked()),
            Err(problem) => problem.into_response(),
        };
        let mut answer = written(answer, &id);
        guard_browsers(answer.headers_mut());
        answer.headers_mut().insert(REQUEST_ID, id.header());
        let status = answer.status().as_u16();
        let took = began.elapsed();
        tracing::info!(status, ms = took.as_secs_f64() * 1e3, "answered");
        app.metrics.answered(method.as_str(), route, status, took);
        answer
    };
    let answer = answer.instrument(span).await;
    drop(held);
    answer
}

/// Writes a problem out, and logs what it came from.
pub(crate) fn written(mut answer: Response, id: &RequestId) -> Response {
    let Some(problem) = answer.extensions_mut().remove::<Problem>() else { return answer };
    if let Some(cause) = problem.cause() {
        if problem.status().is_server_error() {
            tracing::error!(code = problem.code(), error = ?cause, "failed");
        } else {
            tracing::debug!(code = problem.code(), error = ?cause, "refused");
        }
    }
    let mut written = problem.render(id);
    // What layers below have added: `Allow`, `Vary`, CORS.
    for (name, value) in answer.headers() {
        if !matches!(*name, header::CONTENT_LENGTH | header::CONTENT_TYPE | header::CONTENT_ENCODING) {
            written.headers_mut().append(name.clone(), value.clone());
        }
    }
    written
}

/// No such route.
pub(crate) async fn no_route() -> Problem {
    Problem::not_found("no such path: see /docs for those there are")
}

/// The route is there, the method is not. The `Allow` header says which are.
pub(crate) async fn no_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "no such method on this path: see the Allow header, or /docs",
    )
}

fn panicked() -> Response {
    // The panic hook has said where; the message may quote what a client sent.
    Problem::from(Error::internal("a handler panicked")).into_response()
}

fn guard_browsers(headers: &mut HeaderMap) {
    const HEADERS: [(HeaderName, &str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    // Answers hold one tenant's data.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Notes in the log who calls.
pub(crate) fn note_caller(organization: &str, user: &str) {
    let span = Span::current();
    span.record("organization", organization);
    span.record("user", user);
}
