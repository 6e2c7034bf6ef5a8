//! The audit log: who did what to which integration, and when.

use catchment_core::{Error, IntegrationId, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::scope::Scoped;

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
    pub detail: Value,
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

impl Scoped {
    /// What was done, newest first. A user sees what was done to what is theirs.
    pub async fn audit(&self, list: &AuditList) -> Result<Vec<AuditRow>> {
        let _ = list;
        Err(Error::internal("not there yet"))
    }

    /// Notes that something was done. Creating, changing, disconnecting and deleting an
    /// integration, and submitting and cancelling a job, are noted by those calls themselves.
    pub async fn note(&self, action: &str, integration: Option<IntegrationId>, detail: Value) -> Result<()> {
        let _ = (action, integration, detail);
        Err(Error::internal("not there yet"))
    }
}
