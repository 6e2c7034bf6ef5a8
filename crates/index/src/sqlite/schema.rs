//! The tables, made once by whichever process comes first.

use catchment_core::{Error, ErrorKind, Result};
use sqlx::{
    AssertSqlSafe, SqliteConnection, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
};

use super::error::sqlite_error;
use crate::backend::Space;

/// Makes or updates the tables. Two processes that start at once wait for each other.
pub(super) async fn migrate(writer: &SqlitePool) -> Result<()> {
    let first = Migration::new(
        1,
        "tables".into(),
        MigrationType::Simple,
        sqlx::SqlStr::from_static(include_str!("schema.sql")),
        false,
    );
    let mut migrator = Migrator::with_migrations(vec![first]);
    migrator.dangerous_set_table_name("index_migrations");
    migrator.set_locking(false);
    // The lock is the transaction's: it is taken before anything is looked at.
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.map_err(sqlite_error)?;
    migrator.run(&mut *transaction).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error) => sqlite_error(error),
        error => Error::new(
            ErrorKind::Config,
            "the index was made by another version of this program: use that one, or delete the index and import again",
        )
        .source(error),
    })?;
    transaction.commit().await.map_err(sqlite_error)
}

/// The number of a space, if it has been opened.
pub(super) async fn space_id(connection: &mut SqliteConnection, space: &Space) -> Result<Option<i64>> {
    let found: Option<(i64, i64)> = sqlx::query_as("SELECT id, dimensions FROM index_space WHERE embedder = ?1")
        .bind(&space.embedder)
        .fetch_optional(connection)
        .await
        .map_err(sqlite_error)?;
    match found {
        Some((_, dimensions)) if usize::try_from(dimensions) != Ok(space.dimensions) => Err(Error::config(
            "embedder",
            "this embedder had vectors of another length before: give the other model another name",
        )
        .with("embedder", &space.embedder)
        .with("before", dimensions)
        .with("now", space.dimensions)),
        found => Ok(found.map(|(id, _)| id)),
    }
}

/// Makes the tables of a space.
pub(super) async fn open_space(writer: &SqlitePool, space: &Space) -> Result<i64> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.map_err(sqlite_error)?;
    if let Some(id) = space_id(&mut transaction, space).await? {
        return Ok(id);
    }
    if !(1..=8_192).contains(&space.dimensions) {
        return Err(Error::config("embedder", "vectors must have 1 to 8192 dimensions: use another model")
            .with("dimensions", space.dimensions));
    }
    let (id,): (i64,) = sqlx::query_as("INSERT INTO index_space (embedder, dimensions) VALUES (?1, ?2) RETURNING id")
        .bind(&space.embedder)
        .bind(i64::try_from(space.dimensions).unwrap_or(i64::MAX))
        .fetch_one(&mut *transaction)
        .await
        .map_err(sqlite_error)?;
    // Partitioned, so that a search reads the vectors of its tenant only. The small vectors find
    // candidates, the full ones put them in order. A chunk size of 256 wastes at most 256 small
    // vectors for a tenant that has one.
    let dimensions = space.dimensions;
    let tables = format!(
        "CREATE VIRTUAL TABLE index_near_{id} USING vec0 (
             organization TEXT PARTITION KEY, owner TEXT PARTITION KEY,
             small INT8[{dimensions}] DISTANCE_METRIC=cosine,
             integration INTEGER, portfolio INTEGER, document INTEGER,
             chunk_size=256
         );
         CREATE TABLE index_vector_{id} (id INTEGER PRIMARY KEY, vector BLOB NOT NULL) STRICT;"
    );
    sqlx::raw_sql(AssertSqlSafe(tables)).execute(&mut *transaction).await.map_err(sqlite_error)?;
    transaction.commit().await.map_err(sqlite_error)?;
    Ok(id)
}
