//! From Telegram's answers to errors a person can act on.
//!
//! An answer is an envelope: `ok` and `result`, or `ok: false` with `error_code` (the status again),
//! `description` and `parameters`. See <https://core.telegram.org/bots/api#making-requests>.

use std::time::Duration;

use catchment_client::ResponseHead;
use catchment_core::{Error, ErrorKind};
use serde::Deserialize;

#[derive(Deserialize)]
struct Refusal {
    ok: bool,
    error_code: Option<u16>,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    /// Seconds.
    retry_after: Option<u64>,
}

/// Looks at every answer; one without an envelope is left to its status.
pub(crate) fn classify(head: &ResponseHead, body: &[u8]) -> Option<Error> {
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    if refusal.ok {
        return None;
    }
    let code = refusal.error_code.unwrap_or(head.status.as_u16());
    let error = match code {
        // A token that was never given out is no path that the server knows.
        401 | 404 => Error::new(
            ErrorKind::Unauthenticated,
            "Telegram does not know this token, or it was replaced: ask BotFather for the current one",
        )
        .with("field", "bot_token"),
        403 => Error::new(ErrorKind::Forbidden, "Telegram does not let the bot do this"),
        409 => Error::new(
            ErrorKind::Conflict,
            "another program takes this bot's updates: stop it, or take its webhook away",
        ),
        421 => Error::new(ErrorKind::Forbidden, "this server does not serve the bot: correct url").with("field", "url"),
        429 => {
            let error = Error::new(ErrorKind::RateLimited, "Telegram asks for fewer calls: wait and try again");
            let told = refusal.parameters.retry_after.map(Duration::from_secs);
            match told.max(head.limits().retry_after) {
                Some(wait) => error.retry_after(wait),
                None => error,
            }
        }
        500.. => Error::new(ErrorKind::Unavailable, "Telegram is not available at the moment: try again later"),
        _ => Error::protocol("Telegram refused the request as wrong"),
    };
    Some(error.with("code", code))
}
