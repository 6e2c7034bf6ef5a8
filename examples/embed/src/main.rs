//! A connector and an ingestor of one's own: documents land wherever this program wants them.
//!
//! `cargo run -p example-embed -- samples/documents`
#![expect(clippy::print_stdout, reason = "printing is where this program's documents land")]

use std::sync::Arc;

use catchment_core::{
    Context, Document, DocumentKey, EntryId, Held, Ingested, Ingestor, IntegrationId, Registry, Result, Tenant,
    async_trait,
};
use catchment_documents::{Limits, Parser, sandbox};
use catchment_engine::{Engine, Event, Import, MemoryLedger, Options, Source};
use catchment_folder::Folder;
use futures::TryStreamExt;

struct Print;

#[async_trait]
impl Ingestor for Print {
    async fn upsert(&self, document: Document) -> Result<Ingested> {
        println!("{}: {} pages, {} bytes of text", document.path, document.text.pages.len(), document.text.len());
        Ok(Ingested { chunks: 1 })
    }

    async fn remove(&self, _: &[DocumentKey]) -> Result<()> {
        Ok(())
    }

    async fn audit(&self, _: IntegrationId, _: Option<&EntryId>, _: u32) -> Result<Vec<Held>> {
        Ok(Vec::new())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    sandbox::run_if_worker(); // hostile files are parsed in this program, started again
    let address = std::env::args().nth(1).unwrap_or_else(|| "samples/documents".to_owned());
    let registry = Registry::new().with::<Folder>();
    let (vendor, location) = registry.locate(&address)?;
    let connector = registry.connect(vendor, location.settings, Context::local())?;
    let parser = Parser::isolated(Limits::default())?;
    let engine = Engine::new(Arc::new(MemoryLedger::default()), Arc::new(Print), parser, Options::default());
    let source = Source { integration: IntegrationId(1), tenant: Tenant::local(), vendor: vendor.to_owned() };
    let mut events = engine.import(Import::new(connector, source));
    while let Some(event) = events.try_next().await? {
        if let Event::Finished(file) = event
            && let Some(error) = file.error
        {
            println!("{}: {}", file.path, error.message);
        }
    }
    Ok(())
}
