//! The settings, and what they must be together.

use catchment_core::{
    AuthMethod, Capabilities, Connector, Context, Location, Result, Secret, Vendor, webhook::Webhooks,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{address, bucket::S3Bucket, events::Events};

/// The vendor `s3`: objects of Amazon S3 and of stores that speak its language.
#[derive(Debug, Clone, Copy)]
pub struct S3;

/// The settings of a bucket.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The name of the bucket.
    pub bucket_name: String,
    /// The access key id, for example `AKIA...`. Without one, the credentials of the host are
    /// used where that is allowed.
    pub access_key_id: Option<String>,
    /// The secret access key that belongs to it.
    pub secret_access_key: Option<Secret>,
    /// The session token, for temporary keys only (their id begins with `ASIA`).
    pub session_token: Option<Secret>,
    /// The region of the bucket.
    #[serde(default = "us_east_1")]
    pub region: String,
    /// Only keys that begin with this, for example `contracts/2026`. Everything if left out.
    pub folder_path: Option<String>,
    /// The address of a store other than Amazon's, for example `https://minio.example.com`.
    pub url: Option<String>,
    /// Whether the bucket's name stands in the path and not in the host name. Left out: yes for a
    /// store other than Amazon's.
    pub force_path_style: Option<bool>,
    /// Whether `url` may be http://, which sends data in the clear.
    #[serde(default)]
    pub allow_http: bool,
    /// For public buckets: sign nothing.
    #[serde(default)]
    pub anonymous: bool,
    /// Whether you pay for requests to a bucket that says the requester pays.
    #[serde(default)]
    pub requester_pays: bool,
    /// For objects encrypted with a key of your own that the store does not keep (SSE-C): the
    /// 256-bit key in Base64.
    pub customer_key: Option<Secret>,
}

fn us_east_1() -> String {
    "us-east-1".to_owned()
}

impl Vendor for S3 {
    const ID: &'static str = "s3";
    const NAME: &'static str = "Amazon S3";
    const DESCRIPTION: &'static str = "Objects of a bucket in Amazon S3 or a compatible store.";
    const ICON: &'static str = concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#3f8624" "##,
        r##"stroke-width="2"><ellipse cx="12" cy="6" rx="8" ry="3"/><path d="M4 6l2 13c1 3 11 3 12 0l2-13"/></svg>"##
    );
    const AUTH: &'static [AuthMethod] = &[AuthMethod::Keys, AuthMethod::None];
    const CAPABILITIES: Capabilities = Capabilities::FILES;

    type Config = Settings;

    fn connect(config: Settings, cx: Context) -> Result<impl Connector> {
        S3Bucket::new(config, &cx)
    }

    fn webhooks() -> Option<&'static dyn Webhooks> {
        Some(&Events)
    }

    fn locate(address: &str) -> Option<Result<Location>> {
        address::locate(address)
    }
}
