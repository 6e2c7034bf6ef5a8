//! On whose behalf: every call that touches a tenant's rows goes through a [`Scoped`].

use std::sync::Arc;

use catchment_core::Tenant;

use crate::store::Store;

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
}
