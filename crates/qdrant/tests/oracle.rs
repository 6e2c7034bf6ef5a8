//! The double answers as Qdrant does: what the backend asked of it is asked again of Qdrant's own
//! engine, and every answer is compared.
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::{
    collections::BTreeSet,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use catchment_core::{DocumentKey, IntegrationId, Principal, Readers, Tenant};
use catchment_index::{
    Access, Backend, Filter,
    analyze::{Language, analyze, analyze_query},
    backend::{Search, Space, StoredChunk, StoredDocument},
};
use catchment_qdrant::{
    Options, QdrantBackend,
    double::{Double, Traced, Traits},
};
use catchment_testkit::backends;
use hex::encode as hex;
use serde::Deserialize;

const WORDS: [&str; 24] = [
    "heron", "badger", "lake", "reed", "contract", "notice", "period", "tenant", "garden", "water", "stone", "bridge",
    "letter", "report", "annex", "winter", "north", "south", "market", "harbour", "silver", "copper", "lantern",
    "field",
];
const DIMENSIONS: usize = 12;

/// The same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn often(&mut self, of: usize) -> bool {
        self.below(of) != 0
    }

    fn text(&mut self, most: usize) -> String {
        // Words at the front of the list are the frequent ones.
        let words = (0..=self.below(most)).map(|_| WORDS[self.below(WORDS.len()).min(self.below(WORDS.len()))]);
        words.collect::<Vec<_>>().join(" ")
    }

    fn vector(&mut self) -> Vec<f32> {
        (0..DIMENSIONS).map(|_| self.below(2_001) as f32 / 1_000.0 - 1.0).collect()
    }

    fn tenant(&mut self) -> Tenant {
        Tenant::new(["acme", "acme corp", ""][self.below(3)], ["ann", "bob"][self.below(2)])
    }

    fn principals(&mut self) -> BTreeSet<Principal> {
        let all = [
            Principal::Anyone,
            Principal::User("eve".into()),
            Principal::Group("the staff".into()),
            Principal::Domain("acme.com".into()),
        ];
        all.into_iter().filter(|_| self.often(2)).collect()
    }

    fn key(&mut self) -> DocumentKey {
        let integration = IntegrationId(self.below(4) as i64 - 1);
        DocumentKey { integration, entry: format!("folder/of {}.txt", self.below(30)).into() }
    }

    fn document(&mut self) -> StoredDocument {
        let key = self.key();
        StoredDocument {
            tenant: self.tenant(),
            portfolio: self.often(2).then(|| ["north", ""][self.below(2)].to_owned()),
            vendor: "folder".into(),
            name: "of.txt".into(),
            path: key.entry.to_string(),
            mime: "text/plain".into(),
            web_url: None,
            modified: None,
            content_hash: self.below(1 << 30).to_string(),
            readers: if self.often(3) { Readers::Only(self.principals()) } else { Readers::Unknown },
            title: None,
            language: Language::from_code(["eng", "deu", "fra"][self.below(3)]),
            key,
        }
    }

    fn chunks(&mut self, with_vectors: bool) -> Vec<StoredChunk> {
        let count = self.below(5);
        let chunk = |random: &mut Self, page| {
            let text = if random.often(9) { random.text(30) } else { "…".to_owned() };
            StoredChunk {
                page,
                page_label: None,
                headings: vec![random.text(2)],
                terms: analyze(if text == "…" { "" } else { "heading" }, &text, None),
                text,
                vector: with_vectors.then(|| random.vector()),
            }
        };
        (1..=count as u32).map(|page| chunk(self, page)).collect()
    }

    fn filter(&mut self) -> Filter {
        let tenant = self.tenant();
        let mut filter = Filter::owner(&tenant);
        if !self.often(2) {
            filter.user = None;
        }
        if !self.often(3) {
            filter.portfolio = Some(["north", ""][self.below(2)].to_owned());
        }
        if !self.often(3) {
            filter.integrations = Some((0..=self.below(2)).map(|_| self.key().integration).collect());
        }
        if !self.often(3) {
            filter.access = Access::As(self.principals());
        }
        filter
    }
}

async fn work(backend: &QdrantBackend, rounds: usize) {
    let mut random = Random(7);
    let spaces = [("one", DIMENSIONS), ("two", DIMENSIONS)]
        .map(|(embedder, dimensions)| Space { embedder: embedder.into(), dimensions });
    for space in &spaces {
        backend.open_space(space).await.unwrap();
    }
    for round in 0..rounds {
        let space = random.often(4).then(|| &spaces[random.below(2)]);
        let document = random.document();
        let chunks = random.chunks(space.is_some());
        backend.replace(&document, &chunks, space).await.unwrap();
        if round % 7 == 0 {
            backend.remove(&[random.key(), random.key()]).await.unwrap();
        }
        if round % 11 == 0 {
            let space = &spaces[random.below(2)];
            for document in backend.without_vectors(space, 3).await.unwrap() {
                let vectors: Vec<_> = document.chunks.iter().map(|_| random.vector()).collect();
                assert!(backend.set_vectors(space, &document, &vectors).await.unwrap());
            }
        }
        let filter = random.filter();
        let by_words = random.often(3);
        let terms = if by_words { analyze_query(&random.text(4), &[]) } else { Vec::new() };
        let vector = (!by_words || random.often(2)).then(|| (spaces[random.below(2)].clone(), random.vector()));
        let limit = 1 + random.below(30) as u32;
        let search = Search { terms, vector, filter: filter.clone(), limit, per_document: Some(2) };
        backend.search(&search).await.unwrap();
        backend.languages(&filter).await.unwrap();
        if round % 20 == 0 {
            backend.audit(IntegrationId(1), None, 100).await.unwrap();
            backend.stats().await.unwrap();
            backend.integrations().await.unwrap();
            backend.integrity().await.unwrap();
            backend.sweep(Duration::ZERO).await.unwrap();
        }
    }
}

#[derive(Debug, Deserialize)]
struct Compared {
    compared: usize,
    queries: usize,
    problems: Vec<String>,
}

/// Asks Qdrant's engine the same.
fn replay(calls: &[Traced]) -> Compared {
    let python = backends::folder().join("qdrant/bin/python");
    assert!(python.exists(), "{} is not there: run `cargo xtask backends install`", python.display());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/replay.py");
    let mut child = Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = String::new();
    for call in calls {
        lines +=
            &serde_json::json!({ "name": call.name, "asked": hex(&call.asked), "said": hex(&call.said) }).to_string();
        lines.push('\n');
    }
    // Everything is read before anything is answered.
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn traced(rounds: usize) -> Vec<Traced> {
    let double = Double::start(Traits::default()).await.unwrap();
    double.record();
    let backend = QdrantBackend::connect(Options::new(double.url())).await.unwrap();
    work(&backend, rounds).await;
    double.trace()
}

#[tokio::test]
async fn the_double_answers_as_qdrants_own_engine() {
    let compared = replay(&traced(260).await);
    assert_eq!(compared.problems, Vec::<String>::new());
    assert!(compared.queries >= 250 && compared.compared > 1_000, "{compared:?}");
}

#[tokio::test]
async fn an_answer_that_is_off_is_noticed() {
    let mut calls = traced(30).await;
    let counted = calls.iter_mut().find(|call| call.name == "points.facet" && call.said.len() > 20).unwrap();
    counted.said.clear();
    assert!(!replay(&calls).problems.is_empty());
}
