//! What SQLite says, and what a person can do about it.

use catchment_core::{Error, ErrorKind};

/// Turns an error of SQLite into one that says what to do.
pub(crate) fn sqlite_error(error: sqlx::Error) -> Error {
    let code = match &error {
        sqlx::Error::Database(error) => error.code().and_then(|code| code.parse::<i32>().ok()),
        _ => None,
    };
    let (kind, message) = match (code.map(|code| code & 0xff), &error) {
        (Some(libsqlite3_sys::SQLITE_FULL), _) => {
            (ErrorKind::Unavailable, "the disk is full: free space on the disk that holds the index, then try again")
        }
        (Some(libsqlite3_sys::SQLITE_BUSY | libsqlite3_sys::SQLITE_LOCKED), _) => (
            ErrorKind::Unavailable,
            "the database is locked by another process: wait until it is done, or stop it, then try again",
        ),
        (Some(libsqlite3_sys::SQLITE_CORRUPT | libsqlite3_sys::SQLITE_NOTADB), _) => return damaged().source(error),
        (Some(libsqlite3_sys::SQLITE_READONLY), _) => {
            (ErrorKind::Config, "the index cannot be written: check the permissions of its file and folder")
        }
        (Some(libsqlite3_sys::SQLITE_CANTOPEN), _) => {
            (ErrorKind::Config, "the index cannot be opened: check that its folder exists and may be written")
        }
        (Some(libsqlite3_sys::SQLITE_IOERR), _) => (
            ErrorKind::Unavailable,
            "the disk that holds the index does not work as it should: check it, then try again",
        ),
        (_, sqlx::Error::PoolTimedOut) => {
            (ErrorKind::Unavailable, "the index is busy: try again later, or import with less at a time")
        }
        _ => (ErrorKind::Internal, "the index failed: report this with the log"),
    };
    let mapped = Error::new(kind, message);
    match code {
        Some(code) => mapped.with("sqlite", code).source(error),
        None => mapped.source(error),
    }
}

/// The file is not what it was: trying again cannot help.
pub(crate) fn damaged() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the index is damaged: restore its file from a backup, or delete it and import again",
    )
    .never_retry()
}
