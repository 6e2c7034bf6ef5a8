//! The settings, and what they must be together.

use std::time::Duration;

use catchment_core::{AuthMethod, Capabilities, Connector, Context, Location, Result, Secret, Vendor};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{address, server::Server};

/// The vendor `sftp`: files of a server that speaks SFTP.
#[derive(Debug, Clone, Copy)]
pub struct Sftp;

/// The settings of a server.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The server: `files.example.com`, `files.example.com:2222`, or
    /// `sftp://user@files.example.com:2222/folder`.
    pub url: String,
    /// The user name, unless it stands in `url`.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The private key as text, from `-----BEGIN` to `-----END`: Ed25519, ECDSA or RSA.
    pub private_key: Option<Secret>,
    /// The passphrase of the private key, if it has one.
    pub passphrase: Option<Secret>,
    /// The folder. A relative path starts in the folder the user logs in to.
    #[serde(default = "root")]
    pub folder_path: String,
    /// The server's own key, so that nobody else can take its place: a fingerprint
    /// (`SHA256:...`), a public key (`ssh-ed25519 AAAA...`) or lines of a known_hosts file. More
    /// than one where the server has more than one.
    pub host_key: Option<String>,
    /// Without `host_key`: believe the key that the server shows first, and show its fingerprint
    /// so that it can be pinned. Whoever is in between at that moment is believed, too.
    #[serde(default)]
    pub trust_on_first_use: bool,
    /// Whether symbolic links are followed. One that leads out of the folder never is.
    #[serde(default)]
    pub follow_links: bool,
    /// How many connections are open at the most, from 1 to 16.
    #[serde(default = "connections")]
    #[schemars(range(min = 1, max = 16))]
    pub max_connections: u32,
    /// For servers that mix up requests: read and list one answer after the other, which is slow.
    #[serde(default)]
    pub sequential: bool,
    /// How many seconds the server may take for one answer, from 1 to 600.
    #[serde(default = "minute")]
    #[schemars(range(min = 1, max = 600))]
    pub timeout_seconds: u64,
}

fn root() -> String {
    "/".to_owned()
}

fn connections() -> u32 {
    2
}

fn minute() -> u64 {
    60
}

impl Settings {
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }
}

impl Vendor for Sftp {
    const ID: &'static str = "sftp";
    const NAME: &'static str = "SFTP";
    const DESCRIPTION: &'static str = "Files of a server that speaks SFTP, the file transfer of SSH.";
    const ICON: &'static str = concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#2c5282" "##,
        r##"stroke-width="2" stroke-linejoin="round"><path d="M3 4h18v16H3zM7 9l3 3-3 3M12 16h5"/></svg>"##
    );
    const AUTH: &'static [AuthMethod] = &[AuthMethod::Keys];
    const CAPABILITIES: Capabilities = Capabilities::FILES;

    type Config = Settings;

    fn connect(config: Settings, cx: Context) -> Result<impl Connector> {
        Server::new(config, &cx)
    }

    fn locate(address: &str) -> Option<Result<Location>> {
        address::locate(address)
    }
}
