//! `Idempotency-Key`: the same request sent twice is done once and answered twice, byte for byte.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use catchment_core::{Error, ErrorKind};
use catchment_store::{Once, OnceGuard, Scoped, StoredAnswer};
use tracing::Instrument;

use crate::{
    extract::{Caller, read},
    floor::written,
    problem::{Problem, Result},
    state::App,
};

/// Chosen by the client, for one request.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest key.
const LONGEST: usize = 255;

/// The largest answer that is kept.
const LARGEST: usize = 4 << 20;

/// The headers that belong to an answer; the others are the connection's, or the floor's.
const KEPT: [HeaderName; 5] =
    [header::CONTENT_TYPE, header::ETAG, header::LOCATION, header::LINK, HeaderName::from_static("preference-applied")];

/// Does the work of a key once.
pub(crate) async fn idempotent(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Result<Response> {
    let Some(key) = request.headers().get(&IDEMPOTENCY_KEY).filter(|_| request.method() == Method::POST) else {
        return Ok(next.run(request).await);
    };
    let visible = |key: &&str| (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    let key = key.to_str().ok().filter(visible).map(str::to_owned).ok_or_else(|| {
        Problem::field("Idempotency-Key", "give 1 to 255 visible ASCII characters, a new UUID for each request")
    })?;
    let (parts, body) = request.into_parts();
    let body = read(body, &parts.headers, app.config.body_limit, app.config.body_timeout).await?;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut hash = blake3::Hasher::new();
    for part in [path.as_bytes(), &[0], body.as_ref()] {
        hash.update(part);
    }
    let hash = hash.finalize().to_hex();
    // A key belongs to the user, also when an administrator acts for the organization.
    let scoped = app.store.scoped(caller.scope_of(None)?);
    match scoped.once(&key, hash.as_str()).await? {
        Once::First(guard) => {
            let request = Request::from_parts(parts, Body::from(body));
            // On a task of its own: a client that goes away must find the answer when it comes
            // back with the same key, and not do the work twice.
            let work = first(scoped, guard, caller, request, next).in_current_span();
            tokio::spawn(work).await.map_err(|error| Error::internal("a handler panicked").source(error))?
        }
        Once::Again(answer) => Ok(replay(answer)),
        Once::Other => Err(Problem::field(
            "Idempotency-Key",
            "this key was used for another request: use a new key for each request",
        )),
        Once::Running => Err(Error::new(
            ErrorKind::Conflict,
            "a request with this Idempotency-Key is still being answered: wait for it, then send it again",
        )
        .into()),
    }
}

async fn first(scoped: Scoped, guard: OnceGuard, caller: Caller, request: Request, next: Next) -> Result<Response> {
    let answer = written(next.run(request).await, &caller.request_id);
    // What may be different next time is not kept, and a stream cannot be; the key is free again.
    let passing = matches!(answer.status(), StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    let streamed = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if passing || streamed || answer.status().is_server_error() {
        return Ok(answer);
    }
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, LARGEST)
        .await
        .map_err(|error| Error::internal("an answer is too large to be kept").source(error))?;
    let headers = KEPT.into_iter().filter_map(|name| {
        let value = parts.headers.get(&name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let kept = StoredAnswer { status: parts.status.as_u16(), headers: headers.collect(), body: body.to_vec() };
    scoped.answer(guard, &kept).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replay(answer: StoredAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
