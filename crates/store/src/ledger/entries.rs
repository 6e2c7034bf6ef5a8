//! Entries: what was seen of them, and what is held of them.

use std::collections::{HashMap, HashSet};

use catchment_core::{
    Entry, EntryId, ErrorKind, Fingerprint, IntegrationId, Known, LedgerEntry, Quarantine, Result, Run, Settled,
};
use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::{
    db::{Row, Sql, Twice, Tx, Value, over_page, page, page::Page, values},
    integrations::of_mine,
    ledger::tree,
    scope::Scoped,
};

/// Looks up a page. A cross join keeps SQLite from turning it around: it takes the page for the
/// longer side, and would read every entry of the integration for each page.
pub(super) const LOOK_UP: Sql = over_page!(
    "SELECT page.key, x.path, x.seen_run, x.fingerprint, x.content_hash, x.chunks, x.portfolio,
            x.failures, x.failed_fingerprint, x.failed_until, x.failed_kind, x.failed_message,
            CASE WHEN x.buried_at IS NULL AND x.seen_run < $3 THEN x.digest END
     FROM",
    "CROSS JOIN entries AS x WHERE x.integration = $2 AND x.entry = page.entry",
);

/// The path of the run that saw it last counts, and what else was said of it. Where this one has
/// seen it already, under whatever path, it stays as it is.
pub(super) const STAMP: Sql = over_page!(
    "INSERT INTO entries (integration, entry, path, added_run, seen_run, size, mime, modified, created, web_url,
                          parent, leaf, special, digest)
     SELECT $2, page.value ->> 0, page.value ->> 1, $3, $3, CAST(page.value ->> 2 AS BIGINT), page.value ->> 3,
            CAST(page.value ->> 4 AS BIGINT), CAST(page.value ->> 5 AS BIGINT), page.value ->> 6,
            page.value ->> 7, page.value ->> 8, CAST(page.value ->> 9 AS BIGINT) = 1,
            CAST(page.value ->> 11 AS BIGINT) FROM",
    "WHERE true
     ON CONFLICT (integration, entry) DO UPDATE SET
         path = CASE WHEN entries.seen_run < $3 THEN excluded.path ELSE entries.path END,
         fingerprint = CASE WHEN entries.seen_run >= $3 OR entries.path = excluded.path THEN entries.fingerprint END,
         content_hash = CASE WHEN entries.seen_run >= $3 OR entries.path = excluded.path THEN entries.content_hash END,
         size = CASE WHEN entries.seen_run < $3 THEN excluded.size ELSE entries.size END,
         mime = CASE WHEN entries.seen_run < $3 THEN excluded.mime ELSE entries.mime END,
         modified = CASE WHEN entries.seen_run < $3 THEN excluded.modified ELSE entries.modified END,
         created = CASE WHEN entries.seen_run < $3 THEN excluded.created ELSE entries.created END,
         web_url = CASE WHEN entries.seen_run < $3 THEN excluded.web_url ELSE entries.web_url END,
         parent = CASE WHEN entries.seen_run < $3 THEN excluded.parent ELSE entries.parent END,
         leaf = CASE WHEN entries.seen_run < $3 THEN excluded.leaf ELSE entries.leaf END,
         special = CASE WHEN entries.seen_run < $3 THEN excluded.special ELSE entries.special END,
         digest = CASE WHEN entries.seen_run < $3 THEN excluded.digest ELSE entries.digest END,
         seen_run = CASE WHEN entries.seen_run < $3 THEN $3 ELSE entries.seen_run END,
         buried_at = NULL",
);

/// Of what is as it was nothing else is written: that is nearly everything, nearly always.
pub(super) const AGAIN: Sql =
    over_page!("UPDATE entries SET seen_run = $3 WHERE integration = $2 AND entry IN (SELECT page.entry FROM", ")",);

const UNSETTLE: &str =
    "UPDATE entries SET fingerprint = NULL, content_hash = NULL WHERE integration = $1 AND entry = $2";

const PAGE: &str = concat!(
    "SELECT entry, path, buried_at IS NOT NULL, content_hash, chunks FROM entries WHERE ",
    of_mine!(),
    // No text sorts before the empty one, and an id may be empty: the first page has no bound.
    " ORDER BY entry LIMIT $4"
);

pub(super) const NEXT_PAGE: &str = concat!(
    "SELECT entry, path, buried_at IS NOT NULL, content_hash, chunks FROM entries WHERE ",
    of_mine!(),
    " AND entry > $5 ORDER BY entry LIMIT $4"
);

