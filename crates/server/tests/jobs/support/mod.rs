//! Servers on one database, a client, and a vendor whose files wait at a gate.

#[path = "../../http/support/client.rs"]
#[allow(dead_code, reason = "each test program uses a part")]
mod client;
mod events;
mod gate;

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use catchment_core::{Registry, Result, Secret};
use catchment_documents::{Limits, Parser};
use catchment_folder::Folder;
use catchment_index::{Index, IndexOptions, SqliteBackend};
use catchment_s3::S3;
use catchment_server::{Config, Server};
use catchment_store::Store;
use catchment_vault::{KeyRing, Vault};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    sync::{OnceCell, oneshot},
    task::JoinHandle,
};

use crate::database::Database;

pub(crate) use client::{Answer, Client};
pub(crate) use events::Events;
pub(crate) use gate::Gate;

const KEY: &str = "9f2c61d07be84a35c1f06d9e27b3480a5ce17f62d48b09a36e5f1c7d20b94e83";

/// Long enough for what must happen, far too long for what does.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where servers keep what they have.
pub(crate) struct Place {
    directory: TempDir,
    database: OnceCell<Database>,
}

/// A running server.
pub(crate) struct Running {
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Result<()>>,
}

/// A server on a free port whose workers are soon missed.
pub(crate) fn config() -> Config {
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        lease: Duration::from_secs(3),
        retry_pause: Duration::from_millis(20),
        ..Config::default()
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), database: OnceCell::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The store alone, for who plays a worker.
    pub(crate) async fn store(&self) -> Store {
        let keys = KeyRing::parse(&Secret::new(KEY)).unwrap();
        let database = self.database.get_or_init(|| Database::new(self.path())).await;
        database.open().await.with_vault(Vault::new(keys))
    }

    pub(crate) async fn serve(&self) -> Running {
        self.serve_with(config()).await
    }

    pub(crate) async fn serve_with(&self, config: Config) -> Running {
        let store = self.store().await;
        let backend = SqliteBackend::open(self.path().join("catchment.db")).await.unwrap();
        let index = Arc::new(Index::open(Arc::new(backend), IndexOptions::default()).await.unwrap());
        let registry = Registry::new().with::<Gate>().with::<Folder>().with::<S3>();
        let parser = Parser::in_process(Limits::default());
        let server = Server::builder(registry, store.clone(), index, parser).bind(config).await.unwrap();
        let address = server.address().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.serve(async {
            let _ = stopped.await;
        }));
        Running { client: Client::new(address), address, store, stop: Some(stop), serving }
    }
}

impl Running {
    /// Makes an integration.
    pub(crate) async fn create(&self, vendor: &str, credentials: Value) -> i64 {
        let body = json!({"vendor": vendor, "name": vendor, "credentials": credentials});
        let made = self.client.post("/integrations").json(&body).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.body()["id"].as_i64().unwrap()
    }

    /// An integration with a gate of so many files.
    pub(crate) async fn gate(&self, gate: &str, files: usize) -> i64 {
        self.create("gate", json!({"gate": gate, "files": files})).await
    }

    /// Imports, and waits for the end.
    pub(crate) async fn import(&self, id: i64, paths: &[&str]) -> Answer {
        let body = json!({"integration_id": id, "file_paths": paths});
        self.client.post("/integrations/import").json(&body).await
    }

    /// Begins an import, and gives its job.
    pub(crate) async fn begin(&self, id: i64) -> i64 {
        let body = json!({"integration_id": id, "file_paths": [""]});
        let begun = self.client.post("/integrations/import").header("prefer", "respond-async").json(&body).await;
        assert_eq!(begun.status, 202, "{begun:?}");
        let job = begun.body()["job_id"].as_i64().unwrap();
        assert_eq!(begun.header("location"), Some(format!("/jobs/{job}").as_str()));
        assert_eq!(begun.header("preference-applied"), Some("respond-async"));
        job
    }

    pub(crate) async fn job(&self, job: i64) -> Value {
        self.client.get(&format!("/jobs/{job}")).await.body()
    }

    pub(crate) async fn events(&self, job: i64, seen: Option<i64>) -> Events {
        Events::open(self.address, job, seen).await
    }

    /// Follows a job to its end.
    pub(crate) async fn end(&self, job: i64) -> Value {
        let mut events = self.events(job, None).await;
        soon(async {
            loop {
                let event = events.next().await.expect("the stream goes on to the end");
                if event.name == "end" {
                    return event.data;
                }
            }
        })
        .await
    }

    /// Every result of a job, page by page.
    pub(crate) async fn results(&self, job: i64) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.client.get(&format!("/jobs/{job}/files?limit=7{cursor}")).await.body();
            all.extend(page["file_results"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }

    /// Stops in good order.
    pub(crate) async fn stop(mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        soon(self.serving).await.unwrap().unwrap();
        self.store.close().await;
    }

    /// Stops like a process that is killed: nothing is given back.
    pub(crate) async fn kill(self) {
        self.serving.abort();
        assert!(self.serving.await.unwrap_err().is_cancelled());
        self.store.close().await;
    }
}

/// What is bound to happen.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it happens in time")
}
