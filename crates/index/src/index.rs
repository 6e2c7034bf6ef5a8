//! The index: documents in, passages out.

use std::sync::Arc;

use async_trait::async_trait;
use catchment_core::{
    Document, DocumentKey, Embedder, EntryId, Error, ErrorKind, Held, Ingested, Ingestor, IntegrationId, Result, Role,
};

use crate::{
    analyze::{Language, analyze, analyze_query},
    backend::{Backend, Search, Space, Stats, StoredChunk, StoredDocument},
    chunk::{Chunk, Chunking, cut},
    query::{Hit, Mode, Query},
};

/// The most hits of one search.
const MOST_HITS: u32 = 1_000;
/// How many texts an embedder is given, and how many are analysed, at once.
const BATCH: usize = 64;

/// How documents are cut and embedded.
#[derive(Debug, Clone, Default)]
pub struct IndexOptions {
    /// How documents are cut.
    pub chunking: Chunking,
    /// What makes vectors of chunks; without one the index searches by words alone.
    pub embedder: Option<Arc<dyn Embedder>>,
}

/// Documents in, passages out: cuts, analyses, embeds, and leaves storing and finding to a
/// [`Backend`].
#[derive(Debug, Clone)]
pub struct Index {
    backend: Arc<dyn Backend>,
    chunking: Chunking,
    embedder: Option<(Arc<dyn Embedder>, Space)>,
}

impl Index {
    /// An index on a backend. What was embedded by another embedder stays and is found by words,
    /// and by meaning after [`Index::reembed`].
    pub async fn open(backend: Arc<dyn Backend>, options: IndexOptions) -> Result<Self> {
        let mut with_space = None;
        if let Some(embedder) = options.embedder {
            let space = Space { embedder: embedder.id().to_owned(), dimensions: embedder.dimensions() };
            backend.open_space(&space).await?;
            with_space = Some((embedder, space));
        }
        Ok(Self { backend, chunking: options.chunking, embedder: with_space })
    }

    /// The best passages for a question, best first. Cancel-safe.
    ///
    /// A question without a word in it finds nothing by words. `Config` if [`Mode::Dense`] is
    /// asked for and there is no embedder; the embedder's own errors are passed on.
    pub async fn search(&self, query: &Query) -> Result<Vec<Hit>> {
        let limit = query.limit.min(MOST_HITS);
        if limit == 0 || query.per_document == Some(0) || query.filter.is_empty() || query.text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let vector = match (query.mode, &self.embedder) {
            (Mode::Lexical, _) | (Mode::Auto, None) => None,
            (Mode::Dense, None) => {
                return Err(Error::config("embedder", "configure an embedder, or search by words"));
            }
            (_, Some((embedder, space))) => {
                let mut vectors = embed(embedder, space, std::slice::from_ref(&query.text), Role::Query).await?;
                vectors.pop().map(|vector| (space.clone(), vector))
            }
        };
        let terms = match query.mode {
            Mode::Dense => Vec::new(),
            Mode::Auto | Mode::Lexical => analyze_query(&query.text, &self.backend.languages(&query.filter).await?),
        };
        if terms.is_empty() && vector.is_none() {
            return Ok(Vec::new());
        }
        let search = Search { terms, vector, filter: query.filter.clone(), limit, per_document: query.per_document };
        self.backend.search(&search).await
    }

    /// The integrations that have documents here, in order.
    pub async fn integrations(&self) -> Result<Vec<IntegrationId>> {
        self.backend.integrations().await
    }

    /// How much is held.
    pub async fn stats(&self) -> Result<Stats> {
        self.backend.stats().await
    }

    /// Looks for damage in the store itself; [`Ingestor::audit`] looks for damaged documents.
    pub async fn integrity(&self) -> Result<()> {
        self.backend.integrity().await
    }

    /// Tidies up what killed writers left in the store, where one leaves anything. To be called now
    /// and then, by whoever runs for a long time.
    pub async fn tidy(&self) -> Result<u64> {
        self.backend.tidy().await
    }

    /// Gives vectors of the configured embedder to up to `limit` documents that have none, and
    /// says to how many; 0 means that all have them. Cancel-safe: what is done stays done.
    pub async fn reembed(&self, limit: u32) -> Result<u32> {
        let Some((embedder, space)) = &self.embedder else { return Ok(0) };
        let mut done = 0;
        for document in self.backend.without_vectors(space, limit).await? {
            let passages: Vec<String> = document
                .chunks
                .iter()
                .map(|(headings, text)| passage(document.title.as_deref(), headings, text))
                .collect();
            let vectors = embed(embedder, space, &passages, Role::Passage).await?;
            self.backend.set_vectors(space, &document, &vectors).await?;
            done += 1;
        }
        Ok(done)
    }
}

