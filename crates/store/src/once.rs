//! Idempotency keys: the same request sent twice is done once, and answered twice.

use catchment_core::{Error, Result};

use crate::scope::Scoped;

/// What is known of a key.
#[derive(Debug)]
pub enum Once {
    /// Nobody has used it: do the work, then say the [`answer`](Scoped::answer).
    First(OnceGuard),
    /// The work was done: this was the answer.
    Again(StoredAnswer),
    /// The key was used for another request.
    Other,
    /// The work is being done at this moment.
    Running,
}

/// The right to do the work of a key. Dropping it without an answer frees the key; if its process
/// dies, the key is free again 60 seconds later.
#[derive(Debug)]
pub struct OnceGuard {
    pub(crate) key: String,
}

/// An answer that was given and is kept for 24 hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Headers worth repeating.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Scoped {
    /// Asks for the right to do the work of `key`, which is the user's own. `request_hash` tells
    /// two requests apart.
    pub async fn once(&self, key: &str, request_hash: &str) -> Result<Once> {
        let _ = request_hash;
        let _guard = OnceGuard { key: key.to_owned() };
        Err(Error::internal("not there yet"))
    }

    /// Keeps the answer for those who send the same key again.
    pub async fn answer(&self, guard: OnceGuard, answer: &StoredAnswer) -> Result<()> {
        let _ = (guard.key, answer);
        Err(Error::internal("not there yet"))
    }
}
