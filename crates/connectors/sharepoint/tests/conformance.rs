//! The promises every connector keeps, held against this one on a stand-in.

mod fake;

use std::net::SocketAddr;

use catchment_core::{Fingerprint, async_trait};
use catchment_sharepoint::Sharepoint;
use catchment_testkit::{
    Fixture, conformance,
    world::{Event, Expected, Key, Node, Rules, World},
};
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

    fn rules(&self) -> Rules {
        let rules = Rules::default().only(|name| self.can_store(name)).without_cases();
        Rules { longest: 400, ..rules.with_outside().with_permissions() }
    }

    async fn play(&self, _: &World, event: &Event) {
        self.0.world(|world| world.apply(event.op.clone()).map(drop).expect("what happened there can happen here"));
    }

    fn expected(&self, _: &World, node: &Node) -> Expected {
        let fingerprint = (!node.is_folder()).then(|| Fingerprint::new(fake::items::etag(node)));
        Expected { id: Some(format!("{}/{}", fake::DRIVE, fake::item_id(node.key)).into()), fingerprint }
    }

    fn expire_cursors(&self) -> bool {
        let forgotten = self.0.world(|world| world.version() + 1);
        self.0.cloud().feed.forgotten = Some((forgotten, "resyncChangesApplyDifferences"));
        true
    }

    fn elsewhere(&self) -> Vec<(&'static str, Value)> {
        let with = |folder: &str| {
            let mut settings = self.settings();
            settings["folder_path"] = folder.into();
            settings
        };
        let mut onedrive = with("/");
        onedrive["url"].take();
        onedrive["user_id"] = "ada@contoso.com".into();
        vec![
            ("another folder", with("Documents/outside")),
            ("the whole library", with("Shared Documents")),
            ("another library", with("Plans")),
            ("the whole site", with("/")),
            ("a OneDrive", onedrive),
        ]
    }

    fn cut_bodies(&self, after: Option<u64>) -> bool {
        self.0.cloud().cut = after.map(|after| after as usize);
        true
    }

    fn expire_links(&self) -> bool {
        self.0.expire_links();
        true
    }

    fn excuse(promise: &str) -> Option<&'static str> {
        (promise == "a_domain_is_told_as_one").then_some("nothing is shared with a domain, only with tenants")
    }
}

conformance!(Library => browse, download, fingerprints, changes, permissions, history, resume, links, network);
