//! Persons on their way to a vendor's consent page and back.

use catchment_core::{IntegrationId, Result, Secret, Tenant};
use catchment_vault::{Place, Vault};
use chrono::{DateTime, Utc};

use crate::{
    db::{Twice, Who, values},
    scope::Scoped,
    store::Store,
    time,
};

/// Somebody who is sent to a vendor's consent page.
#[derive(Debug)]
pub struct NewAuthorization {
    /// A hash of the state that comes back with the person. Whoever reads the database cannot
    /// make the state of it.
    pub state_hash: String,
    /// The vendor's id.
    pub vendor: String,
    /// Which integration is authorized again; `None` for one that is yet to be made.
    pub integration: Option<IntegrationId>,
    /// What is needed when the person is back: the PKCE verifier, settings and secrets that were
    /// filled in. It is sealed before it is stored.
    pub draft: Secret,
    /// Until when the person may come back.
    pub expires_at: DateTime<Utc>,
}

/// Somebody who has come back.
#[derive(Debug)]
pub struct Authorization {
    /// Who went: what comes of it is theirs, whoever brings the state back.
    pub tenant: Tenant,
    /// The vendor's id.
    pub vendor: String,
    /// Which integration is authorized again.
    pub integration: Option<IntegrationId>,
    /// As it was given.
    pub draft: Secret,
}

const INSERT: &str =
    "INSERT INTO authorizations (state_hash, organization, user_id, vendor, integration, expires_at, key_id, draft)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const TAKE: &str = "DELETE FROM authorizations WHERE state_hash = $1
     RETURNING organization, user_id, vendor, integration, expires_at, draft";

/// Stands before the hash of the state in the field that a draft is sealed for.
pub(crate) const FIELD: &str = "authorization ";

/// With the integration 0, which there is not, for one that is yet to be made.
fn place<'a>(organization: &'a str, integration: Option<IntegrationId>, field: &'a str) -> Place<'a> {
    Place { organization, integration: integration.unwrap_or(IntegrationId(0)), field }
}

/// What a draft is sealed for: the one state.
fn field(state_hash: &str) -> String {
    format!("{FIELD}{state_hash}")
}

impl Scoped {
    /// Remembers somebody who is sent to a vendor's consent page. Disconnecting or deleting the
    /// integration forgets them.
    ///
    /// # Errors
    /// `NotFound` when the integration is not the scope's; `Config` when there is no vault.
    pub async fn begin_authorization(&self, new: NewAuthorization) -> Result<()> {
        let NewAuthorization { state_hash, vendor, integration, draft, expires_at } = new;
        let owner = match integration {
            Some(id) => self.integration(id).await?.tenant,
            None => self.owner()?,
        };
        let field = field(&state_hash);
        let draft = self.store.vault()?.seal(&place(&owner.organization, integration, &field), &draft).await?;
        let values = values![
            &state_hash,
            &owner.organization,
            &owner.user,
            &vendor,
            integration,
            expires_at.timestamp_micros(),
            Vault::key_of(&draft)?,
            &draft,
        ];
        let work = async || {
            let mut tx = self.write().await?;
            if let Some(id) = integration {
                // It stays until this is written.
                self.to_change(&mut tx, id).await?;
            }
            tx.run(INSERT, values.clone()).await?;
            tx.commit().await
        };
        self.store.db.retried(Twice::Harmful, work).await
    }
}

impl Store {
    /// Takes what was remembered under the hash of a state, once: `None` for a state that never
    /// was, that was taken already, or whose time is over.
    ///
    /// # Errors
    /// The vault's. The state is spent then, too.
    pub async fn take_authorization(&self, state_hash: &str) -> Result<Option<Authorization>> {
        let work = async || {
            let mut tx = self.db.write(Who::System).await?;
            let row = tx.maybe(TAKE, values![state_hash]).await?;
            tx.commit().await?;
            Ok(row)
        };
        let Some(row) = self.db.retried(Twice::Harmful, work).await? else { return Ok(None) };
        if row.int(4)? <= time::now() {
            return Ok(None);
        }
        let (tenant, vendor) = (Tenant::new(row.text(0)?, row.text(1)?), row.text(2)?);
        let integration = row.maybe_int(3)?.map(IntegrationId);
        let field = field(state_hash);
        let draft = self.vault()?.open(&place(&tenant.organization, integration, &field), &row.bytes(5)?).await?;
        Ok(Some(Authorization { tenant, vendor, integration, draft }))
    }
}
