//! Tokens as vendors issued them: sealed, swapped by revision, refreshed by one at a time.
//!
//! What a person may see of a grant stands in the row of its integration as well, in the clear,
//! and is written in the transaction that replaces the tokens. Both rows are taken in this order:
//! the integration's, then the tokens'.

use std::time::Duration;

use async_trait::async_trait;
use catchment_core::{Fence, IntegrationId, Result, Revision, TokenStore, Tokens};
use catchment_vault::{Place, Vault};
use serde_json::Value as Json;

use crate::{
    db::{Row, Sql, Twice, Tx, Who, clock, locked, values},
    integrations::{Status, no_integration},
    scope::{Scoped, mine},
    store::Store,
    time,
};

/// What tokens are to their integration. No setting has this name: it is no identifier.
pub(crate) const FIELD: &str = "oauth tokens";

const ORGANIZATION: &str = "SELECT organization FROM integrations WHERE id = $1";

const LOAD: &str = "SELECT integrations.organization, tokens.sealed, tokens.revision
     FROM tokens JOIN integrations ON integrations.id = tokens.integration
     WHERE tokens.integration = $1 AND tokens.sealed IS NOT NULL";

const OF_MINE: &str = concat!(
    "SELECT integrations.organization, tokens.sealed, tokens.revision
     FROM integrations LEFT JOIN tokens ON tokens.integration = integrations.id
     WHERE ",
    mine!(),
    " AND id = $3"
);

const HOLD: Sql = locked!("SELECT status FROM integrations WHERE id = $1");

const STANDS: &str = "SELECT revision FROM tokens WHERE integration = $1 AND sealed IS NOT NULL";

const PUT: &str = "INSERT INTO tokens (integration, revision, key_id, sealed) VALUES ($1, 1, $2, $3)
     ON CONFLICT (integration) DO UPDATE SET revision = tokens.revision + 1, key_id = excluded.key_id,
                                             sealed = excluded.sealed";

const TELL: &str = "UPDATE integrations SET grant_scopes = $2, grant_expires = $3, grant_refreshable = $4,
                             grant_refreshed_at = $5, changes = changes + 1
     WHERE id = $1";

const ERASE: &str = "UPDATE tokens SET key_id = NULL, sealed = NULL WHERE integration = $1 AND sealed IS NOT NULL";

const TELL_OF_NONE: &str =
    "UPDATE integrations SET grant_scopes = NULL, grant_expires = NULL, grant_refreshable = false,
                             grant_refreshed_at = NULL, changes = changes + 1
     WHERE id = $1";

/// One that lapsed is taken over: what `excluded` ends at, less the term, is now.
const LEASE: Sql = clock!(
    "term (lasts) AS (SELECT CAST($3 AS BIGINT))
     INSERT INTO tokens (integration, fence, lease_until)
     SELECT id, 1, (SELECT now FROM clock) + (SELECT lasts FROM term) FROM integrations WHERE id = $2
     ON CONFLICT (integration) DO UPDATE SET fence = tokens.fence + 1, lease_until = excluded.lease_until
     WHERE tokens.lease_until IS NULL OR tokens.lease_until <= excluded.lease_until - $3
     RETURNING fence"
);

const RELEASE: &str = "UPDATE tokens SET lease_until = NULL WHERE integration = $1 AND fence = $2";

