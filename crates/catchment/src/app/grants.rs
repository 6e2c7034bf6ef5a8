//! Connections that are stored: a person consented on this machine, or on the server's pages.

use std::sync::Arc;

use catchment_auth::oauth::{App as Registration, Authorizers, Egress, Provider};
use catchment_core::{Authorize, Connector, Context, Error, Manifest, OAuth, Result, config};
use catchment_store::{Integration, List, Scoped, Status};
use serde_json::Value;

use super::App;

impl App {
    /// The vendor's side of a consent, for these settings.
    pub(crate) fn provider(&self, manifest: &Manifest, oauth: &'static OAuth, whole: &Value) -> Result<Provider> {
        let operators = self.settings.registrations(&self.registry)?;
        let registration = Registration::of(whole, operators.get(manifest.id)).ok_or_else(|| {
            let name = manifest.id.to_uppercase();
            Error::config(
                "client_id",
                format!(
                    "missing: register a program at {}, then set CATCHMENT_OAUTH__{name}__CLIENT_ID and \
                     CATCHMENT_OAUTH__{name}__CLIENT_SECRET, or give --set client_id=... --set client_secret=...",
                    manifest.name
                ),
            )
        })?;
        Provider::new(oauth, registration, whole, Egress::allow_private())
    }

    /// The connection with a vendor that is stored for whoever sits at the command line: the one
    /// that was connected last.
    pub(crate) async fn stored(&self, own: &Scoped, vendor: &str) -> Result<Option<Integration>> {
        let list = List { vendor: Some(vendor.to_owned()), limit: 1_000, ..List::default() };
        let all = own.integrations(&list).await?;
        let connected = all.into_iter().filter(|one| one.status != Status::Disconnected && one.connected_at.is_some());
        Ok(connected.max_by_key(|one| (one.connected_at, one.id)))
    }

    /// The connector of a stored connection.
    pub(crate) async fn reconnect(&self, own: &Scoped, integration: &Integration) -> Result<Arc<dyn Connector>> {
        let whole = config::join(&integration.settings, own.secrets(integration.id).await?);
        let manifest = self.registry.manifest(&integration.vendor)?;
        let mut cx = Context::local();
        cx.integration = integration.id;
        let consent = manifest.oauth.filter(|oauth| oauth.wanted(|name| !whole[name].is_null()));
        if let Some(oauth) = consent {
            let provider = self.provider(manifest, oauth, &whole)?;
            let authorizers = Authorizers::new(Arc::new(own.store().clone()));
            let grant: Arc<dyn Authorize> = Arc::new(authorizers.of(integration.id, Arc::new(provider)));
            cx = cx.with_grant(grant);
        }
        self.registry.connect(manifest.id, whole, cx)
    }
}
