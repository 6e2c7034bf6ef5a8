//! Integrations: the stored connections of a tenant. Their secrets are kept elsewhere.

use catchment_core::{Error, ErrorKind, IntegrationId, Result, Tenant};
use serde_json::Value;
use sqlx::{Row, sqlite::SqliteRow};

use crate::{store::Store, time};

mod scoped;
mod types;

pub use types::{Integration, IntegrationChange, List, NewIntegration, Status, Success};

impl Store {
    /// The tenant's integration with these settings, made under `name` if there is none. The order
    /// of the settings' fields does not matter. **Take the secrets out first**: what is given
    /// here is stored as it is.
    pub async fn find_or_create(
        &self,
        tenant: &Tenant,
        vendor: &str,
        name: &str,
        settings: &Value,
    ) -> Result<Integration> {
        let settings = canonical(settings).to_string();
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO integrations (organization, user_id, vendor, name, settings, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
             ON CONFLICT (organization, user_id, vendor, settings) DO NOTHING",
        )
        .bind(&tenant.organization)
        .bind(&tenant.user)
        .bind(vendor)
        .bind(name)
        .bind(&settings)
        .bind(time::now())
        .execute(&mut *tx)
        .await
        .map_err(self.failed())?;
        let row = sqlx::query(
            "SELECT id, vendor, name, settings, created_at, updated_at FROM integrations
             WHERE organization = ?1 AND user_id = ?2 AND vendor = ?3 AND settings = ?4",
        )
        .bind(&tenant.organization)
        .bind(&tenant.user)
        .bind(vendor)
        .bind(&settings)
        .fetch_one(&mut *tx)
        .await
        .map_err(self.failed())?;
        tx.commit().await.map_err(self.failed())?;
        Ok(read(&row, tenant))
    }

    /// All integrations of a tenant, oldest first.
    pub async fn integrations(&self, tenant: &Tenant) -> Result<Vec<Integration>> {
        let rows = sqlx::query(
            "SELECT id, vendor, name, settings, created_at, updated_at FROM integrations
             WHERE organization = ?1 AND user_id = ?2 ORDER BY id",
        )
        .bind(&tenant.organization)
        .bind(&tenant.user)
        .fetch_all(self.readers())
        .await
        .map_err(self.failed())?;
        Ok(rows.iter().map(|row| read(row, tenant)).collect())
    }

    /// One integration of a tenant. Another tenant's is `NotFound`, as if there were none.
    pub async fn integration(&self, tenant: &Tenant, id: IntegrationId) -> Result<Integration> {
        let row = sqlx::query(
            "SELECT id, vendor, name, settings, created_at, updated_at FROM integrations
             WHERE organization = ?1 AND user_id = ?2 AND id = ?3",
        )
        .bind(&tenant.organization)
        .bind(&tenant.user)
        .bind(id.0)
        .fetch_optional(self.readers())
        .await
        .map_err(self.failed())?;
        row.map(|row| read(&row, tenant)).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "no such integration: list the integrations to see their ids")
                .with("integration", id)
        })
    }
}

fn read(row: &SqliteRow, tenant: &Tenant) -> Integration {
    Integration {
        id: IntegrationId(row.get(0)),
        tenant: tenant.clone(),
        vendor: row.get(1),
        name: row.get(2),
        settings: serde_json::from_str(row.get(3)).unwrap_or_default(),
        description: None,
        secret_fields: Vec::new(),
        status: Status::Active,
        revision: 1,
        last_sync: None,
        last_used: None,
        errors: 0,
        last_error: None,
        created_at: time::at(row.get(4)),
        updated_at: time::at(row.get(5)),
    }
}

/// The same value with the fields of all objects in order. Whether a map keeps the order in which
/// it was filled is a feature of `serde_json` that any crate of a program may switch on.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().map(|(name, value)| (name.clone(), canonical(value))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        other => other.clone(),
    }
}
