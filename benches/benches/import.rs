//! Imports without a vendor, a parser or an index: what the engine and the ledger cost themselves.

use std::{path::Path, sync::Arc, time::Duration};

use catchment_benches::source::{Bucket, Nowhere};
use catchment_core::{
    Document, DocumentKey, EntryId, Held, Ingested, Ingestor, IntegrationId, Ledger, Result, Tenant, async_trait,
};
use catchment_engine::{Engine, Event, Import, Options, Source, Summary};
use catchment_store::Store;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures::TryStreamExt;
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::runtime::Runtime;

/// An index in the same file as the ledger: two that write in turn.
struct Beside(SqlitePool);

impl Beside {
    async fn new(file: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(60));
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.expect("opens");
        let table = "CREATE VIRTUAL TABLE index_text USING fts5 (entry UNINDEXED, text)";
        sqlx::query(table).execute(&pool).await.expect("a table");
        Self(pool)
    }
}

#[async_trait]
impl Ingestor for Beside {
    async fn upsert(&self, document: Document) -> Result<Ingested> {
        let mut tx = self.0.begin_with("BEGIN IMMEDIATE").await.expect("may write");
        for chunk in 0..4 {
            sqlx::query("INSERT INTO index_text (entry, text) VALUES (?1, ?2)")
                .bind(format!("{}#{chunk}", document.key.entry))
                .bind("the dam opens in May and closes when the river is low ".repeat(20))
                .execute(&mut *tx)
                .await
                .expect("inserted");
        }
        tx.commit().await.expect("committed");
        Ok(Ingested { chunks: 4 })
    }

    async fn remove(&self, _: &[DocumentKey]) -> Result<()> {
        Ok(())
    }

    async fn audit(&self, _: IntegrationId, _: Option<&EntryId>, _: u32) -> Result<Vec<Held>> {
        Ok(Vec::new())
    }
}

/// With an index in a database of this name, or none.
async fn new(dir: &Path, index: Option<&str>) -> (Engine, Source) {
    let tenant = Tenant::local();
    let store = Store::open(dir.join("catchment.db")).await.expect("a database").scoped(&tenant);
    let found = store.find_or_create("s3", "bench", &serde_json::json!({})).await.expect("an integration");
    let ledger: Arc<dyn Ledger> = Arc::new(store);
    let ingestor: Arc<dyn Ingestor> = match index {
        Some(name) => Arc::new(Beside::new(&dir.join(name)).await),
        None => Arc::new(Nowhere),
    };
    let engine = Engine::new(ledger, ingestor, Nowhere, Options::default());
    (engine, Source { integration: found.id, tenant, vendor: "s3".into() })
}

async fn import(engine: &Engine, source: &Source, files: usize) -> Summary {
    let mut events = engine.import(Import::new(Arc::new(Bucket { entries: files, changes: 0 }), source.clone()));
    while let Some(event) = events.try_next().await.expect("no error") {
        if let Event::Done(summary) = event {
            assert_eq!(summary.files(), files as u64);
            return summary;
        }
    }
    unreachable!("an import ends with its summary")
}

fn imports(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("import");
    group.sample_size(10);

    let files = 2_000;
    group.throughput(Throughput::Elements(files as u64));
    let indexes =
        [("no index", None), ("another database", Some("index.db")), ("the same database", Some("catchment.db"))];
    for (name, index) in indexes {
        group.bench_function(format!("new files, {name}"), |bencher| {
            bencher.iter_batched_ref(
                || tempfile::tempdir().expect("a directory"),
                |dir| {
                    runtime.block_on(async {
                        let (engine, source) = new(dir.path(), index).await;
                        assert_eq!(import(&engine, &source, files).await.ingested, files as u64);
                    });
                },
                BatchSize::PerIteration,
            );
        });
    }

    let files = 100_000;
    group.throughput(Throughput::Elements(files as u64));
    let dir = tempfile::tempdir().expect("a directory");
    let (engine, source) = runtime.block_on(new(dir.path(), None));
    runtime.block_on(import(&engine, &source, files));
    group.bench_function("files that have not changed", |bencher| {
        bencher.iter(|| {
            let summary = runtime.block_on(import(&engine, &source, files));
            assert_eq!(summary.unchanged, files as u64);
        });
    });
    group.finish();
}

criterion_group!(benches, imports);
criterion_main!(benches);
