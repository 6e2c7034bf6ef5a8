//! Threads: conversations, kept for the tenant they belong to.

use async_trait::async_trait;
use catchment_core::{
    Error, ErrorKind, Result, Speaker, Tenant,
    threads::{Message, ThreadId, Threads},
};
use serde_json::Value;
use sqlx::{Row, SqliteExecutor};

use crate::{open::Store, time};

#[async_trait]
impl Threads for Store {
    async fn create(&self, tenant: &Tenant) -> Result<ThreadId> {
        let thread = uuid::Uuid::new_v4().to_string();
        let mut tx = self.write().await?;
        sqlx::query("INSERT INTO threads (id, organization, user_id, created_at) VALUES (?1, ?2, ?3, ?4)")
            .bind(&thread)
            .bind(&tenant.organization)
            .bind(&tenant.user)
            .bind(time::now())
            .execute(&mut *tx)
            .await
            .map_err(self.failed())?;
        tx.commit().await.map_err(self.failed())?;
        Ok(ThreadId(thread))
    }

    async fn append(&self, tenant: &Tenant, thread: &ThreadId, messages: &[Message]) -> Result<()> {
        let mut tx = self.write().await?;
        self.owned(tenant, thread, &mut *tx).await?;
        for message in messages {
            sqlx::query(
                "INSERT INTO messages (thread, number, speaker, text, citations, at)
                 SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4, ?5 FROM messages WHERE thread = ?1",
            )
            .bind(&thread.0)
            .bind(match message.speaker {
                Speaker::User => "user",
                Speaker::Assistant => "assistant",
            })
            .bind(&message.text)
            .bind(message.citations.to_string())
            .bind(message.at.timestamp_micros())
            .execute(&mut *tx)
            .await
            .map_err(self.failed())?;
        }
        tx.commit().await.map_err(self.failed())
    }

    async fn load(&self, tenant: &Tenant, thread: &ThreadId, limit: u32) -> Result<Vec<Message>> {
        self.owned(tenant, thread, self.readers()).await?;
        let rows = sqlx::query(
            "SELECT speaker, text, citations, at FROM messages WHERE thread = ?1 ORDER BY number DESC LIMIT ?2",
        )
        .bind(&thread.0)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(self.failed())?;
        let message = |row: &sqlx::sqlite::SqliteRow| Message {
            speaker: if row.get::<&str, _>(0) == "user" { Speaker::User } else { Speaker::Assistant },
            text: row.get(1),
            citations: serde_json::from_str(row.get(2)).unwrap_or(Value::Null),
            at: time::at(row.get(3)),
        };
        Ok(rows.iter().rev().map(message).collect())
    }
}

impl Store {
    async fn owned(&self, tenant: &Tenant, thread: &ThreadId, executor: impl SqliteExecutor<'_>) -> Result<()> {
        let found: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM threads WHERE id = ?1 AND organization = ?2 AND user_id = ?3")
                .bind(&thread.0)
                .bind(&tenant.organization)
                .bind(&tenant.user)
                .fetch_optional(executor)
                .await
                .map_err(self.failed())?;
        found.map(drop).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "no such thread: it may have been removed, start a new one")
                .with("thread", thread)
        })
    }
}
