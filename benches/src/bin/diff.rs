//! An import of very many entries that the ledger knows: `diff DATABASE ENTRIES fill`, then `diff DATABASE ENTRIES
//! import CHANGES`, which prints what was found and how long it took.
#![expect(clippy::print_stdout, reason = "its output is its result")]

use std::{path::PathBuf, sync::Arc, time::Instant};

use catchment_core::{
    Account, Browse, ByteRange, Connector, Content, Document, DocumentKey, Download, Entry, EntryId, EntryResult,
    Error, Fingerprint, Flat, Held, Ingested, Ingestor, IntegrationId, Ledger, Page, PageRequest, PageToken, Result,
    RunOutcome, Tenant, Text, async_trait,
};
use catchment_documents::{Input, Parsed};
use catchment_engine::{Engine, Event, Import, Options, Parse, Source, Summary};
use catchment_store::Store;
use futures::TryStreamExt;
use serde_json::json;

/// So many files in one flat listing, of which the first ones have changed and the next ones are gone; as many new ones
/// follow.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    entries: usize,
    changes: usize,
}

impl Bucket {
    fn entry(self, number: usize) -> Entry {
        let path = format!("reports/{:04}/annual report {number:08}.pdf", number / 5_000);
        let mut entry = Entry::file(path.clone(), path);
        let version = if number < self.changes { "new" } else { "old" };
        entry.fingerprint = Some(Fingerprint::new(format!("\"d41d8cd98f00b204e9800998{version}{number:08}\"")));
        entry.size = Some(4_096);
        entry
    }
}

#[async_trait]
impl Connector for Bucket {
    async fn check(&self) -> Result<Account> {
        Ok(Account::default())
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }
}

#[async_trait]
impl Browse for Bucket {
    async fn children(&self, _: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let from: usize = page.token.as_ref().and_then(|token| token.as_str().parse().ok()).unwrap_or(0);
        let to = (from + page.limit_or(1_000, 1_000) as usize).min(self.entries + self.changes);
        let gone = self.changes..2 * self.changes;
        let items = (from..to).filter(|number| !gone.contains(number)).map(|number| self.entry(number)).collect();
        Ok(Page { items, next: (to < self.entries + self.changes).then(|| PageToken::new(to.to_string())) })
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        Ok(Entry::container("", path))
    }

    fn flat(&self) -> Option<&dyn Flat> {
        Some(self)
    }
}

#[async_trait]
impl Flat for Bucket {
    async fn descendants(&self, under: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        self.children(under, page).await
    }
}

#[async_trait]
impl Download for Bucket {
    async fn open(&self, _: &Entry, _: Option<ByteRange>) -> Result<Content> {
        Ok(Content::bytes(vec![b'x'; 4_096]))
    }
}

/// A parser and an index that do nothing.
struct Nowhere;

#[async_trait]
impl Parse for Nowhere {
    async fn parse(&self, _: Input) -> Result<Parsed> {
        Ok(Parsed { mime: "text/plain".into(), text: Text::default() })
    }

    fn max_bytes(&self) -> u64 {
        u64::MAX
    }
}

#[async_trait]
impl Ingestor for Nowhere {
    async fn upsert(&self, _: Document) -> Result<Ingested> {
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
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let usage = || Error::config("arguments", "diff DATABASE ENTRIES fill, or diff DATABASE ENTRIES import CHANGES");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [database, entries, what, rest @ ..] = arguments.as_slice() else { return Err(usage().into()) };
    let bucket = Bucket { entries: entries.parse()?, changes: rest.first().map_or(Ok(0), |number| number.parse())? };
    let store = Store::open(PathBuf::from(database)).await?;
    let own = store.scoped(Tenant::local());
    let integration = own.find_or_create("bucket", "Bucket", &json!({})).await?.id;
    if what == "fill" {
        fill(&own, integration, bucket).await?;
    } else {
        let ledger: Arc<dyn Ledger> = Arc::new(own);
        let engine = Engine::new(ledger, Arc::new(Nowhere), Nowhere, Options::default());
        let source = Source { integration, tenant: Tenant::local(), vendor: "bucket".into() };
        let started = Instant::now();
        let mut events = engine.import(Import::new(Arc::new(bucket), source));
        let mut summary = Summary::default();
        while let Some(event) = events.try_next().await? {
            if let Event::Done(done) = event {
                summary = done;
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        let Summary { unchanged, ingested, removed, .. } = summary;
        let said = json!({ "unchanged": unchanged, "ingested": ingested, "removed": removed, "seconds": seconds });
        println!("{said}");
    }
    store.close().await;
    Ok(())
}

/// Notes every entry as ingested, as an import would have.
async fn fill(ledger: &dyn Ledger, integration: IntegrationId, bucket: Bucket) -> Result<()> {
    let run = ledger.begin(integration, &[String::new()]).await?;
    for from in (0..bucket.entries).step_by(1_000) {
        let entries: Vec<Entry> = (from..bucket.entries.min(from + 1_000)).map(|number| bucket.entry(number)).collect();
        ledger.seen(&run, &entries).await?;
        let result =
            |number| EntryResult::Ingested { content_hash: format!("{number:064x}"), chunks: 1, portfolio: None };
        let results: Vec<_> = entries.into_iter().enumerate().map(|(at, entry)| (entry, result(from + at))).collect();
        ledger.record(&run, &results).await?;
    }
    ledger.finish(&run, RunOutcome::Complete).await
}