/// One more than the newest run: no run that has begun may record over it, the next one may.
pub(super) const INVALIDATE: Sql = over_page!(
    "UPDATE entries SET fingerprint = NULL, content_hash = NULL,
                        result_run = (SELECT coalesce(max(number), 0) + 1 FROM runs WHERE runs.integration = $2)
     WHERE integration = $2 AND entry IN (SELECT page.entry FROM",
    ")",
);

/// A page is one value and a few statements, however many entries it has: a statement for each
/// would cost ten times as much.
pub(super) async fn seen(scoped: &Scoped, run: &Run, entries: &[Entry]) -> Result<Vec<Known>> {
    let mut met = HashSet::with_capacity(entries.len());
    let first: Vec<bool> = entries.iter().map(|entry| met.insert(&entry.id)).collect();
    // One statement can stamp an entry once, and the first path counts.
    let all = page::page(entries.iter().map(id));
    let once = || entries.iter().zip(&first).filter(|(_, first)| **first).map(|(entry, _)| entry);
    let files = || once().filter(|entry| !entry.is_container());
    let containers = page::page(once().filter(|entry| entry.is_container()).map(tree::container));
    let digests: HashMap<&EntryId, i64> = files().map(|entry| (&entry.id, digest(entry))).collect();
    let values = |page: &Page, tx: &Tx| [page.value(tx), run.integration.into(), run.number.into()];
    // A second time, everything would be there again.
    let rows = scoped
        .store
        .db
        .retried(Twice::Harmful, async || {
            let mut tx = scoped.write_ledger(run.integration).await?;
            let rows = tx.all(LOOK_UP, values(&all, &tx)).await?;
            let mut same = HashSet::new();
            for row in &rows {
                let (id, digest) = (entries.get(at(row)?).map(|entry| &entry.id), row.maybe_int(12)?);
                same.extend(id.filter(|id| digest.is_some() && digests.get(id).copied() == digest));
            }
            let again = page::page(files().filter(|entry| same.contains(&entry.id)).map(id));
            let other = page::page(files().filter(|entry| !same.contains(&entry.id)).map(stamped));
            for (sql, page) in [(AGAIN, &again), (STAMP, &other), (tree::WALKED, &containers)] {
                if !page.is_empty() {
                    tx.run(sql, values(page, &tx)).await?;
                }
            }
            tx.commit().await?;
            Ok(rows)
        })
        .await?;

    let mut known = vec![Known::default(); entries.len()];
    for row in rows {
        // A container under the id of a file is no file any more.
        let at = at(&row)?;
        if let (Some(known), Some(entry)) = (known.get_mut(at), entries.get(at).filter(|entry| !entry.is_container())) {
            *known = read(&row, run, entry)?;
        }
    }
    for (first, known) in first.iter().zip(&mut known) {
        known.again |= !first;
    }
    Ok(known)
}

/// What is written of an entry that was seen. A size that no source has is none.
pub(super) fn stamped(entry: &Entry) -> Json {
    let micros = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp_micros());
    json!([
        entry.id.as_str(),
        entry.path,
        entry.size.and_then(|size| i64::try_from(size).ok()),
        entry.mime,
        micros(entry.modified),
        micros(entry.created),
        entry.web_url,
        entry.parent.as_ref().map(EntryId::as_str),
        entry.leaf(),
        i32::from(!entry.is_file()),
        entry.fingerprint.as_ref().map(Fingerprint::as_str),
        digest(entry),
    ])
}

fn id(entry: &Entry) -> Json {
    json!([entry.id.as_str()])
}

/// Which of the entries a row is about.
fn at(row: &Row) -> Result<usize> {
    Ok(usize::try_from(row.int(0)?).unwrap_or(usize::MAX))
}

/// Stands for all that is written of an entry that was seen: where it is the same, so is that.
fn digest(entry: &Entry) -> i64 {
    let mut hash = Sha256::new();
    let mut text = |text: Option<&str>| {
        hash.update(text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        hash.update(text.unwrap_or_default());
    };
    text(Some(entry.id.as_str()));
    text(Some(&entry.path));
    text(Some(entry.leaf()));
    text(entry.mime.as_deref());
    text(entry.web_url.as_deref());
    text(entry.parent.as_ref().map(EntryId::as_str));
    let micros = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp_micros().cast_unsigned());
    for number in [entry.size, micros(entry.modified), micros(entry.created)] {
        hash.update([number.is_some().into()]);
        hash.update(number.unwrap_or_default().to_le_bytes());
    }
    hash.update([entry.is_file().into()]);
    let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = hash.finalize().into();
    i64::from_le_bytes([a, b, c, d, e, f, g, h])
}

