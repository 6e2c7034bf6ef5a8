//! The grants of integrations: the token of each is shared by everything in this process that
//! calls, and refreshed once.

use std::sync::Arc;

use catchment_auth::oauth::{App as Registration, Authorizer, Authorizers, Egress, Provider};
use catchment_core::{Error, IntegrationId, Manifest, OAuth, Result};
use catchment_store::{Integration, Store};
use serde_json::Value;

use super::keeper::Keeper;
use crate::state::App;

/// The authorizers of this process.
#[derive(Debug)]
pub(crate) struct Grants(Authorizers);

impl Grants {
    pub(crate) fn new(store: &Store) -> Self {
        Self(Authorizers::new(Arc::new(store.clone())).watched_by(Arc::new(Keeper(store.clone()))))
    }

    /// The tokens of an integration are others now, or gone: what is remembered of them is not
    /// used any more.
    pub(crate) fn forget(&self, id: IntegrationId) {
        self.0.forget(id);
    }
}

impl App {
    /// How a person consents for an integration with these settings, if that is how it signs in.
    pub(crate) fn consent(&self, vendor: &str, whole: &Value) -> Result<Option<&'static OAuth>> {
        let has = |name: &str| !whole[name].is_null();
        Ok(self.registry.manifest(vendor)?.oauth.filter(|oauth| oauth.wanted(has)))
    }

    /// The vendor's side of a consent: under the integration's own registration, or the operator's.
    ///
    /// # Errors
    /// `Config` when there is neither.
    pub(crate) fn provider(&self, manifest: &Manifest, oauth: &'static OAuth, whole: &Value) -> Result<Provider> {
        let operators = self.config.oauth.registrations.get(manifest.id);
        let registration = Registration::of(whole, operators).ok_or_else(|| {
            let name = manifest.id.to_uppercase();
            Error::config(
                "client_id",
                format!(
                    "missing: give the id and the secret of a registration at {}, or have the operator set \
                     CATCHMENT_OAUTH__{name}__CLIENT_ID and CATCHMENT_OAUTH__{name}__CLIENT_SECRET",
                    manifest.name
                ),
            )
        })?;
        // An operator may have pointed at a server of their own network; a user may not.
        let egress = if registration.origin.is_some() { Egress::allow_private() } else { self.egress() };
        Provider::new(oauth, registration, whole, egress)
    }

    /// What gives an integration its tokens. Remembers nothing that is not in the store.
    pub(crate) fn authorizer(&self, integration: &Integration, whole: &Value) -> Result<Option<Authorizer>> {
        let Some(oauth) = self.consent(&integration.vendor, whole)? else { return Ok(None) };
        if integration.grant.is_none() {
            return Ok(None);
        }
        let provider = self.provider(self.registry.manifest(&integration.vendor)?, oauth, whole)?;
        Ok(Some(self.grants.0.of(integration.id, Arc::new(provider))))
    }

    fn egress(&self) -> Egress {
        let private = self.config.access.private_network.unwrap_or(self.guard.is_local());
        if private { Egress::allow_private() } else { Egress::public_only() }
    }
}
