//! Stores to try: an empty one on each database.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{any::Any, sync::Arc};

use catchment_core::{IntegrationId, Secret, Tenant, Tokens};
use catchment_store::{NewIntegration, NewJob, Options, Scope, Scoped, Store};
use catchment_testkit::backends::{self, PostgresDatabase};
use catchment_vault::{KeyRing, Vault};
use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

/// An empty store, and what it stands on.
pub(crate) struct Subject {
    pub(crate) store: Store,
    pub(crate) place: Place,
    keep: Box<dyn Any + Send + Sync>,
}

/// Where the database is.
pub(crate) enum Place {
    File(std::path::PathBuf),
    Server(PostgresDatabase),
}

pub(crate) const OLD: &str = "old:2eede98ef280ed8a6bd892a6bd4610fec0335f3abb9ce2ebe399357e67e81063";
pub(crate) const NEW: &str = "new:45a82557ea63b819df5153d08a6bde0fe2f84416188c79320a1dabaca1160edc,\
                       old:2eede98ef280ed8a6bd892a6bd4610fec0335f3abb9ce2ebe399357e67e81063";

pub(crate) fn vault(keys: &str) -> Vault {
    Vault::new(KeyRing::parse(&Secret::new(keys)).expect("keys"))
}

pub(crate) async fn sqlite() -> Subject {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("catchment.db");
    let store = Store::open(&file).await.expect("a database").with_vault(vault(OLD));
    Subject { store, place: Place::File(file), keep: Box::new(dir) }
}

pub(crate) async fn postgres() -> Subject {
    let database = tokio::task::spawn_blocking(|| backends::postgres().database()).await.expect("a database");
    let store = connect(&database.url).await.with_vault(vault(OLD));
    Subject { store, place: Place::Server(database), keep: Box::new(()) }
}

pub(crate) async fn connect(url: &str) -> Store {
    let options = Options { max_connections: 8, ..Options::default() };
    Store::connect(&Secret::new(url), options).await.expect("a database")
}

impl Subject {
    /// Another server on the same database.
    pub(crate) async fn again(&self) -> Store {
        match &self.place {
            Place::File(file) => Store::open(file).await.expect("the database again"),
            Place::Server(database) => connect(&database.url).await,
        }
        .with_vault(vault(OLD))
    }

    /// Runs a statement behind the store's back.
    pub(crate) async fn tamper(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.place {
            Place::File(file) => {
                let options = SqliteConnectOptions::new().filename(file);
                let mut connection = SqliteConnection::connect_with(&options).await.expect("opens");
                sqlx::raw_sql(sql).execute(&mut connection).await.expect("runs");
                connection.close().await.expect("closes");
            }
            Place::Server(database) => {
                let mut connection = PgConnection::connect(&database.admin_url).await.expect("opens");
                sqlx::raw_sql(sql).execute(&mut connection).await.expect("runs");
                connection.close().await.expect("closes");
            }
        }
    }

    pub(crate) fn ann(&self) -> Scoped {
        self.store.scoped(ann())
    }
}

pub(crate) fn ann() -> Tenant {
    Tenant::new("acme", "ann")
}

/// Those who must not see what is Ann's: a colleague, somebody of the same name elsewhere, and
/// the administrator of elsewhere.
pub(crate) fn strangers(store: &Store) -> [Scoped; 3] {
    [store.scoped(Tenant::new("acme", "bob")), store.scoped(Tenant::new("other", "ann")), store.scoped(admin("other"))]
}

pub(crate) fn admin(organization: &str) -> Scope {
    Scope { organization: organization.into(), user: None, actor: "root".into(), request_id: Some("r-1".into()) }
}

pub(crate) fn new(name: &str) -> NewIntegration {
    NewIntegration {
        vendor: "s3".into(),
        name: name.into(),
        description: None,
        settings: json!({ "bucket": name }),
        secrets: vec![
            ("secret_access_key".into(), "planted-secret-1".into()),
            ("key".into(), "planted-secret-2".into()),
        ],
    }
}

pub(crate) fn tokens(access: &str) -> Tokens {
    let issued = DateTime::from_timestamp_millis(1_800_000_000_123).expect("a time");
    Tokens {
        access: format!("planted-access-{access}").into(),
        issued,
        refresh: Some(format!("planted-refresh-{access}").into()),
        expires: Some(issued + TimeDelta::hours(1)),
        scopes: vec!["files.read".into(), "profile".into()],
    }
}

pub(crate) fn job(integration: Option<IntegrationId>, payload: Value) -> NewJob {
    NewJob { integration, kind: "import".into(), payload, not_before: None }
}

/// A new directory.
pub(crate) fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// A store as the contract of token stores tries it, and as another server has it.
pub(crate) async fn token_store(subject: Subject) -> catchment_testkit::tokens::Subject {
    let known = async |name| subject.ann().create(new(name)).await.expect("made").id;
    catchment_testkit::tokens::Subject {
        store: Arc::new(subject.store.clone()),
        other_handle: Arc::new(subject.again().await),
        integration: known("one").await,
        other: known("two").await,
        keep: Box::new(subject),
    }
}
