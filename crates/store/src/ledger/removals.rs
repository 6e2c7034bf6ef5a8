//! Removals: what a run has not seen, tombstones, and forgetting.

use std::time::Duration;

use catchment_core::{Buried, Complete, EntryId, IntegrationId, Result, Run, Unseen};

use crate::{
    db::{Sql, Twice, over_page, values},
    integrations::of_mine,
    scope::Scoped,
    time,
};

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

const UNSEEN: &str = concat!(
    "SELECT count(*), count(*) FILTER (WHERE seen_run < $4) FROM entries
     WHERE ",
    of_mine!(),
    " AND added_run < $4 AND buried_at IS NULL AND ",
    below!("$5")
);

const BURY: &str = concat!(
    "UPDATE entries SET buried_at = $4 WHERE integration = $1 AND seen_run < $2 AND buried_at IS NULL AND ",
    below!("$3")
);

pub(super) const TAKE: &str = "UPDATE entries SET fingerprint = NULL, content_hash = NULL
     WHERE integration = $1 AND entry IN
         (SELECT entry FROM entries WHERE integration = $1 AND buried_at <= $2 LIMIT $3)
     RETURNING entry, path";

pub(super) const FORGET: Sql = over_page!(
    "DELETE FROM entries WHERE integration = $2 AND buried_at IS NOT NULL AND content_hash IS NULL
     AND entry IN (SELECT page.entry FROM",
    ")",
);

pub(super) const STAY: Sql = over_page!(
    "SELECT entry FROM entries WHERE integration = $2 AND entry IN (SELECT page.entry FROM",
    ") ORDER BY entry",
);

pub(super) async fn unseen(scoped: &Scoped, run: &Run, proof: &Complete) -> Result<Unseen> {
    let [organization, user] = scoped.mine();
    let values = [organization, user, run.integration.into(), run.number.into(), proof.path().into()];
    let row = scoped
        .store
        .db
        .retried(Twice::Harmless, async || scoped.read().await?.one(UNSEEN, values.clone()).await)
        .await?;
    Ok(Unseen { living: row.large_count(0)?, unseen: row.large_count(1)? })
}

pub(super) async fn bury(scoped: &Scoped, run: &Run, proof: &Complete) -> Result<u64> {
    // A second time would find them buried, and count none.
    scoped
        .store
        .db
        .retried(Twice::Harmful, async || {
            let mut tx = scoped.write_ledger(run.integration).await?;
            let buried = tx.run(BURY, values![run.integration, run.number, proof.path(), time::now()]).await?;
            tx.commit().await?;
            Ok(buried)
        })
        .await
}

pub(super) async fn take_buried(
    scoped: &Scoped,
    integration: IntegrationId,
    grace: Duration,
    limit: u32,
) -> Result<Vec<Buried>> {
    let before = time::ago(grace);
    let rows = scoped
        .store
        .db
        .retried(Twice::Harmless, async || {
            let mut tx = scoped.write_ledger(integration).await?;
            let rows = tx.all(TAKE, values![integration, before, limit]).await?;
            tx.commit().await?;
            Ok(rows)
        })
        .await?;
    rows.iter().map(|row| Ok(Buried { entry: row.text(0)?.into(), path: row.text(1)? })).collect()
}

pub(super) async fn forget(scoped: &Scoped, integration: IntegrationId, entries: &[EntryId]) -> Result<Vec<EntryId>> {
    let ids = super::ids(entries);
    let rows = scoped
        .store
        .db
        .retried(Twice::Harmless, async || {
            let mut tx = scoped.write_ledger(integration).await?;
            tx.run(FORGET, [ids.value(&tx), integration.into()]).await?;
            let rows = tx.all(STAY, [ids.value(&tx), integration.into()]).await?;
            tx.commit().await?;
            Ok(rows)
        })
        .await?;
    rows.iter().map(|row| row.text(0).map(EntryId::from)).collect()
}
