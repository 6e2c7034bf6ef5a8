//! The settings, and the vendor.

use std::collections::BTreeMap;

use catchment_core::{AuthMethod, Capabilities, Connector, Context, Location, Result, Secret, Vendor};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{address, storage::Storage};

/// The vendor `opendal`: files of whatever storage OpenDAL knows.
#[derive(Debug, Clone, Copy)]
pub struct OpenDal;

/// The settings of a storage.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Which service, and where: `webdav://cloud.example.com/remote.php/dav/files/ada`,
    /// `gcs://bucket/folder`, `ftp://files.example.com/pub`.
    pub uri: String,
    /// The service's options by name, as OpenDAL calls them, for example `username`. Those that are
    /// secret go into `secret_options`.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// The service's secret options as the text of a JSON object, for example
    /// `{"password": "..."}`.
    pub secret_options: Option<Secret>,
    /// The folder to start in, unless it stands in `uri`.
    #[serde(default)]
    pub folder_path: String,
    /// Whether addresses may be http://, which sends data in the clear.
    #[serde(default)]
    pub allow_http: bool,
    /// How many seconds the server may take for one answer, from 1 to 600.
    #[serde(default = "half_a_minute")]
    #[schemars(range(min = 1, max = 600))]
    pub timeout_seconds: u64,
}

fn half_a_minute() -> u64 {
    30
}

impl Vendor for OpenDal {
    const ID: &'static str = "opendal";
    const NAME: &'static str = "OpenDAL";
    const DESCRIPTION: &'static str =
        "Files in WebDAV (Nextcloud and others), FTP, Google Cloud Storage, Backblaze B2, WebHDFS and more.";
    const ICON: &'static str = concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#4a5568" "##,
        r##"stroke-width="2" stroke-linejoin="round"><path d="M12 3l9 5-9 5-9-5zM3 12l9 5 9-5M3 16l9 5 9-5"/></svg>"##
    );
    const AUTH: &'static [AuthMethod] = &[AuthMethod::Keys, AuthMethod::ServiceAccount, AuthMethod::None];
    const CAPABILITIES: Capabilities = Capabilities::FILES;

    type Config = Settings;

    fn connect(config: Settings, cx: Context) -> Result<impl Connector> {
        Storage::new(config, &cx)
    }

    fn locate(address: &str) -> Option<Result<Location>> {
        address::locate(address)
    }
}
