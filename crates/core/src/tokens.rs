//! Tokens: where they are kept, and how two refreshes of one token are kept apart.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{error::Result, secret::Secret, tenant::IntegrationId};

/// Keeps the tokens of integrations. A swap is durable when it returns.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// The tokens of an integration and the revision they stand at. No revision is given twice,
    /// not even after the tokens were removed.
    async fn load(&self, key: IntegrationId) -> Result<Option<(Tokens, Revision)>>;

    /// Replaces the tokens if they still stand at `expect` (`None`: if there are none yet), and
    /// says whether it did.
    async fn swap(&self, key: IntegrationId, expect: Option<Revision>, tokens: &Tokens) -> Result<bool>;

    /// Takes the right to refresh for at most `ttl`; `None` while somebody else holds it. The
    /// fence grows with every lease, so that a holder whose lease lapsed cannot store over a
    /// later one.
    async fn lease(&self, key: IntegrationId, ttl: Duration) -> Result<Option<Fence>>;

    /// Gives the lease back early.
    async fn release(&self, key: IntegrationId, fence: Fence) -> Result<()>;

    /// Forgets the tokens.
    async fn remove(&self, key: IntegrationId) -> Result<()>;
}

/// Counts how often the tokens of an integration were replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision(pub i64);

/// Proof of a lease; see [`TokenStore::lease`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fence(pub i64);

/// Tokens as the vendor issued them.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Sent with each call.
    pub access: Secret,
    /// When the access token was issued, by the clock of whoever received it.
    pub issued: DateTime<Utc>,
    /// Exchanged for a new access token.
    pub refresh: Option<Secret>,
    /// When the access token ends; `None` where the vendor does not say.
    pub expires: Option<DateTime<Utc>>,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
}
