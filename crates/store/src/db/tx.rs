//! A transaction on either database.

use std::sync::Arc;

use catchment_core::{Error, Result};
use sqlx::{Transaction, pool::PoolConnection};

use super::{Row, Sql, Value, postgres};
use crate::error::{self, Origin};

/// A transaction. Dropping it undoes what it did.
pub(crate) struct Tx {
    inner: Inner,
    origin: Arc<Origin>,
}

enum Inner {
    /// One statement at a time is a snapshot of its own, which is all that readers need.
    SqliteRead(PoolConnection<sqlx::Sqlite>),
    SqliteWrite(Transaction<'static, sqlx::Sqlite>),
    Postgres(Transaction<'static, sqlx::Postgres>, Arc<postgres::Watch>),
}

impl Tx {
    pub(super) fn sqlite_read(connection: PoolConnection<sqlx::Sqlite>, origin: Arc<Origin>) -> Self {
        Self { inner: Inner::SqliteRead(connection), origin }
    }

    pub(super) fn sqlite_write(tx: Transaction<'static, sqlx::Sqlite>, origin: Arc<Origin>) -> Self {
        Self { inner: Inner::SqliteWrite(tx), origin }
    }

    pub(super) fn postgres(
        tx: Transaction<'static, sqlx::Postgres>,
        watch: Arc<postgres::Watch>,
        origin: Arc<Origin>,
    ) -> Self {
        Self { inner: Inner::Postgres(tx, watch), origin }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.inner, Inner::Postgres(..))
    }

    /// Runs a statement; gives how many rows it touched.
    pub(crate) async fn run(
        &mut self,
        sql: impl Into<Sql>,
        values: impl IntoIterator<Item = Value<'_>>,
    ) -> Result<u64> {
        let sql = sql.into();
        match &mut self.inner {
            Inner::SqliteRead(connection) => {
                sqlite(sql, values).execute(&mut **connection).await.map(|done| done.rows_affected())
            }
            Inner::SqliteWrite(tx) => sqlite(sql, values).execute(&mut **tx).await.map(|done| done.rows_affected()),
            Inner::Postgres(tx, watch) => {
                watch.over(postgres(sql, values).execute(&mut **tx)).await?.map(|done| done.rows_affected())
            }
        }
        .map_err(|error| self.failed(error))
    }

    /// All rows of a query.
    pub(crate) async fn all(
        &mut self,
        sql: impl Into<Sql>,
        values: impl IntoIterator<Item = Value<'_>>,
    ) -> Result<Vec<Row>> {
        let sql = sql.into();
        match &mut self.inner {
            Inner::SqliteRead(connection) => sqlite(sql, values).fetch_all(&mut **connection).await.map(sqlite_rows),
            Inner::SqliteWrite(tx) => sqlite(sql, values).fetch_all(&mut **tx).await.map(sqlite_rows),
            Inner::Postgres(tx, watch) => watch
                .over(postgres(sql, values).fetch_all(&mut **tx))
                .await?
                .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
        }
        .map_err(|error| self.failed(error))
    }

    /// The first row of a query, if there is one.
    pub(crate) async fn maybe(
        &mut self,
        sql: impl Into<Sql>,
        values: impl IntoIterator<Item = Value<'_>>,
    ) -> Result<Option<Row>> {
        // All: a query that is not read to its end would stay open.
        self.all(sql, values).await.map(|rows| rows.into_iter().next())
    }

    /// The first row of a query that always has one.
    pub(crate) async fn one(
        &mut self,
        sql: impl Into<Sql>,
        values: impl IntoIterator<Item = Value<'_>>,
    ) -> Result<Row> {
        self.maybe(sql, values)
            .await?
            .ok_or_else(|| Error::internal("the database gave no answer where there always is one: report this"))
    }

    /// Makes it happen. Where the connection is lost on the way, nobody knows whether it has.
    pub(crate) async fn commit(self) -> Result<()> {
        match self.inner {
            Inner::SqliteRead(_) => Ok(()),
            Inner::SqliteWrite(tx) => tx.commit().await.map_err(|error| error::from(error, &self.origin)),
            Inner::Postgres(tx, watch) => match watch.over(tx.commit()).await {
                Ok(done) => done.map_err(|error| {
                    watch.note(&error);
                    error::committing(error, &self.origin)
                }),
                Err(error) => Err(error),
            },
        }
    }

    fn failed(&self, error: sqlx::Error) -> Error {
        if let Inner::Postgres(_, watch) = &self.inner {
            watch.note(&error);
        }
        error::from(error, &self.origin)
    }
}

type SqliteQuery<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;
type PostgresQuery<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn sqlite<'v>(sql: Sql, values: impl IntoIterator<Item = Value<'v>>) -> SqliteQuery<'static> {
    values.into_iter().fold(sqlx::query(sql.sqlite), |query, value| value.bind_sqlite(query))
}

fn postgres<'v>(sql: Sql, values: impl IntoIterator<Item = Value<'v>>) -> PostgresQuery<'static> {
    values.into_iter().fold(sqlx::query(sql.postgres), |query, value| value.bind_postgres(query))
}

fn sqlite_rows(rows: Vec<sqlx::sqlite::SqliteRow>) -> Vec<Row> {
    rows.into_iter().map(Row::Sqlite).collect()
}
