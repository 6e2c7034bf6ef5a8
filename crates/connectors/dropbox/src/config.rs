//! The vendor: what it is called, what it needs to know, how to connect.

use catchment_core::{AuthMethod, Capabilities, Connector, Context, Result, Secret, Vendor, oauth::OAuth};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{connection::Connection, oauth::OAUTH};

/// The vendor `dropbox`: files of an account, a team member or a team space.
#[derive(Debug, Clone, Copy)]
pub struct Dropbox;

/// The settings of a connection. None is needed where the person consents at Dropbox.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The folder to read, as dropbox.com shows it: `/Reports/2026`. Everything, if left out.
    /// `ns:1234567890/Reports` names a folder of a namespace: a shared folder or team folder.
    pub folder_path: String,
    /// A pasted token, for those who do not want to consent on Dropbox's page. The ones that the
    /// app console generates live for four hours.
    pub access_token: Option<Secret>,
    /// The app key of an app of one's own.
    pub client_id: Option<String>,
    /// Its app secret.
    pub client_secret: Option<Secret>,
    /// For apps that are linked to a whole team: whose files to read, `dbmid:...`.
    pub member: Option<String>,
    /// The address of the API, if it is not `https://api.dropboxapi.com`. Where its host begins
    /// with `api`, contents are asked for at the host with `content` in its place.
    pub url: Option<String>,
    /// Whether `url` may be http://, which sends the token in the clear.
    pub allow_http: bool,
}

impl Vendor for Dropbox {
    const ID: &'static str = "dropbox";
    const NAME: &'static str = "Dropbox";
    const DESCRIPTION: &'static str = "Files of a Dropbox account, a team member or a team space.";
    const ICON: &'static str = concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#0061ff" "##,
        r##"stroke-width="2"><path d="M12 3l9 5-9 5-9-5zM3 13l9 5 9-5"/></svg>"##
    );
    const AUTH: &'static [AuthMethod] = &[AuthMethod::Oauth2, AuthMethod::Keys];
    const CAPABILITIES: Capabilities = Capabilities { changes: true, permissions: true, ..Capabilities::FILES };
    const OAUTH: Option<&'static OAuth> = Some(&OAUTH);

    type Config = Settings;

    fn connect(config: Settings, cx: Context) -> Result<impl Connector> {
        Connection::new(&config, &cx)
    }
}
