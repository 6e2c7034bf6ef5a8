//! The vendor: what it is called, what it needs to know, how to connect.

use catchment_core::{AuthMethod, Capabilities, Connector, Context, Result, Secret, Vendor, oauth::OAuth};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{connection::Connection, oauth::OAUTH};

/// The vendor `github`: a person's account at GitHub.
#[derive(Debug, Clone, Copy)]
pub struct Github;

/// The settings of a connection. None is needed where the person consents at GitHub.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// A personal access token, for those who do not want to consent on GitHub's page.
    pub access_token: Option<Secret>,
    /// The client id of an OAuth app or GitHub App of one's own.
    pub client_id: Option<String>,
    /// Its client secret.
    pub client_secret: Option<Secret>,
    /// The address of the API, if it is not `https://api.github.com`: `https://HOST/api/v3` for
    /// GitHub Enterprise Server, `https://api.SUBDOMAIN.ghe.com` with data residency.
    pub url: Option<String>,
    /// Whether `url` may be http://, which sends the token in the clear.
    pub allow_http: bool,
}

impl Vendor for Github {
    const ID: &'static str = "github";
    const NAME: &'static str = "GitHub";
    const DESCRIPTION: &'static str = "An account at GitHub or GitHub Enterprise.";
    const ICON: &'static str = concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#24292f" "##,
        r##"stroke-width="2"><circle cx="7" cy="5" r="2"/><circle cx="7" cy="19" r="2"/><circle cx="17" cy="8" "##,
        r##"r="2"/><path d="M7 7v10M17 10c0 5-10 2-10 7"/></svg>"##
    );
    const AUTH: &'static [AuthMethod] = &[AuthMethod::Oauth2, AuthMethod::Keys];
    const CAPABILITIES: Capabilities = Capabilities::NONE;
    const OAUTH: Option<&'static OAuth> = Some(&OAUTH);

    type Config = Settings;

    fn connect(config: Settings, cx: Context) -> Result<impl Connector> {
        Connection::new(&config, &cx)
    }
}
