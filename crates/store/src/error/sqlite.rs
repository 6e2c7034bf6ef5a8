//! Result codes of SQLite, <https://www.sqlite.org/rescode.html>.

use catchment_core::{Error, ErrorKind};

use super::{disk_full, no_integration};

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
    let sqlx::Error::Database(error) = error else { return false };
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, BUSY | LOCKED))
}

pub(super) fn told(code: Option<&str>) -> Error {
    let code = code.and_then(|code| code.parse::<u32>().ok()).unwrap_or_default();
    if code == FOREIGN_KEY {
        return no_integration();
    }
    match code & 0xff {
        FULL => disk_full(),
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
