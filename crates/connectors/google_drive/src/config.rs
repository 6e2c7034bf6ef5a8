//! The settings, and how a person consents.

use catchment_core::{AuthMethod, Capabilities, Connector, Context, Location, Result, Secret, Vendor, oauth::OAuth};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{connector::Connection, folder_path};

/// All that reading needs: about.get, which says whose account it is, is satisfied with it as well.
pub(crate) const SCOPES: &[&str] = &["https://www.googleapis.com/auth/drive.readonly"];

/// The vendor `google_drive`: files of Google Drive.
#[derive(Debug, Clone, Copy)]
pub struct GoogleDrive;

/// The settings of a connection to Google Drive. Without `service_account` a person consents.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The client id of your own OAuth registration (Cloud console, Clients). Leave it out to use
    /// the operator's.
    pub client_id: Option<String>,
    /// The client secret of your own OAuth registration.
    pub client_secret: Option<Secret>,
    /// The JSON file of a service account's key, as the Cloud console gives it: nobody needs to
    /// consent then.
    pub service_account: Option<Secret>,
    /// The e-mail address of the person to act for. With a service account it needs domain-wide
    /// delegation; without one, the person who consents has to be this one.
    pub user_id: Option<String>,
    /// What to read: the id or the link of a folder or shared drive, or a path such as
    /// `My Drive/Minutes`, `Shared drives/Marketing/2026`, `Shared with me`. My Drive if left out.
    pub folder_path: Option<String>,
    /// What Google's own documents are turned into.
    #[serde(default)]
    pub export_as: ExportAs,
    /// Download files that Google takes for malware or spam, which it allows their owner alone.
    #[serde(default)]
    pub acknowledge_abuse: bool,
    /// The address of the API, if it is not `https://www.googleapis.com`.
    pub url: Option<String>,
}

/// What Google's own documents are turned into on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportAs {
    /// docx, xlsx and pptx: with headings, tables and notes.
    #[default]
    Office,
    /// PDF: with the pages as they are printed.
    Pdf,
    /// Plain text; sheets stay xlsx, since their text would be the first sheet alone.
    Text,
}

/// Google's consent, for this scope.
const OAUTH: OAuth = catchment_google::oauth(SCOPES);

impl Vendor for GoogleDrive {
    const ID: &'static str = "google_drive";
    const NAME: &'static str = "Google Drive";
    const DESCRIPTION: &'static str = "Files of My Drive, of shared drives, and those that others shared.";
    const ICON: &'static str = concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#0f9d58" d="M8 3l-7 12 4 6 7-12z"/>"##,
        r##"<path fill="#ffcd40" d="M8 3h8l7 12h-8z"/><path fill="#4285f4" d="M8.5 15H23l-4 6H5z"/></svg>"##
    );
    const AUTH: &'static [AuthMethod] = &[AuthMethod::Oauth2, AuthMethod::ServiceAccount];
    const CAPABILITIES: Capabilities = Capabilities { changes: true, permissions: true, ..Capabilities::FILES };
    const OAUTH: Option<&'static OAuth> = Some(&OAUTH);

    type Config = Settings;

    fn connect(config: Settings, cx: Context) -> Result<impl Connector> {
        Connection::new(&config, &cx)
    }

    fn locate(address: &str) -> Option<Result<Location>> {
        folder_path::locate(address)
    }
}
