//! From what the database says to what a person can do.

use std::{error::Error as _, fmt, path::Path};

use catchment_core::{Error, ErrorKind};

mod postgres;
mod sqlite;

pub(crate) use postgres::is_starting;
pub(crate) use sqlite::is_busy;

/// Which database it was, for the person.
#[derive(Debug)]
pub(crate) struct Origin {
    key: &'static str,
    name: String,
}

impl Origin {
    pub(crate) fn file(file: &Path) -> Self {
        Self { key: "file", name: file.display().to_string() }
    }

    /// A server, without user and password.
    pub(crate) fn server(name: String) -> Self {
        Self { key: "database", name }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.name
    }

    /// The error with the name of the database.
    pub(crate) fn name(&self, error: Error) -> Error {
        error.with(self.key, &self.name)
    }
}

/// The error for a failure of a statement.
pub(crate) fn from(error: sqlx::Error, origin: &Origin) -> Error {
    tell(error, origin, false)
}

/// The error for a failure of a commit: where the connection is lost, nobody knows what became of
/// the transaction.
pub(crate) fn committing(error: sqlx::Error, origin: &Origin) -> Error {
    tell(error, origin, true)
}

fn tell(error: sqlx::Error, origin: &Origin, committing: bool) -> Error {
    let (out, fate) = match &error {
        sqlx::Error::Database(database) => match origin.key {
            "file" => (sqlite::told(database.code().as_deref()), Fate::Refused),
            _ => postgres::told(database.code().as_deref()),
        },
        sqlx::Error::PoolTimedOut => (
            Error::new(ErrorKind::Unavailable, "all connections to the database are busy: try again in a moment"),
            Fate::Refused,
        ),
        sqlx::Error::PoolClosed => {
            (Error::new(ErrorKind::Unavailable, "the database has been closed: start the program again"), Fate::Refused)
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::BeginFailed => (
            Error::new(
                ErrorKind::Unavailable,
                "the connection to the database was lost: check that it runs, then try again",
            ),
            Fate::Lost,
        ),
        _ => (Error::internal("the database gave an unexpected answer: report this with the log"), Fate::Refused),
    };
    let fate = match fate {
        Fate::Lost if committing => Fate::Unknown,
        fate => fate,
    };
    origin.name(out).source(Failed { fate, error })
}

/// What became of the work when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It was refused: doing it again would end the same way.
    Refused,
    /// It was not done, for a reason that another try may not meet.
    Lost,
    /// It may have been done.
    Unknown,
}

/// What the database said, kept for the log.
#[derive(Debug)]
struct Failed {
    fate: Fate,
    error: sqlx::Error,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the database failed")
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

fn failed(error: &Error) -> Option<&Failed> {
    error.source()?.downcast_ref()
}

/// Whether the work is sure not to have been done, and another try may succeed.
pub(crate) fn is_undone(error: &Error) -> bool {
    failed(error).is_some_and(|failed| failed.fate == Fate::Lost)
}

/// Whether another try may succeed, and nobody knows whether it would be the second.
pub(crate) fn is_lost(error: &Error) -> bool {
    failed(error).is_some_and(|failed| failed.fate == Fate::Unknown)
}

/// Whether a row was there already.
pub(crate) fn is_taken(error: &Error) -> bool {
    failed(error).is_some_and(
        |failed| matches!(&failed.error, sqlx::Error::Database(database) if database.is_unique_violation()),
    )
}

fn no_integration() -> Error {
    Error::new(ErrorKind::NotFound, "no such integration: it may have been removed, create it anew")
}

fn disk_full() -> Error {
    Error::new(ErrorKind::Unavailable, "the disk is full: make room where the database lies, then run again")
        .never_retry()
}
