//! Results: what became of entries.

use std::collections::HashSet;

use catchment_core::{Entry, EntryId, EntryResult, Fingerprint, Result, Run};
use serde_json::{Value as Json, json};

use crate::{
    db::{Sql, Twice, Tx, over_page, page},
    scope::Scoped,
    time,
};

/// The path in the row is the one seen last. If that is another one by now, the document carries
/// the wrong path, and the entry stays unsettled.
pub(super) const INGESTED: Sql = over_page!(
    "INSERT INTO entries (integration, entry, path, added_run, seen_run, result_run,
                          fingerprint, content_hash, chunks, portfolio)
     SELECT $2, page.value ->> 0, page.value ->> 1, $3, $3, $3,
            page.value ->> 2, page.value ->> 3, CAST(page.value ->> 4 AS BIGINT), page.value ->> 5
     FROM",
    "WHERE true
     ON CONFLICT (integration, entry) DO UPDATE SET
         result_run = excluded.result_run,
         fingerprint = CASE WHEN entries.path = excluded.path THEN excluded.fingerprint END,
         content_hash = CASE WHEN entries.path = excluded.path THEN excluded.content_hash END,
         chunks = excluded.chunks, portfolio = excluded.portfolio,
         failures = 0, failed_fingerprint = NULL, failed_until = NULL, failed_kind = NULL, failed_message = NULL
     WHERE entries.result_run <= excluded.result_run",
);

/// Where a newer result was in the way, and is about other bytes. As an `UPDATE .. FROM` SQLite would turn it around,
/// and read every entry of the integration for each page.
pub(super) const CONTRADICTED: Sql = over_page!(
    "UPDATE entries SET fingerprint = NULL, content_hash = NULL WHERE integration = $2 AND entry IN (SELECT page.entry FROM",
    "CROSS JOIN entries AS x WHERE x.integration = $2 AND x.entry = page.entry AND x.result_run > $3
     AND x.content_hash <> page.value ->> 3)",
);

pub(super) const FAILED: Sql = over_page!(
    "INSERT INTO entries (integration, entry, path, added_run, seen_run, result_run,
                          failures, failed_fingerprint, failed_until, failed_kind, failed_message)
     SELECT $2, page.value ->> 0, page.value ->> 1, $3, $3, $3,
            1, page.value ->> 2, CAST(page.value ->> 3 AS BIGINT), page.value ->> 4, page.value ->> 5
     FROM",
    "WHERE true
     ON CONFLICT (integration, entry) DO UPDATE SET
         result_run = excluded.result_run,
         failures = CASE WHEN entries.failed_fingerprint IS NOT DISTINCT FROM excluded.failed_fingerprint
                         THEN entries.failures + 1 ELSE 1 END,
         failed_fingerprint = excluded.failed_fingerprint, failed_until = excluded.failed_until,
         failed_kind = excluded.failed_kind, failed_message = excluded.failed_message
     WHERE entries.result_run <= excluded.result_run",
);

pub(super) async fn record(scoped: &Scoped, run: &Run, results: &[(Entry, EntryResult)]) -> Result<()> {
    if results.is_empty() {
        return Ok(());
    }
    // A second time would count failures twice.
    scoped
        .store
        .db
        .retried(Twice::Harmful, async || {
            let mut tx = scoped.write_ledger(run.integration).await?;
            let mut rest = results;
            while !rest.is_empty() {
                let (some, more) = rest.split_at(distinct(rest));
                record_distinct(&mut tx, run, some).await?;
                rest = more;
            }
            tx.commit().await
        })
        .await
}

/// How many from the front are about different entries. One statement can settle an entry once.
fn distinct(results: &[(Entry, EntryResult)]) -> usize {
    let mut met: HashSet<&EntryId> = HashSet::with_capacity(results.len());
    results.iter().take_while(|(entry, _)| met.insert(&entry.id)).count()
}

async fn record_distinct(tx: &mut Tx, run: &Run, results: &[(Entry, EntryResult)]) -> Result<()> {
    let (mut ingested, mut failed): (Vec<Json>, Vec<Json>) = (Vec::new(), Vec::new());
    for (entry, result) in results {
        let fingerprint = entry.fingerprint.as_ref().map(Fingerprint::as_str);
        match result {
            EntryResult::Ingested { content_hash, chunks, portfolio } => {
                ingested.push(json!([entry.id.as_str(), entry.path, fingerprint, content_hash, chunks, portfolio]));
            }
            EntryResult::Failed { kind, message, pause } => {
                let until = pause.map(time::from_now);
                failed.push(json!([entry.id.as_str(), entry.path, fingerprint, until, kind.as_str(), message]));
            }
        }
    }
    if !ingested.is_empty() {
        let ingested = page::page(ingested.into_iter()).value(tx);
        tx.run(INGESTED, [ingested.clone(), run.integration.into(), run.number.into()]).await?;
        tx.run(CONTRADICTED, [ingested, run.integration.into(), run.number.into()]).await?;
    }
    if !failed.is_empty() {
        let failed = page::page(failed.into_iter()).value(tx);
        tx.run(FAILED, [failed, run.integration.into(), run.number.into()]).await?;
    }
    Ok(())
}
