//! What a document costs: in this process, through the pool, and with a fresh worker.

#[path = "../tests/support/mod.rs"]
mod support;

use catchment_documents::{Input, Limits, Parser, parse_bytes};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures::{StreamExt as _, stream};

const WORKER: &str = env!("CARGO_BIN_EXE_catchment-parse-worker");
const NOTE: &str = "# Rain\n\nRain falls on the hills. It runs down to the river.\n\n- first\n- second\n";

fn documents(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let lines = ["Rain falls on the hills and runs down to the river, as it always did."; 40];
    let page = bytes::Bytes::from(support::page(&lines));
    let limits = Limits::default();

    let mut group = criterion.benchmark_group("documents");
    group.throughput(Throughput::Elements(1));
    group.bench_function("note, this thread", |bench| bench.iter(|| parse_bytes("a.md", NOTE.as_bytes(), &limits)));
    group.bench_function("PDF page, this thread", |bench| bench.iter(|| parse_bytes("a.pdf", &page, &limits)));

    let parser = Parser::builder().worker(WORKER).build().expect("a worker program is named");
    for (name, file, bytes) in [("note", "a.md", NOTE.into()), ("PDF page", "a.pdf", page)] {
        group.bench_function(format!("{name}, one after the other through a worker"), |bench| {
            bench
                .to_async(&runtime)
                .iter(|| async { parser.parse(Input::bytes(file, bytes.clone())).await.expect("text") });
        });
        group.throughput(Throughput::Elements(200));
        group.bench_function(format!("200 x {name}, through the pool"), |bench| {
            bench.to_async(&runtime).iter(|| async {
                let parses = (0..200).map(|_| parser.parse(Input::bytes(file, bytes.clone())));
                stream::iter(parses).buffer_unordered(8).for_each(|parsed| async { drop(parsed.expect("text")) }).await;
            });
        });
        group.throughput(Throughput::Elements(1));
    }
    group.bench_function("note, with a worker of its own", |bench| {
        bench.to_async(&runtime).iter_batched(
            || Parser::builder().worker(WORKER).workers(1).recycle_after(1).build().expect("a worker program is named"),
            |parser| async move { parser.parse(Input::bytes("a.md", NOTE)).await.expect("text") },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, documents);
criterion_main!(benches);
