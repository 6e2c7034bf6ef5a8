//! Following on SQL: where a feed stands, and who follows it.

use async_trait::async_trait;
use catchment_core::{
    Change, Cursor, Due, Entry, EntryId, Error, ErrorKind, Feed, Following, Known, Result, Run, Told, Unseen,
};

use super::tree::Tree;
use crate::{
    db::{Sql, Twice, Tx, Value, by_index, values},
    integrations::of_mine,
    scope::Scoped,
    time,
};

const TAKE: &str = "INSERT INTO feeds (integration, run) VALUES ($1, $2)
     ON CONFLICT (integration) DO UPDATE SET run = excluded.run WHERE feeds.run <= excluded.run
     RETURNING cursor, walked_at, portfolio";

const HELD: &str = "SELECT run FROM feeds WHERE integration = $1 AND run = $2";

const DROP: &str = "UPDATE feeds SET cursor = NULL WHERE integration = $1";

const START: &str = "UPDATE feeds SET cursor = $2, walked_at = $3, portfolio = $4 WHERE integration = $1";

const UNMET: &str = "DELETE FROM containers WHERE integration = $1 AND seen_run < $2";

const MOVE: &str = "UPDATE feeds SET cursor = $2 WHERE integration = $1";

pub(super) const UNLISTED: Sql = by_index!(
    "SELECT entry, path FROM containers",
    by: "containers_unlisted",
    concat!("WHERE ", of_mine!(), " AND NOT listed LIMIT $4"),
);

const REVIVE: &str = "UPDATE entries SET buried_at = NULL
     WHERE integration = $1 AND buried_run = $2 AND buried_at IS NOT NULL";

const LISTED: &str = "UPDATE containers SET listed = true WHERE integration = $1 AND entry = $2";

/// Work that nobody tells of: what was left half done, and what failed for a reason that may have
/// passed.
macro_rules! due {
    ($behind:literal) => {
        by_index!(
            "SELECT entry, path FROM entries",
            by: "entries_open",
            concat!(
                "WHERE ",
                of_mine!(),
                " AND (content_hash IS NULL OR failures > 0)
                  AND buried_at IS NULL AND NOT special AND (failures = 0 OR failed_until <= $5)",
                $behind,
                " ORDER BY entry LIMIT $4"
            ),
        )
    };
}

pub(super) const DUE: Sql = due!("");
pub(super) const DUE_BEHIND: Sql = due!(" AND entry > $6");

#[async_trait]
impl Following for Scoped {
    async fn take_feed(&self, run: &Run) -> Result<Option<Feed>> {
        let row = self
            .store
            .db
            .retried(Twice::Harmless, async || {
                let mut tx = self.write_ledger(run.integration).await?;
                let row = tx.maybe(TAKE, values![run.integration, run.number]).await?.ok_or_else(taken)?;
                tx.commit().await?;
                Ok(row)
            })
            .await?;
        let (Some(cursor), Some(walked)) = (row.maybe_text(0)?, row.maybe_time(1)?) else { return Ok(None) };
        Ok(Some(Feed { cursor: Cursor::new(cursor), walked, portfolio: row.maybe_text(2)? }))
    }

    async fn drop_feed(&self, run: &Run) -> Result<()> {
        self.change_feed(run, DROP, values![run.integration]).await
    }

    async fn start_feed(&self, run: &Run, feed: &Feed) -> Result<()> {
        let walked = feed.walked.timestamp_micros();
        let values = values![run.integration, feed.cursor.as_str(), walked, feed.portfolio.as_deref()];
        self.store
            .db
            .retried(Twice::Harmless, async || {
                let mut tx = self.follow(run).await?;
                tx.run(UNMET, values![run.integration, run.number]).await?;
                tx.run(START, values.clone()).await?;
                tx.commit().await
            })
            .await
    }

    async fn move_feed(&self, run: &Run, cursor: &Cursor) -> Result<()> {
        self.change_feed(run, MOVE, values![run.integration, cursor.as_str()]).await
    }

    async fn doomed(&self, run: &Run, changes: &[Change]) -> Result<Unseen> {
        self.store
            .db
            .retried(Twice::Harmless, async || {
                let mut tx = self.follow(run).await?;
                Tree { tx: &mut tx, run: *run }.doomed(changes).await
            })
            .await
    }

    async fn told(&self, run: &Run, changes: &[Change]) -> Result<Told> {
        // A second time, nothing would be left to bury.
        self.store
            .db
            .retried(Twice::Harmful, async || {
                let mut tx = self.follow(run).await?;
                let told = Tree { tx: &mut tx, run: *run }.told(changes).await?;
                tx.commit().await?;
                Ok(told)
            })
            .await
    }

    async fn leave_feed(&self, run: &Run) -> Result<()> {
        self.store
            .db
            .retried(Twice::Harmless, async || {
                let mut tx = self.follow(run).await?;
                tx.run(DROP, values![run.integration]).await?;
                tx.run(REVIVE, values![run.integration, run.number]).await?;
                tx.commit().await
            })
            .await
    }

    async fn unlisted(&self, run: &Run, limit: u32) -> Result<Vec<Entry>> {
        let [organization, user] = self.mine();
        let values = [organization, user, run.integration.into(), limit.into()];
        let read = async || self.read().await?.all(UNLISTED, values.clone()).await;
        let rows = self.store.db.retried(Twice::Harmless, read).await?;
        rows.iter().map(|row| Ok(Entry::container(row.text(0)?, row.text(1)?))).collect()
    }

    async fn found(&self, run: &Run, container: &EntryId, entries: &[Entry]) -> Result<Vec<(Entry, Known)>> {
        // A second time, everything would be known.
        self.store
            .db
            .retried(Twice::Harmful, async || {
                let mut tx = self.follow(run).await?;
                let found = Tree { tx: &mut tx, run: *run }.found(container, entries).await?;
                tx.commit().await?;
                Ok(found)
            })
            .await
    }

    async fn listed(&self, run: &Run, container: &EntryId) -> Result<()> {
        self.change_feed(run, LISTED, values![run.integration, container]).await
    }

    async fn due(&self, run: &Run, after: Option<&EntryId>, limit: u32) -> Result<Vec<Due>> {
        let [organization, user] = self.mine();
        let mut values = vec![organization, user, run.integration.into(), limit.into(), time::now().into()];
        values.extend(after.map(Value::from));
        let sql = if after.is_some() { DUE_BEHIND } else { DUE };
        let read = async || self.read().await?.all(sql, values.clone()).await;
        let rows = self.store.db.retried(Twice::Harmless, read).await?;
        rows.iter().map(|row| Ok(Due { entry: row.text(0)?.into(), path: row.text(1)? })).collect()
    }
}

impl Scoped {
    /// A transaction of the run that follows, and of no other.
    async fn follow(&self, run: &Run) -> Result<Tx> {
        let mut tx = self.write_ledger(run.integration).await?;
        tx.maybe(HELD, values![run.integration, run.number]).await?.ok_or_else(taken)?;
        Ok(tx)
    }

    async fn change_feed<const N: usize>(&self, run: &Run, sql: &'static str, values: [Value<'_>; N]) -> Result<()> {
        self.store
            .db
            .retried(Twice::Harmless, async || {
                let mut tx = self.follow(run).await?;
                tx.run(sql, values.clone()).await?;
                tx.commit().await
            })
            .await
    }
}

fn taken() -> Error {
    Error::new(ErrorKind::Conflict, "a newer import follows the feed of this integration: wait for it to end")
}
