//! Shared access signatures as the vendor's documentation says that they are made.

use catchment_testkit::backends::AzureServer;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqsign_core::hash::{base64_decode, base64_hmac_sha256};

const VERSION: &str = "2020-12-06";

/// For an account.
pub struct Account {
    pub services: &'static str,
    pub types: &'static str,
    pub permissions: &'static str,
    pub start: &'static str,
    pub expiry: &'static str,
}

/// For a container, or for one blob of it.
pub struct Service {
    pub resource: &'static str,
    pub permissions: &'static str,
    pub start: &'static str,
    pub expiry: &'static str,
}

impl Default for Account {
    fn default() -> Self {
        Self { services: "b", types: "sco", permissions: "rl", start: "", expiry: "2999-01-01T00:00:00Z" }
    }
}

/// What it takes to read a container.
pub fn read_and_list() -> Service {
    Service { resource: "c", permissions: "rl", start: "", expiry: "2999-01-01T00:00:00Z" }
}

impl Account {
    pub fn sign(&self, server: &AzureServer) -> String {
        let Self { services, types, permissions, start, expiry } = self;
        let text = format!(
            "{}\n{permissions}\n{services}\n{types}\n{start}\n{expiry}\n\nhttps,http\n{VERSION}\n\n",
            server.account
        );
        let fields = [
            ("sv", VERSION),
            ("ss", services),
            ("srt", types),
            ("sp", permissions),
            ("st", start),
            ("se", expiry),
            ("spr", "https,http"),
        ];
        query(&fields, &signature(server, &text))
    }
}

impl Service {
    pub fn sign(&self, server: &AzureServer, container: &str) -> String {
        let Self { resource, permissions, start, expiry } = self;
        let place = format!("/blob/{}/{container}", server.account);
        let text =
            format!("{permissions}\n{start}\n{expiry}\n{place}\n\n\nhttps,http\n{VERSION}\n{resource}\n\n\n\n\n\n\n");
        let fields = [
            ("sv", VERSION),
            ("sr", resource),
            ("sp", permissions),
            ("st", start),
            ("se", expiry),
            ("spr", "https,http"),
        ];
        query(&fields, &signature(server, &text))
    }
}

fn signature(server: &AzureServer, text: &str) -> String {
    base64_hmac_sha256(&base64_decode(&server.key).expect("a key"), text.as_bytes())
}

fn query(fields: &[(&str, &str)], signature: &str) -> String {
    let signed = [("sig", signature)];
    let filled = fields.iter().chain(&signed).filter(|(_, value)| !value.is_empty());
    let pairs = filled.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    pairs.collect::<Vec<_>>().join("&")
}
