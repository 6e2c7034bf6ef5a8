//! On whose behalf: every call that touches a tenant's rows goes through a [`Scoped`].

use std::sync::Arc;

use catchment_core::{Error, ErrorKind, Result, Tenant};

use crate::{
    db::{Tx, Value, Who},
    store::Store,
};

/// On whose behalf something is done, and who does it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The organization. Nothing of another one is ever seen.
    pub organization: String,
    /// The user whose rows are seen; `None` is an administrator, who sees those of all users of
    /// the organization.
    pub user: Option<String>,
    /// Who acts, for the audit log.
    pub actor: String,
    /// The request on whose way it happens, for the audit log.
    pub request_id: Option<String>,
}

impl From<&Tenant> for Scope {
    /// A user acting for themselves.
    fn from(tenant: &Tenant) -> Self {
        Self {
            organization: tenant.organization.clone(),
            user: Some(tenant.user.clone()),
            actor: tenant.user.clone(),
            request_id: None,
        }
    }
}

impl From<Tenant> for Scope {
    fn from(tenant: Tenant) -> Self {
        Self::from(&tenant)
    }
}

/// A [`Store`] seen by one tenant, or by an organization's administrator. Cheap to clone.
///
/// It is the [`Ledger`](catchment_core::Ledger) and the
/// [`Threads`](catchment_core::threads::Threads) of that tenant. What belongs to others is
/// `NotFound`, as if it did not exist; on Postgres the database itself sees to it as well.
#[derive(Debug, Clone)]
pub struct Scoped {
    pub(crate) store: Store,
    pub(crate) scope: Arc<Scope>,
}

impl Scoped {
    /// On whose behalf.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The store behind it.
    pub fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) async fn read(&self) -> Result<Tx> {
        self.store.db.read(self.who()).await
    }

    pub(crate) async fn write(&self) -> Result<Tx> {
        self.store.db.write(self.who()).await
    }

    fn who(&self) -> Who<'_> {
        Who::Tenant { organization: &self.scope.organization, user: self.user() }
    }

    pub(crate) fn user(&self) -> Option<&str> {
        self.scope.user.as_deref()
    }

    /// The values `$1` and `$2` of [`mine!`].
    pub(crate) fn mine(&self) -> [Value<'_>; 2] {
        [self.scope.organization.as_str().into(), self.user().into()]
    }

    /// Whose it is, if something new is made.
    pub(crate) fn owner(&self) -> Result<Tenant> {
        let user = self.user().ok_or_else(|| {
            Error::new(ErrorKind::Forbidden, "an administrator owns nothing: say for which user this is")
        })?;
        Ok(Tenant::new(&self.scope.organization, user))
    }
}

/// The condition that a row with `organization` and `user_id` is one that the scope may see.
macro_rules! mine {
    () => {
        "organization = $1 AND ($2 IS NULL OR user_id = $2)"
    };
}

pub(crate) use mine;
