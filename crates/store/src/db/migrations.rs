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

/// What the migrations are called, in the order in which they run.
const NAMES: [&str; 2] = ["store", "following"];

/// All migrations of one of the databases.
pub(super) fn migrator(all: [&'static str; NAMES.len()]) -> Migrator {
    let made = (1..).zip(NAMES).zip(all).map(|((version, name), sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(made.collect());
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
