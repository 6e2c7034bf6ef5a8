//! Credentials: how a person consents, and how a program gets tokens of its own.
//!
//! See <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow> and
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>.

use std::time::Duration;

use catchment_auth::oauth::{ClientKey, ClientProof, Issued};
use catchment_client::Egress;
use catchment_core::{Error, Result, Secret, oauth::OAuth};

use crate::{cloud::Cloud, directory::app_tokens};

/// OAuth as the directory (Entra ID) speaks it, for a connector that asks a person for `scopes`.
///
/// There is no revocation endpoint: the person takes consent back on the page of their account.
pub const fn oauth(scopes: &'static [&'static str], unless: &'static [&'static str]) -> OAuth {
    OAuth {
        authorize: "https://login.microsoftonline.com/{tenant_id|common}/oauth2/v2.0/authorize",
        token: "https://login.microsoftonline.com/{tenant_id|common}/oauth2/v2.0/token",
        device: Some("https://login.microsoftonline.com/{tenant_id|common}/oauth2/v2.0/devicecode"),
        scopes,
        extra: &[("response_mode", "query")],
        unless,
        // A refresh token lives for 90 days, and each use gives another.
        idle: Some(Duration::from_secs(90 * 24 * 3600)),
        ..OAuth::STANDARD
    }
}

/// An app registration that acts in its own name.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The directory: its id, or one of its domains.
    pub tenant: String,
    /// The application (client) id.
    pub client_id: String,
    /// A client secret.
    pub secret: Option<Secret>,
    /// Or a certificate and its private key, both in PEM, one after the other.
    pub certificate: Option<Secret>,
}

impl Registration {
    /// The tokens of the app. Nothing is sent yet.
    ///
    /// # Errors
    /// `Config`, naming `tenant_id`, `client_id`, `client_secret` or `certificate`.
    pub fn tokens(&self, cloud: &Cloud, egress: Egress) -> Result<Issued> {
        app_tokens(cloud.authority(), &self.tenant, &self.client_id, self.proof()?, cloud.default_scope(), egress)
    }

    fn proof(&self) -> Result<ClientProof> {
        match (&self.secret, &self.certificate) {
            (Some(_), Some(_)) => Err(Error::config("certificate", "give either certificate or client_secret")),
            (Some(secret), None) if secret.expose().trim().is_empty() => {
                Err(Error::config("client_secret", "empty: paste the value of the secret"))
            }
            (Some(secret), None) => Ok(ClientProof::Body(Secret::new(secret.expose().trim()))),
            (None, Some(pem)) => {
                let (key, certificate) = parts(pem)?;
                let key = ClientKey::from_pem(&key, Some(certificate)).map_err(|_| {
                    let remedy = "this certificate or its key cannot be used: give an RSA key of 2048 bits or more, \
                                  and the certificate that is registered for the app";
                    Error::config("certificate", remedy)
                })?;
                Ok(ClientProof::Key(key))
            }
            (None, None) => Err(Error::config("client_secret", "give a client secret, or a certificate")),
        }
    }
}

/// The private key and the certificate that stand in one text, in either order.
fn parts(pem: &Secret) -> Result<(Secret, &str)> {
    let (mut key, mut certificate) = (None, None);
    let mut rest = pem.expose();
    while let Some(start) = rest.find("-----BEGIN ") {
        let block = &rest[start..];
        let label = block["-----BEGIN ".len()..].split("-----").next().unwrap_or_default();
        let end = format!("-----END {label}-----");
        let Some(length) = block.find(&end).map(|at| at + end.len()) else { break };
        match label {
            "ENCRYPTED PRIVATE KEY" => {
                return Err(Error::config("certificate", "the key has a passphrase: give it without one"));
            }
            "CERTIFICATE" => certificate = certificate.or(Some(&block[..length])),
            label if label.ends_with("PRIVATE KEY") => key = key.or(Some(&block[..length])),
            _ => {}
        }
        rest = &block[length..];
    }
    let missing = |remedy: &'static str| Error::config("certificate", remedy);
    let key = key.ok_or_else(|| missing("no private key is in it: paste key and certificate, both in PEM"))?;
    let certificate =
        certificate.ok_or_else(|| missing("no certificate is in it: paste key and certificate, both in PEM"))?;
    Ok((Secret::new(key), certificate))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration(secret: Option<&str>, certificate: Option<&str>) -> Registration {
        Registration {
            tenant: "contoso.onmicrosoft.com".to_owned(),
            client_id: "app".to_owned(),
            secret: secret.map(Secret::from),
            certificate: certificate.map(Secret::from),
        }
    }

    fn field(registration: &Registration) -> Option<String> {
        let cloud = Cloud::new(None, None, false).unwrap();
        registration.tokens(&cloud, Egress::public_only()).err()?.get("field").map(str::to_owned)
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(field(&registration(Some("s"), None)), None);
        assert_eq!(field(&registration(None, None)).as_deref(), Some("client_secret"));
        assert_eq!(field(&registration(Some("s"), Some("c"))).as_deref(), Some("certificate"));
        assert_eq!(field(&registration(None, Some("no pem"))).as_deref(), Some("certificate"));
        for tenant in ["", "common", "../evil", "a b"] {
            let registration = Registration { tenant: tenant.to_owned(), ..registration(Some("s"), None) };
            assert_eq!(field(&registration).as_deref(), Some("tenant_id"), "{tenant}");
        }
    }

    #[test]
    fn key_and_certificate_are_told_apart_in_either_order() {
        let key = "-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----";
        let certificate = "-----BEGIN CERTIFICATE-----\nBB\n-----END CERTIFICATE-----";
        for text in [format!("{key}\n{certificate}\n"), format!("Bag Attributes\n{certificate}\nmore\n{key}")] {
            let text = Secret::new(text);
            let (found, with) = parts(&text).unwrap();
            assert_eq!((found.expose(), with), (key, certificate));
        }
        assert!(parts(&Secret::from(key)).is_err());
        let locked = Secret::new(key.replace("PRIVATE", "ENCRYPTED PRIVATE"));
        assert!(parts(&locked).unwrap_err().to_string().contains("passphrase"));
    }
}
