//! How a program says at a token endpoint who it is.

use std::{borrow::Cow, fmt};

use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use catchment_client::{Call, Client};
use catchment_core::{Error, Result, Secret};
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How long an assertion is good from now, in seconds. Entra ID wants five to ten minutes.
const ASSERTION: i64 = 5 * 60;

/// By how many seconds what is signed says that it is older: the vendor's clock may be behind.
pub(super) const BEHIND: i64 = 60;

/// What a program proves itself with.
#[derive(Debug, Clone)]
pub enum ClientProof {
    /// Nothing: a public client, which PKCE protects.
    None,
    /// A secret, in the form.
    Body(Secret),
    /// A secret, in the header `Authorization` (RFC 6749, section 2.3.1).
    Basic(Secret),
    /// A signature (RFC 7523, section 2.2), where the vendor knows the public key.
    Key(ClientKey),
}

/// A private key that a program signs with to prove itself: `private_key_jwt`.
#[derive(Clone)]
pub struct ClientKey {
    key: EncodingKey,
    algorithm: Algorithm,
    id: Option<String>,
    thumbprint: Option<String>,
    audience: Option<String>,
}

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// A program: its id, and its proof.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) id: String,
    pub(super) proof: ClientProof,
}

impl ClientKey {
    /// A key in PEM, not encrypted: RSA, which signs by PS256, P-256 or Ed25519. With the
    /// certificate in PEM that is registered at the vendor, an assertion names it by its SHA-256
    /// (`x5t#S256`), as Entra ID wants it.
    ///
    /// # Errors
    /// `Config`, naming `private_key` or `certificate`.
    pub fn from_pem(key: &Secret, certificate: Option<&str>) -> Result<Self> {
        let thumbprint = certificate.map(thumbprint).transpose()?;
        let pem = key.expose().trim().as_bytes();
        let rsa = EncodingKey::from_rsa_pem(pem).map(|key| (key, Algorithm::PS256));
        let ec = || EncodingKey::from_ec_pem(pem).map(|key| (key, Algorithm::ES256));
        let ed = || EncodingKey::from_ed_pem(pem).map(|key| (key, Algorithm::EdDSA));
        let (key, algorithm) = rsa.or_else(|_| ec()).or_else(|_| ed()).map_err(|_| unusable())?;
        let key = Self { key, algorithm, id: None, thumbprint, audience: None };
        // A key may be read and still be of no use, a short one for example.
        key.assertion("", "").map_err(|_| unusable())?;
        Ok(key)
    }

    /// Names the key by this id (`kid`), where the vendor gave it one.
    #[must_use]
    pub fn named(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Signs by RS256 where the key is an RSA key, for vendors that do not know PS256.
    #[must_use]
    pub fn rs256(mut self) -> Self {
        if self.algorithm == Algorithm::PS256 {
            self.algorithm = Algorithm::RS256;
        }
        self
    }

    /// Addresses assertions to this audience, for vendors that want the name of the issuer there
    /// and not the address of the token endpoint.
    #[must_use]
    pub fn addressed_to(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    fn assertion(&self, client: &str, endpoint: &str) -> Result<String> {
        let now = Utc::now().timestamp();
        let claims = Assertion {
            iss: client,
            sub: client,
            aud: self.audience.as_deref().unwrap_or(endpoint),
            jti: Uuid::new_v4().to_string(),
            iat: now - BEHIND,
            nbf: now - BEHIND,
            exp: now + ASSERTION,
        };
        let header = Header { kid: self.id.clone(), x5t_s256: self.thumbprint.clone(), ..Header::new(self.algorithm) };
        sign(&header, &claims, &self.key)
    }
}

impl Program {
    /// A `POST` of a form, with the program's proof added.
    pub(super) fn call(&self, client: &Client, url: &str, fields: &[(&'static str, &str)]) -> Result<Call> {
        let mut form: Vec<(&str, Cow<'_, str>)> =
            fields.iter().map(|(name, value)| (*name, Cow::Borrowed(*value))).collect();
        let mut basic = None;
        match &self.proof {
            ClientProof::None => form.push(("client_id", (&self.id).into())),
            ClientProof::Body(secret) => {
                form.extend([("client_id", (&self.id).into()), ("client_secret", secret.expose().into())]);
            }
            ClientProof::Basic(secret) => basic = Some(self.basic(secret)),
            ClientProof::Key(key) => form.extend([
                ("client_id", (&self.id).into()),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".into()),
                ("client_assertion", key.assertion(&self.id, url)?.into()),
            ]),
        }
        let form = form.iter().map(|(name, value)| (*name, value.as_ref()));
        // GitHub answers with a form unless it is asked for JSON.
        let call = client.post(url).form(form).header("accept", "application/json");
        Ok(match basic {
            Some(header) => call.secret_header("authorization", &header),
            None => call,
        })
    }

    /// The header that proves the program by a secret. Both parts are encoded as in a form first.
    pub(super) fn basic(&self, secret: &Secret) -> Secret {
        let part = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let pair = format!("{}:{}", part(&self.id), part(secret.expose()));
        Secret::new(format!("Basic {}", STANDARD.encode(pair)))
    }
}

/// A signed token.
pub(super) fn sign(header: &Header, claims: &impl Serialize, key: &EncodingKey) -> Result<String> {
    encode(header, claims, key).map_err(|error| Error::internal("an assertion cannot be signed").source(error))
}

fn thumbprint(certificate: &str) -> Result<String> {
    let remedy = "give the certificate in PEM, as it was registered at the vendor";
    let der =
        CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|_| Error::config("certificate", remedy))?;
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(&der)))
}

fn unusable() -> Error {
    let remedy = "give a private key in PEM without a passphrase: RSA of 2048 bits or more, P-256 or Ed25519";
    Error::config("private_key", remedy)
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey").field("algorithm", &self.algorithm).field("id", &self.id).finish_non_exhaustive()
    }
}
