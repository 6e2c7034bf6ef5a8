//! What holds on Postgres alone: reaching it, losing it, and the roles it lets in.

#[path = "support/gate.rs"]
mod gate;
mod support;

use std::time::Duration;

use catchment_core::{ErrorKind, Secret};
use catchment_store::{List, Options, Store};
use catchment_testkit::backends::{self, PostgresDatabase, PostgresServer};
use gate::{Gate, State};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use support::{ann, new};

async fn database() -> (PostgresServer, PostgresDatabase) {
    let made = tokio::task::spawn_blocking(|| {
        let server = backends::postgres();
        let database = server.database();
        (server, database)
    });
    made.await.expect("a database")
}

/// Impatient ones.
fn options() -> Options {
    Options {
        max_connections: 2,
        acquire_timeout: Duration::from_millis(500),
        statement_timeout: Duration::from_millis(500),
        lock_timeout: Duration::from_millis(200),
        start_timeout: Duration::from_secs(20),
        ..Options::default()
    }
}

async fn connect(url: &str) -> catchment_core::Result<Store> {
    Store::connect(&Secret::new(url), options()).await
}

async fn admin(database: &PostgresDatabase, sql: &str) {
    let mut connection = PgConnection::connect(&database.admin_url).await.expect("connects");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect("runs");
}

#[tokio::test]
async fn many_may_connect_to_an_empty_database_at_once() {
    let (_, database) = database().await;
    let connecting: Vec<_> = (0..6)
        .map(|_| {
            let url = Secret::new(&database.url);
            tokio::spawn(async move { Store::connect(&url, Options::default()).await })
        })
        .collect();
    for store in connecting {
        let store = store.await.expect("no panic").expect("everyone gets in");
        store.scoped(ann()).find_or_create("s3", "one", &serde_json::json!({})).await.expect("stored");
        assert!(store.is_shared() && store.file().is_none());
    }
}

#[tokio::test]
async fn a_role_that_may_bypass_row_level_security_is_refused_with_the_sql_for_a_better_one() {
    let (server, database) = database().await;
    let refused = connect(&database.admin_url).await.expect_err("a superuser");
    assert_eq!(refused.kind(), ErrorKind::Config);
    let sql = refused.get("sql").expect("says how").replace(" catchment", &format!(" {}_role", database.name));
    let name = format!("{}_role", database.name);
    admin(&database, &sql).await;
    let url = format!("postgres://{name}:...@{}/{}", server.address, database.name);
    connect(&url).await.expect("the role it proposed is let in").close().await;

    admin(&database, &format!("ALTER ROLE {name} BYPASSRLS")).await;
    assert_eq!(connect(&url).await.expect_err("may bypass").kind(), ErrorKind::Config);
}

