//! From a stored integration to a connector.

use std::sync::Arc;

use catchment_auth::oauth::{Fresh, Missing};
use catchment_core::{Authorize, Connector, Context, Error, ErrorKind, IntegrationId, Result, Tenant, config};
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
                "the integration is disconnected: connect it again, or give its credentials again",
            )
            .with("integration", integration.id));
        }
        let whole = self.whole(scoped, integration).await?;
        let mut cx = self.reach(&integration.tenant, integration.id);
        cx.grant = match self.authorizer(integration, &whole)? {
            Some(authorizer) => Some(Arc::new(authorizer)),
            None => self.missing(&integration.vendor, &whole)?,
        };
        self.registry.connect(&integration.vendor, whole, cx)
    }

    /// The settings of a stored integration, secrets and all, in the shape of the vendor's schema.
    pub(crate) async fn whole(&self, scoped: &Scoped, integration: &Integration) -> Result<Value> {
        let secrets = scoped.secrets(integration.id).await?;
        self.metrics.secrets_opened(secrets.len());
        Ok(config::join(&integration.settings, secrets))
    }

    /// Whether these settings, secrets and all, make a connector. Nothing is reached for.
    pub(crate) fn validate(&self, vendor: &str, tenant: &Tenant, whole: Value) -> Result<()> {
        self.fresh(vendor, tenant, whole, None).map(drop)
    }

    /// A connector of settings, secrets and all, that are not stored yet, with the token that a
    /// vendor has just issued, if one has.
    pub(crate) fn fresh(
        &self,
        vendor: &str,
        tenant: &Tenant,
        whole: Value,
        token: Option<Fresh>,
    ) -> Result<Arc<dyn Connector>> {
        let mut cx = self.reach(tenant, IntegrationId(0));
        cx.grant = match token {
            Some(token) => Some(Arc::new(token)),
            None => self.missing(vendor, &whole)?,
        };
        self.registry.connect(vendor, whole, cx)
    }

    /// In the place of a grant that nobody has given: a connector can be made, and says so when it
    /// is asked for something.
    fn missing(&self, vendor: &str, whole: &Value) -> Result<Option<Arc<dyn Authorize>>> {
        Ok(self.consent(vendor, whole)?.map(|_| Arc::new(Missing) as Arc<dyn Authorize>))
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
