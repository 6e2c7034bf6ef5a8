//! Integrations as a tenant sees them.

use catchment_core::{Error, IntegrationId, Result, Secret, Tenant};
use serde_json::Value;

use super::{Integration, IntegrationChange, List, NewIntegration, Status, Success};
use crate::scope::Scoped;

impl Scoped {
    /// Makes an integration. Needs a user in the scope.
    pub async fn create(&self, new: NewIntegration) -> Result<Integration> {
        let _ = new;
        Err(Error::internal("not there yet"))
    }

    /// The user's integration with these settings, made under `name` if there is none.
    pub async fn find_or_create(&self, vendor: &str, name: &str, settings: &Value) -> Result<Integration> {
        let tenant = Tenant::new(&self.scope.organization, self.scope.user.clone().unwrap_or_default());
        self.store.find_or_create(&tenant, vendor, name, settings).await
    }

    /// One integration.
    pub async fn integration(&self, id: IntegrationId) -> Result<Integration> {
        let _ = id;
        Err(Error::internal("not there yet"))
    }

    /// Integrations, oldest first.
    pub async fn integrations(&self, list: &List) -> Result<Vec<Integration>> {
        let _ = list;
        Err(Error::internal("not there yet"))
    }

    /// Changes an integration. With `expect`, only if it still has this revision.
    pub async fn update(
        &self,
        id: IntegrationId,
        expect: Option<i64>,
        change: IntegrationChange,
    ) -> Result<Integration> {
        let _ = (id, expect, change);
        Err(Error::internal("not there yet"))
    }

    /// Erases its secrets and calls off its jobs. Settings and history stay.
    pub async fn disconnect(&self, id: IntegrationId) -> Result<Integration> {
        let _ = id;
        Err(Error::internal("not there yet"))
    }

    /// Deletes an integration and everything of it.
    pub async fn delete(&self, id: IntegrationId) -> Result<()> {
        let _ = id;
        Err(Error::internal("not there yet"))
    }

    /// Its secrets, opened.
    pub async fn secrets(&self, id: IntegrationId) -> Result<Vec<(String, Secret)>> {
        let _ = id;
        Err(Error::internal("not there yet"))
    }

    /// Notes that it works. Whatever failed before is forgotten.
    pub async fn succeeded(&self, id: IntegrationId, at: Success) -> Result<()> {
        let _ = (id, at);
        Err(Error::internal("not there yet"))
    }

    /// Notes that it failed, and how it stands now.
    pub async fn failed(&self, id: IntegrationId, status: Status, message: &str) -> Result<()> {
        let _ = (id, status, message);
        Err(Error::internal("not there yet"))
    }
}
