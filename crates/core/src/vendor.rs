//! Vendors: the typed half of a connector, which a [`Registry`](crate::Registry) erases.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    authorize::Authorize,
    connector::{Capabilities, Connector},
    error::{Error, ErrorKind, Result},
    oauth::OAuth,
    tenant::{IntegrationId, Tenant},
    webhook::Webhooks,
};

/// A vendor: what it is called, what it needs to know, and how to connect.
pub trait Vendor: 'static {
    /// The lower-case id on the wire: `s3`, `google_drive`.
    const ID: &'static str;
    /// What the vendor calls itself.
    const NAME: &'static str;
    /// One sentence for a catalogue.
    const DESCRIPTION: &'static str;
    /// A small picture as SVG markup.
    const ICON: &'static str;
    /// The ways to sign in.
    const AUTH: &'static [AuthMethod];
    /// What its connectors can do; the conformance suite holds it against what they do.
    const CAPABILITIES: Capabilities;
    /// How a person consents, where [`AuthMethod::Oauth2`] is one of the ways.
    const OAUTH: Option<&'static OAuth> = None;

    /// The settings. Its JSON Schema draws the form and documents the fields; secrets are of
    /// type [`Secret`](crate::Secret). Deny unknown fields, so that a mistyped name is found.
    type Config: DeserializeOwned + JsonSchema;

    /// Makes a connector. Checks the settings against each other, reaches for nothing: the
    /// first call does.
    fn connect(config: Self::Config, cx: Context) -> Result<impl Connector>;

    /// What an address stands for (`s3://bucket/prefix`, `./docs`), if it is this vendor's.
    fn locate(address: &str) -> Option<Result<Location>> {
        let _ = address;
        None
    }

    /// The vendor's webhooks.
    fn webhooks() -> Option<&'static dyn Webhooks> {
        None
    }
}

/// What an address stands for: where to connect, and what to look at there.
#[derive(Debug, Clone, PartialEq)]
pub struct Location {
    /// Settings in the shape of the vendor's schema. An address carries no secret.
    pub settings: Value,
    /// A path below the connector's root: "" for all of it, or the one file that was meant.
    pub path: String,
}

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// Nothing to sign in to, or public data.
    None,
    /// Keys, passwords or tokens that a person pastes.
    Keys,
    /// The person consents on the vendor's page.
    Oauth2,
    /// A service account of the organization.
    ServiceAccount,
}

/// For whom, and within what, a connector works.
#[derive(Debug, Clone)]
pub struct Context {
    /// On whose behalf.
    pub tenant: Tenant,
    /// Through which integration.
    pub integration: IntegrationId,
    /// Whether the connector may use what belongs to the host and not to the tenant: credentials
    /// in the environment and in profile files, instance metadata, the local file system. True
    /// on a command line, false on a server that many share.
    pub host_access: bool,
    /// Whether addresses that a user gave may be in private networks.
    pub private_network: bool,
    /// The grant of a person who consented at the vendor, if one has.
    pub grant: Option<Arc<dyn Authorize>>,
}

impl Location {
    /// Everything below the root.
    pub fn root(settings: Value) -> Self {
        Self { settings, path: String::new() }
    }
}

impl Context {
    /// For a program of one's own: everything the host may do, the connector may do.
    pub fn local() -> Self {
        Self {
            tenant: Tenant::local(),
            integration: IntegrationId(0),
            host_access: true,
            private_network: true,
            grant: None,
        }
    }

    /// For a tenant of a shared server: nothing of the host, no private addresses.
    pub fn shared(tenant: Tenant, integration: IntegrationId) -> Self {
        Self { tenant, integration, host_access: false, private_network: false, grant: None }
    }

    /// With a person's grant.
    #[must_use]
    pub fn with_grant(self, grant: Arc<dyn Authorize>) -> Self {
        Self { grant: Some(grant), ..self }
    }

    /// The grant of a person who consented.
    ///
    /// # Errors
    /// `Unauthenticated` when nobody has, or it was taken back.
    pub fn need_grant(&self) -> Result<Arc<dyn Authorize>> {
        self.grant.clone().ok_or_else(|| {
            Error::new(ErrorKind::Unauthenticated, "nobody has consented at the vendor yet: authorize the connection")
        })
    }
}
