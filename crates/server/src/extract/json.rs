//! JSON bodies: bounded in size and time, with errors that name the field and quote nothing.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use bytes::Bytes;
use catchment_core::config;
use futures::StreamExt;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    problem::{Problem, Result},
    state::App,
};

/// How much of a body that is too large is read and thrown away, so that a client that writes
/// first and reads afterwards sees why it was refused.
const LINGER_BYTES: usize = 256 << 20;
const LINGER: Duration = Duration::from_secs(10);

/// A JSON body of type `T`.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "content_type",
                "Content-Type: send the body as application/json",
            ));
        }
        let (parts, body) = request.into_parts();
        let bytes = read(body, &parts.headers, app.config.body_limit, app.config.body_timeout).await?;
        parse(&bytes).map(Self)
    }
}

/// Like [`Json`], where no body at all means the default.
#[derive(Debug)]
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<T: DeserializeOwned + Default> FromRequest<Arc<App>> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self> {
        let typed = request.headers().contains_key(header::CONTENT_TYPE);
        if !typed && axum::body::HttpBody::is_end_stream(request.body()) {
            return Ok(Self(T::default()));
        }
        Json::from_request(request, app).await.map(|Json(body)| Self(body))
    }
}

/// Reads a body that may be no larger than `limit` and take no longer than `timeout`.
pub(crate) async fn read(body: Body, headers: &HeaderMap, limit: usize, timeout: Duration) -> Result<Bytes> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        // Who waits to be asked for the body has not sent it.
        if !headers.contains_key(header::EXPECT) {
            linger(body);
        }
        return Err(too_large(limit));
    }
    let mut body = body;
    let collected = tokio::time::timeout(timeout, Limited::new(&mut body, limit).collect()).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            linger(body);
            Err(too_large(limit))
        }
        Ok(Err(_)) => Err(Problem::new(StatusCode::BAD_REQUEST, "body", "the body broke off: send the request again")),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_timeout",
            format!("the body did not arrive in {} s: send it at once", timeout.as_secs()),
        )),
    }
}

fn linger(body: Body) {
    tokio::spawn(tokio::time::timeout(LINGER, async move {
        let mut pieces = body.into_data_stream();
        let mut read = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            read += piece.len();
            if read > LINGER_BYTES {
                break;
            }
        }
    }));
}

fn too_large(limit: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("the body is too large: send at most {limit} bytes"),
    )
}

/// Reads bytes as JSON of type `T`. Neither serde's sentence nor a value gets into the problem: a
/// secret may stand in the wrong place.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "malformed_json",
            format!("the body is not JSON: look at line {}, column {}", error.line(), error.column()),
        )
    })?;
    if !value.is_object() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "malformed_json", "the body: give an object of fields"));
    }
    if let Some(field) = nul(&value) {
        return Err(Problem::field(field, "holds the character U+0000, which nothing here can store: take it out"));
    }
    Ok(config::parse(value)?)
}

/// The outermost field with a NUL in it or in its name. Postgres takes none, in text or in JSON.
fn nul(value: &Value) -> Option<&str> {
    fn within(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::Array(items) => items.iter().any(within),
            Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || within(value)),
            _ => false,
        }
    }
    let (name, _) = value.as_object()?.iter().find(|(name, value)| name.contains('\0') || within(value))?;
    Some(if name.contains('\0') { "body" } else { name })
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()) else { return false };
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}
