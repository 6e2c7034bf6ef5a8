//! Tokens of the directory (Entra ID), for an app registration with a client secret.
//!
//! See <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>.

use std::sync::Arc;

use catchment_auth::oauth::{ClientCredentials, ClientProof, Grant, Granted, Issued};
use catchment_client::{Egress, ResponseHead, segment};
use catchment_core::{Error, ErrorKind, Result, Secret, async_trait};
use serde::Deserialize;

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

/// An app registration, whose errors name the setting that is wrong.
#[derive(Debug)]
struct Registration(ClientCredentials);

#[derive(Deserialize)]
struct Refused {
    error: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

/// The tokens of an app registration.
pub(crate) fn tokens(settings: &Settings, secret: &Secret, endpoint: &Endpoint, egress: Egress) -> Result<Issued> {
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
    let default = AUTHORITIES.iter().find(|(suffix, _)| endpoint.is_in(suffix)).map_or("", |(_, authority)| authority);
    let authority = settings.authority_url.as_deref().filter(|url| !url.trim().is_empty()).unwrap_or(default);
    let authority = checked("authority_url", authority, settings.allow_http)?;
    let url = format!("{}/{}/oauth2/v2.0/token", authority.as_str().trim_end_matches('/'), segment(&tenant));
    let proof = ClientProof::Body(Secret::new(secret.expose().trim()));
    let grant = ClientCredentials::explained(url, client_id, proof, SCOPE, egress, refusal)?;
    Ok(Issued::new(Arc::new(Registration(grant))))
}

#[async_trait]
impl Grant for Registration {
    async fn grant(&self) -> Result<Granted> {
        self.0.grant().await.map_err(explained)
    }
}

/// From the directory's numbers to the setting that is wrong.
fn refusal(head: &ResponseHead, body: &[u8]) -> Option<Error> {
    if head.status.is_success() {
        return None;
    }
    known(body)
}

fn known(body: &[u8]) -> Option<Error> {
    let refused: Refused = serde_json::from_slice(body).ok()?;
    let wrong = |field: &'static str, message: &'static str| {
        Error::new(ErrorKind::Unauthenticated, message).with("field", field)
    };
    let numbered = refused.error_codes.iter().find_map(|code| {
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
    numbered.or_else(|| match refused.error.as_str() {
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
        known(body.as_bytes()).map(|error| (error.kind(), error.get("field").map(str::to_owned)))
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
