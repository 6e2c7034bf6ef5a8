//! Making integrations.

use catchment_core::{IntegrationId, Result, Tenant};
use serde_json::{Value as Json, json};

use super::{Integration, NewIntegration, canonical, read::columns, read::integration_of, secrets::Sealed};
use crate::{
    audit,
    db::{Sql, Twice, Tx, each, values},
    scope::Scoped,
    time,
};

/// An id is taken before its row is written: secrets are sealed for it.
const TAKE_ID: Sql = each!(
    "",
    sqlite: "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'integrations' RETURNING seq",
    postgres: "SELECT nextval(pg_get_serial_sequence('integrations', 'id'))",
    "",
);

const INSERT: &str = concat!(
    "INSERT INTO integrations (id, organization, user_id, vendor, name, description, settings, secret_fields, status,
                               revision, next_check, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, '[]', 'active', 1, $8, $8, $8) RETURNING ",
    columns!()
);

/// Those who look for the same one at the same time do so in turn. SQLite has one writer at a
/// time, and needs nothing for that.
const TAKE_TURN: Sql = each!(
    "SELECT ",
    sqlite: "$1",
    postgres: "pg_advisory_xact_lock(hashtextextended($1, 0))",
    "",
);

const FIND: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM integrations WHERE organization = $1 AND user_id = $2 AND vendor = $3 AND settings = $4
     ORDER BY id LIMIT 1"
);

impl Scoped {
    /// Makes an integration of the scope's user.
    ///
    /// # Errors
    /// `Config` when there are secrets and no vault to seal them; the vault's own.
    pub async fn create(&self, new: NewIntegration) -> Result<Integration> {
        let owner = self.owner()?;
        let id = match new.secrets.is_empty() {
            true => None,
            false => Some(self.take_id().await?),
        };
        let sealed = match id {
            Some(id) => self.sealed(id, new.secrets).await?,
            None => Vec::new(),
        };
        let new = Row {
            owner: &owner,
            vendor: &new.vendor,
            name: &new.name,
            description: new.description.as_deref(),
            settings: &new.settings,
        };
        let work = async || {
            let mut tx = self.write().await?;
            let made = self.insert(&mut tx, id, &new, &sealed).await?;
            tx.commit().await?;
            Ok(made)
        };
        self.store.db.retried(Twice::Harmful, work).await
    }

    /// The user's oldest integration with these settings, made under `name` if there is none. The
    /// order of the settings' fields does not matter. It has no secrets when it is new.
    pub async fn find_or_create(&self, vendor: &str, name: &str, settings: &Json) -> Result<Integration> {
        let owner = self.owner()?;
        let wanted = canonical(settings).to_string();
        let turn = json!([owner, vendor, wanted]).to_string();
        let new = Row { owner: &owner, vendor, name, description: None, settings };
        let work = async || {
            let mut tx = self.write().await?;
            tx.all(TAKE_TURN, values![&turn]).await?;
            let found = tx.maybe(FIND, values![&owner.organization, &owner.user, vendor, &wanted]).await?;
            if let Some(row) = found {
                return integration_of(&row);
            }
            let made = self.insert(&mut tx, None, &new, &[]).await?;
            tx.commit().await?;
            Ok(made)
        };
        // A second time would find it.
        self.store.db.retried(Twice::Harmless, work).await
    }

    pub(super) async fn take_id(&self) -> Result<IntegrationId> {
        let work = async || {
            let mut tx = self.write().await?;
            let id = take_id(&mut tx).await?;
            tx.commit().await?;
            Ok(id)
        };
        // An id that nobody uses is no loss.
        self.store.db.retried(Twice::Harmless, work).await
    }

    pub(super) async fn insert(
        &self,
        tx: &mut Tx,
        id: Option<IntegrationId>,
        new: &Row<'_>,
        sealed: &[Sealed],
    ) -> Result<Integration> {
        let id = match id {
            Some(id) => id,
            None => take_id(tx).await?,
        };
        let Row { owner, vendor, name, description, settings } = new;
        let settings = canonical(settings).to_string();
        let values = values![id, &owner.organization, &owner.user, *vendor, *name, *description, settings, time::now()];
        let mut made = integration_of(&tx.one(INSERT, values).await?)?;
        if !sealed.is_empty() {
            made.secret_fields = self.put(tx, id, sealed).await?;
        }
        let detail = json!({ "vendor": vendor, "name": name });
        audit::write(tx, &self.scope, Some(&owner.user), "integration.create", Some(id), &detail).await?;
        Ok(made)
    }
}

/// What the row of a new integration says.
pub(super) struct Row<'a> {
    pub(super) owner: &'a Tenant,
    pub(super) vendor: &'a str,
    pub(super) name: &'a str,
    pub(super) description: Option<&'a str>,
    pub(super) settings: &'a Json,
}

async fn take_id(tx: &mut Tx) -> Result<IntegrationId> {
    tx.one(TAKE_ID, []).await?.int(0).map(IntegrationId)
}
