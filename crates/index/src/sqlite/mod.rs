//! The embedded backend: FTS5 for words, sqlite-vec for meaning, in one file with the ledger.
//!
//! One connection writes, a few read. The file is in WAL mode with `synchronous = NORMAL`: a
//! killed process loses nothing, and a power cut can only lose the last transactions, never their
//! order. The ledger records a document after the index has it and in the same file, so it never
//! knows of one the index has lost. Where the ledger is somewhere else, the order has to be kept
//! by the disk: [`SqliteBackend::open_apart`].

mod audit;
mod dense;
mod error;
mod extension;
mod lexical;
mod schema;
mod scope;
mod search;
mod vector;
mod write;

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use catchment_core::{DocumentKey, EntryId, Held, IntegrationId, Result};
use error::sqlite_error;
pub use extension::register_vectors;
use sqlx::{
    Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    analyze::Language,
    backend::{Backend, Search, Space, Stats, StoredChunk, StoredDocument, Unembedded},
    query::{Filter, Hit},
};

/// A chunk's id is its document's id, shifted by this much, and its ordinal.
const CHUNK_BITS: u32 = 20;
/// How many searches run at once.
const READERS: u32 = 4;
/// How long a writer waits for another process.
const PATIENCE: Duration = Duration::from_secs(30);

/// The embedded backend.
#[derive(Debug)]
pub struct SqliteBackend {
    writer: SqlitePool,
    reader: SqlitePool,
    frequencies: lexical::Frequencies,
}

impl SqliteBackend {
    /// Opens or makes the index in the file at `path`, which may hold the tables of others.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(Self::options(path)).await
    }

    /// As [`SqliteBackend::open`], for a ledger that is kept somewhere else: what is acknowledged
    /// has reached the disk, so that a power cut leaves no ledger that vouches for more than the
    /// index holds.
    pub async fn open_apart(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(Self::options(path).synchronous(SqliteSynchronous::Full)).await
    }

    async fn open_with(options: SqliteConnectOptions) -> Result<Self> {
        register_vectors()?;
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await;
        let writer = writer.map_err(sqlite_error)?;
        let reader =
            SqlitePoolOptions::new().max_connections(READERS).connect_lazy_with(options.pragma("query_only", "ON"));
        Self::with_pools(writer, reader).await
    }

    /// Stands on pools that are there already: `writer` with one connection, and `reader`. Their
    /// connections must have been opened after [`register_vectors`], with WAL and foreign keys.
    pub async fn with_pools(writer: SqlitePool, reader: SqlitePool) -> Result<Self> {
        schema::migrate(&writer).await?;
        Ok(Self { writer, reader, frequencies: lexical::Frequencies::default() })
    }

    /// How [`SqliteBackend::open`] opens connections to `path`.
    pub fn options(path: impl AsRef<Path>) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(PATIENCE)
    }

    /// Closes all connections, once what runs has ended. Dropping the backend does as well, a
    /// little later.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// A transaction that has the write lock from its first statement, so that none fails in the
    /// middle because another process wrote. Dropped, it is rolled back.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(sqlite_error)
    }

    /// A transaction that sees one state of the index, however many statements it takes.
    async fn read(&self) -> Result<Transaction<'static, Sqlite>> {
        self.reader.begin().await.map_err(sqlite_error)
    }
}

#[async_trait]
impl Backend for SqliteBackend {
    async fn open_space(&self, space: &Space) -> Result<()> {
        schema::open_space(&self.writer, space).await.map(drop)
    }

    async fn replace(&self, document: &StoredDocument, chunks: &[StoredChunk], space: Option<&Space>) -> Result<()> {
        let mut transaction = self.write().await?;
        write::replace(&mut transaction, document, chunks, space).await?;
        transaction.commit().await.map_err(sqlite_error)
    }

    async fn remove(&self, keys: &[DocumentKey]) -> Result<()> {
        // A transaction each, so that a long list does not lock others out.
        for key in keys {
            let mut transaction = self.write().await?;
            write::remove(&mut transaction, key).await?;
            transaction.commit().await.map_err(sqlite_error)?;
        }
        Ok(())
    }

    async fn search(&self, search: &Search) -> Result<Vec<Hit>> {
        if search.filter.is_empty() || search.limit == 0 {
            return Ok(Vec::new());
        }
        search::search(&mut *self.read().await?, &self.frequencies, search).await
    }

    async fn languages(&self, filter: &Filter) -> Result<Vec<Language>> {
        audit::languages(&mut *self.read().await?, filter).await
    }

    async fn audit(&self, integration: IntegrationId, after: Option<&EntryId>, limit: u32) -> Result<Vec<Held>> {
        audit::audit(&mut *self.read().await?, integration, after, limit).await
    }

    async fn integrations(&self) -> Result<Vec<IntegrationId>> {
        audit::integrations(&mut *self.read().await?).await
    }

    async fn without_vectors(&self, space: &Space, limit: u32) -> Result<Vec<Unembedded>> {
        audit::without_vectors(&mut *self.read().await?, space, limit).await
    }

    async fn set_vectors(&self, space: &Space, document: &Unembedded, vectors: &[Vec<f32>]) -> Result<bool> {
        let mut transaction = self.write().await?;
        let done = write::set_vectors(&mut transaction, space, document, vectors).await?;
        transaction.commit().await.map_err(sqlite_error)?;
        Ok(done)
    }

    async fn stats(&self) -> Result<Stats> {
        audit::stats(&mut *self.read().await?).await
    }

    async fn integrity(&self) -> Result<()> {
        // On the writer: FTS5 takes its check as an insert.
        audit::integrity(&mut *self.write().await?).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_index_apart_from_its_ledger_waits_for_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let apart = SqliteBackend::open_apart(folder.path().join("apart.db")).await.unwrap();
        let level: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&apart.writer).await.unwrap();
        assert_eq!(level, 2, "FULL");
        let beside = SqliteBackend::open(folder.path().join("beside.db")).await.unwrap();
        let level: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&beside.writer).await.unwrap();
        assert_eq!(level, 1, "NORMAL");
    }
}
