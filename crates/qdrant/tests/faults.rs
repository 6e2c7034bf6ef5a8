//! What happens when the server, the network or another writer gets in the way.
#![expect(clippy::unwrap_used, reason = "a call that fails is a test that fails")]

use std::time::{Duration, Instant};

use catchment_core::{DocumentKey, ErrorKind, IntegrationId, Readers, Result, Secret, Tenant};
use catchment_index::{
    Backend, Filter, Hit,
    analyze::analyze,
    backend::{Search, Space, StoredChunk, StoredDocument},
};
use catchment_qdrant::{
    Options, QdrantBackend,
    double::{Double, Fault, Traits},
};
use futures::future::{join_all, try_join_all};
use tonic::Code;

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

const WAYS: [Fault; 3] = [Fault::Refuse(Code::Unavailable), Fault::Lose, Fault::Refuse(Code::Internal)];

#[tokio::test]
async fn a_server_that_goes_during_a_replacement_leaves_the_old_or_the_new() {
    let double = start().await;
    let backend = opened(&double).await;
    for fault in WAYS {
        let mut step = 0;
        loop {
            put(&backend, "old").await.unwrap();
            double.break_calls(step..usize::MAX, fault);
            let result = put(&backend, "new").await;
            let all_made = double.calls().len() <= step;
            double.mend();
            let hits = find(&backend, &space("letters")).await;
            let said = if result.is_ok() { vec!["heron new"; CHUNKS] } else { vec![hits[0].text.as_str(); CHUNKS] };
            assert_eq!(texts(&hits), said, "{fault:?} at step {step}");
            assert!(matches!(held(&backend).await.as_slice(), [(_, 5)]), "{fault:?} at step {step}");
            backend.integrity().await.unwrap();
            if all_made {
                break;
            }
            step += 1;
        }
        assert!(step >= 7, "three messages of chunks and four calls about the document, not {step}");
    }
    // What the broken ones left is found by nobody, and swept.
    let whole = CHUNKS + 1 + 2;
    assert!(double.points("catchment") > whole);
    assert!(backend.sweep(Duration::from_secs(3_600)).await.unwrap() == 0, "all of it is young");
    assert!(backend.sweep(Duration::ZERO).await.unwrap() > 0);
    assert_eq!(double.points("catchment"), whole);
    assert_eq!(find(&backend, &space("letters")).await.len(), CHUNKS);
}

#[tokio::test]
async fn a_server_that_goes_during_a_removal_leaves_all_or_nothing() {
    let double = start().await;
    let backend = opened(&double).await;
    for fault in WAYS {
        for step in 0..5 {
            put(&backend, "old").await.unwrap();
            double.break_calls(step..usize::MAX, fault);
            let result = backend.remove(&[key("a")]).await;
            double.mend();
            let hits = find(&backend, &space("letters")).await;
            assert!(hits.is_empty() || (result.is_err() && hits.len() == CHUNKS), "{fault:?} at step {step}");
            assert_eq!(held(&backend).await.len() * CHUNKS, hits.len());
            backend.remove(&[key("a")]).await.unwrap();
            assert!(held(&backend).await.is_empty() && find(&backend, &space("letters")).await.is_empty());
        }
    }
}

#[tokio::test]
async fn a_server_that_goes_during_new_vectors_leaves_one_space_or_the_other() {
    let double = start().await;
    let backend = opened(&double).await;
    let (old, new) = (space("letters"), space("others"));
    for fault in WAYS {
        for step in 0..8 {
            put(&backend, "old").await.unwrap();
            let document = backend.without_vectors(&new, 1).await.unwrap().remove(0);
            double.break_calls(step..usize::MAX, fault);
            let result = backend.set_vectors(&new, &document, &[const { [0.0, 1.0] }; CHUNKS].map(Vec::from)).await;
            double.mend();
            let found = (find(&backend, &old).await.len(), find(&backend, &new).await.len());
            assert!(found == (0, CHUNKS) || (result.is_err() && found == (CHUNKS, 0)), "{fault:?} {step} {found:?}");
            assert_eq!(held(&backend).await, [("hash of old".to_owned(), 5)], "{fault:?} at step {step}");
        }
    }
}

