//! From a stored integration to a connector.

use std::sync::Arc;

use catchment_core::{Connector, Context, Error, ErrorKind, IntegrationId, Result, Tenant, config};
use catchment_store::{Integration, Scoped, Status};
use serde_json::Value;

use crate::state::App;

impl App {
    /// The connector of a stored integration, with its secrets opened. Nothing is reached for yet.
    ///
    /// # Errors
    /// `Conflict` when it is disconnected, `Config` when its settings no longer fit the vendor or
    /// a secret cannot be opened.
    pub(crate) async fn connect(&self, scoped: &Scoped, integration: &Integration) -> Result<Arc<dyn Connector>> {
        if integration.status == Status::Disconnected {
            return Err(Error::new(
                ErrorKind::Conflict,
                "the integration is disconnected: give its credentials again, then go on",
            )
            .with("integration", integration.id));
        }
        let secrets = scoped.secrets(integration.id).await?;
        self.metrics.secrets_opened(secrets.len());
        let whole = config::join(&integration.settings, secrets);
        let connector =
            self.registry.connect(&integration.vendor, whole, self.reach(&integration.tenant, integration.id))?;
        Ok(connector)
    }

    /// Whether these settings, secrets and all, make a connector. Nothing is reached for.
    pub(crate) fn validate(&self, vendor: &str, tenant: &Tenant, whole: Value) -> Result<()> {
        self.registry.connect(vendor, whole, self.reach(tenant, IntegrationId(0))).map(drop)
    }

    /// For whom a connector works, and what it may reach.
    fn reach(&self, tenant: &Tenant, integration: IntegrationId) -> Context {
        let own = self.guard.is_local();
        Context {
            host_access: self.config.access.host.unwrap_or(own),
            private_network: self.config.access.private_network.unwrap_or(own),
            ..Context::shared(tenant.clone(), integration)
        }
    }
}
