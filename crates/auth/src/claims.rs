//! Claims: what a token has to say, and what it says.

use std::time::Duration;

use catchment_core::{Error, Result, Tenant};
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use serde_json::Value;

use crate::callers::{Caller, Role, refused};

/// No name of a user or an organization is longer, in bytes.
const LONGEST: usize = 255;

/// What a token has to say besides who calls. Its time is checked in any case: `exp` has to be
/// there, `nbf` is obeyed where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The claim `iss` has to be this.
    pub issuer: Option<String>,
    /// The claim `aud` has to be this, or to hold it. Without, any audience is accepted: then
    /// whoever trusts the same issuer can use here the tokens that were sent to them.
    pub audience: Option<String>,
    /// How far clocks may differ. A minute unless given.
    pub leeway: Duration,
}

/// Who calls, as a token says it. The claims that [`Validation`] looks at are not here.
#[derive(Deserialize)]
pub(crate) struct Payload {
    #[serde(default)]
    sub: Value,
    #[serde(default)]
    org: Value,
    #[serde(default)]
    role: Value,
}

impl Default for Claims {
    fn default() -> Self {
        Self { issuer: None, audience: None, leeway: Duration::from_secs(60) }
    }
}

impl Claims {
    /// What is asked of a token that was signed with `algorithm`, and no other.
    pub(crate) fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut out = Validation::new(algorithm);
        out.leeway = self.leeway.as_secs();
        out.validate_nbf = true;
        out.validate_aud = self.audience.is_some();
        if let Some(audience) = &self.audience {
            out.set_audience(&[audience]);
            out.required_spec_claims.insert("aud".into());
        }
        if let Some(issuer) = &self.issuer {
            out.set_issuer(&[issuer]);
            out.required_spec_claims.insert("iss".into());
        }
        out
    }
}

impl Payload {
    pub(crate) fn caller(self) -> Result<Caller> {
        let tenant = Tenant { organization: name("org", self.org)?, user: name("sub", self.sub)? };
        let role = match self.role {
            Value::Null => Role::Member,
            Value::String(role) if role == "member" => Role::Member,
            Value::String(role) if role == "admin" => Role::Admin,
            _ => return Err(refused("the claim `role` of the token is neither member nor admin")),
        };
        Ok(Caller { tenant, role })
    }
}

fn name(claim: &'static str, value: Value) -> Result<String> {
    let fault = |message: &'static str| -> Error { refused(message).with("claim", claim) };
    match value {
        Value::Null => Err(fault("the token does not say who calls: have it issued with the claims `sub` and `org`")),
        Value::String(name) if name.trim().is_empty() => Err(fault("a claim of the token is empty")),
        Value::String(name) if name.len() > LONGEST => Err(fault("a claim of the token is longer than 255 bytes")),
        Value::String(name) if name.chars().any(char::is_control) => {
            Err(fault("a claim of the token holds control characters"))
        }
        Value::String(name) => Ok(name),
        _ => Err(fault("a claim of the token is not text")),
    }
}
