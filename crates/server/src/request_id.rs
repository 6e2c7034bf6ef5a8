//! Ids of requests: taken from the client if it gave a sane one, else made.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that carries it, both ways.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a client.
const LONGEST: usize = 128;

/// The id of a request: in its answer, in every log line and in the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The client's id, if it is made of letters, digits and `-._` and not too long; else a new one.
    pub(crate) fn take(headers: &HeaderMap) -> Self {
        let sane = |id: &&str| {
            (1..=LONGEST).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
        };
        match headers.get(&REQUEST_ID).and_then(|id| id.to_str().ok()).filter(sane) {
            Some(id) => Self(id.into()),
            None => Self(Uuid::new_v4().to_string().into()),
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it stands in a header.
    pub(crate) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_id_is_taken_and_any_other_is_replaced() {
        let taken = |id: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_static(id));
            RequestId::take(&headers).as_str() == id
        };
        assert!(taken("7f3a-b.c_D"));
        assert!(!taken("") && !taken("two words") && !taken("a\"b") && !taken("<script>"));
        let long = "x".repeat(LONGEST + 1);
        assert!(!taken(String::leak(long)));
    }
}
