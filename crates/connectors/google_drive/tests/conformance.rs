//! The conformance suite, on a stand-in of Google Drive.

mod fake;

use std::{collections::BTreeSet, net::SocketAddr};

use catchment_core::{Fingerprint, Principal, async_trait};
use catchment_google_drive::GoogleDrive;
use catchment_testkit::{
    Fixture, conformance,
    world::{Event, Expected, Key, Node, Rules, World},
};
use fake::{Fake, MINE, OWNER};
use md5::{Digest, Md5};
use serde_json::{Value, json};

struct Drive(Fake);

#[async_trait]
impl Fixture for Drive {
    type Vendor = GoogleDrive;

    async fn new() -> Self {
        Self(Fake::start().await)
    }

    async fn put(&self, path: &str, bytes: &[u8]) {
        self.0.world(|world| world.put(Key::ROOT, path, bytes.to_vec()).expect("put"));
    }

    async fn remove(&self, path: &str) {
        // Whoever removes what is not there any more has nothing to do.
        let _ = self.0.world(|world| world.remove(Key::ROOT, path));
    }

    async fn put_folder(&self, path: &str) -> bool {
        self.0.world(|world| world.put_folder(Key::ROOT, path).expect("made"));
        true
    }

    async fn put_outside(&self) -> Vec<String> {
        let key = self.0.world(|world| world.put(Key::OUTSIDE, "secret.txt", "secret").expect("put"));
        vec![self.0.id(key), self.0.id(Key::OUTSIDE), "../outside/secret.txt".to_owned(), "root".to_owned()]
    }

    fn settings(&self) -> Value {
        self.0.settings()
    }

    fn settings_at(&self, address: SocketAddr) -> Value {
        self.0.settings_at(address)
    }

    fn wrong_credentials(&self) -> Vec<(&'static str, Value)> {
        vec![("service_account", self.0.settings_of_a_stranger())]
    }

    fn server(&self) -> Option<SocketAddr> {
        Some(self.0.address)
    }

    fn slow_down(&self) -> (u16, String) {
        let error = json!({ "domain": "usageLimits", "reason": "userRateLimitExceeded", "message": "slow" });
        (403, json!({ "error": { "code": 403, "message": "slow", "errors": [error] } }).to_string())
    }

    fn rules(&self) -> Rules {
        Rules { twins: true, ..Rules::default().with_outside().with_permissions() }
    }

    async fn play(&self, _: &World, event: &Event) {
        self.0.lock().corpora[MINE].apply(event.op.clone());
    }

    fn expected(&self, _: &World, node: &Node) -> Expected {
        let hash = node.content.as_ref().map(|content| hex::encode(Md5::digest(content)));
        Expected { id: Some(self.0.id(node.key).into()), fingerprint: hash.map(Fingerprint::new) }
    }

    fn expire_cursors(&self) -> bool {
        self.0.lock().forgotten = true;
        true
    }

    fn elsewhere(&self) -> Vec<(&'static str, Value)> {
        let to = |folder: &str| {
            let mut settings = self.settings();
            settings["folder_path"] = folder.into();
            settings
        };
        vec![
            ("another folder", to(&self.0.id(Key::OUTSIDE))),
            ("a shared drive", to("Shared drives/Marketing")),
            ("all shared drives", to("Shared drives")),
            ("what others shared", to("Shared with me")),
        ]
    }

    fn owners(&self) -> BTreeSet<Principal> {
        BTreeSet::from([Principal::User(OWNER.to_owned())])
    }

    fn excuse(promise: &str) -> Option<&'static str> {
        match promise {
            "a_group_is_opened" => Some("Google keeps the members of groups in a directory of its own"),
            _ => None,
        }
    }
}

conformance!(Drive => browse, download, changes, permissions, history, resume, network);
