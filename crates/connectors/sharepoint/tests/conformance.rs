//! The promises every connector keeps, held against this one on a stand-in.

mod fake;

use std::net::SocketAddr;

use catchment_core::async_trait;
use catchment_sharepoint::Sharepoint;
use catchment_testkit::{Fixture, conformance, world::Key};
use serde_json::Value;

struct Library(fake::Fake);

#[async_trait]
impl Fixture for Library {
    type Vendor = Sharepoint;

    async fn new() -> Self {
        Self(fake::Fake::new().await)
    }

    async fn put(&self, path: &str, bytes: &[u8]) {
        self.0.put(path, bytes);
    }

    async fn remove(&self, path: &str) {
        // Some checks remove what they have not put yet.
        let _ = self.0.world(|world| world.remove(Key::ROOT, path));
    }

    async fn put_folder(&self, path: &str) -> bool {
        self.0.world(|world| world.put_folder(Key::ROOT, path).expect("possible"));
        true
    }

    /// By path, and by ids: of the folder outside, of the drive's top, of a file outside.
    async fn put_outside(&self) -> Vec<String> {
        let file = self.0.world(|world| world.put(Key::OUTSIDE, "secret.txt", "secret").expect("possible"));
        let id = |key| format!("{}/{}", fake::DRIVE, fake::item_id(key));
        let mut ways: Vec<String> = [Key::OUTSIDE, Key::DRIVE, file].map(id).into();
        ways.push(format!("{}/{}", fake::OTHER, fake::item_id(Key::DRIVE)));
        ways.extend(["../outside/secret.txt", "outside/secret.txt", "..%2Foutside"].map(str::to_owned));
        ways
    }

    fn settings(&self) -> Value {
        self.0.settings()
    }

    fn settings_at(&self, address: SocketAddr) -> Value {
        self.0.settings_at(address)
    }

    fn wrong_credentials(&self) -> Vec<(&'static str, Value)> {
        let mut settings = self.settings();
        settings["client_secret"] = "wrong".into();
        vec![("client_secret", settings)]
    }

    fn server(&self) -> Option<SocketAddr> {
        Some(self.0.address)
    }

    /// <https://support.microsoft.com/office/invalid-file-names-and-file-types-in-onedrive-and-sharepoint>.
    fn can_store(&self, name: &str) -> bool {
        let reserved = ["CON", "PRN", "AUX", "NUL"].contains(&name.to_ascii_uppercase().as_str());
        !reserved
            && !name.contains(['/', '\\', '*', '<', '>', '?', ':', '|', '"'])
            && !name.contains(char::is_control)
            && name.trim() == name
            && !name.ends_with('.')
            && !name.starts_with('~')
    }

    fn slow_down(&self) -> (u16, String) {
        (429, fake::problem("activityLimitReached"))
    }
}

conformance!(Library => browse, download, fingerprints, network);
