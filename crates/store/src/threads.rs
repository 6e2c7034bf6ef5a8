//! Threads: conversations, kept for the tenant they belong to.

use async_trait::async_trait;
use catchment_core::{
    Error, ErrorKind, Result, Speaker, Tenant,
    threads::{Message, ThreadId, Threads},
};
use serde_json::json;

use crate::{
    db::{Row, Sql, Twice, Tx, locked, over_page, page::page, values},
    scope::Scoped,
    time,
};

const FIND: &str = "SELECT id FROM threads WHERE id = $1 AND organization = $2 AND user_id = $3";

/// Two that append at once do so in turn.
const FIND_TO_APPEND: Sql = locked!("SELECT id FROM threads WHERE id = $1 AND organization = $2 AND user_id = $3");

const APPEND: Sql = over_page!(
    "INSERT INTO messages (thread, number, speaker, text, citations, at)
     SELECT $2, (SELECT coalesce(max(number), 0) FROM messages WHERE thread = $2) + page.key + 1,
            page.value ->> 0, page.value ->> 1, page.value ->> 2, CAST(page.value ->> 3 AS BIGINT)
     FROM",
    "",
);

const LOAD: &str = "SELECT speaker, text, citations, at FROM messages WHERE thread = $1 ORDER BY number DESC LIMIT $2";

#[async_trait]
impl Threads for Scoped {
    async fn create(&self, tenant: &Tenant) -> Result<ThreadId> {
        self.same(tenant)
            .then_some(())
            .ok_or_else(|| Error::new(ErrorKind::Forbidden, "a thread can only be started by the one it belongs to"))?;
        let thread = uuid::Uuid::new_v4().to_string();
        // The id is new each time it is tried: a thread that nobody knows of harms nobody.
        self.store
            .db
            .retried(Twice::Harmful, async || {
                let mut tx = self.write().await?;
                tx.run(
                    "INSERT INTO threads (id, organization, user_id, created_at) VALUES ($1, $2, $3, $4)",
                    values![&thread, &tenant.organization, &tenant.user, time::now()],
                )
                .await?;
                tx.commit().await
            })
            .await?;
        Ok(ThreadId(thread))
    }

    async fn append(&self, tenant: &Tenant, thread: &ThreadId, messages: &[Message]) -> Result<()> {
        let rows = page(messages.iter().map(|message| {
            let speaker = match message.speaker {
                Speaker::User => "user",
                Speaker::Assistant => "assistant",
            };
            json!([speaker, message.text, message.citations.to_string(), message.at.timestamp_micros()])
        }));
        self.store
            .db
            .retried(Twice::Harmful, async || {
                let mut tx = self.write().await?;
                self.owned(&mut tx, FIND_TO_APPEND, tenant, thread).await?;
                tx.run(APPEND, [rows.value(&tx), thread.0.as_str().into()]).await?;
                tx.commit().await
            })
            .await
    }

    async fn load(&self, tenant: &Tenant, thread: &ThreadId, limit: u32) -> Result<Vec<Message>> {
        let rows = self
            .store
            .db
            .retried(Twice::Harmless, async || {
                let mut tx = self.read().await?;
                self.owned(&mut tx, FIND.into(), tenant, thread).await?;
                tx.all(LOAD, values![&thread.0, limit]).await
            })
            .await?;
        rows.iter().rev().map(message).collect()
    }
}

fn message(row: &Row) -> Result<Message> {
    Ok(Message {
        speaker: if row.text(0)? == "user" { Speaker::User } else { Speaker::Assistant },
        text: row.text(1)?,
        citations: row.json(2)?,
        at: row.time(3)?,
    })
}

impl Scoped {
    /// Whether the scope is this tenant, or an administrator over them.
    fn same(&self, tenant: &Tenant) -> bool {
        self.scope.organization == tenant.organization && self.user().is_none_or(|user| user == tenant.user)
    }

    async fn owned(&self, tx: &mut Tx, find: Sql, tenant: &Tenant, thread: &ThreadId) -> Result<()> {
        let found = match self.same(tenant) {
            true => tx.maybe(find, values![&thread.0, &tenant.organization, &tenant.user]).await?,
            false => None,
        };
        found.map(drop).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "no such thread: it may have been removed, start a new one")
                .with("thread", thread)
        })
    }
}