#[async_trait]
impl Ingestor for Index {
    async fn upsert(&self, document: Document) -> Result<Ingested> {
        let chunks = cut(&document.text, &self.chunking);
        let count = u32::try_from(chunks.len())
            .map_err(|_| Error::new(ErrorKind::TooLarge, "the document has too many parts: split it"))?;
        let mut vectors = None;
        if let Some((embedder, space)) = &self.embedder {
            let title = document.text.title.as_deref();
            let passages: Vec<String> =
                chunks.iter().map(|chunk| passage(title, &chunk.headings, &chunk.text)).collect();
            vectors = Some(embed(embedder, space, &passages, Role::Passage).await?);
        }
        let language = language(&chunks);
        let mut vectors = vectors.map(Vec::into_iter);
        let mut stored_chunks = Vec::with_capacity(chunks.len());
        for (place, chunk) in chunks.into_iter().enumerate() {
            // A book is a second of work: let others have their turn.
            if place % BATCH == BATCH - 1 {
                tokio::task::yield_now().await;
            }
            let vector = vectors.as_mut().and_then(Iterator::next);
            stored_chunks.push(stored(&document, chunk, language, vector));
        }
        let space = self.embedder.as_ref().map(|(_, space)| space);
        self.backend.replace(&described(document, language), &stored_chunks, space).await?;
        Ok(Ingested { chunks: count })
    }

    async fn remove(&self, keys: &[DocumentKey]) -> Result<()> {
        self.backend.remove(keys).await
    }

    async fn audit(&self, integration: IntegrationId, after: Option<&EntryId>, limit: u32) -> Result<Vec<Held>> {
        self.backend.audit(integration, after, limit).await
    }
}

/// The language most of the document is in: told from a piece of its middle, because beginnings
/// are addresses and titles.
fn language(chunks: &[Chunk]) -> Option<Language> {
    chunks.get(chunks.len() / 2).and_then(|chunk| Language::detect(&chunk.text))
}

fn stored(document: &Document, chunk: Chunk, language: Option<Language>, vector: Option<Vec<f32>>) -> StoredChunk {
    // The name is the end of the path already, except where a vendor shows another one.
    let mut title = document.path.clone();
    if !document.path.ends_with(&document.name) {
        title.push('\n');
        title.push_str(&document.name);
    }
    for line in document.text.title.iter().chain(&chunk.headings) {
        title.push('\n');
        title.push_str(line);
    }
    let terms = analyze(&title, &chunk.text, language);
    StoredChunk {
        page: chunk.page,
        page_label: chunk.page_label,
        headings: chunk.headings,
        text: chunk.text,
        terms,
        vector,
    }
}

fn described(document: Document, language: Option<Language>) -> StoredDocument {
    StoredDocument {
        key: document.key,
        tenant: document.tenant,
        portfolio: document.portfolio,
        vendor: document.vendor,
        name: document.name,
        path: document.path,
        mime: document.mime,
        web_url: document.web_url,
        modified: document.modified,
        content_hash: document.content_hash,
        readers: document.readers,
        title: document.text.title,
        language,
    }
}

/// What an embedder reads of a chunk: where it stands, then what it says.
fn passage(title: Option<&str>, headings: &[String], text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    for line in title.into_iter().chain(headings.iter().map(String::as_str)) {
        out.push_str(line);
        out.push('\n');
    }
    out.push_str(text);
    out
}

/// Embeds in batches, and holds the embedder to its word.
async fn embed(embedder: &Arc<dyn Embedder>, space: &Space, texts: &[String], role: Role) -> Result<Vec<Vec<f32>>> {
    let mut vectors = Vec::with_capacity(texts.len());
    for batch in texts.chunks(BATCH) {
        let made = embedder.embed(batch, role).await?;
        let sound = |vector: &Vec<f32>| vector.len() == space.dimensions && vector.iter().all(|x| x.is_finite());
        if made.len() != batch.len() || !made.iter().all(sound) {
            return Err(Error::protocol(
                "the embedder's answer does not fit: check that its model is the one configured",
            )
            .with("embedder", &space.embedder));
        }
        vectors.extend(made);
    }
    Ok(vectors)
}
