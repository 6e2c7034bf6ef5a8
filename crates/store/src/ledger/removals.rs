//! Removals: what a run has not seen, tombstones, and forgetting.

use std::time::Duration;

use catchment_core::{Buried, Complete, EntryId, IntegrationId, Result, Run, Unseen};
use sqlx::Row;

use crate::{open::Store, time};

/// Everything at or below a path. `0` is the character behind `/`.
macro_rules! below {
    ($root:literal) => {
        concat!(
            "(",
            $root,
            " = '' OR path = ",
            $root,
            " OR (path >= ",
            $root,
            " || '/' AND path < ",
            $root,
            " || '0'))"
        )
    };
}

pub(super) async fn unseen(store: &Store, run: &Run, proof: &Complete) -> Result<Unseen> {
    let row = sqlx::query(concat!(
        "SELECT count(*), count(*) FILTER (WHERE seen_run < ?2) FROM entries
         WHERE integration = ?1 AND added_run < ?2 AND buried_at IS NULL AND ",
        below!("?3")
    ))
    .bind(run.integration.0)
    .bind(run.number)
    .bind(proof.path())
    .fetch_one(store.readers())
    .await
    .map_err(store.failed())?;
    Ok(Unseen { living: row.get::<i64, _>(0).cast_unsigned(), unseen: row.get::<i64, _>(1).cast_unsigned() })
}

pub(super) async fn bury(store: &Store, run: &Run, proof: &Complete) -> Result<u64> {
    let mut tx = store.write().await?;
    let done = sqlx::query(concat!(
        "UPDATE entries SET buried_at = ?4 WHERE integration = ?1 AND seen_run < ?2 AND buried_at IS NULL AND ",
        below!("?3")
    ))
    .bind(run.integration.0)
    .bind(run.number)
    .bind(proof.path())
    .bind(time::now())
    .execute(&mut *tx)
    .await
    .map_err(store.failed())?;
    tx.commit().await.map_err(store.failed())?;
    Ok(done.rows_affected())
}

pub(super) async fn take_buried(
    store: &Store,
    integration: IntegrationId,
    grace: Duration,
    limit: u32,
) -> Result<Vec<Buried>> {
    let before = time::now().saturating_sub(i64::try_from(grace.as_micros()).unwrap_or(i64::MAX));
    let mut tx = store.write().await?;
    let rows = sqlx::query(
        "UPDATE entries SET fingerprint = NULL, content_hash = NULL
         WHERE integration = ?1 AND entry IN
             (SELECT entry FROM entries WHERE integration = ?1 AND buried_at <= ?2 LIMIT ?3)
         RETURNING entry, path",
    )
    .bind(integration.0)
    .bind(before)
    .bind(i64::from(limit))
    .fetch_all(&mut *tx)
    .await
    .map_err(store.failed())?;
    tx.commit().await.map_err(store.failed())?;
    Ok(rows.iter().map(|row| Buried { entry: row.get::<String, _>(0).into(), path: row.get(1) }).collect())
}

pub(super) async fn forget(store: &Store, integration: IntegrationId, entries: &[EntryId]) -> Result<Vec<EntryId>> {
    let ids = super::json(entries);
    let mut tx = store.write().await?;
    sqlx::query(
        "DELETE FROM entries WHERE integration = ?1 AND entry IN (SELECT value FROM json_each(?2))
         AND buried_at IS NOT NULL AND content_hash IS NULL",
    )
    .bind(integration.0)
    .bind(&ids)
    .execute(&mut *tx)
    .await
    .map_err(store.failed())?;
    let stay: Vec<String> = sqlx::query_scalar(
        "SELECT entry FROM entries WHERE integration = ?1 AND entry IN (SELECT value FROM json_each(?2)) ORDER BY entry",
    )
    .bind(integration.0)
    .bind(&ids)
    .fetch_all(&mut *tx)
    .await
    .map_err(store.failed())?;
    tx.commit().await.map_err(store.failed())?;
    Ok(stay.into_iter().map(EntryId::from).collect())
}
