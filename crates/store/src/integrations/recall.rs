//! What is known of a connection from before it was here.

use catchment_core::{IntegrationId, Result};
use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Integration, Status, read::columns, read::integration_of};
use crate::{
    audit,
    db::{Twice, values},
    scope::Scoped,
};

/// How a connection stood where it comes from.
#[derive(Debug, Clone)]
pub struct Past {
    /// Whether it could be used.
    pub status: Status,
    /// When it was connected.
    pub connected_at: Option<DateTime<Utc>>,
    /// When it was last brought in step with its source.
    pub last_sync: Option<DateTime<Utc>>,
    /// Failures since its last success.
    pub errors: u32,
    /// What the last one said. No secrets.
    pub last_error: Option<String>,
}

const RECALL: &str = concat!(
    "UPDATE integrations SET status = $2, connected_at = coalesce($3, connected_at), last_sync = $4, errors = $5,
                             last_error = $6, changes = changes + 1,
                             next_check = CASE WHEN $2 = 'disconnected' THEN NULL ELSE next_check END
     WHERE id = $1 RETURNING ",
    columns!()
);

impl Scoped {
    /// Gives an integration the past it had elsewhere, for example after its tokens were moved in.
    pub async fn recall(&self, id: IntegrationId, past: &Past) -> Result<Integration> {
        let work = async || {
            let mut tx = self.write().await?;
            self.to_change(&mut tx, id).await?;
            let micros = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp_micros());
            let values = values![
                id,
                past.status.as_str(),
                micros(past.connected_at),
                micros(past.last_sync),
                past.errors,
                past.last_error.as_deref(),
            ];
            let after = integration_of(&tx.one(RECALL, values).await?)?;
            let detail = json!({ "status": past.status, "connected_at": past.connected_at });
            audit::write(&mut tx, &self.scope, Some(&after.tenant.user), "integration.recall", Some(id), &detail)
                .await?;
            tx.commit().await?;
            Ok(after)
        };
        self.store.db.retried(Twice::Harmless, work).await
    }
}
