//! From Graph's answers to errors a person can act on.
//!
//! See <https://learn.microsoft.com/graph/errors>.

use catchment_client::{ResponseHead, StatusCode, classify_status};
use catchment_core::{Error, ErrorKind};
use serde::Deserialize;

#[derive(Deserialize)]
struct Problem {
    error: Fault,
}

/// Errors are nested; the innermost code says most.
#[derive(Deserialize)]
struct Fault {
    code: Option<String>,
    #[serde(alias = "innerError", rename = "innererror")]
    inner: Option<Box<Fault>>,
}

/// Looks at every answer of Graph. The error carries the codes as the context pair `code`.
pub fn classify(head: &ResponseHead, body: &[u8]) -> Option<Error> {
    if head.status.is_success() || head.status.is_redirection() {
        return None;
    }
    let codes = codes(body);
    let known = codes.iter().rev().find_map(|code| of_code(code));
    let error = known.or_else(|| of_status(head))?;
    Some(match codes.join("/") {
        codes if codes.is_empty() => error,
        codes => error.with("code", codes),
    })
}

/// The codes of an error of Graph, from the outermost to the innermost, separated by `/`.
pub fn code(error: &Error) -> &str {
    error.get("code").unwrap_or_default()
}

/// Only words: whatever else stands there is the vendor's text.
fn codes(body: &[u8]) -> Vec<String> {
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else { return Vec::new() };
    let word = |code: &String| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        !code.is_empty() && code.len() <= 64 && code.bytes().all(plain)
    };
    let faults = std::iter::successors(Some(&problem.error), |fault| fault.inner.as_deref());
    faults.filter_map(|fault| fault.code.clone()).filter(word).take(8).collect()
}

fn of_code(code: &str) -> Option<Error> {
    let (kind, message) = match code.to_ascii_lowercase().as_str() {
        "malwaredetected" => (ErrorKind::Forbidden, "held back as malware: have an administrator look at the file"),
        "insufficient_claims" => (
            ErrorKind::Unauthenticated,
            "a conditional access policy of the directory wants more: sign in again, or have the app excepted",
        ),
        "resyncrequired" | "resyncchangesapplydifferences" | "resyncchangesuploaddifferences" | "syncstatenotfound" => {
            (ErrorKind::CursorExpired, "the place in the feed of changes is not known any more: walk everything again")
        }
        "pathistoolong" => (ErrorKind::NotFound, "not found: no path can be so long"),
        "activitylimitreached" | "throttledrequest" | "toomanyrequests" => {
            (ErrorKind::RateLimited, "Microsoft asks for fewer calls: wait and try again")
        }
        "cannotsnapshottree" | "servicenotavailable" => {
            (ErrorKind::Unavailable, "the service is not available at the moment: try again later")
        }
        "accessrestricted" | "notallowed" => (
            ErrorKind::Forbidden,
            "a policy of the organization does not let this app in: have an administrator except it",
        ),
        _ => return None,
    };
    Some(Error::new(kind, message))
}

fn of_status(head: &ResponseHead) -> Option<Error> {
    let kind = match head.status {
        // Only a feed of changes is ever gone.
        StatusCode::GONE => ErrorKind::CursorExpired,
        StatusCode::SERVICE_UNAVAILABLE if head.limits().retry_after.is_some() => ErrorKind::RateLimited,
        _ => return classify_status(head),
    };
    let message = match kind {
        ErrorKind::CursorExpired => "the place in the feed of changes is not known any more: walk everything again",
        _ => "Microsoft asks for fewer calls: wait and try again",
    };
    Some(Error::new(kind, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_code_that_is_known_counts() {
        let body = br#"{"error":{"code":"accessDenied","message":"x","innerError":{"code":"malwareDetected",
            "innererror":{"code":"somethingNew","date":"2026-01-01T00:00:00"},"request-id":"1"}}}"#;
        assert_eq!(codes(body), ["accessDenied", "malwareDetected", "somethingNew"]);
        let known = codes(body).iter().rev().find_map(|code| of_code(code)).unwrap();
        assert!(known.to_string().contains("malware"));
    }

    #[test]
    fn nothing_of_the_vendors_text_becomes_a_code() {
        for body in ["", "<html>", "[]", r#"{"error":"x"}"#, r#"{"error":{"code":"Bearer abc def"}}"#] {
            assert_eq!(codes(body.as_bytes()), [""; 0], "{body}");
        }
    }
}
