//! Keys that tokens are verified with, and what a published set says of each.

use std::fmt;

use jsonwebtoken::{
    Algorithm, DecodingKey, DecodingKeyKind, Validation,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

use crate::claims::Claims;

/// No issuer has more.
const MOST: usize = 100;

/// Shorter ones can be factored (RFC 7518, section 3.3).
const SHORTEST_MODULUS: usize = 256;

/// A key, with the one algorithm it is for and what is asked of the tokens it verifies.
pub(crate) struct Key {
    pub(crate) id: Option<String>,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: DecodingKey,
    pub(crate) validation: Validation,
}

#[derive(Deserialize)]
pub(crate) struct KeySet {
    keys: Vec<Value>,
}

impl Key {
    pub(crate) fn new(id: Option<String>, algorithm: Algorithm, key: DecodingKey, claims: &Claims) -> Self {
        Self { id, algorithm, key, validation: claims.validation(algorithm) }
    }
}

impl KeySet {
    /// The keys that verify signatures. What is for something else, or unknown, is left out: one
    /// key of a new kind must not take away the others.
    pub(crate) fn usable(self, claims: &Claims) -> Vec<Arc<Key>> {
        let read = |value: Value| usable(&serde_json::from_value(value).ok()?, claims);
        self.keys.into_iter().take(MOST).filter_map(read).map(Arc::new).collect()
    }
}

fn usable(jwk: &Jwk, claims: &Claims) -> Option<Key> {
    let common = &jwk.common;
    if common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
        return None;
    }
    if common.key_operations.as_ref().is_some_and(|all| !all.contains(&KeyOperations::Verify)) {
        return None;
    }
    let algorithm = algorithm(jwk)?;
    let key = DecodingKey::from_jwk(jwk).ok()?;
    if let DecodingKeyKind::RsaModulusExponent { n, .. } = key.kind()
        && n.iter().skip_while(|byte| **byte == 0).count() < SHORTEST_MODULUS
    {
        return None;
    }
    Some(Key::new(common.key_id.clone(), algorithm, key, claims))
}

/// The key decides, never the token: what it says, where that fits its kind, else what its kind is
/// for. Secrets are not published, so a set cannot bring HS256 in.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    use Algorithm as A;
    use KeyAlgorithm as K;
    Some(match (&jwk.algorithm, jwk.common.key_algorithm) {
        (AlgorithmParameters::RSA(_), None | Some(K::RS256)) => A::RS256,
        (AlgorithmParameters::RSA(_), Some(K::RS384)) => A::RS384,
        (AlgorithmParameters::RSA(_), Some(K::RS512)) => A::RS512,
        (AlgorithmParameters::RSA(_), Some(K::PS256)) => A::PS256,
        (AlgorithmParameters::RSA(_), Some(K::PS384)) => A::PS384,
        (AlgorithmParameters::RSA(_), Some(K::PS512)) => A::PS512,
        (AlgorithmParameters::EllipticCurve(key), None | Some(K::ES256)) if key.curve == EllipticCurve::P256 => {
            A::ES256
        }
        (AlgorithmParameters::EllipticCurve(key), None | Some(K::ES384)) if key.curve == EllipticCurve::P384 => {
            A::ES384
        }
        (AlgorithmParameters::OctetKeyPair(key), None | Some(K::EdDSA)) if key.curve == EllipticCurve::Ed25519 => {
            A::EdDSA
        }
        _ => return None,
    })
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
