//! The vendor: what it is called, what it needs to know, how to connect.

use catchment_core::{AuthMethod, Capabilities, Connector, Context, Location, Result, Secret, Vendor, oauth::OAuth};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{connection::Connection, site};

/// What a person is asked to consent to. The first four say who it is, and keep the grant alive.
const OAUTH: OAuth = catchment_msgraph::oauth(
    &["offline_access", "openid", "profile", "User.Read", "Files.Read.All", "Sites.Read.All"],
    &["client_secret", "certificate"],
);

/// The vendor `sharepoint`: document libraries of SharePoint sites, and OneDrive.
#[derive(Debug, Clone, Copy)]
pub struct Sharepoint;

/// The settings of a connection. A person consents; or an app registration acts in its own name, with
/// `client_id` and either `client_secret` or `certificate`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The application (client) id of the app registration.
    pub client_id: Option<String>,
    /// A client secret of the app registration: its value, not its id.
    pub client_secret: Option<Secret>,
    /// Or a certificate of the app registration with its private key, both in PEM, one after the other.
    pub certificate: Option<Secret>,
    /// The directory (tenant): its id or its domain. Left out, it is taken from `user_id` or from `url`.
    pub tenant_id: Option<String>,
    /// Whose OneDrive, by id or sign-in name (`ada@contoso.com`). Not needed where that person consents.
    pub user_id: Option<String>,
    /// What is read. Of a site: the library, or `library/folder`. Of a OneDrive: the folder. `/` is everything.
    #[serde(default = "documents")]
    pub folder_path: String,
    /// The address of the site, as it stands in the browser: `https://contoso.sharepoint.com/sites/Team`.
    /// Left out, a OneDrive is read.
    pub url: Option<String>,
    /// Where Microsoft Graph is, for national clouds: `https://graph.microsoft.us`.
    pub graph_url: Option<String>,
    /// Where tokens are asked for, if it is not the cloud's usual place.
    pub authority_url: Option<String>,
    /// Whether `graph_url` and `authority_url` may be http://, which sends tokens in the clear.
    pub allow_http: bool,
    /// How many resource units a minute Microsoft grants the app in this tenant: 1200 to 6000, by licences.
    pub resource_units: Option<u32>,
}

fn documents() -> String {
    "Documents".to_owned()
}

impl Vendor for Sharepoint {
    const ID: &'static str = "sharepoint";
    const NAME: &'static str = "SharePoint and OneDrive";
    const DESCRIPTION: &'static str = "Document libraries of SharePoint sites, and OneDrive.";
    const ICON: &'static str = concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#038387" "##,
        r##"stroke-width="2"><circle cx="10" cy="8" r="6"/><circle cx="17" cy="13" r="4"/>"##,
        r##"<circle cx="11" cy="18" r="4"/></svg>"##
    );
    const AUTH: &'static [AuthMethod] = &[AuthMethod::Oauth2, AuthMethod::ServiceAccount];
    const CAPABILITIES: Capabilities = Capabilities { changes: true, permissions: true, ..Capabilities::FILES };
    const OAUTH: Option<&'static OAuth> = Some(&OAUTH);

    type Config = Settings;

    fn connect(config: Settings, cx: Context) -> Result<impl Connector> {
        Connection::new(config, &cx)
    }

    fn locate(address: &str) -> Option<Result<Location>> {
        site::locate(address)
    }
}
