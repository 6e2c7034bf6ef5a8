//! What the error bodies of these endpoints mean. They differ in shape, so they are searched for
//! the words all of them use; the words themselves stay out of our messages.

use catchment_client::ResponseHead;
use catchment_core::{Error, ErrorKind};
use serde_json::Value;

/// Names the parameter that the endpoint does not take, so that the call can go without it.
pub(super) const REFUSED: &str = "refused parameter";

/// The classifier of every call to such an endpoint.
pub(super) fn classify(head: &ResponseHead, body: &[u8]) -> Option<Error> {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    match parsed.as_ref().and_then(of_body) {
        Some(error) => Some(error),
        None if head.status.as_u16() == 404 => Some(Error::config(
            "url",
            "the endpoint does not know this call: check the address, it usually ends with /v1",
        )),
        None if head.status.as_u16() == 401 => Some(Error::new(
            ErrorKind::Unauthenticated,
            "the endpoint does not accept the key: correct it, or give one if there is none yet",
        )),
        None => None,
    }
}

/// The error that a body holds, beside any status and in the middle of a stream.
pub(super) fn of_body(body: &Value) -> Option<Error> {
    let error = body.get("error").filter(|error| !error.is_null())?;
    let field = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let (code, kind) = (field("code"), field("type"));
    // Ollama's older answers hold a bare string.
    let words = error.as_str().map_or_else(|| field("message"), str::to_ascii_lowercase);
    let says = |any: &[&str]| any.iter().any(|part| words.contains(part) || code.contains(part) || kind.contains(part));
    Some(
        if says(&[
            "context_length",
            "context length",
            "context size",
            "context_size",
            "maximum context",
            "too many tokens",
            "too long",
        ]) {
            Error::new(
                ErrorKind::TooLarge,
                "the text is longer than the model reads: use smaller chunks, fewer passages or a model with a longer context",
            )
        } else if says(&["insufficient_quota", "billing"]) {
            Error::new(ErrorKind::Forbidden, "the account at the endpoint has no credit left: top it up")
        } else if says(&["model_not_found"])
            || (words.contains("model") && says(&["not found", "does not exist", "not exist"]))
        {
            Error::config(
                "model",
                "the endpoint does not have this model: correct the name, or load the model there first",
            )
        } else if says(&["rate_limit", "rate limit"]) {
            Error::new(ErrorKind::RateLimited, "the endpoint asks for fewer calls: wait and try again")
        } else if says(&["invalid_api_key", "invalid api key", "incorrect api key", "authentication_error"]) {
            Error::new(
                ErrorKind::Unauthenticated,
                "the endpoint does not accept the key: correct it, or give one if there is none yet",
            )
        } else if says(&["unsupported_parameter", "unsupported parameter"]) {
            Error::unsupported("the model does not take a parameter that was sent: use another model")
                .with(REFUSED, parameter(error))
        } else if says(&["overloaded", "server_error", "loading model", "unavailable_error"]) {
            Error::new(ErrorKind::Unavailable, "the endpoint is busy or still loading the model: try again")
        } else {
            return None;
        },
    )
}

/// Only names we send ourselves come out, never free text.
fn parameter(error: &Value) -> &'static str {
    let named = error.get("param").and_then(Value::as_str).or_else(|| error.get("message")?.as_str());
    let named = named.unwrap_or_default();
    ["max_tokens", "dimensions", "stream"].into_iter().find(|name| named.contains(name)).unwrap_or("unknown")
}
