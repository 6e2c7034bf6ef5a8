//! Threads: conversations that are kept, so that a question can refer to the one before.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{error::Result, model::Speaker, tenant::Tenant};

/// Keeps threads. A thread of another tenant is [`NotFound`](crate::ErrorKind::NotFound), as if
/// there were none.
#[async_trait]
pub trait Threads: Send + Sync {
    /// Opens a thread.
    async fn create(&self, tenant: &Tenant) -> Result<ThreadId>;

    /// Adds messages at its end: all of them, or none.
    async fn append(&self, tenant: &Tenant, thread: &ThreadId, messages: &[Message]) -> Result<()>;

    /// Its last `limit` messages, oldest first.
    async fn load(&self, tenant: &Tenant, thread: &ThreadId, limit: u32) -> Result<Vec<Message>>;
}

/// Names a thread. Not to be guessed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ThreadId(pub String);

/// One message of a thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who said it.
    pub speaker: Speaker,
    /// What was said.
    pub text: String,
    /// Where it was found, as the answer cited it; `null` for a question.
    pub citations: Value,
    /// When.
    pub at: DateTime<Utc>,
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
