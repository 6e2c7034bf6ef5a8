//! Results: what became of entries.

use std::time::Duration;

use catchment_core::{Entry, EntryResult, ErrorKind, Fingerprint, Result, Run};
use sqlx::{Sqlite, Transaction};

use crate::{open::Store, time};

pub(super) async fn record(store: &Store, run: &Run, results: &[(Entry, EntryResult)]) -> Result<()> {
    let mut tx = store.write().await?;
    for (entry, result) in results {
        match result {
            EntryResult::Ingested { content_hash, chunks, portfolio } => {
                ingested(&mut tx, run, entry, content_hash, *chunks, portfolio.as_deref()).await
            }
            EntryResult::Failed { kind, message, pause } => failed(&mut tx, run, entry, *kind, message, *pause).await,
        }
        .map_err(store.failed())?;
    }
    tx.commit().await.map_err(store.failed())
}

/// The path in the row is the one seen last. If that is another one by now, the document carries
/// the wrong path, and the entry stays unsettled.
async fn ingested(
    tx: &mut Transaction<'static, Sqlite>,
    run: &Run,
    entry: &Entry,
    content_hash: &str,
    chunks: u32,
    portfolio: Option<&str>,
) -> Result<(), sqlx::Error> {
    let recorded = sqlx::query(
        "INSERT INTO entries (integration, entry, path, added_run, seen_run, result_run,
                              fingerprint, content_hash, chunks, portfolio)
         VALUES (?1, ?2, ?3, ?4, ?4, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (integration, entry) DO UPDATE SET
             result_run = excluded.result_run,
             fingerprint = CASE WHEN entries.path = excluded.path THEN excluded.fingerprint END,
             content_hash = CASE WHEN entries.path = excluded.path THEN excluded.content_hash END,
             chunks = excluded.chunks, portfolio = excluded.portfolio,
             failures = 0, failed_fingerprint = NULL, failed_until = NULL, failed_kind = NULL, failed_message = NULL
         WHERE entries.result_run <= excluded.result_run",
    )
    .bind(run.integration.0)
    .bind(entry.id.as_str())
    .bind(&entry.path)
    .bind(run.number)
    .bind(entry.fingerprint.as_ref().map(Fingerprint::as_str))
    .bind(content_hash)
    .bind(i64::from(chunks))
    .bind(portfolio)
    .execute(&mut **tx)
    .await?;
    if recorded.rows_affected() == 0 {
        sqlx::query(
            "UPDATE entries SET fingerprint = NULL, content_hash = NULL
             WHERE integration = ?1 AND entry = ?2 AND content_hash <> ?3",
        )
        .bind(run.integration.0)
        .bind(entry.id.as_str())
        .bind(content_hash)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

async fn failed(
    tx: &mut Transaction<'static, Sqlite>,
    run: &Run,
    entry: &Entry,
    kind: ErrorKind,
    message: &str,
    pause: Option<Duration>,
) -> Result<(), sqlx::Error> {
    let until = pause.map(|pause| time::now().saturating_add(i64::try_from(pause.as_micros()).unwrap_or(i64::MAX)));
    sqlx::query(
        "INSERT INTO entries (integration, entry, path, added_run, seen_run, result_run,
                              failures, failed_fingerprint, failed_until, failed_kind, failed_message)
         VALUES (?1, ?2, ?3, ?4, ?4, ?4, 1, ?5, ?6, ?7, ?8)
         ON CONFLICT (integration, entry) DO UPDATE SET
             result_run = excluded.result_run,
             failures = CASE WHEN entries.failed_fingerprint IS NOT DISTINCT FROM excluded.failed_fingerprint
                             THEN entries.failures + 1 ELSE 1 END,
             failed_fingerprint = excluded.failed_fingerprint, failed_until = excluded.failed_until,
             failed_kind = excluded.failed_kind, failed_message = excluded.failed_message
         WHERE entries.result_run <= excluded.result_run",
    )
    .bind(run.integration.0)
    .bind(entry.id.as_str())
    .bind(&entry.path)
    .bind(run.number)
    .bind(entry.fingerprint.as_ref().map(Fingerprint::as_str))
    .bind(until)
    .bind(kind.as_str())
    .bind(message)
    .execute(&mut **tx)
    .await
    .map(drop)
}
