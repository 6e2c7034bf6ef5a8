//! From what the database says to what a person can do.

use std::path::Path;

use catchment_core::{Error, ErrorKind};

/// Primary result codes of SQLite, <https://www.sqlite.org/rescode.html>.
const PERM: u32 = 3;
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const READONLY: u32 = 8;
const IOERR: u32 = 10;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const CANTOPEN: u32 = 14;
const NOTADB: u32 = 26;
/// An extended one: a row that is referred to is not there.
const FOREIGN_KEY: u32 = 787;

/// Whether another connection was in the way.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(_)) && code(error).is_some_and(|code| matches!(code & 0xff, BUSY | LOCKED))
}

fn code(error: &sqlx::Error) -> Option<u32> {
    match error {
        sqlx::Error::Database(error) => error.code().and_then(|code| code.parse::<u32>().ok()),
        sqlx::Error::PoolTimedOut => Some(BUSY),
        _ => None,
    }
}

/// The error for a failure of the database in `file`.
pub(crate) fn from(error: sqlx::Error, file: &Path) -> Error {
    let code = code(&error);
    let out = match code {
        Some(FOREIGN_KEY) => {
            Error::new(ErrorKind::NotFound, "no such integration: it may have been removed, create it anew")
        }
        Some(code) => from_code(code & 0xff),
        None => Error::internal("the database gave an unexpected answer: report this with the log"),
    };
    out.with("file", file.display()).source(error)
}

fn from_code(code: u32) -> Error {
    match code {
        FULL => {
            Error::new(ErrorKind::Unavailable, "the disk is full: make room where the database lies, then run again")
                .never_retry()
        }
        IOERR => Error::new(ErrorKind::Unavailable, "the disk failed under the database: check it, then run again")
            .never_retry(),
        BUSY | LOCKED => {
            Error::new(ErrorKind::Unavailable, "another program keeps the database busy: wait for it, then try again")
        }
        CANTOPEN | PERM | READONLY => Error::new(
            ErrorKind::Config,
            "the database cannot be written: check that it is a file, and that this user may write to it and its directory",
        ),
        NOTADB => Error::new(ErrorKind::Config, "this is not a database: give another path, or move the file away"),
        CORRUPT => Error::new(
            ErrorKind::Config,
            "the database is damaged: restore it from a backup, or move it away and import again",
        ),
        _ => Error::internal("the database refused a statement: report this with the log"),
    }
}
