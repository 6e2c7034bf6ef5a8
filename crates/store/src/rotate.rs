//! Rotation of keys: secrets under older ones are sealed under the current one.

use catchment_core::{IntegrationId, Result};
use catchment_vault::{Place, Vault};

use crate::{
    db::{Row, Twice, Who, values},
    store::Store,
};

/// What a batch of a rotation did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Secrets that are under the current key now, and were not before.
    pub resealed: u64,
    /// Secrets that could not be opened, for example because their key is not in the ring. They
    /// stay as they are, and are among `left`.
    pub unreadable: u64,
    /// Secrets that are still not under the current key.
    pub left: u64,
}

const OLDER: &str = "SELECT secrets.integration, secrets.field, secrets.sealed, integrations.organization
     FROM secrets JOIN integrations ON integrations.id = secrets.integration
     WHERE secrets.key_id <> $1 AND (secrets.integration, secrets.field) > ($2, $3)
     ORDER BY secrets.integration, secrets.field LIMIT $4";

/// Only what has not been replaced meanwhile.
const SWAP: &str = "UPDATE secrets SET key_id = $4, sealed = $5 WHERE integration = $1 AND field = $2 AND sealed = $3";

impl Store {
    /// The ids of all keys that stored secrets are sealed under. At start, a vault that does not
    /// hold one of them is not the right one.
    pub async fn keys(&self) -> Result<Vec<String>> {
        let work = async || {
            self.db.read(Who::System).await?.all("SELECT DISTINCT key_id FROM secrets ORDER BY key_id", []).await
        };
        self.db.retried(Twice::Harmless, work).await?.iter().map(|row| row.text(0)).collect()
    }

    /// Seals up to `batch` secrets that are not under the current key under it. It can be
    /// interrupted at any point and runs beside writers: a secret that was replaced meanwhile is
    /// left alone. Repeat it until nothing is resealed; what is left then is unreadable.
    pub async fn rotate(&self, batch: u32) -> Result<Rotated> {
        let vault = self.vault()?;
        let current = vault.current_key();
        let mut rotated = Rotated::default();
        let mut after = (i64::MIN, String::new());
        loop {
            let room = u64::from(batch).saturating_sub(rotated.resealed);
            let rows = self.sealed_under_others(&current, &after, u32::try_from(room).unwrap_or(batch)).await?;
            let Some(last) = rows.last() else { break };
            after = (last.int(0)?, last.text(1)?);
            for row in &rows {
                match reseal(vault, row).await {
                    Ok(Some(swap)) => rotated.resealed += self.swap(swap).await?,
                    Ok(None) => {}
                    Err(_) => rotated.unreadable += 1,
                }
            }
        }
        let work = async || {
            let mut tx = self.db.read(Who::System).await?;
            tx.one("SELECT count(*) FROM secrets WHERE key_id <> $1", values![&current]).await
        };
        rotated.left = self.db.retried(Twice::Harmless, work).await?.large_count(0)?;
        Ok(rotated)
    }

    async fn sealed_under_others(&self, current: &str, after: &(i64, String), limit: u32) -> Result<Vec<Row>> {
        let work =
            async || self.db.read(Who::System).await?.all(OLDER, values![current, after.0, &after.1, limit]).await;
        self.db.retried(Twice::Harmless, work).await
    }

    async fn swap(&self, swap: Swap) -> Result<u64> {
        let work = async || {
            let mut tx = self.db.write(Who::System).await?;
            let key = Vault::key_of(&swap.new)?;
            let swapped = tx.run(SWAP, values![swap.integration, &swap.field, &swap.old, key, &swap.new]).await?;
            tx.commit().await?;
            Ok(swapped)
        };
        self.db.retried(Twice::Harmless, work).await
    }
}

/// A secret that changes from one sealing to another.
struct Swap {
    integration: IntegrationId,
    field: String,
    old: Vec<u8>,
    new: Vec<u8>,
}

async fn reseal(vault: &Vault, row: &Row) -> Result<Option<Swap>> {
    let (integration, field, old) = (IntegrationId(row.int(0)?), row.text(1)?, row.bytes(2)?);
    let organization = row.text(3)?;
    let place = Place { organization: &organization, integration, field: &field };
    let new = vault.reseal(&place, &old).await?;
    Ok(new.map(|new| Swap { integration, field, old, new }))
}
