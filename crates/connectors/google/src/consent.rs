//! Consent: Google's dialect of OAuth 2.0.
//!
//! See <https://developers.google.com/identity/protocols/oauth2/web-server>.

use std::time::Duration;

use catchment_core::oauth::{OAuth, Revocation};

/// A refresh token that nobody uses for six months lapses; half a year has 181 days at least.
const IDLE: Duration = Duration::from_secs(181 * 24 * 3600);

/// Google's OAuth for a connector that needs these scopes.
pub const fn oauth(scopes: &'static [&'static str]) -> OAuth {
    OAuth {
        authorize: "https://accounts.google.com/o/oauth2/v2/auth",
        token: "https://oauth2.googleapis.com/token",
        revocation: Revocation::Form("https://oauth2.googleapis.com/revoke"),
        scopes,
        // Without the first there is no refresh token; without the second there is none for who has
        // consented before.
        extra: &[("access_type", "offline"), ("prompt", "consent")],
        unless: &["service_account"],
        idle: Some(IDLE),
        ..OAuth::STANDARD
    }
}

/// A scope without the address in front: `drive.readonly`.
pub fn short(scope: &str) -> &str {
    scope.strip_prefix("https://www.googleapis.com/auth/").unwrap_or(scope)
}
