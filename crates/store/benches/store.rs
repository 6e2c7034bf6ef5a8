//! What a server does all day, on both databases: listing, making, claiming, noting a page.

use std::{hint::black_box, time::Duration};

use catchment_core::{Entry, Fingerprint, Ledger, Secret, Tenant};
use catchment_store::{JobEnd, List, NewIntegration, NewJob, Options, Store};
use catchment_testkit::backends;
use catchment_vault::{KeyRing, Vault};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const KEYS: &str = "8c5b1a6f3d2e4978a0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f50617";

fn new(number: usize) -> NewIntegration {
    NewIntegration {
        vendor: "s3".into(),
        name: format!("Reports {number}"),
        description: None,
        settings: json!({ "bucket_name": "reports", "prefix": number.to_string(), "region": "us-east-1" }),
        secrets: vec![("access_key_id".into(), "AKIA".into()), ("secret_access_key".into(), "secret".into())],
    }
}

/// One page of a listing in the order of its ids, as a bucket gives it.
fn page() -> Vec<Entry> {
    let files = (0..1_000).map(|file| {
        let path = format!("reports/annual report {file:08}.pdf");
        let mut entry = Entry::file(path.clone(), path);
        entry.fingerprint = Some(Fingerprint::new(format!("d41d8cd98f00b204e9800998ecf8{file:04}")));
        entry
    });
    files.collect()
}

fn on(criterion: &mut Criterion, runtime: &Runtime, name: &str, store: &Store) {
    let scoped = store.scoped(Tenant::new("acme", "ann"));
    let fifty: Vec<_> = (0..50).map(|number| runtime.block_on(scoped.create(new(number))).expect("made").id).collect();
    let mut group = criterion.benchmark_group(name);
    group.sample_size(50);
    group.bench_function("list 50 integrations", |bencher| {
        bencher.iter(|| black_box(runtime.block_on(scoped.integrations(&List::default())).expect("listed")));
    });
    let other = store.scoped(Tenant::new("acme", "bob"));
    group.bench_function("make an integration with two secrets", |bencher| {
        bencher.iter(|| runtime.block_on(other.create(new(0))).expect("made"));
    });
    let job = || NewJob { integration: None, kind: "import".into(), payload: json!({}), not_before: None };
    for _ in 0..1_000 {
        runtime.block_on(other.submit(job())).expect("submitted");
    }
    group.bench_function("claim one of 1,000 jobs, end it, submit another", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let claim = store.claim("w", Duration::from_secs(60)).await.expect("asked").expect("a job");
                store.finish_job(&claim, JobEnd::Succeeded(Value::Null)).await.expect("ended");
                other.submit(job()).await.expect("submitted");
            });
        });
    });
    let page = page();
    group.bench_function("note a page of 1,000 entries", |bencher| {
        let run = runtime.block_on(scoped.begin(fifty[0], &[])).expect("begun");
        bencher.iter(|| black_box(runtime.block_on(scoped.seen(&run, &page)).expect("seen")));
    });
    group.finish();
}

fn store(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let vault = Vault::new(KeyRing::parse(&Secret::new(KEYS)).expect("a key"));
    let dir = tempfile::tempdir().expect("a directory");
    let sqlite = runtime.block_on(Store::open(dir.path().join("catchment.db"))).expect("a database");
    on(criterion, &runtime, "sqlite", &sqlite.with_vault(vault.clone()));

    let url = Secret::new(backends::postgres().database().url);
    let postgres = runtime.block_on(Store::connect(&url, Options::default())).expect("a database");
    on(criterion, &runtime, "postgres", &postgres.with_vault(vault));
}

criterion_group!(benches, store);
criterion_main!(benches);
