//! Rotation of keys: what is sealed under older ones is sealed under the current one.

use catchment_core::{IntegrationId, Result};
use catchment_vault::{Place, Vault};
use futures::{StreamExt, stream};
use serde_json::Value as Json;

use crate::{
    authorizations,
    db::{Row, Sql, Twice, Who, each, values},
    store::Store,
    tokens,
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

/// Rows that change in one transaction: others write in between.
const PAGE: u32 = 250;

/// Calls of a key service that are under way at a time.
const AT_ONCE: usize = 8;

/// A table of sealed things. Each is known by its integration and a name.
struct Table {
    /// A page of what is under other keys than `$1`, from behind `($2, $3)`.
    older: &'static str,
    /// Puts `$5` under the key `$4` in the place of `$3`, if that has not been replaced meanwhile.
    swap: &'static str,
    left: &'static str,
    /// What stands before the name in the field that it is sealed for.
    field: &'static str,
}

const TABLES: [Table; 3] = [
    Table {
        older: "SELECT integration, field, sealed, organization
                FROM secrets JOIN integrations ON integrations.id = secrets.integration
                WHERE key_id <> $1 AND (integration, field) > ($2, $3) ORDER BY integration, field LIMIT $4",
        swap: "UPDATE secrets SET key_id = $4, sealed = $5 WHERE integration = $1 AND field = $2 AND sealed = $3",
        left: "SELECT count(*) FROM secrets WHERE key_id <> $1",
        field: "",
    },
    Table {
        older: "SELECT integration, '', sealed, organization
                FROM tokens JOIN integrations ON integrations.id = tokens.integration
                WHERE key_id <> $1 AND (integration, '') > ($2, $3) ORDER BY integration LIMIT $4",
        swap: "UPDATE tokens SET key_id = $4, sealed = $5 WHERE integration = $1 AND $2 = '' AND sealed = $3",
        left: "SELECT count(*) FROM tokens WHERE key_id <> $1",
        field: tokens::FIELD,
    },
    Table {
        older: "SELECT coalesce(integration, 0), state_hash, draft, organization FROM authorizations
                WHERE key_id <> $1 AND (coalesce(integration, 0), state_hash) > ($2, $3)
                ORDER BY coalesce(integration, 0), state_hash LIMIT $4",
        swap: "UPDATE authorizations SET key_id = $4, draft = $5
               WHERE coalesce(integration, 0) = $1 AND state_hash = $2 AND draft = $3",
        left: "SELECT count(*) FROM authorizations WHERE key_id <> $1",
        field: authorizations::FIELD,
    },
];

const KEYS: &str = "SELECT key_id FROM secrets UNION SELECT key_id FROM tokens WHERE key_id IS NOT NULL
     UNION SELECT key_id FROM authorizations ORDER BY key_id";

/// Whoever changes an integration takes its row first. With the rows of a whole page, and in
/// order, nobody can wait for each other. SQLite has one writer at a time, and needs nothing.
const HOLD: Sql = each!(
    "SELECT ",
    sqlite: "$1",
    postgres: "id FROM integrations
               WHERE id IN (SELECT CAST(one AS BIGINT) FROM jsonb_array_elements_text($1::jsonb) AS page (one))
               ORDER BY id FOR NO KEY UPDATE",
    "",
);

impl Store {
    /// The ids of all keys that something is sealed under: secrets, tokens and the drafts of those
    /// who are on their way to a vendor. At start, a vault that does not hold one of them is not
    /// the right one.
    pub async fn keys(&self) -> Result<Vec<String>> {
        let work = async || self.db.read(Who::System).await?.all(KEYS, []).await;
        self.db.retried(Twice::Harmless, work).await?.iter().map(|row| row.text(0)).collect()
    }

    /// Seals up to `batch` secrets, tokens and drafts that are not under the current key under it,
    /// a few hundred in a transaction. It can be interrupted at any point and runs beside readers
    /// and writers: what was replaced meanwhile is left alone. Repeat it until nothing is
    /// resealed; what is left then is unreadable.
    pub async fn rotate(&self, batch: u32) -> Result<Rotated> {
        let vault = self.vault()?;
        let current = vault.current_key();
        let mut rotated = Rotated::default();
        for table in &TABLES {
            let mut after = (i64::MIN, String::new());
            loop {
                let room = u32::try_from(u64::from(batch).saturating_sub(rotated.resealed)).unwrap_or(batch);
                let rows = self.older(table, &current, &after, room.min(PAGE)).await?;
                let Some(last) = rows.last() else { break };
                after = (last.int(0)?, last.text(1)?);
                let page: Vec<_> =
                    stream::iter(&rows).map(|row| reseal(vault, table, row)).buffered(AT_ONCE).collect().await;
                let (sealed, unreadable): (Vec<_>, Vec<_>) = page.into_iter().partition(Result::is_ok);
                rotated.unreadable += unreadable.len() as u64;
                let swaps: Vec<_> = sealed.into_iter().filter_map(|swap| swap.ok().flatten()).collect();
                rotated.resealed += self.swap_page(table, &swaps).await?;
            }
            let work = async || self.db.read(Who::System).await?.one(table.left, values![&current]).await;
            rotated.left += self.db.retried(Twice::Harmless, work).await?.large_count(0)?;
        }
        Ok(rotated)
    }

    async fn older(&self, table: &Table, current: &str, after: &(i64, String), limit: u32) -> Result<Vec<Row>> {
        let work = async || {
            let values = values![current, after.0, &after.1, limit];
            self.db.read(Who::System).await?.all(table.older, values).await
        };
        self.db.retried(Twice::Harmless, work).await
    }

    async fn swap_page(&self, table: &Table, swaps: &[Swap]) -> Result<u64> {
        if swaps.is_empty() {
            return Ok(0);
        }
        let integrations: Json = swaps.iter().map(|swap| swap.integration.0).collect();
        let work = async || {
            let mut tx = self.db.write(Who::System).await?;
            tx.all(HOLD, values![integrations.to_string()]).await?;
            let mut swapped = 0;
            for Swap { integration, name, old, new } in swaps {
                swapped += tx.run(table.swap, values![*integration, name, old, Vault::key_of(new)?, new]).await?;
            }
            tx.commit().await?;
            Ok(swapped)
        };
        self.db.retried(Twice::Harmless, work).await
    }
}

/// What changes from one sealing to another.
struct Swap {
    integration: IntegrationId,
    name: String,
    old: Vec<u8>,
    new: Vec<u8>,
}

async fn reseal(vault: &Vault, table: &Table, row: &Row) -> Result<Option<Swap>> {
    let (integration, name, old) = (IntegrationId(row.int(0)?), row.text(1)?, row.bytes(2)?);
    let (organization, field) = (row.text(3)?, format!("{}{name}", table.field));
    let place = Place { organization: &organization, integration, field: &field };
    let new = vault.reseal(&place, &old).await?;
    Ok(new.map(|new| Swap { integration, name, old, new }))
}
