//! Problems: what a client is told when a request cannot be answered, as RFC 9457 has it.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use catchment_core::{Error, ErrorKind, Retry};
use serde::Serialize;
use utoipa::ToSchema;

use crate::request_id::RequestId;

/// The result of a handler.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// The media type of a problem.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// How long to stay away from what is busy or down, in seconds, if nobody says otherwise.
const PAUSE: u64 = 5;

/// Why a request cannot be answered.
///
/// A handler returns it; the floor adds the id of the request, writes it as
/// `application/problem+json` and logs the error it came from. Errors of the request and of this
/// server turn into one with `?`; those of a vendor through [`Problem::vendor`], because a
/// credential that the vendor refuses is not the caller's own.
#[derive(Clone)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    field: Option<String>,
    retry_after: Option<u64>,
    cause: Option<Arc<Error>>,
}

/// A problem on the wire.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "urn:catchment:problem:not_found", "title": "Not Found", "status": 404,
    "detail": "no such integration: list the integrations to see their ids", "code": "not_found",
    "request_id": "6b1c1d5e-2a68-4c58-9c8e-8f1b2f4e7a10"
}))]
pub(crate) struct Body<'a> {
    /// Names the kind of problem, as a URI.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: &'a str,
    /// The status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What to do about it.
    detail: &'a str,
    /// The stable name of the problem, for programs.
    code: &'a str,
    /// The field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// The id of the request, as it is in the log.
    request_id: &'a str,
}

