//! The ledger under a million entries: pages seen for the first time, seen again, and results.

use std::hint::black_box;

use catchment_core::{Entry, EntryResult, Fingerprint, IntegrationId, Ledger, Run, Tenant};
use catchment_store::{Scoped, Store};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;

const PAGE: usize = 1_000;
const PAGES: usize = 1_000;

/// One page of a listing in the order of its ids, as a bucket gives it.
fn page(number: usize) -> Vec<Entry> {
    (number * PAGE..(number + 1) * PAGE)
        .map(|file| {
            let path = format!("reports/{:04}/annual report {file:08}.pdf", file / 5_000);
            let mut entry = Entry::file(path.clone(), path);
            entry.fingerprint = Some(Fingerprint::new(format!("d41d8cd98f00b204e9800998ecf8{file:04}")));
            entry
        })
        .collect()
}

async fn store(dir: &std::path::Path) -> (Scoped, IntegrationId) {
    let store = Store::open(dir.join("catchment.db")).await.expect("a database").scoped(Tenant::local());
    let integration = store.find_or_create("s3", "bench", &serde_json::json!({})).await;
    (store, integration.expect("an integration").id)
}

fn ledger(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("a directory");
    let (store, integration) = runtime.block_on(store(dir.path()));
    let begin = || runtime.block_on(store.begin(integration, &[])).expect("a run");
    let see = |run: &Run, number: usize| {
        let page = page(number % PAGES);
        black_box(runtime.block_on(store.seen(run, &page)).expect("seen"));
    };

    let mut group = criterion.benchmark_group("ledger");
    group.sample_size(20).throughput(Throughput::Elements(PAGE as u64));
    let (run, mut number) = (begin(), 0);
    group.bench_function("a page seen for the first time", |bencher| {
        bencher.iter(|| {
            see(&run, number);
            number += 1;
        });
    });
    // What is left of the million.
    for number in number.min(PAGES)..PAGES {
        see(&run, number);
    }
    let (run, mut number) = (begin(), 0);
    group.bench_function("a page seen again, of a million entries", |bencher| {
        bencher.iter(|| {
            see(&run, number * 7);
            number += 1;
        });
    });
    let result = EntryResult::Ingested { content_hash: "e3b0c442".repeat(8), chunks: 3, portfolio: None };
    let results: Vec<_> = page(0).into_iter().map(|entry| (entry, result.clone())).collect();
    for batch in [1, 100] {
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(format!("results, {batch} at once"), |bencher| {
            bencher.iter(|| runtime.block_on(store.record(&run, &results[..batch])).expect("recorded"));
        });
    }
    group.finish();
}

criterion_group!(benches, ledger);
criterion_main!(benches);
