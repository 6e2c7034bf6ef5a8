//! OAuth as GitHub speaks it.
//!
//! See <https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>.

use std::time::Duration;

use catchment_core::oauth::{OAuth, Revocation};

/// Errors come with status 200, and granted scopes stand between commas.
pub(crate) const OAUTH: OAuth = OAuth {
    authorize: "https://github.com/login/oauth/authorize",
    token: "https://github.com/login/oauth/access_token",
    device: Some("https://github.com/login/device/code"),
    // The token alone: `/grant` would end every other connection of the same person as well.
    revocation: Revocation::Delete("https://api.github.com/applications/{client_id}/token"),
    scopes: &["read:user", "user:email"],
    unless: &["access_token"],
    // Refresh tokens, where the app has tokens expire, live for 15,897,600 seconds.
    idle: Some(Duration::from_secs(15_897_600)),
    // Enterprise Server has its API below its own host.
    installed: &[("api.github.com", "/api/v3")],
    ..OAuth::STANDARD
};
