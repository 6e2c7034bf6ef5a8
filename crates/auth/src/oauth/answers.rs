//! Answers of token endpoints, as vendors write them.

use std::time::Duration;

use catchment_client::{Response, ResponseHead, StatusCode};
use catchment_core::{Error, ErrorKind, Result, Secret};
use serde::Deserialize;
use serde_json::Value;

use super::exchange::Granted;

/// Nothing lives longer; what says so is no number of seconds.
const LONGEST_LIFE: u64 = 10 * 366 * 24 * 3600;

/// What an error code means: the code, the kind, whether it tells how a grant ended, what to do.
type Code = (&'static str, ErrorKind, Option<&'static str>, &'static str);

/// The codes of RFC 6749 and 8628, OpenID Connect, GitHub and Slack. Whatever is not here ends no
/// grant.
const CODES: &[Code] = {
    use ErrorKind::{Config, Conflict, Forbidden, RateLimited, Timeout, Unauthenticated, Unavailable};
    &[
        ("invalid_grant", Unauthenticated, None, OVER),
        ("bad_refresh_token", Unauthenticated, None, OVER),
        ("invalid_refresh_token", Unauthenticated, None, OVER),
        ("invalid_token", Unauthenticated, None, OVER),
        ("invalid_auth", Unauthenticated, None, OVER),
        ("token_expired", Unauthenticated, Some("expired"), OVER),
        ("interaction_required", Unauthenticated, Some("expired"), OVER),
        ("login_required", Unauthenticated, Some("expired"), OVER),
        ("consent_required", Unauthenticated, Some("revoked"), OVER),
        ("token_revoked", Unauthenticated, Some("revoked"), OVER),
        ("account_inactive", Unauthenticated, Some("revoked"), OVER),
        ("user_removed_from_team", Unauthenticated, Some("revoked"), OVER),
        ("bad_verification_code", Unauthenticated, None, USED),
        ("invalid_code", Unauthenticated, None, USED),
        ("code_already_used", Unauthenticated, None, USED),
        ("code_expired", Unauthenticated, None, USED),
        (
            "access_denied",
            Forbidden,
            None,
            "the person, or an administrator, did not consent: ask them, and begin anew",
        ),
        ("invalid_client", Config, None, UNKNOWN_PROGRAM),
        ("unauthorized_client", Config, None, UNKNOWN_PROGRAM),
        ("incorrect_client_credentials", Config, None, UNKNOWN_PROGRAM),
        ("invalid_client_id", Config, None, UNKNOWN_PROGRAM),
        ("bad_client_secret", Config, None, UNKNOWN_PROGRAM),
        ("redirect_uri_mismatch", Config, None, CALLBACK),
        ("bad_redirect_uri", Config, None, CALLBACK),
        (
            "invalid_scope",
            Config,
            None,
            "the vendor does not grant these scopes to this program: correct its registration",
        ),
        ("unsupported_grant_type", Config, None, FLOW),
        ("device_flow_disabled", Config, None, FLOW),
        ("temporarily_unavailable", Unavailable, None, LATER),
        ("server_error", Unavailable, None, LATER),
        ("internal_failure", Unavailable, None, LATER),
        ("internal_error", Unavailable, None, LATER),
        ("fatal_error", Unavailable, None, LATER),
        ("ratelimited", RateLimited, None, FEWER),
        ("rate_limited", RateLimited, None, FEWER),
        (SLOW_DOWN, RateLimited, None, FEWER),
        (PENDING, Conflict, None, "nobody has consented yet: wait"),
        (EXPIRED, Timeout, None, "the code has ended: begin anew"),
    ]
};

pub(super) const PENDING: &str = "authorization_pending";
pub(super) const SLOW_DOWN: &str = "slow_down";
pub(super) const EXPIRED: &str = "expired_token";

const OVER: &str = "the vendor does not accept this connection any more: authorize it again";
pub(super) const USED: &str = "the consent was used already, or is too old: authorize again";
const UNKNOWN_PROGRAM: &str = "the vendor does not accept this program: correct the client id and the client secret";
const CALLBACK: &str = "the vendor does not know the address of the callback: register it there";
const FLOW: &str = "the vendor does not let this program sign in this way: correct its registration";
const LATER: &str = "the vendor issues no tokens at the moment: try again later";
const FEWER: &str = "the vendor asks for fewer tokens to be asked for: wait";

/// What was granted: the first of these places, JSON pointers, that has an access token counts.
pub(super) fn granted(response: &Response, places: &[&str]) -> Result<Granted> {
    let answer: Value = response.json()?;
    let found = places.iter().find_map(|place| {
        let place = answer.pointer(place)?;
        Some((place, secret(place.get("access_token"))?))
    });
    let (place, access) = found.ok_or_else(|| Error::protocol("the vendor granted no access token"))?;
    Ok(Granted {
        access,
        refresh: secret(place.get("refresh_token")),
        lives: place.get("expires_in").and_then(seconds),
        scopes: place.get("scope").and_then(scopes),
    })
}

/// A text that is not empty.
pub(super) fn secret(value: Option<&Value>) -> Option<Secret> {
    value?.as_str().filter(|text| !text.is_empty()).map(Secret::new)
}

/// Seconds, in quotes or without.
pub(super) fn seconds(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().map(|seconds| seconds as u64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    seconds.filter(|seconds| (1..=LONGEST_LIFE).contains(seconds)).map(Duration::from_secs)
}

fn scopes(value: &Value) -> Option<Vec<String>> {
    let split = |text: &str| text.split([' ', ',']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    let scopes: Vec<String> = match value {
        Value::String(text) => split(text),
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => return None,
    };
    (!scopes.is_empty()).then_some(scopes)
}

/// The code in an answer, if it has one.
pub(super) fn code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Fault {
        error: String,
    }

    serde_json::from_slice::<Fault>(body).ok().map(|fault| fault.error)
}

/// What the code in an answer means, whatever its status. Nothing but a code that says so ends a
/// grant: a bare 401 speaks of this program, and a page or a 503 of nothing.
pub(super) fn classify(head: &ResponseHead, body: &[u8]) -> Option<Error> {
    match code(body) {
        Some(code) => match CODES.iter().find(|(known, ..)| *known == code) {
            Some((code, kind, grant, message)) => {
                let error = Error::new(*kind, *message).with("code", code);
                let error = match grant {
                    Some(how) => error.with("grant", how),
                    None => error,
                };
                // A device obeys by itself, and what has ended does not begin again.
                let alone = matches!(*code, SLOW_DOWN | EXPIRED);
                Some(if alone { error.never_retry() } else { error })
            }
            None if head.status.is_success() || head.status == StatusCode::BAD_REQUEST => {
                Some(Error::protocol("the vendor refuses to issue a token, for a reason that is not known here"))
            }
            None => bare(head),
        },
        None => bare(head),
    }
}

fn bare(head: &ResponseHead) -> Option<Error> {
    (head.status == StatusCode::UNAUTHORIZED).then(|| Error::new(ErrorKind::Config, UNKNOWN_PROGRAM))
}