impl Problem {
    /// A problem with a stable name and a sentence that says what to do, in lower case and without
    /// a full stop.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code: code.into(), detail: detail.into(), field: None, retry_after: None, cause: None }
    }

    /// A field of the request is wrong; the remedy says what it should be.
    pub fn field(field: impl Into<String>, remedy: impl fmt::Display) -> Self {
        let field = field.into();
        let detail = format!("{field}: {remedy}");
        Self { field: Some(field), ..Self::new(StatusCode::BAD_REQUEST, "config", detail) }
    }

    /// What was asked for is not there, or another tenant's: nobody can tell which.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// An error of a connector: what the vendor refused, or could not do, is not what the caller
    /// of this server may or may not do.
    pub fn vendor(error: impl Into<Arc<Error>>) -> Self {
        let error = error.into();
        let (status, code) = match error.kind() {
            ErrorKind::Config => (StatusCode::BAD_REQUEST, "config"),
            ErrorKind::Unsupported => (StatusCode::BAD_REQUEST, "unsupported"),
            ErrorKind::TooLarge => (StatusCode::BAD_REQUEST, "too_large"),
            ErrorKind::NotFound => (StatusCode::NOT_FOUND, "path_not_found"),
            ErrorKind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "vendor_rate_limited"),
            ErrorKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            ErrorKind::Unauthenticated => (StatusCode::BAD_GATEWAY, "vendor_unauthenticated"),
            ErrorKind::Forbidden => (StatusCode::BAD_GATEWAY, "vendor_forbidden"),
            ErrorKind::Unavailable => (StatusCode::BAD_GATEWAY, "vendor_unavailable"),
            ErrorKind::Timeout => (StatusCode::BAD_GATEWAY, "vendor_timeout"),
            _ => (StatusCode::BAD_GATEWAY, "vendor_failed"),
        };
        Self::caused(status, code, error)
    }

    /// The caller gave something that a vendor refuses.
    pub(crate) fn refused(code: &'static str, error: Error) -> Self {
        Self::caused(StatusCode::BAD_REQUEST, code, Arc::new(error))
    }

    /// Names the field it is about, besides the sentence.
    #[must_use]
    pub(crate) fn about(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    /// Tells the client to come back, but not before this much time has passed.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(seconds(delay));
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable name of the problem.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The sentence for the person.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The error behind it, for the log.
    pub(crate) fn cause(&self) -> Option<&Error> {
        self.cause.as_deref()
    }

    fn caused(status: StatusCode, code: &'static str, error: Arc<Error>) -> Self {
        let retry_after = match (error.retry(), status) {
            (Retry::After(delay), _) => Some(seconds(delay)),
            (_, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => Some(PAUSE),
            _ => None,
        };
        let field = error.get("field").map(str::to_owned);
        Self { status, code: code.into(), detail: detail(status, &error), field, retry_after, cause: Some(error) }
    }

    /// The answer, written out.
    pub(crate) fn render(&self, request_id: &RequestId) -> Response {
        let body = Body {
            kind: format!("urn:catchment:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: &self.code,
            field: self.field.as_deref(),
            request_id: request_id.as_str(),
        };
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (self.status, [(header::CONTENT_TYPE, PROBLEM_JSON)], json).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// What the person is told. The context of a fault of ours is for the log: it names our files.
fn detail(status: StatusCode, error: &Error) -> String {
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        return "something went wrong here: report it with the id of the request".to_owned();
    }
    let mut out = match error.get("field") {
        Some(field) => format!("{field}: {}", error.message()),
        None => error.message().to_owned(),
    };
    if status != StatusCode::SERVICE_UNAVAILABLE {
        let mut between = " (";
        for (name, value) in error.context().filter(|(name, _)| !matches!(*name, "field" | "file")) {
            out.extend([between, name, ": ", value]);
            between = ", ";
        }
        if between == ", " {
            out.push(')');
        }
    }
    out
}

fn seconds(delay: Duration) -> u64 {
    delay.as_secs() + u64::from(delay.subsec_nanos() > 0)
}

/// An error of the request, or of what this server stands on.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match error.kind() {
            ErrorKind::Config => (StatusCode::BAD_REQUEST, "config"),
            ErrorKind::Unsupported => (StatusCode::BAD_REQUEST, "unsupported"),
            ErrorKind::Unreadable => (StatusCode::BAD_REQUEST, "unreadable"),
            ErrorKind::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            ErrorKind::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            ErrorKind::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            ErrorKind::Conflict => (StatusCode::CONFLICT, "conflict"),
            ErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            ErrorKind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            ErrorKind::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "timeout"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        Self::caused(status, code, Arc::new(error))
    }
}

/// Left to the floor to write out, which knows the id of the request.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problem")
            .field("status", &self.status)
            .field("code", &self.code)
            .field("detail", &self.detail)
            .field("cause", &self.cause)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendor_that_refuses_a_credential_is_not_a_caller_without_one() {
        let error = || Error::new(ErrorKind::Unauthenticated, "the key is not accepted: give another one");
        assert_eq!(Problem::from(error()).status(), StatusCode::UNAUTHORIZED);
        let vendor = Problem::vendor(error());
        assert_eq!((vendor.status(), vendor.code()), (StatusCode::BAD_GATEWAY, "vendor_unauthenticated"));
        assert_eq!(vendor.detail(), "the key is not accepted: give another one");
    }

    #[test]
    fn a_setting_that_is_wrong_is_named_in_the_sentence_and_on_its_own() {
        let problem = Problem::from(Error::config("bucket_name", "missing: give this field").with("vendor", "s3"));
        assert_eq!(problem.detail(), "bucket_name: missing: give this field (vendor: s3)");
        assert_eq!((problem.status(), problem.field.as_deref()), (StatusCode::BAD_REQUEST, Some("bucket_name")));
    }

    #[test]
    fn a_fault_of_ours_tells_the_log_and_not_the_client() {
        let problem = Problem::from(Error::internal("row is broken").with("file", "/var/lib/catchment.db"));
        assert!(!problem.detail().contains("row") && !problem.detail().contains("/var"), "{problem:?}");
        assert!(problem.cause().is_some_and(|cause| cause.to_string().contains("/var")));
        let busy = Error::new(ErrorKind::Unavailable, "the database is busy: try again").with("file", "/var/db");
        let busy = Problem::from(busy);
        assert_eq!((busy.detail(), busy.retry_after), ("the database is busy: try again", Some(PAUSE)));
    }

    #[test]
    fn a_pause_is_rounded_up_to_whole_seconds() {
        let limited = Error::new(ErrorKind::RateLimited, "slow down").retry_after(Duration::from_millis(1_200));
        assert_eq!(Problem::vendor(limited).retry_after, Some(2));
    }
}
