//! From Autodesk's answers to errors a person can act on: the body's code first, then the status.
//!
//! Three shapes come: JSON:API's `errors`, the gateway's `errorCode`, the object store's `reason`.

use catchment_client::{ResponseHead, classify_status};
use catchment_core::{Error, ErrorKind};
use serde::Deserialize;

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    errors: Vec<Fault>,
    #[serde(rename = "errorCode", default)]
    code: Option<String>,
    #[serde(default)]
    meta: Meta,
}

/// A list of hubs is refused with the reason of each region.
#[derive(Default, Deserialize)]
struct Meta {
    #[serde(default)]
    warnings: Vec<Warning>,
}

#[derive(Default, Deserialize)]
struct Warning {
    #[serde(rename = "ErrorCode", default)]
    code: Option<String>,
}

#[derive(Default, Deserialize)]
struct Fault {
    #[serde(default)]
    code: Option<String>,
}

/// Looks at every answer. `app` is the client id that the account's administrator has to know.
pub(crate) fn classify(app: Option<&str>, head: &ResponseHead, body: &[u8]) -> Option<Error> {
    if head.status.is_success() {
        return None;
    }
    let code = code(body)?;
    let error = of_code(&code, app, head).or_else(|| classify_status(head))?;
    // Codes are identifiers; what else might stand there is not passed on.
    let plain =
        code.len() <= 40 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    Some(if plain { error.with("code", code) } else { error })
}

fn code(body: &[u8]) -> Option<String> {
    let body: Body = serde_json::from_slice(body).ok()?;
    let warned = body.meta.warnings.into_iter().find_map(|warning| warning.code);
    body.code.or_else(|| body.errors.into_iter().find_map(|fault| fault.code)).or(warned)
}

/// What a code means; `None` leaves it to the status.
fn of_code(code: &str, app: Option<&str>, head: &ResponseHead) -> Option<Error> {
    let forbidden = |message: &'static str| Some(Error::new(ErrorKind::Forbidden, message));
    match code {
        "AUTH-001" | "AUTH-008" => {
            let message = "the app may not use this API: at aps.autodesk.com add Data Management and Autodesk \
                           Construction Cloud to it, and check client_id";
            forbidden(message).map(|error| error.with("field", "client_id"))
        }
        "AUTH-010" => {
            let message = "the token lacks a scope: authorize anew, and leave every box ticked";
            forbidden(message).map(|error| error.with("scope", scope(head.url.path())))
        }
        "BIM360DM_ERROR" => Some(not_added(app)),
        "BAD_INPUT" | "INVALID_INPUT" if head.status.as_u16() == 400 => {
            Some(Error::new(ErrorKind::NotFound, "not found: Autodesk knows no such id, correct it"))
        }
        _ => None,
    }
}

/// The account does not know the app.
pub(crate) fn not_added(app: Option<&str>) -> Error {
    let error = Error::new(
        ErrorKind::Forbidden,
        "no account lets the app in: an account administrator has to add its client id under Account Admin, Settings, \
         Custom Integrations",
    );
    match app {
        Some(app) => error.with("client_id", app),
        None => error,
    }
}

/// The scope that an address wants.
fn scope(path: &str) -> &'static str {
    if path.ends_with("/search") {
        "data:search"
    } else if path.starts_with("/construction/admin/") {
        "account:read"
    } else if path.ends_with("/userinfo") {
        "user-profile:read"
    } else {
        "data:read"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_wherever_it_stands() {
        for body in [
            r#"{"errorCode":"A-1","developerMessage":"x"}"#,
            r#"{"jsonapi":{"version":"1.0"},"errors":[{"id":"1","code":"A-1"}]}"#,
            r#"{"jsonapi":{"version":"1.0"},"data":[],"meta":{"warnings":[{"Id":null,"ErrorCode":"A-1"}]}}"#,
        ] {
            assert_eq!(code(body.as_bytes()).as_deref(), Some("A-1"), "{body}");
        }
        assert_eq!(code(b"<html>"), None);
        assert_eq!(code(br#"{"reason":"Object not found"}"#), None);
    }
}
