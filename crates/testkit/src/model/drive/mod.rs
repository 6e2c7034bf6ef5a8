//! The model of a drive: a [`World`](crate::world::World) behind HTTP, with a feed of changes,
//! permissions, and content that comes by links.

mod connector;
mod feed;
mod readers;
mod server;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use catchment_core::{
    AuthMethod, Capabilities, Connector, Context, EntryId, Fingerprint, Result, Secret, Vendor, async_trait,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    fixture::Fixture,
    model::{drive::server::State, http},
    world::{Event, Expected, Key, Node, Rules, World},
};

/// The vendor of the model of a drive.
#[derive(Debug, Clone, Copy)]
pub struct Drive;

/// The settings of the model of a drive.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DriveSettings {
    /// Where the server is.
    address: SocketAddr,
    /// What it accepts.
    token: Secret,
    /// Which drive.
    drive: String,
    /// The key of the folder that is the root.
    root: u64,
    /// The promise to break.
    breaks: Option<String>,
}

impl Vendor for Drive {
    const ID: &'static str = "model_drive";
    const NAME: &'static str = "Model of a drive";
    const DESCRIPTION: &'static str = "A drive in memory, to try the conformance suite on.";
    const ICON: &'static str = "<svg/>";
    const AUTH: &'static [AuthMethod] = &[AuthMethod::Keys];
    const CAPABILITIES: Capabilities = Capabilities { changes: true, permissions: true, ..Capabilities::FILES };

    type Config = DriveSettings;

    fn connect(config: DriveSettings, _: Context) -> Result<impl Connector> {
        Ok(connector::Client::new(config))
    }
}

/// What the connector asks, as JSON in the query.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) drive: String,
    pub(crate) root: u64,
    /// An id, a path, a cursor, a group or a link.
    pub(crate) of: String,
    pub(crate) token: Option<String>,
    pub(crate) limit: Option<usize>,
    pub(crate) fingerprint: Option<String>,
    pub(crate) offset: u64,
    pub(crate) length: Option<u64>,
}

/// A fixture of the model of a drive, with one promise broken or none.
#[derive(Debug)]
pub struct DriveFixture {
    http: http::Http,
    state: Arc<Mutex<State>>,
    breaks: Option<&'static str>,
}

impl DriveFixture {
    /// A source whose connector breaks this promise.
    pub async fn breaking(promise: Option<&'static str>) -> Self {
        let state = Arc::new(Mutex::new(State { breaks: promise, ..State::default() }));
        let shared = Arc::clone(&state);
        let http = http::Http::start(move |target| lock(&shared).answer(target)).await;
        Self { http, state, breaks: promise }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

pub(crate) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn id(key: Key) -> EntryId {
    format!("id-{key}").into()
}

fn mark(node: &Node) -> Option<Fingerprint> {
    (!node.is_folder()).then(|| Fingerprint::new(format!("v{}", node.edition)))
}

#[async_trait]
impl Fixture for DriveFixture {
    type Vendor = Drive;

    async fn new() -> Self {
        Self::breaking(None).await
    }

    async fn another(&self) -> Self {
        Self::breaking(self.breaks).await
    }

    async fn put(&self, path: &str, bytes: &[u8]) {
        let put = self.state().world.put(Key::ROOT, path, bytes.to_vec());
        put.unwrap_or_else(|refused| panic!("cannot put {path:?}: {refused}"));
    }

    async fn remove(&self, path: &str) {
        let _ = self.state().world.remove(Key::ROOT, path);
    }

    async fn put_folder(&self, path: &str) -> bool {
        self.state().world.put_folder(Key::ROOT, path).is_ok()
    }

    async fn put_outside(&self) -> Vec<String> {
        let put = self.state().world.put(Key::OUTSIDE, "secret.txt", "secret");
        put.unwrap_or_else(|refused| panic!("cannot put a secret: {refused}"));
        vec!["../outside/secret.txt".to_owned()]
    }

    fn settings(&self) -> Value {
        self.settings_at(self.http.address())
    }

    fn settings_at(&self, address: SocketAddr) -> Value {
        json!({
            "address": address, "token": http::TOKEN, "drive": "mine", "root": Key::ROOT.0, "breaks": self.breaks,
        })
    }

    fn wrong_credentials(&self) -> Vec<(&'static str, Value)> {
        let mut wrong = self.settings();
        wrong["token"] = "wrong".into();
        vec![("token", wrong)]
    }

    fn server(&self) -> Option<SocketAddr> {
        Some(self.http.address())
    }

    fn rules(&self) -> Rules {
        Rules::default().with_outside().with_permissions()
    }

    async fn play(&self, _: &World, event: &Event) {
        let done = self.state().world.apply(event.op.clone()).map(|_| ());
        done.unwrap_or_else(|refused| panic!("cannot repeat {event:?}: {refused}"));
    }

    fn expected(&self, _: &World, node: &Node) -> Expected {
        Expected { id: Some(id(node.key)), fingerprint: mark(node) }
    }

    fn expire_cursors(&self) -> bool {
        self.state().epoch += 1;
        true
    }

    fn expire_links(&self) -> bool {
        self.state().links += 1;
        true
    }

    fn elsewhere(&self) -> Vec<(&'static str, Value)> {
        let with = |name: &str, value: Value| {
            let mut settings = self.settings();
            settings[name] = value;
            settings
        };
        vec![("another root", with("root", Key::OUTSIDE.0.into())), ("another drive", with("drive", "other".into()))]
    }
}
