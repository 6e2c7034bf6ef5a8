//! Upserts and searches over 10,000 chunks of one hundred tenants.
#![expect(clippy::unwrap_used, reason = "a bench that cannot set up cannot go on")]

mod corpus;

use std::{hint::black_box, sync::Arc};

use catchment_core::{Block, Ingestor, Text, TextPage};
use catchment_index::{
    Chunking, Filter, Index, IndexOptions, Mode, Query, SqliteBackend,
    analyze::{Language, analyze},
    chunk::cut,
};
use corpus::{Clusters, PAGES, Words, document, question, tenant};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const CHUNKS: u64 = 10_000;

fn searches(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let words = Words::new();
    let index = runtime.block_on(async {
        let backend = SqliteBackend::open(folder.path().join("catchment.db")).await.unwrap();
        let options =
            IndexOptions { embedder: Some(Arc::new(Clusters { dimensions: 384 })), ..IndexOptions::default() };
        let index = Index::open(Arc::new(backend), options).await.unwrap();
        for number in 0..CHUNKS / u64::from(PAGES) {
            index.upsert(document(number, &words)).await.unwrap();
        }
        index
    });
    let mut group = criterion.benchmark_group("search");
    for (name, mode) in [("words", Mode::Lexical), ("meaning", Mode::Dense), ("both", Mode::Auto)] {
        for (share, all) in [("1 %", false), ("everything", true)] {
            let mut number = 0;
            group.bench_function(format!("{name}, {share}"), |bencher| {
                bencher.to_async(&runtime).iter(|| {
                    number += 1;
                    let mut filter = Filter::owner(&tenant(number));
                    if all {
                        filter.user = None;
                    }
                    let query = Query::new(question(number % 300, &words), filter).mode(mode);
                    let index = &index;
                    async move { index.search(black_box(&query)).await.unwrap() }
                });
            });
        }
    }
    group.finish();
    let mut number = CHUNKS;
    criterion.bench_function("upsert of 5 chunks", |bencher| {
        bencher.to_async(&runtime).iter_batched(
            || {
                number += 1;
                document(number, &words)
            },
            |document| index.upsert(document),
            BatchSize::SmallInput,
        );
    });
}

fn texts(criterion: &mut Criterion) {
    let words = Words::new();
    let text: String = document(1, &words).text.plain();
    let whole = Text {
        pages: vec![TextPage { number: 1, label: None, blocks: vec![Block::paragraph(text.clone())] }],
        ..Text::default()
    };
    let mut group = criterion.benchmark_group("text");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("cut", |bencher| bencher.iter(|| cut(black_box(&whole), &Chunking::default())));
    group.bench_function("analyze", |bencher| {
        bencher.iter(|| analyze("", black_box(&text), Language::from_code("eng")));
    });
    group.bench_function("detect", |bencher| bencher.iter(|| Language::detect(black_box(&text))));
    group.finish();
}

criterion_group!(benches, texts, searches);
criterion_main!(benches);
