//! Looking after integrations that nobody uses: which of them somebody should look at.

use std::time::Duration;

use catchment_core::{IntegrationId, Result};
use chrono::{DateTime, Utc};

use super::{Integration, read::columns, read::integration_of};
use crate::{
    db::{Sql, Twice, Value, Who, each, values},
    scope::{Scoped, mine},
    store::Store,
    time,
};

/// Only what is due is read, from an index that holds nothing else. The mark of lists does not
/// move: none of them shows it.
const TAKE: Sql = each!(
    "UPDATE integrations SET next_check = $2
     WHERE id IN (SELECT id FROM integrations WHERE next_check <= $1 ORDER BY next_check LIMIT $3",
    sqlite: "",
    postgres: " FOR NO KEY UPDATE SKIP LOCKED",
    concat!(") RETURNING ", columns!()),
);

const CHECKED: &str =
    concat!("UPDATE integrations SET next_check = $4 WHERE ", mine!(), " AND id = $3 AND status <> 'disconnected'");

impl Store {
    /// Takes up to `limit` integrations, of all tenants, that are due to be looked at, those that
    /// have waited longest; `now` is the time by which they are. Nobody else is given them before
    /// `every` has passed again, so several servers share the work, and what one of them took and
    /// did not get to is not lost. Say [`Scoped::checked`] of each.
    ///
    /// A new integration is due at once, and one that was connected is again; one that is
    /// disconnected never is.
    pub async fn due_checks(&self, now: DateTime<Utc>, limit: u32, every: Duration) -> Result<Vec<Integration>> {
        let now = now.timestamp_micros();
        let work = async || {
            let mut tx = self.db.write(Who::System).await?;
            let rows = tx.all(TAKE, values![now, now.saturating_add(time::lease(every)), limit]).await?;
            tx.commit().await?;
            Ok(rows)
        };
        // A second time would find them taken, and leave them for a whole term.
        self.db.retried(Twice::Harmful, work).await?.iter().map(integration_of).collect()
    }
}

impl Scoped {
    /// Says that an integration was looked at, and when it is due again: early enough for a grant
    /// that lapses when it lies idle, and not at the same moment as all others.
    pub async fn checked(&self, id: IntegrationId, next: DateTime<Utc>) -> Result<()> {
        let [organization, user] = self.mine();
        let values: [Value<'_>; 4] = [organization, user, id.into(), next.timestamp_micros().into()];
        let work = async || {
            let mut tx = self.write().await?;
            if tx.run(CHECKED, values.clone()).await? == 0 {
                // It was disconnected meanwhile, unless there is no such integration.
                self.to_change(&mut tx, id).await?;
            }
            tx.commit().await
        };
        self.store.db.retried(Twice::Harmless, work).await
    }
}

#[cfg(test)]
mod tests {
    use catchment_core::Tenant;

    use super::*;

    #[tokio::test]
    async fn only_what_is_due_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("catchment.db")).await.unwrap();
        let mut tx = store.scoped(Tenant::local()).write().await.unwrap();
        let explain: &'static str = format!("EXPLAIN QUERY PLAN {}", TAKE.sqlite).leak();
        let plan = tx.all(explain, values![0_i64, 1_i64, 10_i64]).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.text(3).unwrap()).collect();
        assert_eq!(plan[0], "SEARCH integrations USING INTEGER PRIMARY KEY (rowid=?)", "{plan:?}");
        assert!(plan.iter().any(|step| step.contains("INDEX integrations_to_check (next_check<?)")), "{plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
    }
}
