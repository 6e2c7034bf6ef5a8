//! From an answer to an [`Error`]: the vendor's own classifier first, then the status.

use std::sync::Arc;

use catchment_core::{Error, ErrorKind};
use http::StatusCode;

use crate::response::ResponseHead;

/// Looks at an answer, the successful ones too, and says which error it is, if any.
///
/// It sees the whole body up to the call's cap. `None` leaves the answer to [`classify_status`].
/// Give kinds and remedies of your own words: a vendor's body must not become a message.
pub type Classifier = Arc<dyn Fn(&ResponseHead, &[u8]) -> Option<Error> + Send + Sync>;

/// The error that a status alone stands for, if it stands for one.
///
/// 410 is `NotFound` here: only a classifier knows that it answers a change cursor.
pub fn classify_status(head: &ResponseHead) -> Option<Error> {
    let status = head.status;
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        return None;
    }
    let limits = head.limits();
    // GitHub, Google and others refuse with 403 when they mean 429.
    let throttled = status == StatusCode::FORBIDDEN && (limits.retry_after.is_some() || limits.remaining == Some(0));
    let (kind, message) = if throttled { kind_of(429) } else { kind_of(status.as_u16()) };
    let error = Error::new(kind, message);
    let waits = matches!(kind, ErrorKind::RateLimited | ErrorKind::Unavailable);
    let wait = limits.retry_after.or_else(|| limits.reset.filter(|_| limits.remaining == Some(0)));
    Some(match wait.filter(|_| waits) {
        Some(wait) => error.retry_after(wait),
        None => error,
    })
}

fn kind_of(status: u16) -> (ErrorKind, &'static str) {
    use ErrorKind::*;
    match status {
        401 => (Unauthenticated, "the vendor does not accept the credential: sign in again or correct it"),
        402 => (Forbidden, "the vendor asks for payment: check the subscription of the account"),
        403 | 451 => (Forbidden, "the credential may not do this: have access granted or use another account"),
        404 | 410 => (NotFound, "not found: check the path, it may have been moved or deleted"),
        405 | 501 => (Unsupported, "the vendor does not offer this here"),
        407 => (Config, "the proxy asks for a credential: put it into the proxy's address"),
        408 | 504 => (Timeout, "the vendor took too long to answer: try again later"),
        409 | 412 | 423 => (Conflict, "somebody else is changing this or has changed it: read it again first"),
        413 => (TooLarge, "this is larger than the vendor takes"),
        416 => (Unreadable, "the content is shorter than the range asked for: list it again, it has changed"),
        429 | 509 => (RateLimited, "the vendor asks for fewer calls: wait and try again"),
        300..=399 => (Protocol, "the vendor redirects without saying where to"),
        425 | 500..=599 => (Unavailable, "the vendor is not available at the moment: try again later"),
        _ => (Protocol, "the vendor refused the request as wrong"),
    }
}

/// What every error that came as an answer says about it.
pub(crate) fn describe(error: Error, head: &ResponseHead) -> Error {
    let error = if error.get("status").is_none() { error.with("status", head.status.as_u16()) } else { error };
    match head.request_id() {
        Some(id) => error.with("request id", id),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use catchment_core::Retry;

    use super::*;

    fn head(status: u16, headers: &[(&'static str, &'static str)]) -> ResponseHead {
        let headers =
            headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
        ResponseHead::new(StatusCode::from_u16(status).unwrap(), headers, "https://h/".parse().unwrap())
    }

    #[test]
    fn every_status_has_its_kind() {
        use ErrorKind::*;
        for (status, kind) in [
            (400, Protocol),
            (401, Unauthenticated),
            (402, Forbidden),
            (403, Forbidden),
            (404, NotFound),
            (405, Unsupported),
            (407, Config),
            (408, Timeout),
            (409, Conflict),
            (410, NotFound),
            (412, Conflict),
            (413, TooLarge),
            (416, Unreadable),
            (422, Protocol),
            (423, Conflict),
            (425, Unavailable),
            (429, RateLimited),
            (451, Forbidden),
            (500, Unavailable),
            (501, Unsupported),
            (502, Unavailable),
            (503, Unavailable),
            (504, Timeout),
            (507, Unavailable),
            (509, RateLimited),
            (599, Unavailable),
            (300, Protocol),
        ] {
            assert_eq!(classify_status(&head(status, &[])).unwrap().kind(), kind, "{status}");
        }
        for fine in [200, 201, 204, 206, 304] {
            assert!(classify_status(&head(fine, &[])).is_none(), "{fine}");
        }
    }

    #[test]
    fn a_wait_is_taken_from_the_headers() {
        let retry = |status, headers: &[_]| classify_status(&head(status, headers)).unwrap().retry();
        let seven = Retry::After(Duration::from_secs(7));
        assert_eq!(retry(429, &[("retry-after", "7")]), seven);
        assert_eq!(retry(503, &[("retry-after", "7")]), seven);
        assert_eq!(retry(429, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "7")]), seven);
        assert_eq!(retry(429, &[]), Retry::Backoff);
        assert_eq!(retry(404, &[("retry-after", "7")]), Retry::Never);
    }

    #[test]
    fn a_403_that_means_429_is_rate_limited() {
        for headers in [[("retry-after", "7")], [("x-ratelimit-remaining", "0")]] {
            assert_eq!(classify_status(&head(403, &headers)).unwrap().kind(), ErrorKind::RateLimited);
        }
    }
}
