//! Development tokens.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use catchment_core::{Error, Result, Secret, Tenant};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde::Serialize;

use crate::{callers::Role, claims::Claims, verifier::strong};

#[derive(Serialize)]
struct Payload<'a> {
    sub: &'a str,
    org: &'a str,
    role: Role,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

/// A token for development, signed with HS256. It is good for `ttl` from now.
///
/// # Errors
/// `Config` when the secret has fewer than 32 bytes.
pub fn mint(secret: &Secret, tenant: &Tenant, role: Role, ttl: Duration) -> Result<Secret> {
    Claims::default().mint(secret, tenant, role, ttl)
}

impl Claims {
    /// As [`mint`], with the issuer and the audience that a server with these claims asks for.
    ///
    /// # Errors
    /// As [`mint`].
    pub fn mint(&self, secret: &Secret, tenant: &Tenant, role: Role, ttl: Duration) -> Result<Secret> {
        let key = EncodingKey::from_secret(strong(secret)?.as_bytes());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let payload = Payload {
            sub: &tenant.user,
            org: &tenant.organization,
            role,
            iat: now.as_secs(),
            exp: now.saturating_add(ttl).as_secs(),
            iss: self.issuer.as_deref(),
            aud: self.audience.as_deref(),
        };
        encode(&Header::default(), &payload, &key)
            .map(Secret::new)
            .map_err(|error| Error::internal("the token cannot be signed").source(error))
    }
}
