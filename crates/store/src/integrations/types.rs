//! What an integration is made of.

use catchment_core::{Account, IntegrationId, Secret, Tenant, Tokens};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One stored connection of one user in one organization to one vendor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Integration {
    /// Its id. Never given twice.
    pub id: IntegrationId,
    /// Whose it is.
    pub tenant: Tenant,
    /// The vendor's id, for example `s3`.
    pub vendor: String,
    /// What the person calls it.
    pub name: String,
    /// What the person says about it.
    pub description: Option<String>,
    /// Its settings, without secrets.
    pub settings: Value,
    /// Names of the settings that are kept as secrets, in order.
    pub secret_fields: Vec<String>,
    /// Whether it can be used.
    pub status: Status,
    /// Counts the changes of what a person can set. [`Scoped::update`](crate::Scoped::update)
    /// can demand that it has not moved.
    pub revision: i64,
    /// When it was last brought in step with its source.
    pub last_sync: Option<DateTime<Utc>>,
    /// When the source last answered.
    pub last_used: Option<DateTime<Utc>>,
    /// Failures since the last success.
    pub errors: u32,
    /// What the last failure said, until something succeeds again.
    pub last_error: Option<String>,
    /// Whom the vendor takes us for, as far as that is known. It stays when it is disconnected.
    pub account: Option<Account>,
    /// What a person granted at the vendor, while there are tokens.
    pub grant: Option<GrantInfo>,
    /// When it was last connected, if it was not merely filled in.
    pub connected_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When what a person can set last changed.
    pub updated_at: DateTime<Utc>,
}

/// What may be seen of tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantInfo {
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// When the access token ends; `None` where the vendor does not say.
    pub expires: Option<DateTime<Utc>>,
    /// Whether another one can be had without the person.
    pub refreshable: bool,
    /// When the vendor last issued tokens.
    pub refreshed_at: DateTime<Utc>,
}

/// In which state integrations are. See [`Scoped::integrations_mark`](crate::Scoped::integrations_mark).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark {
    pub(crate) count: i64,
    pub(crate) newest: i64,
    pub(crate) changes: i64,
}

/// Whether an integration can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It can.
    Active,
    /// A person disconnected it: its secrets are erased.
    Disconnected,
    /// Its credential has run out: a person has to authorize it again.
    Expired,
    /// The vendor withdrew its credential: a person has to authorize it again.
    Revoked,
    /// It failed for another reason; see `last_error`.
    Error,
}

/// A new integration.
#[derive(Debug, Clone)]
pub struct NewIntegration {
    /// The vendor's id.
    pub vendor: String,
    /// What the person calls it.
    pub name: String,
    /// What the person says about it.
    pub description: Option<String>,
    /// Its settings, **without secrets**: they are stored as they are.
    pub settings: Value,
    /// Its secrets by name of their setting. They are sealed before they are stored.
    pub secrets: Vec<(String, Secret)>,
}

/// A change of an integration. What is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct IntegrationChange {
    /// What the person calls it.
    pub name: Option<String>,
    /// What the person says about it; `Some(None)` takes it away.
    pub description: Option<Option<String>>,
    /// Its settings as a whole, without secrets.
    pub settings: Option<Value>,
    /// Secrets to replace, or to erase (`None`). Those not named stay.
    pub secrets: Vec<(String, Option<Secret>)>,
    /// Whether it can be used. A change to `Active` clears the errors; see
    /// [`Scoped::update`](crate::Scoped::update) for when it can be one.
    pub status: Option<Status>,
}

/// What connecting an integration brought. See [`Scoped::connected`](crate::Scoped::connected).
#[derive(Debug, Default)]
pub struct Connected {
    /// As the vendor issued them; `None` where its settings sign in by themselves.
    pub tokens: Option<Tokens>,
    /// Whom the vendor takes us for; `None` if that is not known yet.
    pub account: Option<Account>,
    /// What the person filled in. The status is `Active` in any case.
    pub change: IntegrationChange,
}

/// Which integrations to list. They come in the order of their ids.
#[derive(Debug, Clone)]
pub struct List {
    /// Only this user's. `None` is everyone the scope may see.
    pub user: Option<String>,
    /// Only this vendor's.
    pub vendor: Option<String>,
    /// From behind this one.
    pub after: Option<IntegrationId>,
    /// At most so many.
    pub limit: u32,
}

impl Default for List {
    fn default() -> Self {
        Self { user: None, vendor: None, after: None, limit: 100 }
    }
}

/// What succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Success {
    /// The source answered.
    Used,
    /// Everything at the source was brought in step.
    Synced,
}

impl Status {
    /// Its stable name, as it stands on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disconnected => "disconnected",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Error => "error",
        }
    }

    /// By its name. One that only a newer version knows is an error to this one.
    pub(super) fn named(name: &str) -> Self {
        let all = [Self::Active, Self::Disconnected, Self::Expired, Self::Revoked];
        all.into_iter().find(|status| status.as_str() == name).unwrap_or(Self::Error)
    }
}
