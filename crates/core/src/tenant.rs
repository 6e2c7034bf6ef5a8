//! Whose data it is: organizations, users and their integrations.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The organization and the user on whose behalf something is done. Every stored row carries both.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tenant {
    /// The organization's slug.
    pub organization: String,
    /// The user's id inside it.
    pub user: String,
}

/// One stored connection of one user in one organization to one vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntegrationId(pub i64);

impl Tenant {
    /// A user of an organization.
    pub fn new(organization: impl Into<String>, user: impl Into<String>) -> Self {
        Self { organization: organization.into(), user: user.into() }
    }

    /// The one tenant of an embedded, single-user installation.
    pub fn local() -> Self {
        Self::new("local", "local")
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.organization, self.user)
    }
}

impl fmt::Display for IntegrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
