//! An import of very many entries that the ledger knows: `diff DATABASE ENTRIES fill`, then `diff DATABASE ENTRIES
//! import CHANGES`, which prints what was found and how long it took.
#![expect(clippy::print_stdout, reason = "its output is its result")]

use std::{path::PathBuf, sync::Arc, time::Instant};

use catchment_benches::source::{Bucket, Nowhere};
use catchment_core::{Entry, EntryResult, Error, IntegrationId, Ledger, Result, RunOutcome, Tenant};
use catchment_engine::{Engine, Event, Import, Options, Source, Summary};
use catchment_store::Store;
use futures::TryStreamExt;
use serde_json::json;

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