pub(super) fn read(row: &Row, run: &Run, entry: &Entry) -> Result<Known> {
    let seen_run = row.int(2)?;
    let content_hash = row.maybe_text(4)?;
    let stays = content_hash.is_some() && (seen_run >= run.number || row.text(1)? == entry.path);
    let failures = row.count(7)?;
    let failed = failures > 0 && row.maybe_text(8)?.as_deref() == entry.fingerprint.as_ref().map(Fingerprint::as_str);
    let quarantine = match failed {
        false => None,
        true => Some(Quarantine {
            fingerprint: entry.fingerprint.clone(),
            failures,
            until: row.maybe_time(9)?,
            kind: kind(&row.maybe_text(10)?.unwrap_or_default()),
            message: row.maybe_text(11)?.unwrap_or_default(),
        }),
    };
    Ok(Known {
        fingerprint: row.maybe_text(3)?.filter(|_| stays).map(Fingerprint::new),
        content_hash: content_hash.filter(|_| stays),
        chunks: if stays { row.count(5)? } else { 0 },
        portfolio: row.maybe_text(6)?.filter(|_| stays),
        quarantine,
        again: seen_run == run.number,
    })
}

pub(super) async fn unsettle(scoped: &Scoped, run: &Run, entry: &EntryId) -> Result<()> {
    scoped
        .store
        .db
        .retried(Twice::Harmless, async || {
            let mut tx = scoped.write_ledger(run.integration).await?;
            tx.run(UNSETTLE, values![run.integration, entry]).await?;
            tx.commit().await
        })
        .await
}

pub(super) async fn page_of(
    scoped: &Scoped,
    integration: IntegrationId,
    after: Option<&EntryId>,
    limit: u32,
) -> Result<Vec<LedgerEntry>> {
    let [organization, user] = scoped.mine();
    let mut values = vec![organization, user, integration.into(), limit.into()];
    values.extend(after.map(Value::from));
    let sql = if after.is_some() { NEXT_PAGE } else { PAGE };
    let rows =
        scoped.store.db.retried(Twice::Harmless, async || scoped.read().await?.all(sql, values.clone()).await).await?;
    rows.iter()
        .map(|row| {
            let settled = match row.maybe_text(3)? {
                Some(content_hash) => Some(Settled { content_hash, chunks: row.count(4)? }),
                None => None,
            };
            Ok(LedgerEntry { entry: row.text(0)?.into(), path: row.text(1)?, buried: row.bool(2)?, settled })
        })
        .collect()
}

pub(super) async fn invalidate(scoped: &Scoped, integration: IntegrationId, entries: &[EntryId]) -> Result<()> {
    let ids = super::ids(entries);
    scoped
        .store
        .db
        .retried(Twice::Harmless, async || {
            let mut tx = scoped.write_ledger(integration).await?;
            tx.run(INVALIDATE, [ids.value(&tx), integration.into()]).await?;
            tx.commit().await
        })
        .await
}

/// A kind by its stable name. One that only a newer version knows is a fault of ours to this one.
pub(crate) fn kind(name: &str) -> ErrorKind {
    serde_json::from_value(name.into()).unwrap_or(ErrorKind::Internal)
}

#[cfg(test)]
mod tests {
    use catchment_core::Tenant;

    use super::*;
    use crate::Store;

    #[tokio::test]
    async fn row_level_security_does_not_keep_postgres_from_its_index() {
        let database = tokio::task::spawn_blocking(|| catchment_testkit::backends::postgres().database());
        let url = catchment_core::Secret::new(database.await.unwrap().url);
        let scoped = Store::connect(&url, crate::Options::default()).await.unwrap().scoped(Tenant::local());
        let integration = scoped.find_or_create("s3", "one", &json!({})).await.unwrap().id;
        let run = catchment_core::Ledger::begin(&scoped, integration, &[]).await.unwrap();
        for part in 0..5 {
            let page: Vec<_> = (0..1_000).map(|n| Entry::file(format!("{part}-{n}"), format!("{part}/{n}"))).collect();
            seen(&scoped, &run, &page).await.unwrap();
        }
        let mut tx = scoped.write().await.unwrap();
        tx.run("ANALYZE entries", []).await.unwrap();
        let page = json!([["1-7"], ["3-4"], ["nowhere"]]).to_string();
        for (statement, of_a_run) in [(LOOK_UP, true), (AGAIN, true), (INVALIDATE, false)] {
            let explain: &'static str = format!("EXPLAIN {}", statement.postgres).leak();
            let mut values = Vec::from(values![page.as_str(), integration]);
            values.extend(of_a_run.then(|| run.number.into()));
            let plan = tx.all(explain, values).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.text(0).unwrap()).collect();
            assert!(plan.iter().any(|step| step.contains("Index Scan using entries_pkey")), "{plan:#?}");
            assert!(!plan.iter().any(|step| step.contains("Seq Scan on entries")), "{plan:#?}");
        }
    }
}
