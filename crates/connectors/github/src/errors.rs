//! From GitHub's answers to errors a person can act on.
//!
//! See <https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api>.

use std::time::Duration;

use catchment_client::{ResponseHead, StatusCode, classify_status};
use catchment_core::{Error, ErrorKind, Retry};
use serde::Deserialize;

use crate::oauth::OAUTH;

/// How long to wait at least when GitHub speaks of a secondary limit and does not say how long.
const SECONDARY: Duration = Duration::from_secs(60);

#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    message: String,
}

/// Looks at every answer. Limits come as 403 as well as 429; what a token must not see, as 404 as
/// well as 403.
pub(crate) fn classify(head: &ResponseHead, body: &[u8]) -> Option<Error> {
    let status = head.status.as_u16();
    if !matches!(status, 401 | 403 | 404 | 429) {
        return None;
    }
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let says = |words: &str| problem.message.to_ascii_lowercase().contains(words);
    let forbidden = |message: &'static str| Some(Error::new(ErrorKind::Forbidden, message));
    match status {
        401 => Some(Error::new(
            ErrorKind::Unauthenticated,
            "GitHub does not accept the token: it has expired, was taken back or is not all there, authorize anew or \
             paste another",
        )),
        403 | 429 if is_throttled(head) => None,
        403 | 429 if says("secondary rate limit") || says("abuse detection") => Some(
            Error::new(ErrorKind::RateLimited, "GitHub asks for fewer calls: wait and try again")
                .retry_after(SECONDARY),
        ),
        403 if head.header("x-github-sso").is_some_and(|sso| sso.trim_start().starts_with("required")) => forbidden(
            "an organization wants the token authorized for single sign-on: on GitHub open Settings, Applications (or \
             Developer settings, Personal access tokens), and authorize it for the organization",
        ),
        403 if says("suspended") => forbidden("the account or the app's installation is suspended: ask its owner"),
        403 if says("ip allow list") => {
            forbidden("the organization lets in known addresses only: have this server's address allowed")
        }
        403 | 404 => missing_scope(head),
        _ => None,
    }
}

/// The names between the commas.
pub(crate) fn scopes(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|scope| !scope.is_empty())
}

/// Whether the headers speak of a limit, and of how long it lasts.
fn is_throttled(head: &ResponseHead) -> bool {
    let limited = classify_status(head).filter(|error| error.kind() == ErrorKind::RateLimited);
    limited.is_some_and(|error| matches!(error.retry(), Retry::After(_)) || head.status == StatusCode::FORBIDDEN)
}

/// The error of a token that has scopes, but none of those that would do.
fn missing_scope(head: &ResponseHead) -> Option<Error> {
    let granted: Vec<_> = scopes(head.header("x-oauth-scopes")?).collect();
    let accepted: Vec<_> = scopes(head.header("x-accepted-oauth-scopes")?).collect();
    if accepted.is_empty() || accepted.iter().any(|scope| granted.contains(scope)) {
        return None;
    }
    // The narrowest that will do is the one that is asked for in the first place.
    let scope = accepted.iter().find(|scope| OAUTH.scopes.contains(scope)).or(accepted.last())?;
    let error =
        Error::new(ErrorKind::Forbidden, "the token lacks a scope: authorize anew, or paste a token that has it");
    Some(error.with("scope", scope))
}
