//! What happens when the process, the disk or the file fails.
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use catchment_core::{
    Actor, Block, Document, DocumentKey, Embedder, ErrorKind, Ingestor, IntegrationId, Readers, Result, Retry, Role,
    Tenant, Text, TextPage,
};
use catchment_index::{Backend, Filter, Index, IndexOptions, Query, SqliteBackend};
use sqlx::{
    AssertSqlSafe, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

const CHILD: &str = "CATCHMENT_INDEX_CRASH_CHILD";

#[derive(Debug)]
struct Ones;

#[catchment_core::async_trait]
impl Embedder for Ones {
    fn id(&self) -> &str {
        "ones"
    }

    fn dimensions(&self) -> usize {
        8
    }

    async fn embed(&self, texts: &[String], _: Role) -> Result<Vec<Vec<f32>>> {
        Ok(texts.iter().map(|text| vec![text.len() as f32; 8]).collect())
    }
}

fn document(entry: usize, version: usize) -> Document {
    let pages = (1..=4)
        .map(|number| TextPage {
            number,
            label: None,
            blocks: vec![Block::paragraph(format!("heron page{number} version{version} {}", "and more ".repeat(40)))],
        })
        .collect();
    Document {
        key: DocumentKey { integration: IntegrationId(1), entry: format!("{entry:04}").into() },
        tenant: Tenant::local(),
        portfolio: None,
        vendor: "folder".into(),
        name: format!("{entry}.txt"),
        path: format!("{entry}.txt"),
        mime: "text/plain".into(),
        web_url: None,
        modified: None,
        content_hash: format!("{version}"),
        readers: Readers::Unknown,
        text: Text { pages, ..Text::default() },
    }
}

async fn open(path: &Path) -> Index {
    let backend = SqliteBackend::open(path).await.unwrap();
    Index::open(Arc::new(backend), IndexOptions { embedder: Some(Arc::new(Ones)), ..IndexOptions::default() })
        .await
        .unwrap()
}

async fn everything(index: &Index) -> Vec<(String, String, u32)> {
    let held = index.audit(IntegrationId(1), None, 10_000).await.unwrap();
    held.into_iter().map(|held| (held.entry.to_string(), held.content_hash, held.chunks)).collect()
}

async fn sql(path: &Path, statement: &str) {
    catchment_index::sqlite::register_vectors().unwrap();
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The child of the test below: upserts without end, and says when it begins and when it was
/// acknowledged. Run as a test of its own it has nothing to do.
#[tokio::test]
async fn the_child_upserts_until_it_is_killed() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let index = open(Path::new(&path)).await;
    for round in 0.. {
        for entry in 0..5 {
            println!("\nBEGIN {entry} {round}");
            index.upsert(document(entry, round)).await.unwrap();
            println!("\nACK {entry} {round}");
        }
    }
}

/// Kills a child a little later in its upsert each time.
#[tokio::test]
async fn a_killed_process_loses_nothing_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catchment.db");
    for kill in 0..32_u32 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_child_upserts_until_it_is_killed", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut acknowledged = std::collections::BTreeMap::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(std::result::Result::ok);
        // The second round, so that there is something to replace.
        let begin = format!("BEGIN {} 1", kill % 5);
        loop {
            let line = lines.next().expect("the child goes on until it is killed");
            if let Some((entry, round)) = line.strip_prefix("ACK ").and_then(|rest| rest.split_once(' ')) {
                acknowledged.insert(format!("{:04}", entry.parse::<usize>().unwrap()), round.parse::<usize>().unwrap());
            }
            if line == begin {
                break;
            }
        }
        let start = std::time::Instant::now();
        while start.elapsed() < std::time::Duration::from_micros(500) * kill {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said between the last line that was read and its end counts as well.
        for line in lines {
            let parts = line.strip_prefix("ACK ").and_then(|rest| rest.split_once(' '));
            // The very last may be cut off.
            if let Some((Ok(entry), Ok(round))) =
                parts.map(|(entry, round)| (entry.parse::<usize>(), round.parse::<usize>()))
            {
                acknowledged.insert(format!("{entry:04}"), round);
            }
        }
        assert!(!acknowledged.is_empty());

        let index = open(&path).await;
        index.integrity().await.unwrap();
        let held = everything(&index).await;
        for (entry, round) in &acknowledged {
            let (_, hash, chunks) = held.iter().find(|(held, ..)| held == entry).expect("an acknowledged document");
            assert_eq!(*chunks, 4, "{entry} is whole");
            assert!(hash.parse::<usize>().unwrap() >= *round, "{entry} is not older than acknowledged");
        }
        assert!(held.iter().all(|(_, _, chunks)| *chunks == 4), "{held:?}");
        assert_eq!(index.stats().await.unwrap().chunks, held.len() as u64 * 4);
        // A search finds exactly what the audit says is there.
        let query = Query::new("heron", Filter::owner(&Tenant::local())).limit(1_000).per_document(None);
        let hits = index.search(&query).await.unwrap();
        assert_eq!(hits.len(), held.len() * 4);
        for hit in hits {
            let (_, hash, _) = held.iter().find(|(entry, ..)| *entry == hit.document.entry.as_str()).unwrap();
            assert!(hit.text.contains(&format!("version{hash} ")), "all chunks are of one version");
        }
        for (entry, ..) in held {
            index.remove(&[DocumentKey { integration: IntegrationId(1), entry: entry.into() }]).await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_audit_finds_each_kind_of_damage_and_an_upsert_repairs_it() {
    let first = 1_i64 << 20;
    for (what, statement) in [
        ("a chunk is missing", format!("DELETE FROM index_chunk WHERE id = {first}")),
        (
            "a chunk is too many",
            format!(
                "INSERT INTO index_chunk SELECT {first} + 9, page, '', headings, text FROM index_chunk WHERE id = {first}"
            ),
        ),
        ("its terms are missing", format!("DELETE FROM index_text WHERE rowid = {first} + 1")),
        ("its small vector is missing", format!("DELETE FROM index_near_1 WHERE rowid = {first} + 2")),
        ("its full vector is missing", format!("DELETE FROM index_vector_1 WHERE id = {first} + 3")),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catchment.db");
        let index = open(&path).await;
        index.upsert(document(0, 0)).await.unwrap();
        index.upsert(document(1, 0)).await.unwrap();
        sql(&path, &statement).await;
        let held = everything(&index).await;
        assert_eq!((held[0].2, held[1].2), (0, 4), "{what}");
        let query = Query::new("heron", Filter::owner(&Tenant::local()));
        assert!(!index.search(&query).await.unwrap().is_empty(), "{what}: what is whole is still found");
        index.upsert(document(0, 1)).await.unwrap();
        assert_eq!(everything(&index).await[0].2, 4, "{what}");
        index.integrity().await.unwrap();
        index.remove(&[document(0, 0).key, document(1, 0).key]).await.unwrap();
        assert_eq!(index.stats().await.unwrap().chunks, 0, "{what}");
    }
}

#[tokio::test]
async fn integrity_finds_what_the_audit_cannot() {
    for statement in [
        "UPDATE index_text_data SET block = zeroblob(length(block)) WHERE id > 10",
        "INSERT INTO index_chunk VALUES (99 << 20, 1, NULL, '[]', 'an orphan')",
        "UPDATE index_count SET count = 7 WHERE what = 'chunks'",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catchment.db");
        let index = open(&path).await;
        index.upsert(document(0, 0)).await.unwrap();
        index.integrity().await.unwrap();
        sql(&path, statement).await;
        let error = index.integrity().await.unwrap_err();
        assert!(error.message().contains("damaged"), "{statement}: {error}");
        assert_eq!(error.retry(), Retry::Never);
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catchment.db");
    std::fs::write(&path, "This is no database. ".repeat(400)).unwrap();
    let error = SqliteBackend::open(&path).await.unwrap_err();
    assert!(error.message().contains("restore its file from a backup"), "{error}");
    let error = SqliteBackend::open(folder.path().join("no/such/folder.db")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap().len(), 21 * 400, "it is left as it was");
}

#[tokio::test]
async fn a_full_disk_is_said_and_leaves_the_index_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catchment.db");
    catchment_index::sqlite::register_vectors().unwrap();
    // SQLite treats its own limit on pages as it treats the end of the disk.
    let options = SqliteBackend::options(&path).pragma("max_page_count", "150");
    let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await.unwrap();
    let reader = SqlitePoolOptions::new().connect_with(options).await.unwrap();
    let backend = SqliteBackend::with_pools(writer, reader).await.unwrap();
    let index = Index::open(Arc::new(backend), IndexOptions::default()).await.unwrap();
    let mut done = 0;
    let error = loop {
        match index.upsert(document(done, 0)).await {
            Ok(_) => done += 1,
            Err(error) => break error,
        }
    };
    assert!(done > 0);
    assert_eq!((error.kind(), error.kind().actor()), (ErrorKind::Unavailable, Actor::Time));
    assert!(error.message().contains("the disk is full: free space"), "{error}");
    index.integrity().await.unwrap();
    assert_eq!(everything(&index).await.len(), done);
    // Space was freed.
    let index = open(&path).await;
    index.upsert(document(done, 0)).await.unwrap();
    assert!(everything(&index).await.iter().all(|(_, _, chunks)| *chunks == 4));
}

#[tokio::test]
async fn a_locked_database_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catchment.db");
    let options = SqliteBackend::options(&path).busy_timeout(std::time::Duration::from_millis(20));
    catchment_index::sqlite::register_vectors().unwrap();
    let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await.unwrap();
    let reader = SqlitePoolOptions::new().connect_with(options.clone()).await.unwrap();
    let backend = SqliteBackend::with_pools(writer, reader).await.unwrap();
    let index = Index::open(Arc::new(backend), IndexOptions::default()).await.unwrap();
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let error = index.upsert(document(0, 0)).await.unwrap_err();
    assert!(error.message().contains("locked by another process"), "{error}");
    assert_eq!(error.retry(), Retry::Backoff);
    lock.rollback().await.unwrap();
    index.upsert(document(0, 0)).await.unwrap();
}

#[tokio::test]
async fn an_index_of_a_later_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catchment.db");
    SqliteBackend::open(&path).await.unwrap().close().await;
    sql(&path, "UPDATE index_migrations SET version = 99").await;
    let error = SqliteBackend::open(&path).await.unwrap_err();
    assert!(error.message().contains("another version of this program"), "{error}");
}

#[tokio::test]
async fn processes_that_start_at_once_make_one_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catchment.db");
    let opened = futures::future::join_all((0..6).map(|_| SqliteBackend::open(&path))).await;
    for backend in opened {
        backend.unwrap().stats().await.unwrap();
    }
}

#[tokio::test]
async fn the_file_may_hold_the_tables_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catchment.db");
    drop(
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&path).create_if_missing(true))
            .await
            .unwrap(),
    );
    sql(&path, "CREATE TABLE ledger (a); CREATE TABLE _sqlx_migrations (a)").await;
    let index = open(&path).await;
    index.upsert(document(0, 0)).await.unwrap();
    index.integrity().await.unwrap();
}
