//! Who asks: a person who consented, or the app by itself.

use std::sync::Arc;

use catchment_auth::oauth::{ClientCredentials, ClientProof, Issued};
use catchment_client::{Authorize, Egress, ResponseHead, Url};
use catchment_core::{Context, Error, ErrorKind, Result, Secret};
use serde::Deserialize;

use crate::config::Settings;

/// What the app asks for when it signs in by itself.
const SCOPES: &str = "data:read account:read";

/// Where requests go, and in whose name.
#[derive(Debug)]
pub(crate) struct Access {
    /// Without a slash at the end.
    pub(crate) origin: String,
    /// Whether the address is one that a person gave.
    pub(crate) custom: bool,
    /// The app that signs in by itself.
    pub(crate) app: Option<String>,
    /// The user that the app acts as.
    pub(crate) user: Option<String>,
    pub(crate) authorize: Arc<dyn Authorize>,
}

/// A refusal, in Autodesk's words or in the standard's.
#[derive(Deserialize)]
struct Refused {
    #[serde(alias = "errorCode")]
    error: String,
}

impl Access {
    pub(crate) fn new(settings: &Settings, cx: &Context, egress: &Egress) -> Result<Self> {
        let given = |value: &Option<String>| {
            value.as_deref().map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
        };
        let custom = given(&settings.url);
        let origin = match &custom {
            Some(url) => checked(url, settings.allow_http)?,
            None => "https://developer.api.autodesk.com".to_owned(),
        };
        let user = given(&settings.user_id);
        if settings.grant_type.is_none() {
            if user.is_some() {
                return Err(Error::config(
                    "user_id",
                    "only an app that signs in by itself can act as a user: set grant_type, or leave user_id out",
                ));
            }
            let authorize = cx.need_grant()?;
            return Ok(Self { origin, custom: custom.is_some(), app: None, user, authorize });
        }
        let missing = |field: &'static str| {
            Error::config(field, "missing: an app that signs in by itself needs client_id and client_secret")
        };
        let app = given(&settings.client_id).ok_or_else(|| missing("client_id"))?;
        let secret = settings.client_secret.as_ref().map(|secret| Secret::new(secret.expose().trim()));
        let secret = secret.filter(|secret| !secret.is_empty()).ok_or_else(|| missing("client_secret"))?;
        let grant = ClientCredentials::explained(
            format!("{origin}/authentication/v2/token"),
            &app,
            ClientProof::Basic(secret),
            SCOPES,
            egress.clone(),
            refusal,
        )?;
        let authorize = Arc::new(Issued::new(Arc::new(grant)));
        Ok(Self { origin, custom: custom.is_some(), app: Some(app), user, authorize })
    }
}

/// What the token endpoint says in Autodesk's own words: the setting that is wrong.
fn refusal(head: &ResponseHead, body: &[u8]) -> Option<Error> {
    if head.status.is_success() {
        return None;
    }
    let refused: Refused = serde_json::from_slice(body).ok()?;
    let wrong = |field: &'static str, message: &'static str| {
        Error::new(ErrorKind::Unauthenticated, message).with("field", field)
    };
    Some(match refused.error.as_str() {
        "AUTH-001" => wrong(
            "client_id",
            "Autodesk does not know this app, or it may not use the Data Management API: correct client_id, or add the API to the app",
        ),
        "AUTH-003" | "AUTH-008" | "invalid_client" => {
            wrong("client_secret", "Autodesk refuses client_id with this client_secret: paste both again")
        }
        _ => return None,
    })
}

/// An address that a person gave, without the slash at the end.
fn checked(url: &str, allow_http: bool) -> Result<String> {
    let wrong = |remedy: &'static str| Error::config("url", remedy);
    let parsed = Url::parse(url).map_err(|_| wrong("give an address that starts with https://"))?;
    match parsed.scheme() {
        "https" => {}
        "http" if allow_http => {}
        _ => return Err(wrong("give an address that starts with https://, or set allow_http")),
    }
    if parsed.path() != "/" || parsed.query().is_some() {
        return Err(wrong("give the address of the server alone, without a path"));
    }
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}