#[tokio::test]
async fn a_table_without_row_level_security_is_refused_with_the_sql_to_switch_it_on() {
    let (_, database) = database().await;
    connect(&database.url).await.expect("a store").close().await;
    for off in ["DISABLE", "NO FORCE"] {
        admin(&database, &format!("ALTER TABLE runs {off} ROW LEVEL SECURITY")).await;
        let refused = connect(&database.url).await.expect_err("unguarded");
        assert_eq!(refused.kind(), ErrorKind::Config);
        admin(&database, refused.get("sql").expect("says how")).await;
        connect(&database.url).await.expect("guarded again").close().await;
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let (server, database) = database().await;
    let place = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = place.local_addr().expect("an address");
    drop(place);
    let url = database.url.replace(&server.address.to_string(), &address.to_string());
    let hasty = Options { start_timeout: Duration::from_millis(300), ..options() };
    let gone = Store::connect(&Secret::new(&url), hasty).await.expect_err("nobody listens");
    assert_eq!(gone.kind(), ErrorKind::Unavailable);
    assert!(gone.get("database").is_some_and(|name| name.contains(&address.to_string())), "{gone}");

    let waiting = tokio::spawn(async move { connect(&url).await });
    // It has met a closed door at least once when the timer is back.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let listener = tokio::net::TcpListener::bind(address).await.expect("the port");
    let _gate = Gate::on(listener, server.address);
    waiting.await.expect("no panic").expect("connected").ready().await.expect("ready");
}

#[tokio::test]
async fn a_wrong_url_is_refused_at_once_and_quotes_no_password() {
    let (_, database) = database().await;
    let elsewhere = database.url.replace("its%20own@", "hunter2@");
    let nowhere = format!("{}_not_there", database.url);
    let nonsense = "postgres://catchment:hunter2@[::1/catchment";
    for url in [elsewhere.as_str(), nowhere.as_str(), nonsense, "mysql://x:hunter2@y/z", "hunter2"] {
        let error = connect(url).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_or_of_another_program_is_refused() {
    let (_, database) = database().await;
    admin(&database, "CREATE TABLE jobs (id BIGINT)").await;
    let refused = connect(&database.url).await.expect_err("another program's");
    assert!(refused.kind() == ErrorKind::Config && refused.message().contains("another program"), "{refused}");
    admin(&database, "DROP TABLE jobs").await;
    connect(&database.url).await.expect("a store").close().await;
    admin(&database, "INSERT INTO store_migrations VALUES (99, 'later', now(), true, '', 0)").await;
    let refused = connect(&database.url).await.expect_err("a newer one");
    assert_eq!((refused.kind(), refused.get("schema")), (ErrorKind::Config, Some("99")));
}

/// A store behind a gate, with an integration.
async fn gated() -> (Store, Gate, PostgresDatabase) {
    let (server, database) = database().await;
    let gate = Gate::to(server.address).await;
    let store = connect(&gate.url(&database.url, server.address))
        .await
        .expect("a store")
        .with_vault(support::vault(support::OLD));
    store.scoped(ann()).create(new("Reports")).await.expect("made");
    (store, gate, database)
}

#[tokio::test]
async fn a_connection_that_was_lost_is_made_again_without_a_word() {
    let (store, gate, database) = gated().await;
    let scoped = store.scoped(ann());
    for _ in 0..3 {
        assert_eq!(scoped.integrations(&List::default()).await.expect("listed").len(), 1);
        admin(
            &database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
        assert_eq!(scoped.integrations(&List::default()).await.expect("listed").len(), 1);
        gate.set(State::Shut);
        gate.set(State::Open);
        scoped.find_or_create("s3", "one", &serde_json::json!({ "bucket": "Reports" })).await.expect("found");
    }
}

#[tokio::test]
async fn a_database_that_is_gone_is_reported_and_found_again() {
    let (store, gate, _) = gated().await;
    let scoped = store.scoped(ann());
    gate.set(State::Shut);
    for _ in 0..2 {
        assert_eq!(scoped.integrations(&List::default()).await.expect_err("gone").kind(), ErrorKind::Unavailable);
        assert_eq!(scoped.create(new("x")).await.expect_err("gone").kind(), ErrorKind::Unavailable);
        assert_eq!(store.ready().await.expect_err("gone").kind(), ErrorKind::Unavailable);
    }
    gate.set(State::Open);
    store.ready().await.expect("ready again");
    assert_eq!(scoped.integrations(&List::default()).await.expect("listed").len(), 1, "nothing came twice");
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_not_waited_for_for_ever() {
    let (store, gate, _) = gated().await;
    let scoped = store.scoped(ann());
    gate.set(State::Stalled);
    let calls = async {
        assert_eq!(store.ready().await.expect_err("silent").kind(), ErrorKind::Unavailable);
        assert_eq!(scoped.integrations(&List::default()).await.expect_err("silent").kind(), ErrorKind::Unavailable);
        assert_eq!(scoped.create(new("x")).await.expect_err("silent").kind(), ErrorKind::Unavailable);
    };
    tokio::time::timeout(Duration::from_secs(20), calls).await.expect("every call ends");
    gate.set(State::Open);
    tokio::time::timeout(Duration::from_secs(20), async { while store.ready().await.is_err() {} }).await.expect("back");
    assert_eq!(scoped.integrations(&List::default()).await.expect("listed").len(), 1);
}

#[tokio::test]
async fn what_waits_too_long_for_a_lock_or_a_connection_says_so() {
    let (_, database) = database().await;
    let store = connect(&database.url).await.expect("a store");
    let scoped = store.scoped(ann());
    let id = scoped.find_or_create("s3", "one", &serde_json::json!({})).await.expect("made").id;
    let mut other = PgConnection::connect(&database.admin_url).await.expect("connects");
    let mut tx = other.begin().await.expect("begun");
    sqlx::query("SELECT * FROM integrations FOR UPDATE").execute(&mut *tx).await.expect("locked");
    let blocked = scoped.succeeded(id, catchment_store::Success::Used).await.expect_err("locked");
    assert_eq!(blocked.kind(), ErrorKind::Unavailable);
    assert!(blocked.message().contains("took too long"), "{blocked}");
    // Reads do not wait for those who write, and a crowd waits for its turn or is told.
    let crowd: Vec<_> = (0..12)
        .map(|_| {
            let scoped = scoped.clone();
            tokio::spawn(async move { scoped.succeeded(id, catchment_store::Success::Used).await })
        })
        .collect();
    for one in crowd {
        assert_eq!(one.await.expect("no panic").expect_err("locked").kind(), ErrorKind::Unavailable);
    }
    assert_eq!(scoped.integrations(&List::default()).await.expect("listed").len(), 1);
    tx.rollback().await.expect("let go");
    scoped.succeeded(id, catchment_store::Success::Used).await.expect("free");
}
