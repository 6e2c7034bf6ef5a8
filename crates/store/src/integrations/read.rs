//! Reading integrations.

use catchment_core::{IntegrationId, Result, Tenant};

use super::{GrantInfo, Integration, List, Mark, Status, no_integration};
use crate::{
    db::{Row, Sql, Twice, Tx, Who, locked, values},
    scope::{Scoped, mine},
    store::Store,
};

/// The columns that [`integration_of`] reads.
macro_rules! columns {
    () => {
        "id, organization, user_id, vendor, name, description, settings, secret_fields, status, revision,
         last_sync, last_used, errors, last_error, created_at, updated_at, account, connected_at,
         grant_scopes, grant_expires, grant_refreshable, grant_refreshed_at"
    };
}

pub(super) use columns;

const ONE: &str = concat!("SELECT ", columns!(), " FROM integrations WHERE ", mine!(), " AND id = $3");

const ONE_TO_CHANGE: Sql =
    locked!(concat!("SELECT ", columns!(), " FROM integrations WHERE ", mine!(), " AND id = $3"));

/// Of one user: each has an index of its own, which a condition for both could not use.
const OF_USER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM integrations WHERE organization = $1 AND user_id = $2
     AND ($3 IS NULL OR vendor = $3) AND id > $4 ORDER BY id LIMIT $5"
);

const OF_ORGANIZATION: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM integrations WHERE organization = $1
     AND ($2 IS NULL OR vendor = $2) AND id > $3 ORDER BY id LIMIT $4"
);

/// Ids are never given twice and the counts of changes only grow. So as long as these three are
/// what they were, no row was added, removed or changed.
const MARK: &str = "SELECT count(*), coalesce(max(id), 0), CAST(coalesce(sum(changes), 0) AS BIGINT)
     FROM integrations WHERE organization = $1";

const MARK_OF_USER: &str = "SELECT count(*), coalesce(max(id), 0), CAST(coalesce(sum(changes), 0) AS BIGINT)
     FROM integrations WHERE organization = $1 AND user_id = $2";

const OF_EVERYBODY: &str = concat!("SELECT ", columns!(), " FROM integrations WHERE id > $1 ORDER BY id LIMIT $2");

impl Store {
    /// A page of everybody's integrations, oldest first, from behind `after`: for who looks after
    /// the whole database.
    pub async fn everybodys_integrations(&self, after: Option<IntegrationId>, limit: u32) -> Result<Vec<Integration>> {
        let after = after.map_or(i64::MIN, |after| after.0);
        let work = async || self.db.read(Who::System).await?.all(OF_EVERYBODY, values![after, limit]).await;
        self.db.retried(Twice::Harmless, work).await?.iter().map(integration_of).collect()
    }
}

impl Scoped {
    /// One integration.
    ///
    /// # Errors
    /// `NotFound` also for another tenant's, as if there were none.
    pub async fn integration(&self, id: IntegrationId) -> Result<Integration> {
        let [organization, user] = self.mine();
        let values = [organization, user, id.into()];
        let row = self
            .store
            .db
            .retried(Twice::Harmless, async || self.read().await?.maybe(ONE, values.clone()).await)
            .await?;
        row.map(|row| integration_of(&row)).unwrap_or_else(|| Err(no_integration(id)))
    }

    /// A page of integrations, oldest first. Of another user than the scope's there are none.
    pub async fn integrations(&self, list: &List) -> Result<Vec<Integration>> {
        let user = match (self.user(), list.user.as_deref()) {
            (Some(own), Some(other)) if own != other => return Ok(Vec::new()),
            (own, other) => own.or(other),
        };
        let mut values = vec![self.scope.organization.as_str().into()];
        values.extend(user.map(Into::into));
        let after = list.after.map_or(i64::MIN, |after| after.0);
        values.extend([list.vendor.as_deref().into(), after.into(), list.limit.into()]);
        let sql = if user.is_some() { OF_USER } else { OF_ORGANIZATION };
        let rows =
            self.store.db.retried(Twice::Harmless, async || self.read().await?.all(sql, values.clone()).await).await?;
        rows.iter().map(integration_of).collect()
    }

    /// What moves with every change of the integrations that the scope sees: as long as it is the
    /// same, so are all their lists. Much cheaper than a list.
    pub async fn integrations_mark(&self) -> Result<Mark> {
        let mut values = vec![self.scope.organization.as_str().into()];
        values.extend(self.user().map(Into::into));
        let sql = if self.user().is_some() { MARK_OF_USER } else { MARK };
        let work = async || self.read().await?.one(sql, values.clone()).await;
        let row = self.store.db.retried(Twice::Harmless, work).await?;
        Ok(Mark { count: row.int(0)?, newest: row.int(1)?, changes: row.int(2)? })
    }

    /// One that nobody else changes until the transaction ends.
    pub(crate) async fn to_change(&self, tx: &mut Tx, id: IntegrationId) -> Result<Integration> {
        let [organization, user] = self.mine();
        match tx.maybe(ONE_TO_CHANGE, [organization, user, id.into()]).await? {
            Some(row) => integration_of(&row),
            None => Err(no_integration(id)),
        }
    }
}

pub(super) fn integration_of(row: &Row) -> Result<Integration> {
    Ok(Integration {
        id: IntegrationId(row.int(0)?),
        tenant: Tenant::new(row.text(1)?, row.text(2)?),
        vendor: row.text(3)?,
        name: row.text(4)?,
        description: row.maybe_text(5)?,
        settings: row.json(6)?,
        secret_fields: row.json(7)?,
        status: Status::named(&row.text(8)?),
        revision: row.int(9)?,
        last_sync: row.maybe_time(10)?,
        last_used: row.maybe_time(11)?,
        errors: row.count(12)?,
        last_error: row.maybe_text(13)?,
        created_at: row.time(14)?,
        updated_at: row.time(15)?,
        account: row.maybe_json(16)?,
        connected_at: row.maybe_time(17)?,
        grant: grant_of(row)?,
    })
}

fn grant_of(row: &Row) -> Result<Option<GrantInfo>> {
    let Some(refreshed_at) = row.maybe_time(21)? else { return Ok(None) };
    Ok(Some(GrantInfo {
        scopes: row.json(18)?,
        expires: row.maybe_time(19)?,
        refreshable: row.bool(20)?,
        refreshed_at,
    }))
}
