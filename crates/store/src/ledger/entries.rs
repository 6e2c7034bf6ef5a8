//! Entries: what was seen of them, and what is held of them.

use std::collections::HashSet;

use catchment_core::{
    Entry, EntryId, ErrorKind, Fingerprint, IntegrationId, Known, LedgerEntry, Quarantine, Result, Run, Settled,
};
use serde_json::{Value, json};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{open::Store, time};

/// Looks up a page. A cross join keeps SQLite from turning it around: it takes the page for the
/// longer side, and would read every entry of the integration for each page.
const LOOK_UP: &str = "SELECT page.key, x.path, x.seen_run, x.fingerprint, x.content_hash, x.chunks, x.portfolio,
                              x.failures, x.failed_fingerprint, x.failed_until, x.failed_kind, x.failed_message
                       FROM json_each(?1) AS page CROSS JOIN entries AS x
                       WHERE x.integration = ?2 AND x.entry = page.value ->> 0";

/// A page is one parameter (a JSON array) and two statements, however many entries it has: a
/// statement for each would cost ten times as much.
pub(super) async fn seen(store: &Store, run: &Run, entries: &[Entry]) -> Result<Vec<Known>> {
    let page = Value::from_iter(entries.iter().map(|entry| json!([entry.id.as_str(), entry.path]))).to_string();
    let mut tx = store.write().await?;
    let rows =
        sqlx::query(LOOK_UP).bind(&page).bind(run.integration.0).fetch_all(&mut *tx).await.map_err(store.failed())?;
    // The path of the run that saw it last counts. Where this one has seen it already, under
    // whatever path, it stays as it is.
    sqlx::query(
        "INSERT INTO entries (integration, entry, path, added_run, seen_run)
         SELECT ?2, value ->> 0, value ->> 1, ?3, ?3 FROM json_each(?1) WHERE true
         ON CONFLICT (integration, entry) DO UPDATE SET
             path = CASE WHEN entries.seen_run < ?3 THEN excluded.path ELSE entries.path END,
             fingerprint = CASE WHEN entries.seen_run >= ?3 OR entries.path = excluded.path THEN entries.fingerprint END,
             content_hash = CASE WHEN entries.seen_run >= ?3 OR entries.path = excluded.path THEN entries.content_hash END,
             seen_run = CASE WHEN entries.seen_run < ?3 THEN ?3 ELSE entries.seen_run END,
             buried_at = NULL",
    )
    .bind(&page)
    .bind(run.integration.0)
    .bind(run.number)
    .execute(&mut *tx)
    .await
    .map_err(store.failed())?;
    tx.commit().await.map_err(store.failed())?;

    let mut known = vec![Known::default(); entries.len()];
    for row in rows {
        let at = usize::try_from(row.get::<i64, _>(0)).unwrap_or(usize::MAX);
        if let (Some(known), Some(entry)) = (known.get_mut(at), entries.get(at)) {
            *known = read(&row, run, entry);
        }
    }
    let mut met = HashSet::with_capacity(entries.len());
    for (entry, known) in entries.iter().zip(&mut known) {
        known.again |= !met.insert(&entry.id);
    }
    Ok(known)
}

fn read(row: &SqliteRow, run: &Run, entry: &Entry) -> Known {
    let seen_run: i64 = row.get(2);
    let content_hash: Option<String> = row.get(4);
    let stays = content_hash.is_some() && (seen_run >= run.number || row.get::<&str, _>(1) == entry.path);
    let failures: i64 = row.get(7);
    let failed_fingerprint: Option<String> = row.get(8);
    let failed = failures > 0 && failed_fingerprint.as_deref() == entry.fingerprint.as_ref().map(Fingerprint::as_str);
    Known {
        fingerprint: row.get::<Option<String>, _>(3).filter(|_| stays).map(Fingerprint::new),
        content_hash: content_hash.filter(|_| stays),
        chunks: if stays { count(row.get(5)) } else { 0 },
        portfolio: row.get::<Option<String>, _>(6).filter(|_| stays),
        quarantine: failed.then(|| Quarantine {
            fingerprint: entry.fingerprint.clone(),
            failures: count(failures),
            until: row.get::<Option<i64>, _>(9).map(time::at),
            kind: kind(row.get::<Option<&str>, _>(10).unwrap_or_default()),
            message: row.get::<Option<String>, _>(11).unwrap_or_default(),
        }),
        again: seen_run == run.number,
    }
}

pub(super) async fn unsettle(store: &Store, run: &Run, entry: &EntryId) -> Result<()> {
    let mut tx = store.write().await?;
    sqlx::query("UPDATE entries SET fingerprint = NULL, content_hash = NULL WHERE integration = ?1 AND entry = ?2")
        .bind(run.integration.0)
        .bind(entry.as_str())
        .execute(&mut *tx)
        .await
        .map_err(store.failed())?;
    tx.commit().await.map_err(store.failed())
}

pub(super) async fn page(
    store: &Store,
    integration: IntegrationId,
    after: Option<&EntryId>,
    limit: u32,
) -> Result<Vec<LedgerEntry>> {
    // No text sorts before the empty one, and an id may be empty: the first page has no bound.
    let query = match after {
        None => sqlx::query(
            "SELECT entry, path, buried_at IS NOT NULL, content_hash, chunks FROM entries
             WHERE integration = ?1 ORDER BY entry LIMIT ?2",
        ),
        Some(_) => sqlx::query(
            "SELECT entry, path, buried_at IS NOT NULL, content_hash, chunks FROM entries
             WHERE integration = ?1 AND entry > ?3 ORDER BY entry LIMIT ?2",
        ),
    };
    let mut query = query.bind(integration.0).bind(i64::from(limit));
    if let Some(after) = after {
        query = query.bind(after.as_str());
    }
    let rows = query.fetch_all(store.readers()).await.map_err(store.failed())?;
    Ok(rows
        .iter()
        .map(|row| LedgerEntry {
            entry: row.get::<String, _>(0).into(),
            path: row.get(1),
            buried: row.get(2),
            settled: row
                .get::<Option<String>, _>(3)
                .map(|content_hash| Settled { content_hash, chunks: count(row.get(4)) }),
        })
        .collect())
}

pub(super) async fn invalidate(store: &Store, integration: IntegrationId, entries: &[EntryId]) -> Result<()> {
    let mut tx = store.write().await?;
    // One more than the newest run: no run that has begun may record over it, the next one may.
    sqlx::query(
        "UPDATE entries SET fingerprint = NULL, content_hash = NULL,
                            result_run = (SELECT coalesce(max(number), 0) + 1 FROM runs)
         WHERE integration = ?1 AND entry IN (SELECT value FROM json_each(?2))",
    )
    .bind(integration.0)
    .bind(super::json(entries))
    .execute(&mut *tx)
    .await
    .map_err(store.failed())?;
    tx.commit().await.map_err(store.failed())
}

fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A kind by its stable name. One that only a newer version knows is a fault of ours to this one.
fn kind(name: &str) -> ErrorKind {
    serde_json::from_value(name.into()).unwrap_or(ErrorKind::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_page_is_looked_up_by_its_ids_and_not_by_reading_the_whole_ledger() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("catchment.db")).await.unwrap();
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {LOOK_UP}"));
        let plan = sqlx::query(explain).bind("[]").bind(1).fetch_all(store.readers()).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        assert!(plan[0].starts_with("SCAN page"), "{plan:?}");
        assert_eq!(plan[1], "SEARCH x USING PRIMARY KEY (integration=? AND entry=?)");
    }
}
