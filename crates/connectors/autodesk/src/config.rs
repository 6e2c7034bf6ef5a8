//! The vendor: what it is called, what it needs to know, how to connect.

use std::time::Duration;

use catchment_core::{
    AuthMethod, Capabilities, Connector, Context, Location, Result, Secret, Vendor,
    oauth::{ClientAuth, OAuth, Revocation},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::connection::Connection;

/// The vendor `autodesk`: files of Autodesk Construction Cloud and BIM 360.
#[derive(Debug, Clone, Copy)]
pub struct Autodesk;

/// The settings of a connection. A person consents at Autodesk, or, with `grant_type`, the app signs
/// in by itself.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The client id of an app at aps.autodesk.com.
    pub client_id: Option<String>,
    /// Its client secret.
    pub client_secret: Option<Secret>,
    /// `client_credentials` lets the app sign in by itself, two-legged; leave it out to have a
    /// person consent. The account's administrator has to add the app first.
    pub grant_type: Option<GrantType>,
    /// For an app that signs in by itself: the Autodesk id of the user it acts as. It sees what that
    /// user sees.
    pub user_id: Option<String>,
    /// What to read: hub/project/folder, each by its name or by its id; a hub or a project alone; or
    /// nothing, for every hub.
    pub folder_path: String,
    /// Where the account's data is kept, if it is not where its hub says.
    pub region: Option<Region>,
    /// Another address in place of `https://developer.api.autodesk.com`.
    pub url: Option<String>,
    /// Whether `url` may be http://, which sends data in the clear.
    pub allow_http: bool,
}

/// How an app signs in without anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// With its id and its secret.
    ClientCredentials,
}

/// Where an account's data is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Region {
    /// The United States.
    Us,
    /// Europe, the Middle East and Africa.
    Emea,
    /// Australia.
    Aus,
    /// Canada.
    Can,
    /// Germany.
    Deu,
    /// India.
    Ind,
    /// Japan.
    Jpn,
    /// The United Kingdom.
    Gbr,
}

impl Region {
    /// As headers have it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Us => "US",
            Self::Emea => "EMEA",
            Self::Aus => "AUS",
            Self::Can => "CAN",
            Self::Deu => "DEU",
            Self::Ind => "IND",
            Self::Jpn => "JPN",
            Self::Gbr => "GBR",
        }
    }
}

/// <https://aps.autodesk.com/en/docs/oauth/v2/reference/http/>.
const OAUTH: OAuth = OAuth {
    authorize: "https://developer.api.autodesk.com/authentication/v2/authorize",
    token: "https://developer.api.autodesk.com/authentication/v2/token",
    revocation: Revocation::Form("https://developer.api.autodesk.com/authentication/v2/revoke"),
    client: ClientAuth::Basic,
    scopes: &["data:read", "data:search", "account:read", "user-profile:read"],
    unless: &["grant_type"],
    // Refresh tokens are good once, and for 15 days.
    idle: Some(Duration::from_secs(15 * 24 * 3600)),
    ..OAuth::STANDARD
};

impl Vendor for Autodesk {
    const ID: &'static str = "autodesk";
    const NAME: &'static str = "Autodesk Construction Cloud";
    const DESCRIPTION: &'static str = "Files of projects in Autodesk Construction Cloud and BIM 360.";
    const ICON: &'static str = concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#0696d7" "##,
        r##"stroke-width="2"><path d="M3 21V9l9-6 9 6v12z"/><path d="M9 21v-7h6v7"/></svg>"##
    );
    const AUTH: &'static [AuthMethod] = &[AuthMethod::Oauth2, AuthMethod::Keys];
    const CAPABILITIES: Capabilities = Capabilities { permissions: true, ..Capabilities::FILES };
    const OAUTH: Option<&'static OAuth> = Some(&OAUTH);

    type Config = Settings;

    fn connect(config: Settings, cx: Context) -> Result<impl Connector> {
        Connection::new(&config, &cx)
    }

    /// `autodesk://hub/project/folder`.
    fn locate(address: &str) -> Option<Result<Location>> {
        let place = address.strip_prefix("autodesk://")?;
        Some(Ok(Location::root(serde_json::json!({ "folder_path": place }))))
    }
}
