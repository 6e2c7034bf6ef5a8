//! Rotation of keys: what is sealed under older ones is sealed under the current one.

use catchment_core::{ErrorKind, IntegrationId, Result};
use catchment_vault::{Place, Vault};
use futures::{StreamExt, stream};
use serde_json::{Value as Json, json};

use crate::{
    authorizations,
    db::{Row, Sql, Twice, Who, each, page, values},
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
const PAGE: u32 = 100;

/// Calls of a key service that are under way at a time.
const AT_ONCE: usize = 8;

/// A table of sealed things. Each is known by its integration, or 0, and a name.
struct Table {
    /// The first key after `$1` that something is sealed under.
    next_key: &'static str,
    /// A page of what is under the key `$1`, from behind `$2` and `$3`, the integration and the
    /// name of the one before. From an index that ends with these: what was sealed anew is not
    /// read again.
    under: &'static str,
    swap: Sql,
    /// How many are under other keys than `$1`.
    left: &'static str,
    /// What stands before the name in the field that it is sealed for.
    field: &'static str,
}

/// Puts new sealings, a page of them (integration, name, old, key, new), in the place of old ones
/// that have not been replaced meanwhile. Postgres looks rows up by what is plainly a column:
/// before the policy has passed a row, it computes nothing that could fail.
macro_rules! swap {
    ($table:literal, $sealed:literal, $row:literal) => {
        each!(
            "WITH page AS ",
            sqlite: "(SELECT value ->> 0 AS of_integration, value ->> 1 AS name, unhex(value ->> 2) AS old_sealed,
                             value ->> 3 AS new_key, unhex(value ->> 4) AS new_sealed FROM json_each($1))",
            postgres: "MATERIALIZED
                      (SELECT CAST(value ->> 0 AS BIGINT) AS of_integration, value ->> 1 AS name,
                              decode(value ->> 2, 'hex') AS old_sealed, value ->> 3 AS new_key,
                              decode(value ->> 4, 'hex') AS new_sealed
                       FROM jsonb_array_elements($1::jsonb) AS element (value))",
            concat!(
                " UPDATE ", $table, " SET key_id = page.new_key, ", $sealed, " = page.new_sealed FROM page WHERE ",
                $row, " AND ", $table, ".", $sealed, " = page.old_sealed"
            ),
        )
    };
}

macro_rules! left {
    ($table:literal) => {
        concat!("SELECT count(*) FROM ", $table, " WHERE key_id < $1 OR key_id > $1")
    };
}

macro_rules! next_key {
    ($table:literal) => {
        concat!("SELECT min(key_id) FROM ", $table, " WHERE key_id > $1")
    };
}

const TABLES: [Table; 3] = [
    Table {
        next_key: next_key!("secrets"),
        under: "SELECT integration, field, sealed, (SELECT organization FROM integrations WHERE id = integration)
                FROM secrets WHERE key_id = $1 AND (integration, field) > ($2, $3)
                ORDER BY integration, field LIMIT $4",
        swap: swap!("secrets", "sealed", "secrets.integration = page.of_integration AND secrets.field = page.name"),
        left: left!("secrets"),
        field: "",
    },
    Table {
        next_key: next_key!("tokens"),
        under: "SELECT integration, '', sealed, (SELECT organization FROM integrations WHERE id = integration)
                FROM tokens WHERE key_id = $1 AND integration > $2 AND $3 = '' ORDER BY integration LIMIT $4",
        swap: swap!("tokens", "sealed", "tokens.integration = page.of_integration"),
        left: left!("tokens"),
        field: tokens::FIELD,
    },
    Table {
        next_key: next_key!("authorizations"),
        under: "SELECT coalesce(integration, 0), state_hash, draft, organization FROM authorizations
                WHERE key_id = $1 AND $2 IS NOT NULL AND state_hash > $3 ORDER BY state_hash LIMIT $4",
        swap: swap!("authorizations", "draft", "authorizations.state_hash = page.name"),
        left: left!("authorizations"),
        field: authorizations::FIELD,
    },
];

const KEYS: &str = "SELECT key_id FROM secrets UNION SELECT key_id FROM tokens WHERE key_id IS NOT NULL
     UNION SELECT key_id FROM authorizations ORDER BY key_id";

