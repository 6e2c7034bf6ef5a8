//! The audit log: who did what to which integration, and when.

use catchment_core::{IntegrationId, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value as Json;

use crate::{
    db::{Row, Twice, Tx, values},
    integrations::no_integration,
    scope::{Scope, Scoped, mine},
    time,
};

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditRow {
    /// Its id; newer rows have greater ones.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// In which organization.
    pub organization: String,
    /// To what belongs to whom; `None` if to nobody in particular.
    pub user: Option<String>,
    /// Who did it.
    pub actor: String,
    /// What was done, for example `integration.create`.
    pub action: String,
    /// To which integration. It may have been deleted since.
    pub integration: Option<IntegrationId>,
    /// More about it. No secrets.
    pub detail: Json,
    /// On the way of which request.
    pub request_id: Option<String>,
}

/// Which rows to list. The newest come first.
#[derive(Debug, Clone)]
pub struct AuditList {
    /// Only of this integration.
    pub integration: Option<IntegrationId>,
    /// Only older ones than this.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

impl Default for AuditList {
    fn default() -> Self {
        Self { integration: None, before: None, limit: 100 }
    }
}

const INSERT: &str = "INSERT INTO audit (at, organization, user_id, actor, action, integration, detail, request_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const LIST: &str = concat!(
    "SELECT id, at, organization, user_id, actor, action, integration, detail, request_id FROM audit
     WHERE ",
    mine!(),
    " AND ($3 IS NULL OR integration = $3) AND id < $4 ORDER BY id DESC LIMIT $5"
);

const OWNER: &str = concat!("SELECT user_id FROM integrations WHERE ", mine!(), " AND id = $3");

impl Scoped {
    /// What was done, newest first. A user sees what was done to what is theirs.
    pub async fn audit(&self, list: &AuditList) -> Result<Vec<AuditRow>> {
        let [organization, user] = self.mine();
        let before = list.before.unwrap_or(i64::MAX);
        let values = [organization, user, list.integration.into(), before.into(), list.limit.into()];
        let rows =
            self.store.db.retried(Twice::Harmless, async || self.read().await?.all(LIST, values.clone()).await).await?;
        rows.iter().map(read).collect()
    }

    /// Notes that something was done, to an integration that is the scope's or to none. Creating,
    /// changing, disconnecting and deleting an integration, and submitting and cancelling a job,
    /// are noted by those calls themselves. No secrets in the detail.
    pub async fn note(&self, action: &str, integration: Option<IntegrationId>, detail: Json) -> Result<()> {
        let work = async || {
            let mut tx = self.write().await?;
            let owner = match integration {
                None => self.scope.user.clone(),
                Some(id) => {
                    let [organization, user] = self.mine();
                    let row = tx.maybe(OWNER, [organization, user, id.into()]).await?;
                    Some(row.ok_or_else(|| no_integration(id))?.text(0)?)
                }
            };
            write(&mut tx, &self.scope, owner.as_deref(), action, integration, &detail).await?;
            tx.commit().await
        };
        self.store.db.retried(Twice::Harmful, work).await
    }
}

/// Notes, in the transaction of what it tells, that something was done to what is `user`'s.
pub(crate) async fn write(
    tx: &mut Tx,
    scope: &Scope,
    user: Option<&str>,
    action: &str,
    integration: Option<IntegrationId>,
    detail: &Json,
) -> Result<()> {
    let values = values![
        time::now(),
        &scope.organization,
        user,
        &scope.actor,
        action,
        integration,
        detail.to_string(),
        scope.request_id.as_deref(),
    ];
    tx.run(INSERT, values).await.map(drop)
}

fn read(row: &Row) -> Result<AuditRow> {
    Ok(AuditRow {
        id: row.int(0)?,
        at: row.time(1)?,
        organization: row.text(2)?,
        user: row.maybe_text(3)?,
        actor: row.text(4)?,
        action: row.text(5)?,
        integration: row.maybe_int(6)?.map(IntegrationId),
        detail: row.json(7)?,
        request_id: row.maybe_text(8)?,
    })
}
