//! What happens when the server, the network or another writer gets in the way.
#![expect(clippy::unwrap_used, reason = "a call that fails is a test that fails")]

mod connecting;
mod steps;
mod writers;

use std::time::Duration;

use catchment_core::{DocumentKey, IntegrationId, Readers, Result, Tenant};
use catchment_index::{
    Backend, Filter, Hit,
    analyze::analyze,
    backend::{Search, Space, StoredChunk, StoredDocument},
};
use catchment_qdrant::{
    Options, QdrantBackend,
    double::{Double, Traits},
};

const CHUNKS: usize = 5;

/// Gives up at once, in messages of two chunks.
fn hasty(double: &Double) -> Options {
    Options { patience: Duration::ZERO, batch_bytes: 1_500, ..Options::new(double.url()) }
}

async fn start() -> Double {
    Double::start(Traits::default()).await.unwrap()
}

fn key(entry: &str) -> DocumentKey {
    DocumentKey { integration: IntegrationId(1), entry: entry.into() }
}

fn space(embedder: &str) -> Space {
    Space { embedder: embedder.into(), dimensions: 2 }
}

/// A document of chunks that all say `text`.
fn document(text: &str) -> (StoredDocument, Vec<StoredChunk>) {
    let document = StoredDocument {
        key: key("a"),
        tenant: Tenant::new("acme", "ann"),
        portfolio: None,
        vendor: "folder".into(),
        name: "a".into(),
        path: "a".into(),
        mime: "text/plain".into(),
        web_url: None,
        modified: None,
        content_hash: format!("hash of {text}"),
        readers: Readers::Unknown,
        title: None,
        language: None,
    };
    let chunk = StoredChunk {
        page: 1,
        page_label: None,
        headings: Vec::new(),
        text: format!("heron {text}"),
        terms: analyze("", &format!("heron {text}"), None),
        vector: Some(vec![1.0, 0.0]),
    };
    (document, vec![chunk; CHUNKS])
}

async fn put(backend: &QdrantBackend, text: &str) -> Result<()> {
    let (document, chunks) = document(text);
    backend.replace(&document, &chunks, Some(&space("letters"))).await
}

async fn find(backend: &QdrantBackend, by: &Space) -> Vec<Hit> {
    let filter = Filter::owner(&Tenant::new("acme", "ann"));
    let search =
        Search { terms: Vec::new(), vector: Some((by.clone(), vec![1.0, 0.1])), filter, limit: 50, per_document: None };
    let near = backend.search(&search).await.unwrap();
    let words = Search { terms: vec!["heron".into()], vector: None, ..search };
    let worded = backend.search(&words).await.unwrap();
    // What the other version said is said by nobody.
    for word in ["old", "new"] {
        let alone = backend.search(&Search { terms: vec![word.into()], ..words.clone() }).await.unwrap();
        assert!(alone.iter().all(|hit| hit.text.contains(word)), "{word} in {:?}", texts(&alone));
    }
    if !near.is_empty() || held(backend).await.is_empty() {
        assert_eq!(texts(&near), texts(&worded), "words and meaning find the same");
    }
    near
}

fn texts(hits: &[Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.text.as_str()).collect()
}

async fn held(backend: &QdrantBackend) -> Vec<(String, u32)> {
    let held = backend.audit(IntegrationId(1), None, 10).await.unwrap();
    held.into_iter().map(|one| (one.content_hash, one.chunks)).collect()
}

async fn opened(double: &Double) -> QdrantBackend {
    let backend = QdrantBackend::connect(hasty(double)).await.unwrap();
    backend.open_space(&space("letters")).await.unwrap();
    backend.open_space(&space("others")).await.unwrap();
    backend
}
