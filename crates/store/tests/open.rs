//! Opening the database: who may read it, and what is refused in which words.

use std::{fs, path::Path};

use catchment_core::{Error, ErrorKind, IntegrationId, Ledger, Tenant};
use catchment_store::{List, Scoped, Store};
use serde_json::json;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn local(store: &Store) -> Scoped {
    store.scoped(Tenant::local())
}

async fn refused(file: &Path) -> Error {
    let error = Store::open(file).await.expect_err("must be refused");
    assert_eq!(error.get("file"), Some(file.display().to_string().as_str()), "the file is named");
    error
}

/// Runs statements on the file behind the store's back.
async fn tamper(file: &Path, sql: &'static str) {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("opens");
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("runs");
    connection.close().await.expect("closes");
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_database_is_readable_by_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;

    let dir = directory();
    let home = dir.path().join("new/home");
    let store = Store::open(home.join("catchment.db")).await.expect("a database");
    local(&store).find_or_create("s3", "one", &json!({})).await.expect("written");
    assert_eq!(mode(&home), 0o700);
    for file in ["catchment.db", "catchment.db-wal", "catchment.db-shm"] {
        assert_eq!(mode(&home.join(file)), 0o600, "{file}");
    }
}

#[tokio::test]
async fn what_was_stored_is_there_when_it_is_opened_again() {
    let dir = directory();
    let file = dir.path().join("catchment.db");
    let store = Store::open(&file).await.expect("a database");
    let stored = local(&store).find_or_create("s3", "one", &json!({})).await.expect("stored");
    store.close().await;
    let store = Store::open(&file).await.expect("the database again");
    assert_eq!(local(&store).integrations(&List::default()).await.expect("listed"), [stored]);
}

#[tokio::test]
async fn many_may_open_a_new_database_at_once() {
    let dir = directory();
    let file = dir.path().join("catchment.db");
    let opening: Vec<_> = (0..8).map(|_| tokio::spawn(Store::open(file.clone()))).collect();
    for store in opening {
        let store = store.await.expect("no panic").expect("a database");
        local(&store).find_or_create("s3", "one", &json!({})).await.expect("stored");
    }
    let store = Store::open(&file).await.expect("a database");
    assert_eq!(local(&store).integrations(&List::default()).await.expect("listed").len(), 1);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let dir = directory();
    for (name, content) in [("short", "notes".to_owned()), ("long", "notes\n".repeat(10_000))] {
        let file = dir.path().join(name);
        fs::write(&file, &content).expect("written");
        let error = refused(&file).await;
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains("not a database"), "{error}");
        assert_eq!(fs::read_to_string(&file).expect("still there"), content);
    }
}

#[tokio::test]
async fn a_damaged_database_is_refused() {
    let dir = directory();
    let file = dir.path().join("catchment.db");
    Store::open(&file).await.expect("a database").close().await;
    let mut bytes = fs::read(&file).expect("read");
    bytes[100..4_096].fill(0x5a);
    fs::write(&file, bytes).expect("written");
    let error = refused(&file).await;
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("damaged"), "{error}");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let dir = directory();
    let file = dir.path().join("catchment.db");
    Store::open(&file).await.expect("a database").close().await;
    tamper(&file, "INSERT INTO store_migrations VALUES (99, 'later', 0, true, x'00', 0)").await;
    let error = refused(&file).await;
    assert_eq!((error.kind(), error.get("schema")), (ErrorKind::Config, Some("99")));
    assert!(error.message().contains("newer version"), "{error}");
}

#[tokio::test]
async fn another_programs_database_is_refused_and_the_index_is_no_other_program() {
    let dir = directory();
    let file = dir.path().join("places.sqlite");
    tamper(&file, "CREATE TABLE bookmarks (url TEXT)").await;
    assert!(refused(&file).await.message().contains("another program"));

    let file = dir.path().join("catchment.db");
    tamper(&file, "CREATE TABLE index_documents (id INTEGER)").await;
    Store::open(&file).await.expect("opened beside the index");
}

#[tokio::test]
async fn a_path_that_cannot_be_a_file_is_refused() {
    let dir = directory();
    assert_eq!(refused(dir.path()).await.kind(), ErrorKind::Config);
    fs::write(dir.path().join("file"), "").expect("written");
    assert_eq!(refused(&dir.path().join("file/catchment.db")).await.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn a_run_of_an_integration_that_is_not_there_says_so() {
    let dir = directory();
    let store = Store::open(dir.path().join("catchment.db")).await.expect("a database");
    let error = local(&store).begin(IntegrationId(7), &[]).await.expect_err("no such integration");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("no such integration"), "{error}");
}

#[tokio::test]
async fn a_database_that_another_program_keeps_busy_is_waited_for() {
    let dir = directory();
    let file = dir.path().join("catchment.db");
    let store = Store::open(&file).await.expect("a database");
    let mut other = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&file)).await.expect("opens");
    let tx = other.begin_with("BEGIN IMMEDIATE").await.expect("holds the right to write");
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { local(&store).find_or_create("s3", "one", &json!({})).await }
    });
    // Readers do not wait for writers.
    assert!(local(&store).integrations(&List::default()).await.expect("listed").is_empty());
    assert!(!waiting.is_finished());
    tx.commit().await.expect("lets go");
    waiting.await.expect("no panic").expect("stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_file_can_be_opened_many_times_at_once() {
    for _ in 0..8 {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("catchment.db");
        let opens = (0..12).map(|_| tokio::spawn(Store::open(file.clone())));
        for open in opens.collect::<Vec<_>>() {
            open.await.expect("no panic").expect("everyone gets in");
        }
    }
}
