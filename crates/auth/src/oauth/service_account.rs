//! Service accounts of Google: a key file, and a signed request for each token.
//!
//! See <https://developers.google.com/identity/protocols/oauth2/service-account>.

use std::fmt;

use catchment_client::{Client, Egress, ResponseHead, Url};
use catchment_core::{Error, ErrorKind, Result, Secret, async_trait};
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};

use super::{
    answers::{code, granted},
    credentials::client,
    exchange::Granted,
    issued::Grant,
    program::{BEHIND, ClientProof, sign},
};

/// A request is good for an hour at the most, in seconds.
const LONGEST: i64 = 3600;

/// The setting that errors name.
const FIELD: &str = "service_account";

/// A service account, acting for itself or, with domain-wide delegation, for a person of a
/// Workspace.
pub struct ServiceAccount {
    client: Client,
    key: EncodingKey,
    file: KeyFile,
    scope: String,
    subject: Option<String>,
}

#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: String,
    client_email: String,
    /// The number by which an administrator delegates to the account.
    #[serde(default)]
    client_id: String,
    private_key: Secret,
    private_key_id: Option<String>,
    token_uri: String,
}

#[derive(Serialize)]
struct Request<'a> {
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    scope: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

impl ServiceAccount {
    /// The account of a key file, as Google's console gives it; with `subject`, the e-mail address
    /// of the person to act for. Nothing is sent yet.
    ///
    /// # Errors
    /// `Config`, naming `service_account`, when it is no key file, or its key or its address are
    /// of no use.
    pub fn from_json(file: &Secret, scopes: &[&str], subject: Option<&str>, egress: Egress) -> Result<Self> {
        let bad = |remedy: &'static str| Error::config(FIELD, remedy);
        // The error would quote what it met.
        let file: KeyFile = serde_json::from_str(file.expose())
            .map_err(|_| bad("paste the whole JSON file of the key, as it was downloaded"))?;
        if file.kind != "service_account" {
            return Err(bad("this is the file of something else: make a key of a service account, as JSON"));
        }
        let key = EncodingKey::from_rsa_pem(file.private_key.expose().as_bytes())
            .map_err(|_| bad("the private key in the file cannot be read: paste the whole file again"))?;
        let url = Url::parse(&file.token_uri).map_err(|_| bad("the token_uri of the file is no address"))?;
        // Whoever reads a request on its way can use it.
        let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() != "https" && !local {
            return Err(bad("the token_uri of the file has to start with https://"));
        }
        let client = client(&file.token_uri, egress, &ClientProof::None, refusal)
            .map_err(|error| bad("the token_uri of the file is not permitted").source(error))?;
        let subject = subject.map(str::trim).filter(|subject| !subject.is_empty()).map(str::to_owned);
        let account = Self { client, key, file, scope: scopes.join(" "), subject };
        account.request().map_err(|_| bad("the private key in the file is of no use: make another key"))?;
        Ok(account)
    }

    /// The e-mail address of the account, to share files with.
    pub fn email(&self) -> &str {
        &self.file.client_email
    }

    fn request(&self) -> Result<Secret> {
        let issued = Utc::now().timestamp() - BEHIND;
        let request = Request {
            iss: &self.file.client_email,
            sub: self.subject.as_deref(),
            scope: &self.scope,
            aud: &self.file.token_uri,
            iat: issued,
            exp: issued + LONGEST,
        };
        let header = Header { kid: self.file.private_key_id.clone(), ..Header::new(Algorithm::RS256) };
        sign(&header, &request, &self.key).map(Secret::new)
    }

    /// What an administrator needs to know to delegate.
    fn explained(&self, error: Error) -> Error {
        let numeric = !self.file.client_id.is_empty() && self.file.client_id.bytes().all(|byte| byte.is_ascii_digit());
        match error.kind() {
            ErrorKind::Forbidden if numeric => error.with("scope", &self.scope).with("client_id", &self.file.client_id),
            ErrorKind::Forbidden => error.with("scope", &self.scope),
            _ => error,
        }
    }
}

#[async_trait]
impl Grant for ServiceAccount {
    async fn grant(&self) -> Result<Granted> {
        let request = self.request()?;
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", request.expose())];
        // Asking twice gives two tokens, and harms nobody.
        let call = self.client.post(&self.file.token_uri).form(form).idempotent(true);
        granted(&call.send().await.map_err(|error| self.explained(error))?, &[""])
    }
}

/// What Google's codes mean for a key.
fn refusal(_: &ResponseHead, body: &[u8]) -> Option<Error> {
    let error = match code(body)?.as_str() {
        "invalid_grant" => Error::new(
            ErrorKind::Unauthenticated,
            "Google does not accept the key: it may have been deleted or disabled, the person to act for may not \
             exist, or the clock of this machine may be wrong",
        ),
        "invalid_client" => {
            Error::new(ErrorKind::Unauthenticated, "Google does not know the service account: it may have been deleted")
        }
        "unauthorized_client" | "access_denied" => {
            return Some(Error::new(
                ErrorKind::Forbidden,
                "the account may not act for this person: have an administrator of the Workspace delegate exactly \
                 these scopes to its client id",
            ));
        }
        "invalid_scope" => return Some(Error::new(ErrorKind::Forbidden, "Google grants no such scope to the account")),
        _ => return None,
    };
    Some(error.with("field", FIELD))
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount")
            .field("email", &self.file.client_email)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}
