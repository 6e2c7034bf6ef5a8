//! One way to speak to two databases: values go in, rows come out, and a statement is written
//! once, with `$1` for its first value, unless the databases truly differ.

mod migrations;
pub(crate) mod page;
mod postgres;
mod row;
mod sql;
mod sqlite;
mod tx;
mod value;

use std::{fmt, future::Future};

use catchment_core::{Error, ErrorKind, Result};

pub(crate) use postgres::Postgres;
pub(crate) use row::Row;
pub(crate) use sql::{Sql, by_index, clock, each, locked, over_page};
pub(crate) use sqlite::Sqlite;
pub(crate) use tx::Tx;
pub(crate) use value::{Value, values};

use crate::error;

/// The database. Cheap to clone.
#[derive(Clone)]
pub(crate) enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// Whose rows a transaction is about. On Postgres the database holds it against every row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who<'a> {
    /// The server itself, across tenants.
    System,
    /// One user, or all users of an organization.
    Tenant { organization: &'a str, user: Option<&'a str> },
}

impl Who<'_> {
    /// An empty name would mean everybody, or nobody.
    fn check(self) -> Result<()> {
        match self {
            Self::Tenant { organization: "", .. } | Self::Tenant { user: Some(""), .. } => Err(Error::new(
                ErrorKind::Forbidden,
                "nobody may act without a name: the organization and the user must not be empty",
            )),
            _ => Ok(()),
        }
    }
}

impl Database {
    /// To read: sees the newest state, waits for no writer. It needs no commit.
    pub(crate) async fn read(&self, who: Who<'_>) -> Result<Tx> {
        who.check()?;
        match self {
            Self::Sqlite(sqlite) => sqlite.read().await,
            Self::Postgres(postgres) => postgres.begin(who).await,
        }
    }

    /// To write: nothing has happened unless [`Tx::commit`] says so.
    pub(crate) async fn write(&self, who: Who<'_>) -> Result<Tx> {
        who.check()?;
        match self {
            Self::Sqlite(sqlite) => sqlite.write().await,
            Self::Postgres(postgres) => postgres.begin(who).await,
        }
    }

    /// Runs a unit of work, and once more if the connection was lost in a way that is sure to
    /// have left nothing behind. Work that may be done twice without harm also survives a loss
    /// that leaves it open whether it was done.
    pub(crate) async fn retried<T, F: Future<Output = Result<T>>>(
        &self,
        twice: Twice,
        work: impl Fn() -> F,
    ) -> Result<T> {
        match work().await {
            Err(error) if error::is_undone(&error) || (twice == Twice::Harmless && error::is_lost(&error)) => {
                work().await
            }
            done => done,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}

/// Whether a unit of work may be done twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twice {
    /// The second time changes nothing.
    Harmless,
    /// The second time would do it again.
    Harmful,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(sqlite) => f.debug_tuple("Sqlite").field(&sqlite.file()).finish(),
            Self::Postgres(postgres) => f.debug_tuple("Postgres").field(&postgres.name()).finish(),
        }
    }
}
