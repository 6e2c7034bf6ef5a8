//! Secrets of integrations: sealed before a transaction begins, opened after it has ended.

use catchment_core::{IntegrationId, Result, Secret};
use catchment_vault::{Place, Vault};

use super::no_integration;
use crate::{
    db::{Twice, Tx, values},
    scope::{Scoped, mine},
};

/// Replaces a secret, or erases it.
pub(super) struct Sealed {
    pub(super) field: String,
    pub(super) sealed: Option<Vec<u8>>,
}

const READ: &str = concat!(
    "SELECT secrets.field, secrets.sealed FROM integrations LEFT JOIN secrets ON secrets.integration = integrations.id
     WHERE ",
    mine!(),
    " AND id = $3 ORDER BY field"
);

const PUT: &str = "INSERT INTO secrets (integration, field, key_id, sealed) VALUES ($1, $2, $3, $4)
     ON CONFLICT (integration, field) DO UPDATE SET key_id = excluded.key_id, sealed = excluded.sealed";

impl Scoped {
    /// The secrets of an integration, opened, in the order of their names.
    ///
    /// # Errors
    /// The vault's: `Config` when one was tampered with or copied here, or when its key is missing.
    pub async fn secrets(&self, id: IntegrationId) -> Result<Vec<(String, Secret)>> {
        let [organization, user] = self.mine();
        let values = [organization, user, id.into()];
        let rows =
            self.store.db.retried(Twice::Harmless, async || self.read().await?.all(READ, values.clone()).await).await?;
        if rows.is_empty() {
            return Err(no_integration(id));
        }
        let mut secrets = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(field) = row.maybe_text(0)? else { break };
            let secret = self.store.vault()?.open(&self.place(id, &field), &row.bytes(1)?).await?;
            secrets.push((field, secret));
        }
        Ok(secrets)
    }

    pub(super) async fn sealed(&self, id: IntegrationId, secrets: Vec<(String, Secret)>) -> Result<Vec<Sealed>> {
        let replaced = secrets.into_iter().map(|(field, secret)| (field, Some(secret)));
        self.sealed_or_erased(id, replaced.collect()).await
    }

    pub(super) async fn sealed_or_erased(
        &self,
        id: IntegrationId,
        secrets: Vec<(String, Option<Secret>)>,
    ) -> Result<Vec<Sealed>> {
        let mut out = Vec::with_capacity(secrets.len());
        for (field, secret) in secrets {
            let sealed = match secret {
                Some(secret) => Some(self.store.vault()?.seal(&self.place(id, &field), &secret).await?),
                None => None,
            };
            out.push(Sealed { field, sealed });
        }
        Ok(out)
    }

    /// Writes sealed secrets, and gives the names of all there are now.
    pub(super) async fn put(&self, tx: &mut Tx, id: IntegrationId, secrets: &[Sealed]) -> Result<Vec<String>> {
        for Sealed { field, sealed } in secrets {
            match sealed {
                Some(sealed) => tx.run(PUT, values![id, field, Vault::key_of(sealed)?, sealed]).await?,
                None => tx.run("DELETE FROM secrets WHERE integration = $1 AND field = $2", values![id, field]).await?,
            };
        }
        let rows = tx.all("SELECT field FROM secrets WHERE integration = $1 ORDER BY field", values![id]).await?;
        let fields = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>>>()?;
        let json = serde_json::Value::from(fields.as_slice()).to_string();
        tx.run("UPDATE integrations SET secret_fields = $2, changes = changes + 1 WHERE id = $1", values![id, json])
            .await?;
        Ok(fields)
    }

    fn place<'a>(&'a self, integration: IntegrationId, field: &'a str) -> Place<'a> {
        Place { organization: &self.scope.organization, integration, field }
    }
}
