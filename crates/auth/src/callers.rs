//! Who calls, and what they may do.

use catchment_core::{Error, ErrorKind, Result, Tenant};
use serde::{Deserialize, Serialize};

use crate::verifier::Verifier;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The organization and the user.
    pub tenant: Tenant,
    /// What the user may do there.
    pub role: Role,
}

/// What a caller may do in their organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// See and use what is their own.
    #[default]
    Member,
    /// See and use what anybody of the organization has.
    Admin,
}

/// How callers are told apart.
#[derive(Debug, Clone)]
pub enum Callers {
    /// Not at all: everybody is `local/local` and may do everything. For one person on one
    /// machine; a server has to refuse it on any address but loopback.
    Local,
    /// By a JSON Web Token.
    Jwt(Verifier),
}

impl Callers {
    /// Who sends this `Authorization` header. Cancel-safe.
    ///
    /// # Errors
    /// `Unauthenticated`, with a sentence that says why and never repeats the token; `Unavailable`
    /// when the issuer's keys cannot be had at the moment, which says nothing about the token.
    pub async fn identify(&self, authorization: Option<&str>) -> Result<Caller> {
        match self {
            Self::Local => Ok(Caller { tenant: Tenant::local(), role: Role::Admin }),
            Self::Jwt(verifier) => verifier.verify(token(authorization)?).await,
        }
    }
}

fn token(authorization: Option<&str>) -> Result<&str> {
    let missing = || refused("there is no token: send the header `Authorization: Bearer` with one");
    let (scheme, token) = authorization.ok_or_else(missing)?.trim().split_once(' ').ok_or_else(missing)?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token).ok_or_else(missing)
}

pub(crate) fn refused(message: &'static str) -> Error {
    Error::new(ErrorKind::Unauthenticated, message)
}
