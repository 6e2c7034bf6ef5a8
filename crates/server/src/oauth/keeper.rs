//! What becomes of a grant is noted at its integration, whoever asked for the token.

use catchment_auth::oauth::Watch;
use catchment_core::{Error, IntegrationId, Result, async_trait};
use catchment_store::{Status, Store};

/// Notes at integrations that their grants are over.
#[derive(Debug)]
pub(super) struct Keeper(pub(super) Store);

#[async_trait]
impl Watch for Keeper {
    async fn refused(&self, key: IntegrationId, error: &Error) {
        let status = if error.get("grant") == Some("expired") { Status::Expired } else { Status::Revoked };
        if let Err(error) = self.note(key, status, error.message()).await {
            tracing::error!(integration = %key, error = ?error, "it cannot be noted that a grant is over");
        }
    }
}

impl Keeper {
    async fn note(&self, key: IntegrationId, status: Status, message: &str) -> Result<()> {
        let page = self.0.everybodys_integrations(Some(IntegrationId(key.0.saturating_sub(1))), 1).await?;
        match page.first().filter(|found| found.id == key) {
            Some(found) => self.0.scoped(&found.tenant).failed(key, status, message).await,
            // It was deleted meanwhile.
            None => Ok(()),
        }
    }
}
