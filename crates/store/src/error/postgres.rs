//! Error codes of Postgres, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use catchment_core::{Error, ErrorKind};

use super::{Fate, disk_full, no_integration};

const FOREIGN_KEY: &str = "23503";
const PRIVILEGE: &str = "42501";
const LOCK_TIMEOUT: &str = "55P03";
const CANCELLED: &str = "57014";
const DISK_FULL: &str = "53100";
const READ_ONLY: &str = "25006";
const NO_DATABASE: &str = "3D000";
const DUPLICATE_TABLE: &str = "42P07";
const DUPLICATE_OBJECT: &str = "42710";
const SERIALIZATION: &str = "40001";
const DEADLOCK: &str = "40P01";
/// The server is starting, or is a standby that takes no connections yet.
const NOT_YET: &str = "57P03";

/// Whether the server is not there yet, so that another try in a moment may succeed.
pub(crate) fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code == NOT_YET || code.starts_with("53") || code.starts_with("57P0"))
        }
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        _ => false,
    }
}

pub(super) fn told(code: Option<&str>) -> (Error, Fate) {
    let unavailable = |message: &'static str| Error::new(ErrorKind::Unavailable, message);
    let config = |message: &'static str| Error::new(ErrorKind::Config, message);
    match code.unwrap_or_default() {
        FOREIGN_KEY => (no_integration(), Fate::Refused),
        PRIVILEGE => (
            config("the database does not let this role do that: let it own the database, as the documentation shows"),
            Fate::Refused,
        ),
        LOCK_TIMEOUT | CANCELLED => {
            (unavailable("the database took too long: it may be overloaded, try again later"), Fate::Refused)
        }
        DISK_FULL => (disk_full(), Fate::Refused),
        READ_ONLY => (
            unavailable("the database is read-only at the moment: wait until the primary server is back"),
            Fate::Refused,
        ),
        NO_DATABASE => (config("there is no database of this name on the server: create it first"), Fate::Refused),
        DUPLICATE_TABLE | DUPLICATE_OBJECT => {
            (config("the database has tables of another program: give this one a database of its own"), Fate::Refused)
        }
        SERIALIZATION | DEADLOCK => (unavailable("the database was busy with the same rows: try again"), Fate::Lost),
        code => match code.get(..2).unwrap_or_default() {
            "28" => (config("the database does not accept this user and password: correct the URL"), Fate::Refused),
            "53" => (unavailable("the database server has no room for more work: try again later"), Fate::Refused),
            // The server is shutting down or has ended the connection.
            "08" | "57" => {
                (unavailable("the connection to the database was lost: check that it runs, then try again"), Fate::Lost)
            }
            _ => (Error::internal("the database refused a statement: report this with the log"), Fate::Refused),
        },
    }
}
