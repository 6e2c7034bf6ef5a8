//! An ingestor of one's own: says what arrives, and passes it on.

use std::sync::Arc;

use catchment_core::{Document, DocumentKey, EntryId, Held, Ingested, Ingestor, IntegrationId, Result, async_trait};

/// Tells of every document before another ingestor takes it.
pub(crate) struct Telling<I>(pub(crate) Arc<I>);

#[async_trait]
impl<I: Ingestor> Ingestor for Telling<I> {
    async fn upsert(&self, document: Document) -> Result<Ingested> {
        println!("{} ({} pages)", document.path, document.text.pages.len());
        self.0.upsert(document).await
    }

    async fn remove(&self, keys: &[DocumentKey]) -> Result<()> {
        self.0.remove(keys).await
    }

    async fn audit(&self, integration: IntegrationId, after: Option<&EntryId>, limit: u32) -> Result<Vec<Held>> {
        self.0.audit(integration, after, limit).await
    }
}
