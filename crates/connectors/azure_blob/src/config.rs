//! The settings, and what they must be together.

use catchment_core::{AuthMethod, Capabilities, Connector, Context, Location, Result, Secret, Vendor};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{address, connection, container::Container};

/// The vendor `azure_blob`: blobs of a container in Azure Blob Storage.
#[derive(Debug, Clone, Copy)]
pub struct AzureBlob;

/// The settings of a container. One way to sign in: `account_key`, or `sas_token`, or `tenant_id`
/// with `client_id` and `client_secret`, or `anonymous`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The name of the storage account. May be left out where `url` or `connection_string` says it.
    pub account_name: Option<String>,
    /// A key of the account. It opens everything in it: prefer the other ways.
    pub account_key: Option<Secret>,
    /// A shared access signature with the permissions read and list, for example `sv=...&sig=...`.
    pub sas_token: Option<Secret>,
    /// Or the connection string, as the portal shows it beside a key or a shared access signature.
    pub connection_string: Option<Secret>,
    /// The directory (tenant) of the app registration.
    pub tenant_id: Option<String>,
    /// The application (client) id of the app registration.
    pub client_id: Option<String>,
    /// A client secret of the app registration: its value, not its id.
    pub client_secret: Option<Secret>,
    /// Where tokens are asked for, if it is not the cloud's usual place, for example
    /// `https://login.microsoftonline.com`.
    pub authority_url: Option<String>,
    /// The container, or `container/prefix` for a part of it.
    #[serde(default = "documents")]
    pub folder_path: String,
    /// The address of the account, if it is not `https://ACCOUNT.blob.core.windows.net`.
    pub url: Option<String>,
    /// Whether addresses may be http://, which sends data in the clear.
    #[serde(default)]
    pub allow_http: bool,
    /// For public containers: sign nothing.
    #[serde(default)]
    pub anonymous: bool,
}

fn documents() -> String {
    "documents".to_owned()
}

impl Vendor for AzureBlob {
    const ID: &'static str = "azure_blob";
    const NAME: &'static str = "Azure Blob Storage";
    const DESCRIPTION: &'static str = "Blobs of a container in Azure Blob Storage or Data Lake Storage.";
    const ICON: &'static str = concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#0078d4" "##,
        r##"stroke-width="2"><path d="M3 4h18v16H3zM3 9h18"/><path d="M8 13h3v4H8zM15 13v4"/></svg>"##
    );
    const AUTH: &'static [AuthMethod] = &[AuthMethod::Keys, AuthMethod::ServiceAccount, AuthMethod::None];
    const CAPABILITIES: Capabilities = Capabilities::FILES;

    type Config = Settings;

    fn connect(mut config: Settings, cx: Context) -> Result<impl Connector> {
        if cx.host_access {
            connection::from_host(&mut config, |name| std::env::var(name).ok());
        }
        connection::spread(&mut config)?;
        Container::new(&config, &cx)
    }

    fn locate(address: &str) -> Option<Result<Location>> {
        address::locate(address)
    }
}
