//! Ingestors: where documents land.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    document::{Document, DocumentKey},
    entry::EntryId,
    error::Result,
    tenant::IntegrationId,
};

/// Where documents land: an index, a queue, a program's own store.
#[async_trait]
pub trait Ingestor: Send + Sync {
    /// Puts a document in the place of the one with the same key. When this returns, the
    /// document is durable: the ledger moves only afterwards. Doing it twice leaves one.
    async fn upsert(&self, document: Document) -> Result<Ingested>;

    /// Takes documents out; the ones that are not there count as taken out.
    async fn remove(&self, keys: &[DocumentKey]) -> Result<()>;

    /// One page of what is held for an integration, in the order of the entries' ids (by bytes),
    /// from behind `after`.
    async fn audit(&self, integration: IntegrationId, after: Option<&EntryId>, limit: u32) -> Result<Vec<Held>>;
}

/// What became of a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingested {
    /// How many chunks it was cut into.
    pub chunks: u32,
}

/// A document an ingestor holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The entry it came from.
    pub entry: EntryId,
    /// SHA-256 of the bytes it came from.
    pub content_hash: String,
    /// How many chunks are there. An ingestor that finds a document damaged says 0.
    pub chunks: u32,
}
