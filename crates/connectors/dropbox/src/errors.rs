//! From Dropbox's answers to errors a person can act on: the tags in the body first, then the status.
//!
//! See <https://www.dropbox.com/developers/documentation/http/documentation#error-handling>.

use std::time::Duration;

use catchment_client::{ResponseHead, classify_status};
use catchment_core::{Error, ErrorKind};
use serde_json::Value;

/// How long to wait where Dropbox asks for fewer calls and does not say how long.
const PAUSE: Duration = Duration::from_secs(5);

/// The code of the answer to a path root that is not the account's any more.
pub(crate) const ROOT_CHANGED: &str = "invalid_root";

/// Looks at every answer that is not a success.
pub(crate) fn classify(head: &ResponseHead, body: &[u8]) -> Option<Error> {
    let status = head.status.as_u16();
    if status == 400 {
        return of_text(&String::from_utf8_lossy(body));
    }
    if !matches!(status, 401 | 403 | 409 | 422 | 429) {
        return None;
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = &body["error"];
    let tags = tags(error);
    let last = tags.last().copied().unwrap_or_default();
    let found = match status {
        401 => refused(last, error),
        403 => forbidden(tags.first().copied().unwrap_or_default()),
        422 => of_root(tags.first().copied().unwrap_or_default()),
        429 => Some(throttled(head, error)),
        _ => of_route(&tags),
    };
    let found = found.or_else(|| classify_status(head))?;
    Some(if tags.is_empty() { found } else { found.with("code", tags.join("/")) })
}

/// The tags of an error from the outside in: `path`, `not_found`. What does not look like a tag
/// ends them.
fn tags(error: &Value) -> Vec<&str> {
    let is_tag =
        |text: &&str| text.len() <= 64 && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    let mut tags = Vec::new();
    let mut at = error;
    while let Some(tag) = at.as_str().or_else(|| at[".tag"].as_str()).filter(is_tag) {
        tags.push(tag);
        at = &at[tag];
    }
    tags
}

/// 400 comes as text, not as JSON.
fn of_text(text: &str) -> Option<Error> {
    let says = |words: &str| text.contains(words);
    if let Some(scope) = text.split_once("required scope '").and_then(|(_, rest)| rest.split_once('\'')) {
        return Some(lacks(scope.0));
    }
    if says("Dropbox-API-Select-User") {
        return Some(Error::config(
            "member",
            "this token is a whole team's: say whose files to read, by the member's id (dbmid:...)",
        ));
    }
    if says("access token is malformed") || says("Invalid authorization value") {
        return Some(Error::new(
            ErrorKind::Unauthenticated,
            "this is no token of Dropbox: paste all of it, or authorize anew",
        ));
    }
    None
}

/// 401: who asks was not accepted.
fn refused(tag: &str, error: &Value) -> Option<Error> {
    Some(match tag {
        "missing_scope" => lacks(error["required_scope"].as_str().unwrap_or_default()),
        "invalid_select_user" => Error::config("member", "the team has no such member any more: correct the id"),
        "user_suspended" => Error::new(ErrorKind::Forbidden, "the account is suspended: ask the team's admin"),
        "route_access_denied" => {
            Error::new(ErrorKind::Forbidden, "Dropbox does not offer this to the app: use another app")
        }
        "expired_access_token" => Error::new(
            ErrorKind::Unauthenticated,
            "the token has expired: authorize anew; pasted ones live for four hours",
        ),
        "invalid_access_token" => Error::new(
            ErrorKind::Unauthenticated,
            "Dropbox does not accept the token: it was taken back or is not all there, authorize anew or paste another",
        ),
        _ => return None,
    })
}

/// A right that neither a new token nor time brings.
fn lacks(scope: &str) -> Error {
    let error = Error::new(
        ErrorKind::Forbidden,
        "the token lacks a permission: tick it in the app console (Permissions), then authorize anew",
    );
    let plain = |scope: &str| {
        !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'_'))
    };
    if plain(scope) { error.with("scope", scope) } else { error }
}

/// 403: the account as such may not.
fn forbidden(tag: &str) -> Option<Error> {
    let message = match tag {
        "invalid_account_type" => "the account's plan does not have this: use an account that has",
        "paper_access_denied" => "the account may not use Paper: have it switched on by the team's admin",
        "team_access_denied" => "the team does not allow this: ask its admin",
        "no_permission" => "the account may not do this: have access granted or use another account",
        _ => return None,
    };
    Some(Error::new(ErrorKind::Forbidden, message))
}

/// 422: what paths are below.
fn of_root(tag: &str) -> Option<Error> {
    Some(match tag {
        ROOT_CHANGED => Error::new(
            ErrorKind::CursorExpired,
            "the account's root has changed, as when it joins or leaves a team: list again from the start",
        ),
        "no_permission" => {
            Error::new(ErrorKind::Forbidden, "the account may not see this namespace: have it shared, or give another")
                .with("field", "folder_path")
        }
        _ => return None,
    })
}

