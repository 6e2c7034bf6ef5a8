//! Tokens of the directory (Entra ID), for an app registration with a client secret.
//!
//! See <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>.

use std::time::Duration;

use catchment_client::{Authorize, Client, Egress, segment};
use catchment_core::{Error, ErrorKind, Result, Secret, async_trait};
use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};

use crate::{
    config::Settings,
    endpoint::{Endpoint, checked},
};

/// Where the tokens of a cloud are, by how the names of its blob hosts end.
const AUTHORITIES: [(&str, &str); 3] = [
    (".core.usgovcloudapi.net", "https://login.microsoftonline.us"),
    (".core.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
    ("", "https://login.microsoftonline.com"),
];

/// The storage service, the same in every cloud.
const SCOPE: &str = "https://storage.azure.com/.default";

/// A token is not used in the last of its time: requests take theirs.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// An app registration, and the token it has at the moment.
#[derive(Debug)]
pub(crate) struct Entra {
    client: Client,
    path: String,
    client_id: String,
    client_secret: Secret,
    /// Locked while a token is asked for, so that it is asked for once, however many wait.
    token: Mutex<Option<Token>>,
}

#[derive(Debug)]
struct Token {
    header: Secret,
    good_until: Instant,
}

#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    expires_in: u64,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

impl Entra {
    pub(crate) fn new(settings: &Settings, secret: &Secret, endpoint: &Endpoint, egress: Egress) -> Result<Self> {
        let given = |name: &'static str, value: &Option<String>, remedy: &'static str| {
            let value = value.as_deref().map(str::trim).filter(|value| !value.is_empty());
            value.map(str::to_owned).ok_or_else(|| Error::config(name, remedy))
        };
        let tenant = given("tenant_id", &settings.tenant_id, "give the directory (tenant) id of the app registration")?;
        let client_id = given("client_id", &settings.client_id, "give the application (client) id")?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        if !tenant.bytes().all(plain) || tenant.starts_with('.') {
            return Err(Error::config(
                "tenant_id",
                "give the directory (tenant) id, like 8-4-4-4-12 digits, or its domain",
            ));
        }
        let default =
            AUTHORITIES.iter().find(|(suffix, _)| endpoint.is_in(suffix)).map_or("", |(_, authority)| authority);
        let authority = settings.authority_url.as_deref().filter(|url| !url.trim().is_empty()).unwrap_or(default);
        let authority = checked("authority_url", authority, settings.allow_http)?;
        // A secret of a person's own must not be read out of a trace either.
        let client = Client::builder("azure_blob-token")
            .base(&authority)
            .egress(egress)
            .classify(|head, body| if head.status.is_success() { None } else { refusal(body) })
            .redact(secret)
            .deadline(Duration::from_secs(60))
            .build()?;
        let path = format!("{}/oauth2/v2.0/token", segment(&tenant));
        let client_secret = Secret::new(secret.expose().trim());
        Ok(Self { client, path, client_id, client_secret, token: Mutex::new(None) })
    }

    async fn fetch(&self) -> Result<Token> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", self.client_secret.expose()),
            ("scope", SCOPE),
        ];
        let asked = Instant::now();
        // Asking twice gives two tokens, and harms nobody.
        let response = self.client.post(&self.path).form(form).idempotent(true).send().await.map_err(explained)?;
        let granted: Granted = response.json().map_err(explained)?;
        if granted.access_token.is_empty() {
            return Err(Error::protocol("the directory grants a token that is empty: check authority_url"));
        }
        let lifetime = Duration::from_secs(granted.expires_in);
        let good_until = asked + lifetime.saturating_sub(MARGIN.min(lifetime / 5));
        Ok(Token { header: Secret::new(format!("Bearer {}", granted.access_token.expose())), good_until })
    }
}

/// Cancel-safe: a token that was being asked for is asked for again by the next caller.
#[async_trait]
impl Authorize for Entra {
    async fn header(&self) -> Result<Secret> {
        let mut token = self.token.lock().await;
        match &*token {
            Some(token) if Instant::now() < token.good_until => Ok(token.header.clone()),
            _ => Ok(token.insert(self.fetch().await?).header.clone()),
        }
    }

    async fn rejected(&self, header: &Secret) -> Result<()> {
        let mut token = self.token.lock().await;
        if token.as_ref().is_some_and(|token| token.header.expose() == header.expose()) {
            *token = None;
        }
        Ok(())
    }
}

/// From the directory's numbers to the setting that is wrong.
fn refusal(body: &[u8]) -> Option<Error> {
    let refused: Refused = serde_json::from_slice(body).ok()?;
    let wrong = |field: &'static str, message: &'static str| {
        Error::new(ErrorKind::Unauthenticated, message).with("field", field)
    };
    let known = refused.error_codes.iter().find_map(|code| {
        let error = match code {
            7_000_215 | 7_000_216 => {
                wrong("client_secret", "the directory refuses the secret: paste its value, not its id")
            }
            7_000_222 => wrong("client_secret", "the secret has expired: make a new one"),
            700_016 => wrong("client_id", "the directory knows no such app: check client_id and tenant_id"),
            7_000_112 | 7_000_218 => {
                wrong("client_id", "the app is switched off, or may not use a secret: check its registration")
            }
            90_002 | 900_023 | 900_021 => {
                wrong("tenant_id", "there is no such directory: correct tenant_id, or authority_url")
            }
            53_003 | 530_034 => Error::new(
                ErrorKind::Forbidden,
                "a conditional access policy of the directory blocks the app: have it excepted",
            ),
            _ => return None,
        };
        Some(error.with("code", format_args!("AADSTS{code}")))
    });
    known.or_else(|| match refused.error.as_str() {
        "invalid_client" => Some(wrong("client_secret", "the directory refuses client_id with this client_secret")),
        "unauthorized_client" => Some(wrong("client_id", "the directory does not let this app ask for tokens")),
        "temporarily_unavailable" => {
            Some(Error::new(ErrorKind::Unavailable, "the directory is not available at the moment: try again later"))
        }
        _ => None,
    })
}

/// An error of the network names the setting that may be wrong.
fn explained(error: Error) -> Error {
    let elsewhere =
        matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Protocol | ErrorKind::NotFound);
    if elsewhere && error.get("field").is_none() { error.with("field", "authority_url") } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_and_field(body: &str) -> Option<(ErrorKind, Option<String>)> {
        refusal(body.as_bytes()).map(|error| (error.kind(), error.get("field").map(str::to_owned)))
    }

    #[test]
    fn the_directorys_numbers_name_the_setting() {
        let numbers =
            [(7_000_215, "client_secret"), (7_000_222, "client_secret"), (700_016, "client_id"), (90_002, "tenant_id")];
        for (code, field) in numbers {
            let body = format!(r#"{{"error":"invalid_client","error_description":"x","error_codes":[{code}]}}"#);
            assert_eq!(kind_and_field(&body), Some((ErrorKind::Unauthenticated, Some(field.to_owned()))), "{code}");
        }
        let unknown = r#"{"error":"invalid_client","error_codes":[1]}"#;
        assert_eq!(kind_and_field(unknown), Some((ErrorKind::Unauthenticated, Some("client_secret".to_owned()))));
        assert_eq!(kind_and_field("<html>"), None);
    }
}