/// Keeps the tokens of all integrations, whoever's they are: for the process that calls vendors.
/// Leases go by the clock of the database.
///
/// Tokens are sealed for the organization of their integration: a row that is copied to another
/// does not open. Of an integration that was disconnected nothing is stored any more, so a
/// refresh that ends too late brings nothing back; [`Scoped::connected`] does.
#[async_trait]
impl TokenStore for Store {
    async fn load(&self, key: IntegrationId) -> Result<Option<(Tokens, Revision)>> {
        let work = async || self.db.read(Who::System).await?.maybe(LOAD, values![key]).await;
        match self.db.retried(Twice::Harmless, work).await? {
            Some(row) => open(self.vault()?, key, &row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn swap(&self, key: IntegrationId, expect: Option<Revision>, tokens: &Tokens) -> Result<bool> {
        let work = async || self.db.read(Who::System).await?.maybe(ORGANIZATION, values![key]).await;
        let Some(row) = self.db.retried(Twice::Harmless, work).await? else {
            // Deleted meanwhile: what was to be replaced does not stand any more.
            return expect.map_or_else(|| Err(no_integration(key)), |_| Ok(false));
        };
        let sealed = seal(self.vault()?, &row.text(0)?, key, tokens).await?;
        let work = async || {
            let mut tx = self.db.write(Who::System).await?;
            let Some(integration) = tx.maybe(HOLD, values![key]).await? else { return Ok(false) };
            // Not in the statement above: that one saw the row as it was before it was waited for.
            let stands = tx.maybe(STANDS, values![key]).await?.map(|row| row.int(0)).transpose()?;
            if integration.text(0)? == Status::Disconnected.as_str() || stands.map(Revision) != expect {
                return Ok(false);
            }
            put(&mut tx, key, &sealed, tokens).await?;
            tx.commit().await?;
            Ok(true)
        };
        // A second time would find them replaced.
        self.db.retried(Twice::Harmful, work).await
    }

    async fn lease(&self, key: IntegrationId, ttl: Duration) -> Result<Option<Fence>> {
        let work = async || {
            let mut tx = self.db.write(Who::System).await?;
            let Some(row) = tx.maybe(LEASE, values![time::now(), key, time::lease(ttl)]).await? else {
                return match tx.maybe(ORGANIZATION, values![key]).await? {
                    Some(_) => Ok(None),
                    None => Err(no_integration(key)),
                };
            };
            tx.commit().await?;
            Ok(Some(Fence(row.int(0)?)))
        };
        // A second time would find it taken.
        self.db.retried(Twice::Harmful, work).await
    }

    async fn release(&self, key: IntegrationId, fence: Fence) -> Result<()> {
        let work = async || {
            let mut tx = self.db.write(Who::System).await?;
            tx.run(RELEASE, values![key, fence.0]).await?;
            tx.commit().await
        };
        self.db.retried(Twice::Harmless, work).await
    }

    async fn remove(&self, key: IntegrationId) -> Result<()> {
        let work = async || {
            let mut tx = self.db.write(Who::System).await?;
            if tx.maybe(HOLD, values![key]).await?.is_some() {
                erase(&mut tx, key).await?;
            }
            tx.commit().await
        };
        self.db.retried(Twice::Harmless, work).await
    }
}

impl Scoped {
    /// The tokens of an integration, for example to give them back to the vendor before it is
    /// disconnected.
    ///
    /// # Errors
    /// The vault's: `Config` when they were tampered with or copied here, or when their key is
    /// missing.
    pub async fn tokens(&self, id: IntegrationId) -> Result<Option<Tokens>> {
        let [organization, user] = self.mine();
        let values = [organization, user, id.into()];
        let work = async || self.read().await?.maybe(OF_MINE, values.clone()).await;
        let row = self.store.db.retried(Twice::Harmless, work).await?.ok_or_else(|| no_integration(id))?;
        match row.maybe_bytes(1)? {
            Some(_) => open(self.store.vault()?, id, &row).await.map(|(tokens, _)| Some(tokens)),
            None => Ok(None),
        }
    }
}

/// Seals tokens, before a transaction begins.
pub(crate) async fn seal(vault: &Vault, organization: &str, key: IntegrationId, tokens: &Tokens) -> Result<Vec<u8>> {
    vault.seal_tokens(&Place { organization, integration: key, field: FIELD }, tokens).await
}

/// Writes sealed tokens under the next revision, and what a person may see of them.
pub(crate) async fn put(tx: &mut Tx, key: IntegrationId, sealed: &[u8], tokens: &Tokens) -> Result<()> {
    tx.run(PUT, values![key, Vault::key_of(sealed)?, sealed]).await?;
    let values = values![
        key,
        Json::from(tokens.scopes.as_slice()).to_string(),
        tokens.expires.map(|expires| expires.timestamp_micros()),
        tokens.refresh.is_some(),
        tokens.issued.timestamp_micros(),
    ];
    tx.run(TELL, values).await.map(drop)
}

/// Erases the tokens of an integration whose row is held, and says so in it.
pub(crate) async fn erase(tx: &mut Tx, key: IntegrationId) -> Result<()> {
    if tx.run(ERASE, values![key]).await? > 0 {
        tx.run(TELL_OF_NONE, values![key]).await?;
    }
    Ok(())
}

async fn open(vault: &Vault, key: IntegrationId, row: &Row) -> Result<(Tokens, Revision)> {
    let organization = row.text(0)?;
    let place = Place { organization: &organization, integration: key, field: FIELD };
    Ok((vault.open_tokens(&place, &row.bytes(1)?).await?, Revision(row.int(2)?)))
}
