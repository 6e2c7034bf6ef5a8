//! What a store must do to be an index: the trait behind which SQLite stands and others follow.

use std::fmt::Debug;

use async_trait::async_trait;
use catchment_core::{DocumentKey, EntryId, Held, IntegrationId, Readers, Result, Tenant};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    analyze::{Language, Terms},
    query::{Filter, Hit},
};

/// Stores chunks and searches them. [`Index`](crate::Index) cuts, analyses and embeds; a backend
/// keeps and finds. Every backend passes the suite in `contract`.
///
/// Every call is cancel-safe: dropped, it has either happened or not.
#[async_trait]
pub trait Backend: Debug + Send + Sync + 'static {
    /// Makes room for vectors of this space; does nothing if there is. The same embedder with
    /// other dimensions is a `Config` error.
    async fn open_space(&self, space: &Space) -> Result<()>;

    /// Puts a document and its chunks in the place of what is there under the same key, all or
    /// nothing. Durable when it returns. With a space, every chunk has a vector of it.
    async fn replace(&self, document: &StoredDocument, chunks: &[StoredChunk], space: Option<&Space>) -> Result<()>;

    /// Takes documents out, each with all its chunks; those that are not there count as taken out.
    async fn remove(&self, keys: &[DocumentKey]) -> Result<()>;

    /// The best chunks by terms, by vector, or by both fused by [`fuse`](crate::fuse::fuse), best
    /// first. The filter holds for the candidates and not only for the result.
    async fn search(&self, search: &Search) -> Result<Vec<Hit>>;

    /// The languages of the documents a filter reaches; a few more do no harm.
    async fn languages(&self, filter: &Filter) -> Result<Vec<Language>>;

    /// See [`Ingestor::audit`](catchment_core::Ingestor::audit). A document with a chunk, its
    /// terms or its vector missing has 0 chunks.
    async fn audit(&self, integration: IntegrationId, after: Option<&EntryId>, limit: u32) -> Result<Vec<Held>>;

    /// The integrations that have documents, in order.
    async fn integrations(&self) -> Result<Vec<IntegrationId>>;

    /// Up to `limit` documents that have chunks but no vectors of this space.
    async fn without_vectors(&self, space: &Space, limit: u32) -> Result<Vec<Unembedded>>;

    /// Gives a document vectors of this space, one a chunk, in place of others. `false` if the
    /// document was replaced or removed since it was read.
    async fn set_vectors(&self, space: &Space, document: &Unembedded, vectors: &[Vec<f32>]) -> Result<bool>;

    /// How much is there.
    async fn stats(&self) -> Result<Stats>;

    /// Looks for damage in the store itself. An error says what to do.
    async fn integrity(&self) -> Result<()>;

    /// Tidies up what killed writers left, and says how many pieces that were. Nothing finds them;
    /// they take room. A chore for quiet times, now and then.
    async fn tidy(&self) -> Result<u64> {
        Ok(0)
    }
}

/// The vectors of one embedder: nothing else can be compared with them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Space {
    /// The embedder's id.
    pub embedder: String,
    /// The length of every vector.
    pub dimensions: usize,
}

/// What is stored about a document besides its chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDocument {
    /// Its identity.
    pub key: DocumentKey,
    /// Whose it is.
    pub tenant: Tenant,
    /// See [`Document`](catchment_core::Document); so for the rest.
    pub portfolio: Option<String>,
    /// The vendor.
    pub vendor: String,
    /// The name.
    pub name: String,
    /// The path.
    pub path: String,
    /// The media type.
    pub mime: String,
    /// Where a person can open it.
    pub web_url: Option<String>,
    /// When it last changed.
    pub modified: Option<DateTime<Utc>>,
    /// SHA-256 of the bytes.
    pub content_hash: String,
    /// Who may read it.
    pub readers: Readers,
    /// The title it carries.
    pub title: Option<String>,
    /// The language its terms were stemmed for.
    pub language: Option<Language>,
}

/// A chunk as it is stored. Its ordinal is its place in the list.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredChunk {
    /// The page, counted from 1.
    pub page: u32,
    /// What the file calls the page.
    pub page_label: Option<String>,
    /// The headings above it, highest first.
    pub headings: Vec<String>,
    /// The text.
    pub text: String,
    /// What a lexical search compares.
    pub terms: Terms,
    /// What a dense search compares; there if, and only if, a space is given.
    pub vector: Option<Vec<f32>>,
}

/// A search, ready for a backend.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// Any of these terms; empty: do not search by words.
    pub terms: Vec<String>,
    /// Near this vector of this space.
    pub vector: Option<(Space, Vec<f32>)>,
    /// Among these documents.
    pub filter: Filter,
    /// How many hits at most.
    pub limit: u32,
    /// How many chunks of one document at most.
    pub per_document: Option<u32>,
}

/// A document whose chunks want vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unembedded {
    /// The document.
    pub key: DocumentKey,
    /// SHA-256 of the bytes its chunks are from.
    pub content_hash: String,
    /// The title the document carries.
    pub title: Option<String>,
    /// Headings and text of each chunk, in order.
    pub chunks: Vec<(Vec<String>, String)>,
}

/// How much an index holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Documents.
    pub documents: u64,
    /// Chunks of all documents.
    pub chunks: u64,
    /// For each space, how many chunks have a vector in it.
    pub vectors: Vec<(Space, u64)>,
}

/// The id of a chunk: derived from the document's key and the chunk's ordinal, so that doing the
/// same work twice gives the same ids.
pub fn chunk_id(key: &DocumentKey, ordinal: u32) -> Uuid {
    const NAMESPACE: Uuid = Uuid::from_u128(0x6f0c_2b53_1a4d_4c86_9d1e_53a0_77c1_e2b4);
    let mut name = Vec::with_capacity(12 + key.entry.as_str().len());
    name.extend_from_slice(&key.integration.0.to_be_bytes());
    name.extend_from_slice(&ordinal.to_be_bytes());
    name.extend_from_slice(key.entry.as_str().as_bytes());
    Uuid::new_v5(&NAMESPACE, &name)
}
