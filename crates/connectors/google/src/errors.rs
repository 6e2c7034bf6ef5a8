//! From Google's answers to errors a person can act on: the reason in the body, then the status.
//!
//! See <https://developers.google.com/workspace/drive/api/guides/handle-errors>.

use std::time::Duration;

use catchment_client::{ResponseHead, classify_status};
use catchment_core::{Error, ErrorKind};
use serde::Deserialize;

use crate::consent::short;

/// A limit that is counted by the day is not worth asking again for.
const A_WHILE: Duration = Duration::from_secs(3600);

#[derive(Deserialize)]
struct Answer {
    error: Fault,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    errors: Vec<Item>,
    #[serde(default)]
    details: Vec<Detail>,
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    location: String,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    reason: String,
}

/// What an answer that is no success means; `None` leaves it to the status. `scope` is named when
/// the token lacks one.
pub fn classify(head: &ResponseHead, body: &[u8], scope: &str) -> Option<Error> {
    if head.status.is_success() {
        return None;
    }
    let answer: Option<Fault> = serde_json::from_slice::<Answer>(body).ok().map(|answer| answer.error);
    let header = head.header("www-authenticate").unwrap_or_default();
    let Some(fault) = answer else {
        return header.contains("insufficient_scope").then(|| lacks(scope));
    };
    let reason = fault.reason().to_owned();
    let of = |reason: &str| fault.details.iter().any(|detail| detail.reason == reason);
    let error = if of("ACCESS_TOKEN_SCOPE_INSUFFICIENT") || header.contains("insufficient_scope") {
        Some(lacks(scope))
    } else if of("SERVICE_DISABLED") {
        Some(disabled())
    } else {
        of_reason(&fault, &reason, scope)
    };
    let error = error.or_else(|| classify_status(head))?;
    Some(if is_code(&reason) { error.with("reason", reason) } else { error })
}

/// The reason that an answer gives, or `None` where it gives none: `fileNotDownloadable`.
pub fn reason(error: &Error) -> Option<&str> {
    error.get("reason")
}

impl Fault {
    fn reason(&self) -> &str {
        self.errors.first().map_or(self.status.as_str(), |item| item.reason.as_str())
    }

    fn is_about(&self, parameter: &str) -> bool {
        self.errors.iter().any(|item| item.location == parameter)
    }
}

/// Reasons are words, and nothing else of an answer is shown.
fn is_code(reason: &str) -> bool {
    (1..=64).contains(&reason.len()) && reason.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn of_reason(fault: &Fault, reason: &str, scope: &str) -> Option<Error> {
    let forbidden = |message: &'static str| Error::new(ErrorKind::Forbidden, message);
    Some(match reason {
        "rateLimitExceeded" | "userRateLimitExceeded" | "sharingRateLimitExceeded" | "RESOURCE_EXHAUSTED" => {
            Error::new(ErrorKind::RateLimited, "Google asks for fewer calls: wait and try again")
        }
        "dailyLimitExceeded" | "quotaExceeded" | "dailyLimitExceededUnreg" => {
            let message = "what Google allows in a day is used up: wait, or have the quota of the Cloud project raised";
            Error::new(ErrorKind::RateLimited, message).retry_after(A_WHILE)
        }
        "downloadQuotaExceeded" => Error::new(
            ErrorKind::Unavailable,
            "this file was downloaded too often today, by whomever: Google gives it out again tomorrow",
        )
        .never_retry(),
        "insufficientPermissions" | "insufficientScopes" => lacks(scope),
        "accessNotConfigured" => disabled(),
        "insufficientFilePermissions" => {
            forbidden("the account may not do this with the file: have its owner share it with more rights")
        }
        "appNotAuthorizedToFile" => forbidden("the file was not opened to this program: authorize it with more scopes"),
        "domainPolicy" => forbidden("the policy of the organization forbids it: ask an administrator of the Workspace"),
        "cannotDownloadFile" => forbidden("the owner of the file does not let its readers download it"),
        "cannotDownloadAbusiveFile" => {
            forbidden("Google takes this file for malware or spam: only its owner can have it, and has to insist")
        }
        "exportSizeLimitExceeded" => {
            Error::new(ErrorKind::TooLarge, "the document is larger than Google exports: download it from its page")
        }
        "fileNotDownloadable" => Error::unsupported("this has no content of its own"),
        "notFound" => {
            Error::new(ErrorKind::NotFound, "not found: it may have been deleted, or not be shared with the account")
        }
        "backendError" | "internalError" => {
            Error::new(ErrorKind::Unavailable, "Google is not available at the moment: try again later")
        }
        _ if fault.is_about("pageToken") || fault.is_about("startPageToken") => Error::new(
            ErrorKind::CursorExpired,
            "Google does not know this place in the list: list again from the start",
        ),
        _ => return None,
    })
}

fn lacks(scope: &str) -> Error {
    let message = "the grant lacks a scope: authorize the connection again, and leave the box of this scope ticked";
    Error::new(ErrorKind::Forbidden, message).with("scope", short(scope))
}

fn disabled() -> Error {
    Error::new(
        ErrorKind::Forbidden,
        "the service is switched off in the Cloud project of the credentials: enable its API in the console",
    )
}

#[cfg(test)]
mod tests;
