//! The schema: which version a database has, and how it gets the newest.

use catchment_core::{Error, ErrorKind};
use sqlx::{
    SqlSafeStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use crate::error::{self, Origin};

/// The table that says which of our migrations ran. Other crates keep their tables, and their own
/// list of migrations, in the same file.
const TABLE: &str = "store_migrations";

/// All migrations of one of the databases.
pub(super) fn migrator(first: &'static str) -> Migrator {
    let first = Migration::new(1, "store".into(), MigrationType::Simple, first.into_sql_str(), false);
    let mut migrator = Migrator::with_migrations(vec![first]);
    migrator.dangerous_set_table_name(TABLE);
    migrator
}

pub(super) fn failed(error: MigrateError, origin: &Origin) -> Error {
    let out = match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => return error::from(error, origin),
        MigrateError::VersionMissing(version) | MigrateError::VersionTooNew(version, _) => Error::new(
            ErrorKind::Config,
            "the database was written by a newer version of this program: use that version, or another database",
        )
        .with("schema", version),
        error => Error::new(
            ErrorKind::Config,
            "the database has another schema than this program knows: use the version that wrote it",
        )
        .source(error),
    };
    origin.name(out)
}
