//! A server on a free port, a client, and a memory of everything that was said.

mod client;
mod library;
mod log;
mod scene;
mod shelf;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use catchment_auth::{Callers, Claims, Role, Verifier};
use catchment_core::{Registry, Result, Secret, Tenant};
use catchment_documents::{Limits, Parser};
use catchment_folder::Folder;
use catchment_index::{Index, IndexOptions, SqliteBackend};
use catchment_server::{Builder, Config, Server};
use catchment_store::Store;
use catchment_vault::{KeyRing, Vault};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::database::Database;

pub(crate) use client::{Answer, Call, Client};
pub(crate) use library::{Library, Mood, Pages};
pub(crate) use log::captured;
pub(crate) use scene::Scene;
pub(crate) use shelf::Shelf;

/// Secrets that go in, and must come out nowhere. Unlike anything else in a test.
pub(crate) const PLANTED: [&str; 3] = ["planted-Zq7Kx0-one", "planted-Zq7Kx0-two", "planted-Zq7Kx0-three"];

/// What callers' tokens are signed with. It must not come out, either.
const SIGNING: &str = "planted-Zq7Kx0-signing-key-of-at-least-32-bytes";

/// What secrets are sealed under.
const KEY: &str = "9f2c61d07be84a35c1f06d9e27b3480a5ce17f62d48b09a36e5f1c7d20b94e83";

const HOUR: Duration = Duration::from_secs(3_600);

/// What a token has to say.
fn claims() -> Claims {
    Claims { audience: Some("catchment".into()), ..Claims::default() }
}

/// A running server.
pub(crate) struct Running {
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    database: Database,
    directory: TempDir,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Result<()>>,
}

/// How to start one.
pub(crate) struct Start {
    pub(crate) tokens: bool,
    pub(crate) config: Config,
    pub(crate) compose: fn(Builder) -> Builder,
}

impl Default for Start {
    fn default() -> Self {
        let config = Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::default() };
        Self { tokens: false, config, compose: |builder| builder }
    }
}

impl Running {
    /// A server that asks nobody for a token.
    pub(crate) async fn local() -> Self {
        Self::start(Start::default()).await
    }

    /// A server whose callers have tokens.
    pub(crate) async fn tokens() -> Self {
        Self::start(Start { tokens: true, ..Start::default() }).await
    }

    pub(crate) async fn start(start: Start) -> Self {
        log::capture();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("catchment.db");
        let keys = KeyRing::parse(&Secret::new(KEY)).unwrap();
        let database = Database::new(directory.path()).await;
        let store = database.open().await.with_vault(Vault::new(keys));
        let backend = SqliteBackend::open(&file).await.unwrap();
        let index = Arc::new(Index::open(Arc::new(backend), IndexOptions::default()).await.unwrap());
        let registry = Registry::new().with::<Shelf>().with::<Library>().with::<Folder>();
        let mut builder = Server::builder(registry, store.clone(), index, Parser::in_process(Limits::default()));
        if start.tokens {
            builder = builder.callers(Callers::Jwt(Verifier::hs256(&Secret::new(SIGNING), claims()).unwrap()));
        }
        let server = (start.compose)(builder).bind(start.config).await.unwrap();
        let address = server.address().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.serve(async {
            let _ = stopped.await;
        }));
        let client = Client::new(address);
        Self { client, address, store, database, directory, stop: Some(stop), serving }
    }

    /// A token of a member of an organization.
    pub(crate) fn token(&self, organization: &str, user: &str) -> String {
        self.mint(organization, user, Role::Member)
    }

    /// A token of an administrator.
    pub(crate) fn admin(&self, organization: &str, user: &str) -> String {
        self.mint(organization, user, Role::Admin)
    }

    fn mint(&self, organization: &str, user: &str, role: Role) -> String {
        let (key, tenant) = (Secret::new(SIGNING), Tenant::new(organization, user));
        claims().mint(&key, &tenant, role, HOUR).unwrap().expose().to_owned()
    }

    /// Makes an integration with planted secrets, and gives its id.
    pub(crate) async fn create(&self, token: Option<&str>) -> i64 {
        let body = json!({"vendor": "shelf", "name": "Books", "credentials": {"shelf": "east", "key": PLANTED[0]}});
        let made = self.client.post("/integrations").token(token).json(&body).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.body()["id"].as_i64().unwrap()
    }

    /// Stops the server, and looks for planted secrets in everything it has said and stored.
    pub(crate) async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        self.serving.await.unwrap().unwrap();
        for (place, bytes) in self.client.heard() {
            assert_clean(&place, &bytes);
        }
        assert_clean("the log", log::captured().as_bytes());
        self.store.close().await;
        assert_clean("the database", &self.database.dump());
        for file in files(self.directory.path().to_owned()) {
            match std::fs::read(&file) {
                Ok(bytes) => assert_clean(&file.display().to_string(), &bytes),
                // A connection that closes at this moment takes its log away.
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{}", file.display()),
            }
        }
    }
}

fn files(directory: PathBuf) -> Vec<PathBuf> {
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
}

fn assert_clean(place: &str, bytes: &[u8]) {
    for secret in PLANTED.iter().chain([&SIGNING]) {
        let found = bytes.windows(secret.len()).position(|window| window == secret.as_bytes());
        if let Some(at) = found {
            let around = &bytes[at.saturating_sub(200)..(at + 80).min(bytes.len())];
            panic!("a secret is in {place}: {}", String::from_utf8_lossy(around));
        }
    }
}

/// The settings of a shelf that works.
pub(crate) fn shelf(key: &str) -> Value {
    json!({"shelf": "east", "key": key})
}

#[test]
fn the_search_for_secrets_finds_them() {
    assert_clean("nothing", b"no secret here");
    let said = format!("the key is {} indeed", PLANTED[1]);
    assert!(std::panic::catch_unwind(|| assert_clean("a sentence", said.as_bytes())).is_err());
}
