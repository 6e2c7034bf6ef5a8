//! Leaving a vendor: the grant is given back there where it can be, and erased here.

use std::time::Duration;

use catchment_core::{Error, ErrorKind, Result};
use catchment_store::{Integration, Scoped};
use tokio::time::timeout;

use crate::state::App;

/// How long the vendor may take. Whatever it says, the tokens are erased here.
const PATIENCE: Duration = Duration::from_secs(10);

impl App {
    /// Disconnects an integration. That a vendor cannot be told keeps nobody from leaving it.
    pub(crate) async fn disconnect(&self, scoped: &Scoped, integration: &Integration) -> Result<Integration> {
        self.give_back(scoped, integration).await;
        let disconnected = scoped.disconnect(integration.id).await?;
        self.grants.forget(integration.id);
        Ok(disconnected)
    }

    /// Tells the vendor that the grant of an integration is over, if there is one. Nothing is
    /// erased by this.
    pub(crate) async fn give_back(&self, scoped: &Scoped, integration: &Integration) {
        let told = async {
            let Some(tokens) = scoped.tokens(integration.id).await? else { return Ok(()) };
            let whole = self.whole(scoped, integration).await?;
            let Some(oauth) = self.consent(&integration.vendor, &whole)? else { return Ok(()) };
            self.provider(self.registry.manifest(&integration.vendor)?, oauth, &whole)?.revoke(&tokens).await
        };
        let told = timeout(PATIENCE, told).await;
        let told = told.unwrap_or_else(|_| Err(Error::new(ErrorKind::Timeout, "the vendor does not answer in time")));
        if let Err(error) = told {
            tracing::warn!(integration = %integration.id, error = ?error, "a grant could not be given back");
        }
    }
}
