//! OAuth as Dropbox speaks it.
//!
//! See <https://developers.dropbox.com/oauth-guide>.

use catchment_core::oauth::{OAuth, Revocation};

/// Access tokens live for four hours. Refresh tokens do not lapse and are not replaced by others,
/// but are given out only where `offline` is asked for.
pub(crate) const OAUTH: OAuth = OAuth {
    authorize: "https://www.dropbox.com/oauth2/authorize",
    token: "https://api.dropboxapi.com/oauth2/token",
    revocation: Revocation::Bearer("https://api.dropboxapi.com/2/auth/token/revoke"),
    scopes: &["account_info.read", "files.metadata.read", "files.content.read", "sharing.read"],
    extra: &[("token_access_type", "offline")],
    unless: &["access_token"],
    ..OAuth::STANDARD
};
