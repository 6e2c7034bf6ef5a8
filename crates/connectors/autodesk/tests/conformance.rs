//! The conformance suite on a stand-in.

mod fake;

use std::{collections::BTreeSet, net::SocketAddr};

use catchment_autodesk::Autodesk;
use catchment_core::{Fingerprint, Principal, async_trait};
use catchment_testkit::{
    Fixture, conformance,
    world::{Event, Expected, Key, Node, Rules, World},
};
use serde_json::{Value, json};

struct Account(fake::Fake);

#[async_trait]
impl Fixture for Account {
    type Vendor = Autodesk;

    async fn new() -> Self {
        Self(fake::Fake::new().await)
    }

    async fn put(&self, path: &str, bytes: &[u8]) {
        self.0.account().put(path, bytes);
    }

    async fn remove(&self, path: &str) {
        self.0.account().remove(path);
    }

    async fn put_folder(&self, path: &str) -> bool {
        self.0.account().world.put_folder(Key::ROOT, path).expect("a folder");
        true
    }

    async fn put_outside(&self) -> Vec<String> {
        let key = self.0.account().world.put(Key::OUTSIDE, "outside.txt", &b"secret"[..]).expect("a file");
        let place = format!("{}|{}", fake::HUB, fake::PROJECT);
        vec![
            "../outside.txt".to_owned(),
            format!("item|{place}|urn:adsk.wipprod:dm.lineage:{key}"),
            format!("folder|{place}|urn:adsk.wipprod:fs.folder:co.{}", Key::OUTSIDE),
            format!("project|{place}"),
            format!("hub|{}", fake::HUB),
            "all".to_owned(),
        ]
    }

    fn settings(&self) -> Value {
        self.0.settings()
    }

    fn settings_at(&self, address: SocketAddr) -> Value {
        fake::settings(address)
    }

    fn wrong_credentials(&self) -> Vec<(&'static str, Value)> {
        let mut secret = self.settings();
        secret["client_secret"] = "wrong".into();
        let mut id = self.settings();
        id["client_id"] = "unknown".into();
        vec![("client_secret", secret), ("client_id", id)]
    }

    fn server(&self) -> Option<SocketAddr> {
        Some(self.0.address)
    }

    async fn play(&self, _world: &World, event: &Event) {
        self.0.account().world.apply(event.op.clone()).expect("a valid history");
    }

    fn rules(&self) -> Rules {
        // Two names that differ in case alone are one at Autodesk.
        Rules::default().only(|name| self.can_store(name)).without_cases().with_outside().with_permissions()
    }

    fn expected(&self, _world: &World, node: &Node) -> Expected {
        let fingerprint = (!node.is_folder()).then(|| Fingerprint::new(fake::version_id(node)));
        Expected { id: Some(fake::entry_id(node)), fingerprint }
    }

    fn owners(&self) -> BTreeSet<Principal> {
        [Principal::Group(format!("{}|{}|admins|", fake::HUB, fake::PROJECT))].into()
    }

    fn expire_links(&self) -> bool {
        self.0.account().signed.values_mut().for_each(|left| *left = 0);
        true
    }

    fn excuse(promise: &str) -> Option<&'static str> {
        match promise {
            "a_grant_of_its_own_is_told" | "a_group_is_opened" => Some("Autodesk keeps permissions for folders only"),
            "a_domain_is_told_as_one" => Some("Autodesk lets in no mail domains"),
            "everybody_is_told_as_anyone" => Some("Autodesk lets nobody in who has not signed in"),
            _ => None,
        }
    }

    fn slow_down(&self) -> (u16, String) {
        (429, json!({ "developerMessage": "Quota limit exceeded.", "errorCode": "429001" }).to_string())
    }
}

conformance!(Account => browse, download, permissions, fingerprints, history, resume, links, network);
