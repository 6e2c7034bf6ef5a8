//! The conformance suite on a stand-in that speaks Dropbox's wire format.

mod fake;

use std::{collections::BTreeSet, net::SocketAddr};

use catchment_core::{Fingerprint, Principal, async_trait};
use catchment_dropbox::Dropbox;
use catchment_testkit::{
    Fixture, conformance,
    world::{Event, Expected, Key, Node, Rules, World},
};
use fake::Fake;
use serde_json::{Value, json};

/// An account that belongs to one test.
struct Source(Fake);

#[async_trait]
impl Fixture for Source {
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
        let ways = ["../outside/secret.txt", "/outside/secret.txt", "/outside", "ns:1000/secret.txt"];
        let around = format!("{}/../outside/secret.txt", fake::ROOT);
        let id = fake::drive::id(self.0.account().drive.at(Key::DRIVE, "/outside/secret.txt").expect("there"));
        ways.map(str::to_owned).into_iter().chain([around, id]).collect()
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

    fn rules(&self) -> Rules {
        Rules::default().without_cases().with_outside().with_permissions()
    }

    async fn play(&self, _: &World, event: &Event) {
        self.0.account().drive.world.apply(event.op.clone()).expect("what happened there can happen here");
    }

    fn expected(&self, world: &World, node: &Node) -> Expected {
        let path = world.path_from(Key::DRIVE, node.key).expect("there");
        let fingerprint = (!node.is_folder()).then(|| Fingerprint::new(fake::drive::rev(node)));
        Expected { id: Some(format!("/{}", path.to_lowercase()).into()), fingerprint }
    }

    fn expire_cursors(&self) -> bool {
        let mut account = self.0.account();
        account.drive.forgotten = account.drive.world.version() + 1;
        true
    }

    fn elsewhere(&self) -> Vec<(&'static str, Value)> {
        let with = |folder: &str| {
            let mut settings = self.settings();
            settings["folder_path"] = json!(folder);
            settings
        };
        vec![
            ("another folder", with("/outside")),
            ("all of the account", with("")),
            ("another namespace", with("ns:1000")),
        ]
    }

    fn owners(&self) -> BTreeSet<Principal> {
        [Principal::User(fake::OWNER.to_lowercase())].into()
    }

    fn excuse(promise: &str) -> Option<&'static str> {
        match promise {
            "a_group_is_opened" => Some("groups hold people alone: see tests/permissions.rs for those"),
            "a_domain_is_told_as_one" => Some("nothing is shared with a domain"),
            "everybody_is_told_as_anyone" => Some("links alone are for everybody, and who has one is not known"),
            _ => None,
        }
    }
}

conformance!(Source => browse, flat, download, fingerprints, changes, permissions, history, resume, network);
