//! The directory (Entra ID): tokens that an app gets for itself, and what its refusals mean.
//!
//! See <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>.

use std::sync::Arc;

use catchment_auth::oauth::{ClientCredentials, ClientProof, Grant, Granted, Issued};
use catchment_client::{Egress, ResponseHead, Url, segment};
use catchment_core::{Error, ErrorKind, Result, async_trait};
use serde::Deserialize;

/// An app's grant. Its errors name the setting that is wrong.
#[derive(Debug)]
struct AppOnly(ClientCredentials);

/// The tokens of an app of the directory `tenant` at `authority`, for a `scope`: of Graph, or of any other
/// of Microsoft's services. Nothing is sent yet. Later errors name the setting that is wrong: `tenant_id`,
/// `client_id`, `client_secret`, `certificate` or `authority_url`.
///
/// # Errors
/// `Config`, naming `tenant_id` or `client_id`.
pub fn app_tokens(
    authority: &Url,
    tenant: &str,
    client_id: &str,
    proof: ClientProof,
    scope: impl Into<String>,
    egress: Egress,
) -> Result<Issued> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let tenant = tenant.trim();
    let nobodys = ["common", "organizations", "consumers"].contains(&tenant);
    if tenant.is_empty() || nobodys || tenant.starts_with('.') || !tenant.bytes().all(plain) {
        let remedy = "give the directory (tenant) id, like 8-4-4-4-12 digits, or its domain";
        return Err(Error::config("tenant_id", remedy));
    }
    let client_id = client_id.trim();
    if client_id.is_empty() {
        return Err(Error::config("client_id", "give the application (client) id of the app registration"));
    }
    let url = format!("{}/{}/oauth2/v2.0/token", authority.as_str().trim_end_matches('/'), segment(tenant));
    let grant = ClientCredentials::explained(url, client_id, proof, scope, egress, refusal)?;
    Ok(Issued::new(Arc::new(AppOnly(grant))))
}

#[async_trait]
impl Grant for AppOnly {
    async fn grant(&self) -> Result<Granted> {
        self.0.grant().await.map_err(|error| {
            let elsewhere = matches!(
                error.kind(),
                ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Protocol | ErrorKind::NotFound
            );
            if elsewhere && error.get("field").is_none() { error.with("field", "authority_url") } else { error }
        })
    }
}

#[derive(Deserialize)]
struct Refused {
    error: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

fn refusal(head: &ResponseHead, body: &[u8]) -> Option<Error> {
    if head.status.is_success() { None } else { known(body) }
}

/// From the directory's numbers to the setting that is wrong:
/// <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>.
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
            700_027 | 700_024 | 50_013 => wrong(
                "certificate",
                "the directory refuses the certificate: upload it to the app registration, and set this machine's clock",
            ),
            700_016 => wrong("client_id", "the directory knows no such app: check client_id and tenant_id"),
            7_000_112 | 7_000_218 => {
                wrong("client_id", "the app is switched off, or may not prove itself so: check its registration")
            }
            90_002 | 900_023 | 900_021 | 65_005 => {
                wrong("tenant_id", "there is no such directory, or nobody manages it: correct tenant_id")
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
        "invalid_client" => Some(wrong("client_secret", "the directory refuses client_id with this proof")),
        "unauthorized_client" => Some(wrong("client_id", "the directory does not let this app ask for tokens")),
        "temporarily_unavailable" => {
            Some(Error::new(ErrorKind::Unavailable, "the directory is not available at the moment: try again later"))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_and_field(body: &str) -> Option<(ErrorKind, Option<String>)> {
        known(body.as_bytes()).map(|error| (error.kind(), error.get("field").map(str::to_owned)))
    }

    #[test]
    fn the_directorys_numbers_name_the_setting() {
        for (code, field) in [
            (7_000_215, "client_secret"),
            (7_000_222, "client_secret"),
            (700_027, "certificate"),
            (700_016, "client_id"),
            (7_000_112, "client_id"),
            (90_002, "tenant_id"),
            (65_005, "tenant_id"),
        ] {
            let body = format!(r#"{{"error":"invalid_client","error_description":"x","error_codes":[{code}]}}"#);
            assert_eq!(kind_and_field(&body), Some((ErrorKind::Unauthenticated, Some(field.to_owned()))), "{code}");
        }
        let blocked = r#"{"error":"invalid_grant","error_codes":[53003]}"#;
        assert_eq!(kind_and_field(blocked), Some((ErrorKind::Forbidden, None)));
        let unknown = r#"{"error":"invalid_client","error_codes":[1]}"#;
        assert_eq!(kind_and_field(unknown), Some((ErrorKind::Unauthenticated, Some("client_secret".to_owned()))));
        let busy = r#"{"error":"temporarily_unavailable"}"#;
        assert_eq!(kind_and_field(busy), Some((ErrorKind::Unavailable, None)));
        assert_eq!(kind_and_field("<html>"), None);
    }
}
