//! Tokens of the directory (Entra ID), for an app registration with a client secret.

use catchment_auth::oauth::{ClientProof, Issued};
use catchment_client::Egress;
use catchment_core::{Error, Result, Secret};

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

/// The tokens of an app registration. Their errors name the setting that is wrong.
pub(crate) fn tokens(settings: &Settings, secret: &Secret, endpoint: &Endpoint, egress: Egress) -> Result<Issued> {
    let given = |name: &'static str, value: &Option<String>, remedy: &'static str| {
        let value = value.as_deref().map(str::trim).filter(|value| !value.is_empty());
        value.map(str::to_owned).ok_or_else(|| Error::config(name, remedy))
    };
    let tenant = given("tenant_id", &settings.tenant_id, "give the directory (tenant) id of the app registration")?;
    let client_id = given("client_id", &settings.client_id, "give the application (client) id")?;
    let default = AUTHORITIES.iter().find(|(suffix, _)| endpoint.is_in(suffix)).map_or("", |(_, authority)| authority);
    let authority = settings.authority_url.as_deref().filter(|url| !url.trim().is_empty()).unwrap_or(default);
    let authority = checked("authority_url", authority, settings.allow_http)?;
    let proof = ClientProof::Body(Secret::new(secret.expose().trim()));
    catchment_msgraph::app_tokens(&authority, &tenant, &client_id, proof, SCOPE, egress)
}
