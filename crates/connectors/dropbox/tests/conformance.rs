//! The conformance suite on a stand-in that speaks Dropbox's wire format.

mod fake;

use std::net::SocketAddr;

use catchment_core::async_trait;
use catchment_dropbox::Dropbox;
use catchment_testkit::{Fixture, conformance, world::Key};
use fake::Fake;
use serde_json::Value;

/// An account that belongs to one test.
struct Box_(Fake);

#[async_trait]
impl Fixture for Box_ {
    type Vendor = Dropbox;

    async fn new() -> Self {
        Self(Fake::new().await)
    }

    async fn put(&self, path: &str, bytes: &[u8]) {
        self.0.account().drive.world.put(Key::ROOT, path, bytes.to_vec()).expect("put");
    }

    async fn remove(&self, path: &str) {
        // What was never put need not be removed.
        let _ = self.0.account().drive.world.remove(Key::ROOT, path);
    }

    async fn put_folder(&self, path: &str) -> bool {
        self.0.account().drive.world.put_folder(Key::ROOT, path).expect("put");
        true
    }

    async fn put_outside(&self) -> Vec<String> {
        self.0.account().drive.world.put(Key::OUTSIDE, "secret.txt", "secret").expect("put");
        ["../outside/secret.txt", "/outside/secret.txt", "/outside", "/root/../outside/secret.txt", "id:kkkkkkkkkkkkkkkkkkkkk3"]
            .map(str::to_owned)
            .into()
    }

    fn settings(&self) -> Value {
        self.0.settings()
    }

    fn settings_at(&self, address: SocketAddr) -> Value {
        fake::settings(address)
    }

    fn wrong_credentials(&self) -> Vec<(&'static str, Value)> {
        let mut wrong = self.settings();
        wrong["access_token"] = "sl.u.wrong".into();
        vec![("access_token", wrong)]
    }

    fn server(&self) -> Option<SocketAddr> {
        Some(self.0.address)
    }

    fn slow_down(&self) -> (u16, String) {
        let error = r#"{"error_summary": "too_many_requests/..", "error": {"reason": {".tag": "too_many_requests"},
            "retry_after": 1}}"#;
        (429, error.to_owned())
    }
}

conformance!(Box_ => browse, flat, download, fingerprints, network);
