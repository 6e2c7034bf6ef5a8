//! Idempotency keys: the same request sent twice is done once, and answered twice.

use std::time::Duration;

use catchment_core::{Error, ErrorKind, Result};
use tokio::{runtime::Handle, task::AbortHandle};

use crate::{
    db::{Twice, values},
    scope::Scoped,
    time,
};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the right to do the work lasts without a sign of life, and between two such signs.
const LAPSE: Duration = Duration::from_secs(60);
const SIGN: Duration = Duration::from_secs(20);

const TAKE: &str = "INSERT INTO idempotency (organization, user_id, name, request_hash, token, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (organization, user_id, name) DO UPDATE SET
         request_hash = excluded.request_hash, token = excluded.token, expires_at = excluded.expires_at,
         status = NULL, headers = NULL, body = NULL
     WHERE idempotency.expires_at < $7";

const FIND: &str = "SELECT request_hash, status, headers, body FROM idempotency
     WHERE organization = $1 AND user_id = $2 AND name = $3";

const ANSWER: &str = "UPDATE idempotency SET status = $5, headers = $6, body = $7, expires_at = $8
     WHERE organization = $1 AND user_id = $2 AND name = $3 AND token = $4";

const ALIVE: &str = "UPDATE idempotency SET expires_at = $5
     WHERE organization = $1 AND user_id = $2 AND name = $3 AND token = $4 AND status IS NULL";

const FREE: &str = "DELETE FROM idempotency
     WHERE organization = $1 AND user_id = $2 AND name = $3 AND token = $4 AND status IS NULL";

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
/// dies, the key is free again 60 seconds later. While it lives, a task of its own keeps it.
#[derive(Debug)]
pub struct OnceGuard {
    hold: Option<Hold>,
    alive: AbortHandle,
}

/// An answer that was given, and is kept for 24 hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Headers worth repeating.
    pub headers: Vec<(String, String)>,
    /// The body. No secrets.
    pub body: Vec<u8>,
}

/// Who holds which key.
#[derive(Debug, Clone)]
struct Hold {
    scoped: Scoped,
    key: String,
    token: String,
}

impl Scoped {
    /// Asks for the right to do the work of `key`, which is the user's own, or the acting
    /// administrator's. `request_hash` tells two requests apart.
    pub async fn once(&self, key: &str, request_hash: &str) -> Result<Once> {
        let hold = Hold { scoped: self.clone(), key: key.to_owned(), token: uuid::Uuid::new_v4().to_string() };
        let work = async || {
            let mut tx = self.write().await?;
            let [organization, user, name, token] = hold.values();
            let until = time::from_now(LAPSE);
            let values = [organization, user, name, request_hash.into(), token, until.into(), time::now().into()];
            let first = tx.run(TAKE, values).await? == 1;
            let [organization, user, name, _] = hold.values();
            let row = match first {
                true => None,
                false => tx.maybe(FIND, [organization, user, name]).await?,
            };
            tx.commit().await?;
            Ok((first, row))
        };
        // The second time it would be found running, and lapse.
        let (first, row) = self.store.db.retried(Twice::Harmful, work).await?;
        if first {
            return Ok(Once::First(OnceGuard::new(hold)));
        }
        // One that was freed in between was running a moment ago.
        let Some(row) = row else { return Ok(Once::Running) };
        if row.text(0)? != request_hash {
            return Ok(Once::Other);
        }
        let Some(status) = row.maybe_int(1)? else { return Ok(Once::Running) };
        let status = u16::try_from(status).unwrap_or(500);
        Ok(Once::Again(StoredAnswer { status, headers: row.json(2)?, body: row.bytes(3)? }))
    }

    /// Keeps the answer for those who send the same key again.
    ///
    /// # Errors
    /// `Conflict` if the right to the key had lapsed, and somebody else has it.
    pub async fn answer(&self, mut guard: OnceGuard, answer: &StoredAnswer) -> Result<()> {
        let Some(hold) = &guard.hold else { return Ok(()) };
        let headers =
            serde_json::Value::from_iter(answer.headers.iter().map(|(name, value)| serde_json::json!([name, value])));
        let headers = headers.to_string();
        let work = async || {
            let mut tx = self.write().await?;
            let more = values![i64::from(answer.status), &headers, &answer.body, time::from_now(KEPT)];
            if tx.run(ANSWER, hold.values().into_iter().chain(more)).await? == 0 {
                return Err(Error::new(ErrorKind::Conflict, "another request has this idempotency key by now"));
            }
            tx.commit().await
        };
        self.store.db.retried(Twice::Harmless, work).await?;
        guard.hold = None;
        Ok(())
    }
}

impl OnceGuard {
    fn new(hold: Hold) -> Self {
        let alive = tokio::spawn({
            let hold = hold.clone();
            async move {
                loop {
                    tokio::time::sleep(SIGN).await;
                    // If it fails, the next one may succeed before the key lapses.
                    let _ = hold.run(ALIVE, Some(time::from_now(LAPSE))).await;
                }
            }
        });
        Self { hold: Some(hold), alive: alive.abort_handle() }
    }
}

impl Drop for OnceGuard {
    fn drop(&mut self) {
        self.alive.abort();
        if let (Some(hold), Ok(runtime)) = (self.hold.take(), Handle::try_current()) {
            // If it fails, the key lapses.
            runtime.spawn(async move { hold.run(FREE, None).await });
        }
    }
}

impl Hold {
    fn values(&self) -> [crate::db::Value<'_>; 4] {
        let scope = self.scoped.scope();
        let user = scope.user.as_ref().unwrap_or(&scope.actor);
        values![&scope.organization, user, &self.key, &self.token]
    }

    async fn run(&self, sql: &'static str, more: Option<i64>) -> Result<()> {
        let mut tx = self.scoped.write().await?;
        tx.run(sql, self.values().into_iter().chain(more.map(Into::into))).await?;
        tx.commit().await
    }
}
