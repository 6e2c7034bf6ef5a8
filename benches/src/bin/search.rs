//! Fills an index with chunks of a hundred organizations and asks each of them questions; prints
//! one JSON object: how many chunks there are, and the milliseconds of each question by words and
//! by words and meaning. Writes the same texts and questions to files for a peer.
//!
//! usage: search FOLDER
#![expect(clippy::print_stdout, reason = "its output is its result")]

use std::{
    error::Error,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    sync::Arc,
    time::Instant,
};

use async_trait::async_trait;
use catchment_benches::Texts;
use catchment_core::{
    Block, Document, DocumentKey, Embedder, Ingestor, IntegrationId, Readers, Role, Tenant, Text, TextPage,
};
use catchment_index::{Filter, Index, IndexOptions, Mode, Query, SqliteBackend};
use serde_json::json;

const ORGANIZATIONS: u64 = 100;
const DOCUMENTS: u64 = 100;
/// Pages of a document; each is one chunk.
const PAGES: u32 = 10;
const WORDS: u64 = 90;
const QUESTIONS: u64 = 1_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: search FOLDER")?;
    let folder = Path::new(&folder);
    let backend = Arc::new(SqliteBackend::open(folder.join("search.db")).await?);
    let options = IndexOptions { embedder: Some(Arc::new(Hashed)), ..IndexOptions::default() };
    let index = Index::open(backend, options).await?;

    let started = Instant::now();
    let mut texts = BufWriter::new(File::create(folder.join("texts.tsv"))?);
    for organization in 0..ORGANIZATIONS {
        for number in 0..DOCUMENTS {
            let document = document(organization, number);
            for page in &document.text.pages {
                writeln!(texts, "{organization}\t{}", page.blocks[0].text)?;
            }
            index.upsert(document).await?;
        }
    }
    texts.flush()?;
    let filled = started.elapsed().as_secs_f64();

    let mut questions = BufWriter::new(File::create(folder.join("questions.tsv"))?);
    let mut milliseconds = [Vec::new(), Vec::new()];
    let mut found = 0;
    let mut draw = Texts::new(99);
    for number in 0..QUESTIONS {
        let organization = draw.below(ORGANIZATIONS);
        let question = format!("{} {} {}", draw.telling_word(), draw.telling_word(), draw.telling_word());
        writeln!(questions, "{organization}\t{question}")?;
        for (mode, times) in [Mode::Lexical, Mode::Auto].into_iter().zip(&mut milliseconds) {
            let query = Query::new(&question, Filter::owner(&tenant(organization))).mode(mode);
            let started = Instant::now();
            let hits = index.search(&query).await?;
            // The first questions find cold caches; they are asked, and not counted.
            if number >= QUESTIONS / 10 {
                times.push(started.elapsed().as_secs_f64() * 1000.0);
            }
            found += hits.len();
        }
    }
    questions.flush()?;
    let chunks = index.stats().await?.chunks;
    let [lexical, hybrid] = milliseconds;
    println!(
        "{}",
        json!({ "chunks": chunks, "fill_seconds": filled, "hits": found, "lexical": lexical, "hybrid": hybrid })
    );
    Ok(())
}

fn tenant(organization: u64) -> Tenant {
    Tenant::new(format!("organization-{organization}"), "user")
}

fn document(organization: u64, number: u64) -> Document {
    let mut texts = Texts::new(organization * DOCUMENTS + number + 1);
    let page = |page| TextPage { number: page, label: None, blocks: vec![Block::paragraph(texts.paragraph(WORDS))] };
    let pages = (1..=PAGES).map(page).collect();
    let name = format!("document-{number}.txt");
    Document {
        key: DocumentKey {
            integration: IntegrationId(i64::try_from(organization).unwrap_or_default() + 1),
            entry: name.as_str().into(),
        },
        tenant: tenant(organization),
        portfolio: None,
        vendor: "folder".into(),
        path: name.clone(),
        name,
        mime: "text/plain".into(),
        web_url: None,
        modified: None,
        content_hash: "00".into(),
        readers: Readers::Unknown,
        text: Text { pages, ..Text::default() },
    }
}

/// Vectors that cost nothing to make: what is measured is finding them.
#[derive(Debug)]
struct Hashed;

const DIMENSIONS: u16 = 384;

#[async_trait]
impl Embedder for Hashed {
    fn id(&self) -> &str {
        "hashed"
    }

    fn dimensions(&self) -> usize {
        DIMENSIONS.into()
    }

    async fn embed(&self, texts: &[String], _: Role) -> catchment_core::Result<Vec<Vec<f32>>> {
        Ok(texts.iter().map(|text| vector(text)).collect())
    }
}

fn vector(text: &str) -> Vec<f32> {
    let seed = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let mut draw = Texts::new(seed);
    let raw: Vec<f32> =
        (0..DIMENSIONS).map(|_| f32::from(u16::try_from(draw.below(2001)).unwrap_or(0)) - 1000.0).collect();
    let length = raw.iter().map(|value| value * value).sum::<f32>().sqrt();
    raw.into_iter().map(|value| value / length).collect()
}
