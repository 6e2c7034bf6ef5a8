//! oidc-provider: a certified OpenID provider.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{installed, server_with};

/// A certified OpenID provider. Refresh tokens rotate, and one that comes back ends its grant;
/// PKCE is wanted from everybody. Anybody may log in by any name.
///
/// It knows the clients `web` (secret in the form), `basic` (secret in the header; also the grant
/// `client_credentials`), `tv` (no secret; also on a device) and `robot` (signs by PS256).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OidcServer {
    /// Where it listens, without TLS.
    pub address: SocketAddr,
    /// The private key of `robot`, in PEM.
    pub key: String,
}

impl OidcServer {
    /// Where the clients are sent back to. Nobody listens there.
    pub const CALLBACK: &str = "http://127.0.0.1:9/callback";

    /// The secret of the client `web`.
    pub const WEB_SECRET: &str = "secret of web";

    /// The secret of the client `basic`.
    pub const BASIC_SECRET: &str = "secret: of/basic";

    /// Scheme, host and port, which are its name as well.
    pub fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// oidc-provider, which knows its clients, and any person.
///
/// # Panics
/// When it, or node, is not installed, or when it does not start.
pub fn oidc() -> OidcServer {
    let package = installed("oidc/node_modules/oidc-provider/package.json");
    server_with("oidc", &package, &[("CATCHMENT_SCRIPT", include_str!("oidc.mjs"))])
}