/// 429: the time is in the header, in the body, or nowhere.
fn throttled(head: &ResponseHead, error: &Value) -> Error {
    let said = error["retry_after"].as_u64().map(Duration::from_secs);
    let wait = head.limits().retry_after.or(said).unwrap_or(PAUSE);
    Error::new(ErrorKind::RateLimited, "Dropbox asks for fewer calls: wait and try again").retry_after(wait)
}

/// 409: what the call itself came to.
fn of_route(tags: &[&str]) -> Option<Error> {
    let is = |tag: &str| tags.contains(&tag);
    let (kind, message) = match tags.last().copied().unwrap_or_default() {
        "reset" | "invalid_cursor" => (
            ErrorKind::CursorExpired,
            "Dropbox does not know the place in the list any more: list again from the start",
        ),
        "not_found" | "invalid_id" | "invalid_file" | "group_not_found" => {
            (ErrorKind::NotFound, "not found: check the path, it may have been moved or deleted")
        }
        _ if is("malformed_path") => (ErrorKind::NotFound, "not found: nothing in Dropbox can have such a path"),
        "not_folder" => (ErrorKind::Unsupported, "a file has nothing below it: read it instead"),
        "not_file" | "is_folder" => {
            (ErrorKind::Unsupported, "a folder has no content of its own: read the files in it")
        }
        "unsupported_file" | "non_exportable" | "invalid_export_format" | "unsupported_content_type" => {
            (ErrorKind::Unsupported, "Dropbox gives out no content of such a file: save it in another format")
        }
        "restricted_content" => {
            (ErrorKind::Unreadable, "Dropbox does not give out this content, for legal reasons: ask whoever owns it")
        }
        "locked" => (ErrorKind::Unreadable, "locked: unlock it in Dropbox, then import again"),
        "retry_error" => (ErrorKind::Unavailable, "Dropbox has not made the export yet: try again later"),
        "internal_error" => (ErrorKind::Unavailable, "Dropbox has trouble of its own: try again later"),
        "too_many_write_operations" => {
            let error = Error::new(ErrorKind::RateLimited, "too much is being written to the account: try again later");
            return Some(error.retry_after(PAUSE));
        }
        "email_not_verified" | "email_unverified" => {
            (ErrorKind::Forbidden, "the account's e-mail address is not verified: verify it in Dropbox")
        }
        "not_allowed" | "no_permission" | "not_a_member" | "invalid_member" | "unmounted" => {
            (ErrorKind::Forbidden, "the account may not see this: have access granted or use another account")
        }
        "invalid_argument" => (ErrorKind::Unsupported, "Dropbox cannot search for this: use other words"),
        "" => return None,
        _ => (ErrorKind::Protocol, "Dropbox refuses the call for a reason that is not known here"),
    };
    Some(Error::new(kind, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_from_the_outside_in() {
        let error = serde_json::json!({ ".tag": "path", "path": { ".tag": "not_found" } });
        assert_eq!(tags(&error), ["path", "not_found"]);
        let error =
            serde_json::json!({ ".tag": "path", "path": { ".tag": "malformed_path", "malformed_path": "Say No" } });
        assert_eq!(tags(&error), ["path", "malformed_path"]);
        assert_eq!(tags(&serde_json::json!("invalid_grant")), ["invalid_grant"]);
        assert!(tags(&Value::Null).is_empty());
    }

    #[test]
    fn what_passes_says_when() {
        use catchment_core::Retry;
        let retry = |tag| of_route(&[tag]).unwrap().retry();
        assert_eq!(retry("too_many_write_operations"), Retry::After(PAUSE));
        assert_eq!(retry("retry_error"), Retry::Backoff);
        assert_eq!(retry("internal_error"), Retry::Backoff);
        assert_eq!(retry("restricted_content"), Retry::Never);
    }

    #[test]
    fn a_scope_is_named_wherever_dropbox_names_it() {
        let text = "Error in call to API function \"files/list_folder\": Your app (ID: 1) is not permitted to access this \
                    endpoint because it does not have the required scope 'files.metadata.read'. The owner can enable it.";
        assert_eq!(of_text(text).unwrap().get("scope"), Some("files.metadata.read"));
        let error = serde_json::json!({ ".tag": "missing_scope", "required_scope": "sharing.read" });
        let error = refused("missing_scope", &error).unwrap();
        assert_eq!((error.kind(), error.get("scope")), (ErrorKind::Forbidden, Some("sharing.read")));
        assert_eq!(lacks("Foreign Words").get("scope"), None);
    }
}
