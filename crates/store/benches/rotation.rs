//! Rotation of the key over a hundred thousand credentials while somebody reads, on both
//! databases. Writes a line of JSON for each.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use catchment_core::{IntegrationId, Secret, Tenant, Tokens};
use catchment_store::{NewIntegration, Options, Scoped, Store};
use catchment_testkit::backends;
use catchment_vault::{KeyRing, Vault};
use chrono::Utc;
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use tokio::runtime::Runtime;

/// Each has three secrets and tokens.
const INTEGRATIONS: usize = 25_000;

/// As many at a time as `catchment keys rotate` asks for.
const BATCH: u32 = 500;

/// How long a reader rests.
const REST: Duration = Duration::from_millis(1);

const OLD: &str = "old:2eede98ef280ed8a6bd892a6bd4610fec0335f3abb9ce2ebe399357e67e81063";
const NEW: &str = "new:45a82557ea63b819df5153d08a6bde0fe2f84416188c79320a1dabaca1160edc";

fn vault(keys: &str) -> Vault {
    Vault::new(KeyRing::parse(&Secret::new(keys)).expect("keys"))
}

async fn connect(scoped: &Scoped, number: usize) -> catchment_core::Result<IntegrationId> {
    let secrets = ["client_id", "client_secret", "webhook_secret"];
    let new = NewIntegration {
        vendor: "google_drive".into(),
        name: format!("Reports {number}"),
        description: None,
        settings: json!({ "folder_path": number.to_string() }),
        secrets: secrets.map(|field| (field.into(), Secret::new(format!("{field} {number}")))).into(),
    };
    let tokens = Tokens {
        access: Secret::new("a".repeat(1_000)),
        issued: Utc::now(),
        refresh: Some(Secret::new("r".repeat(200))),
        expires: None,
        scopes: vec!["drive.readonly".into()],
    };
    Ok(scoped.create_connected(new, Some(tokens), None).await?.id)
}

/// Opens the secrets of one integration after the other until told to stop; gives how long each
/// took.
async fn read(scoped: &Scoped, ids: &[IntegrationId], stop: &AtomicBool) -> Vec<Duration> {
    let mut times = Vec::new();
    for id in ids.iter().cycle().step_by(7) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let began = Instant::now();
        assert_eq!(scoped.secrets(*id).await.expect("opened").len(), 3);
        assert!(scoped.tokens(*id).await.expect("opened").is_some());
        times.push(began.elapsed());
        tokio::time::sleep(REST).await;
    }
    times
}

async fn rotate(store: &Store) -> u64 {
    let mut resealed = 0;
    loop {
        let done = store.rotate(BATCH).await.expect("rotated");
        resealed += done.resealed;
        if done.resealed == 0 {
            assert_eq!((done.left, done.unreadable), (0, 0));
            return resealed;
        }
    }
}

async fn on(name: &str, store: Store) {
    let filled = store.clone().with_vault(vault(OLD)).scoped(Tenant::new("acme", "ann"));
    let made = stream::iter(0..INTEGRATIONS).map(|number| connect(&filled, number)).buffered(8);
    let ids: Vec<_> = made.try_collect().await.expect("made");

    let rotating = store.with_vault(vault(&format!("{NEW},{OLD}")));
    let reading = rotating.scoped(Tenant::new("acme", "ann"));
    let stop = AtomicBool::new(false);
    let began = Instant::now();
    let rotation = async {
        let resealed = rotate(&rotating).await;
        stop.store(true, Ordering::Relaxed);
        (resealed, began.elapsed())
    };
    let ((resealed, took), mut reads) = tokio::join!(rotation, read(&reading, &ids, &stop));
    reads.sort_unstable();
    let within = |percent: usize| reads[(reads.len() - 1) * percent / 100].as_secs_f64() * 1_000.0;
    let line = json!({
        "database": name, "credentials": resealed, "seconds": took.as_secs_f64(), "reads": reads.len(),
        "p50_ms": within(50), "p99_ms": within(99), "longest_ms": within(100),
    });
    show(&line);
    rotating.close().await;
}

#[expect(clippy::print_stdout, reason = "its output is what it is for")]
fn show(line: &serde_json::Value) {
    println!("{line}");
}

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("a directory");
    let sqlite = runtime.block_on(Store::open(dir.path().join("catchment.db"))).expect("a database");
    runtime.block_on(on("SQLite", sqlite));

    let url = Secret::new(backends::postgres().database().url);
    let postgres = runtime.block_on(Store::connect(&url, Options::default())).expect("a database");
    runtime.block_on(on("Postgres", postgres));
}
