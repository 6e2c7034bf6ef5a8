//! SQLite: one file, one writer, some readers.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use backon::{ConstantBuilder, Retryable};
use catchment_core::{Error, ErrorKind, Result};
use sqlx::{
    Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Tx, migrations};
use crate::error::{self, Origin};

/// How long a writer waits for another process that writes.
const BUSY: Duration = Duration::from_secs(60);

/// How often, and how many times, a new file is tried while another process makes it.
const AGAIN: Duration = Duration::from_millis(20);
const AGAINS: usize = 500;

/// Readers beside the one writer.
const READERS: u32 = 4;

/// The connections to a file.
#[derive(Clone)]
pub(crate) struct Sqlite {
    writer: SqlitePool,
    readers: SqlitePool,
    file: PathBuf,
    origin: Arc<Origin>,
}

impl Sqlite {
    pub(crate) async fn open(file: &Path) -> Result<Self> {
        let file = file.to_owned();
        create(&file).map_err(|error| cannot_create(error, &file))?;
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(false)
            .busy_timeout(BUSY)
            .foreign_keys(true)
            .synchronous(SqliteSynchronous::Normal)
            // What a large removal leaves of the write-ahead log is given back.
            .pragma("journal_size_limit", "67108864");
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .acquire_timeout(2 * BUSY)
            .connect_lazy_with(options.clone().journal_mode(SqliteJournalMode::Wal));
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .acquire_timeout(2 * BUSY)
            .connect_lazy_with(options.pragma("query_only", "on"));
        let origin = Arc::new(Origin::file(&file));
        let sqlite = Self { writer, readers, file, origin };
        sqlite.migrate().await?;
        Ok(sqlite)
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    pub(super) async fn read(&self) -> Result<Tx> {
        let connection = self.readers.acquire().await.map_err(|error| error::from(error, &self.origin))?;
        Ok(Tx::sqlite_read(connection, self.origin.clone()))
    }

    /// Takes the right to write at once: a transaction that reads first and then finds another
    /// writer ahead of it could only fail.
    pub(super) async fn write(&self) -> Result<Tx> {
        let tx = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(|error| error::from(error, &self.origin))?;
        Ok(Tx::sqlite_write(tx, self.origin.clone()))
    }

    /// Folds the write-ahead log into the file if no other process has it open.
    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn migrate(&self) -> Result<()> {
        let failed = |error| error::from(error, &self.origin);
        // SQLite does not wait while it changes a new file to a write-ahead log: of two processes
        // that open it at once, one is told at once that it is busy.
        let mut connection = (|| self.writer.acquire())
            .retry(ConstantBuilder::new().with_delay(AGAIN).with_max_times(AGAINS))
            .when(error::is_busy)
            .await
            .map_err(failed)?;
        // One transaction around all migrations, so that two processes that open a new file at
        // once do not both run them.
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        self.refuse_foreign(&mut tx).await?;
        let sql = [
            include_str!("../../migrations/sqlite/0001_store.sql"),
            include_str!("../../migrations/sqlite/0002_following.sql"),
        ];
        let ran = migrations::migrator(sql).run_direct(None, &mut *tx, false).await;
        ran.map_err(|error| migrations::failed(error, &self.origin))?;
        tx.commit().await.map_err(failed)
    }

    /// A database that holds tables but none of ours belongs to another program.
    async fn refuse_foreign(&self, connection: &mut SqliteConnection) -> Result<()> {
        let (tables, ours): (i64, i64) = sqlx::query_as(
            "SELECT count(*), count(*) FILTER (WHERE name LIKE 'store\\_%' ESCAPE '\\' OR name LIKE 'index\\_%' ESCAPE '\\')
             FROM sqlite_master WHERE type = 'table'",
        )
        .fetch_one(connection)
        .await
        .map_err(|error| error::from(error, &self.origin))?;
        if tables > 0 && ours == 0 {
            let error =
                Error::new(ErrorKind::Config, "this is another program's database: give another path for this one");
            return Err(self.origin.name(error));
        }
        Ok(())
    }
}

/// Creates the file and its directory for this user alone. SQLite gives the files beside it the
/// mode of the database itself.
fn create(file: &Path) -> io::Result<()> {
    let mut directory = fs::DirBuilder::new();
    directory.recursive(true);
    let mut open = fs::OpenOptions::new();
    open.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        directory.mode(0o700);
        open.mode(0o600);
    }
    if let Some(parent) = file.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        directory.create(parent)?;
    }
    open.open(file).map(drop)
}

fn cannot_create(error: io::Error, file: &Path) -> Error {
    let out = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::new(ErrorKind::Unavailable, "the disk is full: make room where the database lies, then run again")
                .never_retry()
        }
        _ => Error::new(
            ErrorKind::Config,
            "the database cannot be created: check that its directory can be, and that this user may write to it",
        ),
    };
    out.with("file", file.display()).source(error)
}