#[tokio::test]
async fn a_call_that_fails_for_a_while_is_made_again() {
    let double = start().await;
    let patient = Options { patience: Duration::from_secs(20), ..hasty(&double) };
    for fault in [Fault::Refuse(Code::Unavailable), Fault::Refuse(Code::ResourceExhausted), Fault::Lose] {
        for step in [0, 1, 4, 5] {
            let backend = QdrantBackend::connect(patient.clone()).await.unwrap();
            backend.open_space(&space("letters")).await.unwrap();
            put(&backend, "old").await.unwrap();
            double.break_calls(step..step + 2, fault);
            put(&backend, "new").await.unwrap();
            double.mend();
            assert_eq!(texts(&find(&backend, &space("letters")).await), vec!["heron new"; CHUNKS], "{fault:?} {step}");
            assert_eq!(double.points("catchment"), CHUNKS + 2, "nothing is there twice");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_not_made_again() {
    let double = start().await;
    let patient = Options { patience: Duration::from_secs(600), ..hasty(&double) };
    let backend = QdrantBackend::connect(patient).await.unwrap();
    backend.open_space(&space("letters")).await.unwrap();
    for (code, kind) in [
        (Code::PermissionDenied, ErrorKind::Forbidden),
        (Code::InvalidArgument, ErrorKind::Internal),
        (Code::OutOfRange, ErrorKind::TooLarge),
        (Code::NotFound, ErrorKind::Config),
    ] {
        double.break_calls(0..usize::MAX, Fault::Refuse(code));
        assert_eq!(put(&backend, "new").await.unwrap_err().kind(), kind);
        assert_eq!(double.calls().len(), 1, "{code:?}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let double = start().await;
    let options = Options { timeout: Duration::from_millis(150), ..hasty(&double) };
    let backend = QdrantBackend::connect(options).await.unwrap();
    backend.open_space(&space("letters")).await.unwrap();
    double.break_calls(0..usize::MAX, Fault::Hang);
    let start = Instant::now();
    assert_eq!(put(&backend, "new").await.unwrap_err().kind(), ErrorKind::Timeout);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_slow_server_is_waited_for() {
    let double = start().await;
    let backend = opened(&double).await;
    double.break_calls(0..usize::MAX, Fault::Delay(Duration::from_millis(20)));
    put(&backend, "new").await.unwrap();
    assert_eq!(find(&backend, &space("letters")).await.len(), CHUNKS);
}

#[tokio::test]
async fn nobody_at_the_address_is_said() {
    let double = start().await;
    let options = hasty(&double);
    drop(double);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = Options { url: format!("http://{free}"), ..options };
    let error = QdrantBackend::connect(gone).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("address"), "{error}");
}

#[tokio::test]
async fn tls_to_a_port_without_it_fails() {
    let double = start().await;
    let options = Options { url: double.url().replace("http:", "https:"), ..hasty(&double) };
    let error = QdrantBackend::connect(options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
}

#[tokio::test]
async fn a_refused_key_is_said_and_not_shown() {
    let traits = Traits { api_key: Some("the-right-key".into()), ..Traits::default() };
    let double = Double::start(traits).await.unwrap();
    let with = |key: Option<&str>| Options { api_key: key.map(Secret::new), ..hasty(&double) };
    for key in [None, Some("a-wrong-key")] {
        let error = QdrantBackend::connect(with(key)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert!(!format!("{error:?}").contains("a-wrong-key"));
    }
    let backend = QdrantBackend::connect(with(Some("the-right-key"))).await.unwrap();
    assert!(!format!("{backend:?}").contains("the-right-key"));
    backend.open_space(&space("letters")).await.unwrap();
    put(&backend, "new").await.unwrap();
    double.break_calls(0..usize::MAX, Fault::Refuse(Code::Internal));
    assert!(!format!("{:?}", put(&backend, "new").await.unwrap_err()).contains("the-right-key"));
}

#[tokio::test]
async fn a_server_without_conditional_writes_is_refused() {
    for (version, sound) in [("1.17.3", false), ("1.18.0", true), ("1.20.1-dev", true), ("2.0.0", true)] {
        let double = Double::start(Traits { version: version.into(), ..Traits::default() }).await.unwrap();
        let connected = QdrantBackend::connect(hasty(&double)).await;
        assert_eq!(connected.is_ok(), sound, "{version}");
        if let Err(error) = connected {
            assert_eq!((error.kind(), error.get("version")), (ErrorKind::Config, Some(version)));
        }
    }
}

mod shapes {
    use qdrant_client::{
        Qdrant,
        qdrant::{
            CreateCollectionBuilder, CreateFieldIndexCollectionBuilder, DeleteFieldIndexCollectionBuilder, Distance,
            FieldType, VectorParamsBuilder,
        },
    };

    use super::*;

    fn raw(double: &Double) -> Qdrant {
        Qdrant::from_url(&double.url()).skip_compatibility_check().build().unwrap()
    }

    #[tokio::test]
    async fn a_collection_of_another_shape_is_refused_and_left_alone() {
        let double = start().await;
        let vectors = VectorParamsBuilder::new(4, Distance::Dot);
        let other = CreateCollectionBuilder::new("catchment").vectors_config(vectors);
        raw(&double).create_collection(other).await.unwrap();
        let error = QdrantBackend::connect(hasty(&double)).await.unwrap_err();
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("collection")));
        let info = raw(&double).collection_info("catchment").await.unwrap().result.unwrap();
        assert!(info.payload_schema.is_empty());
    }

    #[tokio::test]
    async fn an_index_of_another_kind_is_refused() {
        let double = start().await;
        opened(&double).await;
        // The tenant's key without its mark.
        let plain = CreateFieldIndexCollectionBuilder::new("catchment", "organization", FieldType::Keyword);
        raw(&double).create_field_index(plain).await.unwrap();
        let error = QdrantBackend::connect(hasty(&double)).await.unwrap_err();
        assert_eq!(error.get("differs"), Some("organization"));
    }

    #[tokio::test]
    async fn indexes_that_are_missing_are_made() {
        let double = start().await;
        for broken in 0..16 {
            double.break_calls(broken..usize::MAX, Fault::Refuse(Code::Unavailable));
            let _ = QdrantBackend::connect(hasty(&double)).await;
            double.mend();
            let backend = opened(&double).await;
            put(&backend, "new").await.unwrap();
            assert_eq!(find(&backend, &space("letters")).await.len(), CHUNKS);
            raw(&double).delete_collection("catchment").await.unwrap();
        }
        let absent = DeleteFieldIndexCollectionBuilder::new("catchment", "user");
        assert!(raw(&double).delete_field_index(absent).await.is_err(), "the double says what it cannot do");
    }
}

#[tokio::test]
async fn two_servers_make_one_collection_at_once() {
    let double = start().await;
    let backends = try_join_all((0..6).map(|_| QdrantBackend::connect(hasty(&double)))).await.unwrap();
    try_join_all(backends.iter().map(|backend| async {
        backend.open_space(&space("letters")).await?;
        put(backend, "new").await
    }))
    .await
    .unwrap();
    assert_eq!(find(&backends[0], &space("letters")).await.len(), CHUNKS);
}

#[tokio::test]
async fn servers_that_write_one_document_at_once_leave_one() {
    let double = start().await;
    let backends = [opened(&double).await, opened(&double).await, opened(&double).await];
    for round in 0..20 {
        let results = join_all(backends.iter().zip(["x", "y", "z"]).map(|(backend, text)| put(backend, text))).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        let hits = find(&backends[round % 3], &space("letters")).await;
        assert_eq!(texts(&hits), vec![hits[0].text.as_str(); CHUNKS]);
        assert_eq!(double.points("catchment"), CHUNKS + 1 + 2, "what lost is cleared");
    }
}

#[tokio::test]
async fn a_search_during_replacements_finds_one_whole_document() {
    let double = start().await;
    let (writer, reader) = (opened(&double).await, opened(&double).await);
    put(&writer, "0").await.unwrap();
    let mut writing = std::pin::pin!(async {
        for round in 1..60 {
            put(&writer, &round.to_string()).await.unwrap();
            assert_eq!(held(&writer).await.len(), 1);
        }
    });
    let mut searches = 0;
    loop {
        tokio::select! {
            biased;
            () = &mut writing => break,
            hits = async {
                let filter = Filter::owner(&Tenant::new("acme", "ann"));
                let terms = vec!["heron".into()];
                let search = Search { terms, vector: None, filter, limit: 50, per_document: None };
                reader.search(&search).await.unwrap()
            } => {
                assert_eq!(texts(&hits), vec![hits[0].text.as_str(); CHUNKS]);
                searches += 1;
            }
        }
    }
    assert!(searches > 20, "{searches}");
}

#[tokio::test]
async fn a_lost_chunk_is_noticed_and_comes_back_with_the_document() {
    let double = start().await;
    let backend = opened(&double).await;
    let (document, mut chunks) = document("whole");
    chunks[3].text = "heron lost".into();
    backend.replace(&document, &chunks, Some(&space("letters"))).await.unwrap();
    assert_eq!(double.damage("catchment", "heron lost"), 1);
    assert_eq!(held(&backend).await, [("hash of whole".to_owned(), 0)]);
    assert_eq!(backend.integrity().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(find(&backend, &space("letters")).await.len(), CHUNKS - 1);
    backend.replace(&document, &chunks, Some(&space("letters"))).await.unwrap();
    assert_eq!(held(&backend).await, [("hash of whole".to_owned(), 5)]);
    backend.integrity().await.unwrap();
}
