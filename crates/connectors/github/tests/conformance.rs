//! The promises every connector keeps, held against this one on a stand-in.

mod fake;

use std::net::SocketAddr;

use catchment_core::async_trait;
use catchment_github::Github;
use catchment_testkit::{Fixture, conformance};
use serde_json::{Value, json};

struct Account(fake::Fake);

#[async_trait]
impl Fixture for Account {
    type Vendor = Github;

    async fn new() -> Self {
        Self(fake::Fake::new().await)
    }

    async fn put(&self, _path: &str, _bytes: &[u8]) {
        unreachable!("the connector lists nothing");
    }

    async fn remove(&self, _path: &str) {
        unreachable!("the connector lists nothing");
    }

    async fn put_folder(&self, _path: &str) -> bool {
        false
    }

    async fn put_outside(&self) -> Vec<String> {
        Vec::new()
    }

    fn settings(&self) -> Value {
        self.0.settings()
    }

    fn settings_at(&self, address: SocketAddr) -> Value {
        fake::settings(address)
    }

    fn wrong_credentials(&self) -> Vec<(&'static str, Value)> {
        let mut settings = self.settings();
        settings["access_token"] = "ghp_wrong".into();
        vec![("access_token", settings)]
    }

    fn server(&self) -> Option<SocketAddr> {
        Some(self.0.address)
    }

    fn slow_down(&self) -> (u16, String) {
        let body = json!({ "message": "You have exceeded a secondary rate limit. Please wait a few minutes." });
        (403, body.to_string())
    }
}

conformance!(Account => account);
