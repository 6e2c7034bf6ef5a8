//! The conformance suite on azurite, which checks signatures.

mod store;

use std::net::SocketAddr;

use catchment_azure_blob::AzureBlob;
use catchment_core::async_trait;
use catchment_testkit::{Fixture, conformance};
use serde_json::Value;
use store::{Store, sas};

/// The source of each test is a prefix of a container of its own.
const PREFIX: &str = "the root";

const BUSY: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>ServerBusy</Code>\
    <Message>The server is busy.</Message></Error>";

struct Azurite(Store);

#[async_trait]
impl Fixture for Azurite {
    type Vendor = AzureBlob;

    async fn new() -> Self {
        Self(Store::new().await)
    }

    async fn put(&self, path: &str, bytes: &[u8]) {
        self.0.put(&format!("{PREFIX}/{path}"), bytes).await;
    }

    async fn remove(&self, path: &str) {
        self.0.remove(&format!("{PREFIX}/{path}")).await;
    }

    async fn put_folder(&self, path: &str) -> bool {
        self.0.put_with(&format!("{PREFIX}/{path}"), &[("x-ms-meta-hdi_isfolder", "true")], b"").await;
        true
    }

    async fn remove_folder(&self, path: &str) {
        self.0.remove(&format!("{PREFIX}/{path}")).await;
    }

    async fn put_outside(&self) -> Vec<String> {
        self.0.put("outside.txt", b"secret").await;
        ["outside.txt", "../outside.txt", "..\\outside.txt", "/outside.txt", "the root/../outside.txt"]
            .map(str::to_owned)
            .into()
    }

    fn settings(&self) -> Value {
        self.settings_at(self.0.server.address)
    }

    fn settings_at(&self, address: SocketAddr) -> Value {
        let mut settings = self.0.settings_at(address);
        settings["folder_path"] = format!("{}/{PREFIX}", self.0.container).into();
        settings
    }

    fn wrong_credentials(&self) -> Vec<(&'static str, Value)> {
        let mut key = self.settings();
        key["account_key"] = "d3Jvbmc=".into();
        let mut signature = self.settings();
        signature["account_key"].take();
        signature["sas_token"] = format!("{}AAAA", self.0.sas(&sas::read_and_list())).into();
        vec![("account_key", key), ("sas_token", signature)]
    }

    fn server(&self) -> Option<SocketAddr> {
        Some(self.0.server.address)
    }

    fn can_store(&self, name: &str) -> bool {
        // The service writes a slash for a backslash. azurite cannot list control characters, which
        // XML does not hold: the service encodes such names.
        let unlisted = |character: char| character.is_control() && !matches!(character, '\t' | '\n');
        !name.contains(['/', '\\']) && !name.contains(unlisted)
    }

    fn slow_down(&self) -> (u16, String) {
        (503, BUSY.to_owned())
    }
}

conformance!(Azurite => browse, flat, download, fingerprints, network, history, resume);