/// Whoever changes an integration takes its row first. With the rows of a whole page, and in
/// order, nobody can wait for each other. SQLite has one writer at a time, and needs nothing.
const HOLD: Sql = each!(
    "",
    sqlite: "SELECT $1",
    postgres: "WITH page AS MATERIALIZED
                   (SELECT CAST(one AS BIGINT) AS one FROM jsonb_array_elements_text($1::jsonb) AS element (one))
               SELECT id FROM integrations WHERE id IN (SELECT one FROM page) ORDER BY id FOR NO KEY UPDATE",
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
    /// a hundred in a transaction. It can be interrupted at any point and runs beside readers
    /// and writers: what was replaced meanwhile is left alone. Repeat it until nothing is
    /// resealed; what is left then is unreadable.
    ///
    /// # Errors
    /// The key service's own when it cannot be asked: run it again.
    pub async fn rotate(&self, batch: u32) -> Result<Rotated> {
        let vault = self.vault()?;
        let current = vault.current_key();
        let mut rotated = Rotated::default();
        for table in &TABLES {
            let mut key = String::new();
            while let Some(next) = self.next_key(table, &key).await? {
                key = next;
                if key != current {
                    self.rotate_from(table, &key, vault, batch, &mut rotated).await?;
                }
            }
            let work = async || self.db.read(Who::System).await?.one(table.left, values![&current]).await;
            rotated.left += self.db.retried(Twice::Harmless, work).await?.large_count(0)?;
        }
        Ok(rotated)
    }

    async fn next_key(&self, table: &Table, after: &str) -> Result<Option<String>> {
        let work = async || self.db.read(Who::System).await?.one(table.next_key, values![after]).await;
        self.db.retried(Twice::Harmless, work).await?.maybe_text(0)
    }

    async fn rotate_from(
        &self,
        table: &Table,
        key: &str,
        vault: &Vault,
        batch: u32,
        rotated: &mut Rotated,
    ) -> Result<()> {
        let mut after = (i64::MIN, String::new());
        loop {
            let room = u32::try_from(u64::from(batch).saturating_sub(rotated.resealed)).unwrap_or(batch);
            let values = values![key, after.0, &after.1, room.min(PAGE)];
            let work = async || self.db.read(Who::System).await?.all(table.under, values.clone()).await;
            let rows = self.db.retried(Twice::Harmless, work).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            let mut swaps = Vec::with_capacity(rows.len());
            let mut resealed = stream::iter(&rows).map(|row| reseal(vault, table, row)).buffered(AT_ONCE);
            while let Some(one) = resealed.next().await {
                match one {
                    Ok(swap) => swaps.extend(swap),
                    Err(error) if matches!(error.kind(), ErrorKind::Config | ErrorKind::Unsupported) => {
                        rotated.unreadable += 1;
                    }
                    Err(error) => return Err(error),
                }
            }
            rotated.resealed += self.swap_page(table, &swaps).await?;
            after = (last.int(0)?, last.text(1)?);
        }
    }

    async fn swap_page(&self, table: &Table, swaps: &[Swap]) -> Result<u64> {
        if swaps.is_empty() {
            return Ok(0);
        }
        let integrations: Json = swaps.iter().map(|swap| swap.integration.0).collect();
        let swaps = page::page(swaps.iter().map(|swap| {
            json!([swap.integration.0, swap.name, hex::encode(&swap.old), swap.key, hex::encode(&swap.new)])
        }));
        let work = async || {
            let mut tx = self.db.write(Who::System).await?;
            tx.all(HOLD, values![integrations.to_string()]).await?;
            let swapped = tx.run(table.swap, [swaps.value(&tx)]).await?;
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
    /// What it is under then.
    key: String,
    new: Vec<u8>,
}

async fn reseal(vault: &Vault, table: &Table, row: &Row) -> Result<Option<Swap>> {
    let (integration, name, old) = (IntegrationId(row.int(0)?), row.text(1)?, row.bytes(2)?);
    let (organization, field) = (row.text(3)?, format!("{}{name}", table.field));
    let place = Place { organization: &organization, integration, field: &field };
    let Some(new) = vault.reseal(&place, &old).await? else { return Ok(None) };
    Ok(Some(Swap { integration, name, old, key: Vault::key_of(&new)?.to_owned(), new }))
}

#[cfg(test)]
mod tests {
    use catchment_core::Tenant;

    use super::*;

    #[tokio::test]
    async fn neither_what_was_done_nor_what_is_not_on_the_page_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("catchment.db")).await.unwrap();
        let mut tx = store.scoped(Tenant::local()).write().await.unwrap();
        let mut plan = async |sql: &str, values: &[crate::db::Value<'_>]| {
            let explain: &'static str = format!("EXPLAIN QUERY PLAN {sql}").leak();
            let rows = tx.all(explain, values.iter().cloned()).await.unwrap();
            rows.iter().map(|row| row.text(3).unwrap()).collect::<Vec<_>>()
        };
        for table in &TABLES {
            let under = plan(table.under, &values!["old", 0_i64, "", 10_i64]).await;
            assert!(under[0].contains("_by_key (key_id=? AND "), "{under:?}");
            assert!(!under.iter().any(|step| step.contains("TEMP B-TREE")), "{under:?}");
            let swap = plan(table.swap.sqlite, &values!["[]"]).await;
            assert!(swap[0].starts_with("SCAN json_each") && swap[1].starts_with("SEARCH"), "{swap:?}");
        }
    }
}
