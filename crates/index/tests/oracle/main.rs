//! The embedded backend finds what a search over every chunk finds.
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

mod brute;

use std::sync::Arc;

use brute::Brute;
use catchment_core::{
    Block, Document, DocumentKey, Embedder, Ingestor, IntegrationId, Principal, Readers, Result, Role, Tenant, Text,
    TextPage,
};
use catchment_index::{Access, Filter, Index, IndexOptions, Mode, Query, SqliteBackend, contract, contract::Fixture};
use proptest::prelude::*;

async fn brute() -> Fixture {
    Fixture { backend: Arc::new(Brute::default()), guard: Box::new(()) }
}

// The suite itself is sound: the plainest backend there can be passes it.
contract!(brute);

/// Counts the letters `a` to `d`: few enough that small vectors are exact.
#[derive(Debug)]
struct Letters;

#[catchment_core::async_trait]
impl Embedder for Letters {
    fn id(&self) -> &str {
        "letters"
    }

    fn dimensions(&self) -> usize {
        8
    }

    async fn embed(&self, texts: &[String], _: Role) -> Result<Vec<Vec<f32>>> {
        let count = |text: &String, letter| text.bytes().filter(|byte| *byte == letter).count() as f32;
        Ok(texts.iter().map(|text| (b'a'..b'i').map(|letter| count(text, letter)).collect()).collect())
    }
}

const WORDS: [&str; 14] =
    ["abba", "bead", "cab", "dab", "face", "gag", "heads", "head", "heading", "ab-12", "é", "東京", "京都", "the"];

fn words(most: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(&WORDS[..]), 1..most).prop_map(|words| words.join(" "))
}

fn principals() -> impl Strategy<Value = Vec<Principal>> {
    let one = prop_oneof![
        Just(Principal::Anyone),
        (0..3).prop_map(|n| Principal::User(format!("u{n}"))),
        (0..2).prop_map(|n| Principal::Group(format!("g{n}"))),
    ];
    proptest::collection::vec(one, 0..3)
}

prop_compose! {
    fn documents()(
        entry in 0..12_u8,
        integration in 1..4_i64,
        organization in 0..2_u8,
        user in 0..2_u8,
        portfolio in proptest::option::of(0..2_u8),
        readers in proptest::option::of(principals()),
        title in proptest::option::of(words(3)),
        pages in proptest::collection::vec(words(12), 0..4),
    ) -> Document {
        Document {
            key: DocumentKey { integration: IntegrationId(integration), entry: format!("{entry}").into() },
            tenant: Tenant::new(format!("o{organization}"), format!("u{user}")),
            portfolio: portfolio.map(|n| format!("p{n}")),
            vendor: "folder".into(),
            name: "n".into(),
            path: "n".into(),
            mime: "text/plain".into(),
            web_url: None,
            modified: None,
            content_hash: "h".into(),
            readers: readers.map_or(Readers::Unknown, |readers| Readers::Only(readers.into_iter().collect())),
            text: Text {
                title,
                pages: (1..).zip(pages)
                    .map(|(number, text)| TextPage { number, label: None, blocks: vec![Block::paragraph(text)] })
                    .collect(),
                ..Text::default()
            },
        }
    }
}

prop_compose! {
    fn queries()(
        text in words(5),
        organization in 0..2_u8,
        user in proptest::option::of(0..2_u8),
        integrations in proptest::option::of(proptest::collection::vec(1..12_i64, 0..12)),
        portfolio in proptest::option::of(0..2_u8),
        access in proptest::option::of(principals()),
        limit in 1..12_u32,
        per_document in proptest::option::of(1..3_u32),
        mode in prop_oneof![Just(Mode::Lexical), Just(Mode::Dense), Just(Mode::Auto)],
    ) -> Query {
        Query {
            text,
            filter: Filter {
                organization: format!("o{organization}"),
                user: user.map(|n| format!("u{n}")),
                integrations: integrations.map(|ids| ids.into_iter().map(IntegrationId).collect()),
                portfolio: portfolio.map(|n| format!("p{n}")),
                access: access.map_or(Access::Owner, |principals| Access::As(principals.into_iter().collect())),
            },
            limit,
            per_document,
            mode,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn it_finds_what_looking_at_every_chunk_finds(
        documents in proptest::collection::vec(documents(), 1..40),
        removed in proptest::collection::vec(0..12_u8, 0..3),
        queries in proptest::collection::vec(queries(), 20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let sqlite = SqliteBackend::open(folder.path().join("catchment.db")).await.unwrap();
            let options = || IndexOptions { embedder: Some(Arc::new(Letters)), ..IndexOptions::default() };
            let sqlite = Index::open(Arc::new(sqlite), options()).await.unwrap();
            let brute = Index::open(Arc::new(Brute::default()), options()).await.unwrap();
            for index in [&sqlite, &brute] {
                for document in &documents {
                    index.upsert(document.clone()).await.unwrap();
                }
                for entry in &removed {
                    let key = DocumentKey { integration: IntegrationId(1), entry: format!("{entry}").into() };
                    index.remove(&[key]).await.unwrap();
                }
            }
            prop_assert_eq!(sqlite.stats().await.unwrap(), brute.stats().await.unwrap());
            let mut found = 0;
            for query in &queries {
                let (ours, theirs) = (sqlite.search(query).await.unwrap(), brute.search(query).await.unwrap());
                found += ours.len();
                let places = |hits: &[catchment_index::Hit]| -> Vec<_> {
                    hits.iter().map(|hit| (hit.id, hit.lexical_rank, hit.dense_rank, hit.text.clone())).collect()
                };
                prop_assert_eq!(places(&ours), places(&theirs), "{:?}", query);
            }
            // Not every case finds something, but a case that never does would prove nothing.
            prop_assume!(found > 0);
            Ok(())
        })?;
    }
}
