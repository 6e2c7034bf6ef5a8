//! Verification of tokens: signature first, then what they say.

use std::sync::Arc;

use catchment_core::{Error, Result, Secret};
use jsonwebtoken::{Algorithm, DecodingKey, Header, decode, decode_header, errors::ErrorKind as Fault};

use crate::{
    callers::{Caller, refused},
    claims::{Claims, Payload},
    fetch::{KeyUrl, Published},
    keys::Key,
};

/// A token is no longer, in bytes: a header of a request is not, either.
const LONGEST: usize = 16 * 1024;

/// So short a secret can be guessed from one token (RFC 7518, section 3.2).
pub(crate) const SHORTEST_SECRET: usize = 32;

/// Verifies tokens. Clones are cheap and share the keys.
#[derive(Debug, Clone)]
pub struct Verifier(Keys);

#[derive(Debug, Clone)]
enum Keys {
    Secret(Arc<Key>),
    Published(Arc<Published>),
}

impl Verifier {
    /// Tokens signed with this secret, by HS256 and nothing else.
    ///
    /// # Errors
    /// `Config` when the secret has fewer than 32 bytes.
    pub fn hs256(secret: &Secret, claims: Claims) -> Result<Self> {
        let key = DecodingKey::from_secret(strong(secret)?.as_bytes());
        Ok(Self(Keys::Secret(Arc::new(Key::new(None, Algorithm::HS256, key, &claims)))))
    }

    /// Tokens signed with one of the public keys that the issuer publishes at this address as a
    /// JSON Web Key Set. Nothing is fetched yet. Needs a tokio runtime where it is used.
    ///
    /// # Errors
    /// `Config` when the address cannot be one, or is not `https://`.
    pub fn jwks(url: impl Into<KeyUrl>, claims: Claims) -> Result<Self> {
        Ok(Self(Keys::Published(Published::new(url.into(), claims)?)))
    }

    /// Who calls with this token. Cancel-safe: keys that are being fetched are for everybody.
    ///
    /// # Errors
    /// As [`Callers::identify`](crate::Callers::identify).
    pub async fn verify(&self, token: &str) -> Result<Caller> {
        if token.len() > LONGEST {
            return Err(refused("the token is longer than any token is"));
        }
        match &self.0 {
            Keys::Secret(key) => read(token, key),
            Keys::Published(published) => {
                let header = header(token)?;
                let key = published.key(header.kid.as_deref(), header.alg).await?;
                read(token, &key)
            }
        }
    }
}

/// The secret, if it is long enough.
pub(crate) fn strong(secret: &Secret) -> Result<&str> {
    let text = secret.expose();
    if text.len() < SHORTEST_SECRET {
        let remedy = "a secret for tokens has 32 bytes at least: make one with `openssl rand -hex 32`";
        return Err(Error::config("secret", remedy));
    }
    Ok(text)
}

/// The header, of which nothing is proved: it chooses among the keys, and the key the algorithm.
fn header(token: &str) -> Result<Header> {
    decode_header(token).map_err(explained)
}

fn read(token: &str, key: &Key) -> Result<Caller> {
    let data = decode::<Payload>(token, &key.key, &key.validation).map_err(explained)?;
    // RFC 7515, section 4.1.11: whoever does not know such an extension must not accept it.
    if data.header.crit.is_some() {
        return Err(refused("the token wants extensions that are not known here"));
    }
    data.claims.caller()
}

/// One sentence for each fault. The library's own words stay behind.
fn explained(error: jsonwebtoken::errors::Error) -> Error {
    let claim = match error.kind() {
        Fault::MissingRequiredClaim(claim) | Fault::InvalidClaimFormat(claim) => Some(claim.clone()),
        _ => None,
    };
    let out = refused(match error.kind() {
        Fault::ExpiredSignature => "the token has expired: get a new one",
        Fault::ImmatureSignature => "the token is not valid yet: wait, or correct the clock",
        Fault::InvalidAudience => "the token was issued for somebody else: get one for this server",
        Fault::InvalidIssuer => "the token was issued by somebody who is not trusted here",
        Fault::MissingRequiredClaim(_) => "the token lacks a claim: have it issued with it",
        Fault::InvalidClaimFormat(_) => "a claim of the token is not what it should be",
        Fault::InvalidSignature => "the signature of the token is wrong",
        Fault::InvalidAlgorithm
        | Fault::InvalidAlgorithmName
        | Fault::UnsupportedAlgorithm
        | Fault::MissingAlgorithm
        | Fault::InvalidKeyFormat => "the token is signed in a way that is not accepted here",
        _ => "this is not a token that can be read",
    });
    match claim {
        Some(claim) => out.with("claim", claim),
        None => out,
    }
}
