//! Connecting: what a vendor granted, and whom it takes us for.

use catchment_core::{Account, IntegrationId, Result, Tokens};
use serde_json::json;

use super::{Connected, Integration, NewIntegration, Status, create::Row, read::columns, read::integration_of};
use crate::{
    audit,
    db::{Twice, Tx, Value, values},
    scope::{Scoped, mine},
    time, tokens,
};

const CONNECT: &str = concat!(
    "UPDATE integrations SET account = $2, connected_at = $3, next_check = $3, changes = changes + 1
     WHERE id = $1 RETURNING ",
    columns!()
);

const IDENTIFY: &str = concat!(
    "UPDATE integrations SET account = $4, changes = changes + 1 WHERE ",
    mine!(),
    " AND id = $3 AND (account IS NULL OR account <> $4)"
);

/// What was granted, sealed.
struct Grant {
    tokens: Option<(Tokens, Vec<u8>)>,
    account: Option<Account>,
}

impl Scoped {
    /// Connects an integration, or connects it again: whatever state it was in, it is active and
    /// without errors then. Its id, its settings and its history stay, but for what is changed
    /// here. Tokens and identity of an earlier connection are replaced, or erased where there are
    /// no new ones.
    ///
    /// # Errors
    /// `Config` when there are tokens or secrets and no vault to seal them; the vault's own.
    pub async fn connected(&self, id: IntegrationId, connected: Connected) -> Result<Integration> {
        let Connected { tokens, account, mut change } = connected;
        let secrets = self.sealed_or_erased(id, std::mem::take(&mut change.secrets)).await?;
        let grant = self.granted(id, tokens, account).await?;
        let work = async || {
            let mut tx = self.write().await?;
            let before = self.to_change(&mut tx, id).await?;
            let mut after = self.applied(&mut tx, &before, &change, Some(Status::Active), &secrets).await?.0;
            self.write_row(&mut tx, &mut after).await?;
            let after = self.connect(&mut tx, id, &grant).await?;
            tx.commit().await?;
            Ok(after)
        };
        self.store.db.retried(Twice::Harmful, work).await
    }

    /// Makes an integration of the scope's user that is connected from the start.
    ///
    /// # Errors
    /// As [`Scoped::create`].
    pub async fn create_connected(
        &self,
        new: NewIntegration,
        tokens: Option<Tokens>,
        account: Option<Account>,
    ) -> Result<Integration> {
        let owner = self.owner()?;
        let id = self.take_id().await?;
        let NewIntegration { vendor, name, description, settings, secrets } = new;
        let secrets = self.sealed(id, secrets).await?;
        let grant = self.granted(id, tokens, account).await?;
        let row = Row {
            owner: &owner,
            vendor: &vendor,
            name: &name,
            description: description.as_deref(),
            settings: &settings,
        };
        let work = async || {
            let mut tx = self.write().await?;
            self.insert(&mut tx, Some(id), &row, &secrets).await?;
            let made = self.connect(&mut tx, id, &grant).await?;
            tx.commit().await?;
            Ok(made)
        };
        self.store.db.retried(Twice::Harmful, work).await
    }

    /// Notes whom the vendor takes us for, as a test of the connection found it.
    pub async fn identified(&self, id: IntegrationId, account: &Account) -> Result<()> {
        let [organization, user] = self.mine();
        let values: [Value<'_>; 4] = [organization, user, id.into(), json!(account).to_string().into()];
        let work = async || {
            let mut tx = self.write().await?;
            if tx.run(IDENTIFY, values.clone()).await? == 0 {
                // It is known already, unless there is no such integration.
                self.to_change(&mut tx, id).await?;
            }
            tx.commit().await
        };
        self.store.db.retried(Twice::Harmless, work).await
    }

    async fn granted(&self, id: IntegrationId, tokens: Option<Tokens>, account: Option<Account>) -> Result<Grant> {
        let tokens = match tokens {
            Some(granted) => {
                let sealed = tokens::seal(self.store.vault()?, &self.scope.organization, id, &granted).await?;
                Some((granted, sealed))
            }
            None => None,
        };
        Ok(Grant { tokens, account })
    }

    async fn connect(&self, tx: &mut Tx, id: IntegrationId, grant: &Grant) -> Result<Integration> {
        match &grant.tokens {
            Some((granted, sealed)) => tokens::put(tx, id, sealed, granted).await?,
            None => tokens::erase(tx, id).await?,
        }
        let account = grant.account.as_ref().map(|account| json!(account).to_string());
        let made = integration_of(&tx.one(CONNECT, values![id, account, time::now()]).await?)?;
        let detail = json!({
            "account": grant.account.as_ref().map(|account| &account.id),
            "scopes": grant.tokens.as_ref().map(|(granted, _)| &granted.scopes),
        });
        audit::write(tx, &self.scope, Some(&made.tenant.user), "integration.connect", Some(id), &detail).await?;
        Ok(made)
    }
}
