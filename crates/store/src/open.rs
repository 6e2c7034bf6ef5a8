//! Opening the database: its file, its schema, its connections.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use backon::{ConstantBuilder, Retryable};
use catchment_core::{Error, ErrorKind, Result, Secret};
use sqlx::{
    Connection, SqlSafeStr, Sqlite, SqliteConnection, SqlitePool, Transaction,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    error,
    options::Options,
    rotate::Rotated,
    scope::{Scope, Scoped},
};

/// How long a writer waits for another process that writes.
const BUSY: Duration = Duration::from_secs(60);

/// How often, and how many times, a new file is tried while another process makes it.
const AGAIN: Duration = Duration::from_millis(20);
const AGAINS: usize = 500;

/// Readers beside the one writer.
const READERS: u32 = 4;

/// The table that says which of our migrations ran. Other crates keep their tables, and their own
/// list of migrations, in the same file.
const MIGRATIONS: &str = "store_migrations";

/// One database file with the ledger, the integrations and the threads. Cheap to clone; all
/// clones share its connections.
///
/// Every call is one transaction: it happened, or it did not, also under `kill -9`. A call that
/// has returned survives the end of the process; the last calls before a power failure may be
/// undone together, never in part. Dropping a call's future leaves nothing half done.
#[derive(Clone)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
    file: PathBuf,
}

impl Store {
    /// Opens the database in `file`, and creates it, readable by this user alone, if it is not
    /// there. Several processes may have one file open.
    ///
    /// # Errors
    /// `Config` when the file is no database, damaged, of a newer version, another program's, or
    /// may not be written; `Unavailable` when the disk is full or another process keeps it busy.
    pub async fn open(file: impl AsRef<Path>) -> Result<Self> {
        let file = file.as_ref().to_owned();
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
            .acquire_timeout(2 * BUSY)
            .connect_lazy_with(options.clone().journal_mode(SqliteJournalMode::Wal));
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(2 * BUSY)
            .connect_lazy_with(options.pragma("query_only", "on"));
        let store = Self { writer, readers, file };
        store.migrate().await?;
        Ok(store)
    }

    /// Connects to a Postgres server, trying again while it is not there or is still starting.
    pub async fn connect(url: &Secret, options: Options) -> Result<Self> {
        let _ = (url, options);
        Err(Error::internal("not there yet"))
    }

    /// The store as a tenant sees it, or an administrator.
    pub fn scoped(&self, scope: impl Into<Scope>) -> Scoped {
        Scoped { store: self.clone(), scope: Arc::new(scope.into()) }
    }

    /// Whether the database answers, within 2 seconds.
    pub async fn ready(&self) -> Result<()> {
        Err(Error::internal("not there yet"))
    }

    /// Whether several servers can share it: whether it is Postgres.
    pub fn is_shared(&self) -> bool {
        false
    }

    /// Seals one batch of secrets that are not under the current key anew.
    pub async fn rotate(&self, batch: u32) -> Result<Rotated> {
        let _ = batch;
        Err(Error::internal("not there yet"))
    }

    /// The file of the database.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Closes all connections, and folds the write-ahead log into the file if no other process
    /// has it open. Dropping the store does the same, a little later.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Starts a transaction that will write. It takes the right to write at once: a transaction
    /// that reads first and then finds another writer ahead of it could only fail.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed())
    }

    pub(crate) fn failed(&self) -> impl Fn(sqlx::Error) -> Error {
        |error| error::from(error, &self.file)
    }

    async fn migrate(&self) -> Result<()> {
        // SQLite does not wait while it changes a new file to a write-ahead log: of two processes
        // that open it at once, one is told at once that it is busy.
        let mut connection = (|| self.writer.acquire())
            .retry(ConstantBuilder::new().with_delay(AGAIN).with_max_times(AGAINS))
            .when(error::is_busy)
            .await
            .map_err(self.failed())?;
        // One transaction around all migrations, so that two processes that open a new file at
        // once do not both run them.
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed())?;
        self.refuse_foreign(&mut tx).await?;
        migrator().run_direct(None, &mut *tx, false).await.map_err(|error| self.migration_failed(error))?;
        tx.commit().await.map_err(self.failed())
    }

    /// A database that holds tables but none of ours belongs to another program.
    async fn refuse_foreign(&self, connection: &mut SqliteConnection) -> Result<()> {
        let (tables, ours): (i64, i64) = sqlx::query_as(
            "SELECT count(*), count(*) FILTER (WHERE name LIKE 'store\\_%' ESCAPE '\\' OR name LIKE 'index\\_%' ESCAPE '\\')
             FROM sqlite_master WHERE type = 'table'",
        )
        .fetch_one(connection)
        .await
        .map_err(self.failed())?;
        if tables > 0 && ours == 0 {
            return Err(Error::new(
                ErrorKind::Config,
                "this is another program's database: give another path for this one",
            )
            .with("file", self.file.display()));
        }
        Ok(())
    }

    fn migration_failed(&self, error: MigrateError) -> Error {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error::from(error, &self.file),
            MigrateError::VersionMissing(version) | MigrateError::VersionTooNew(version, _) => Error::new(
                ErrorKind::Config,
                "the database was written by a newer version of this program: use that version, or another database",
            )
            .with("file", self.file.display())
            .with("schema", version),
            error => Error::new(
                ErrorKind::Config,
                "the database has another schema than this program knows: use the version that wrote it",
            )
            .with("file", self.file.display())
            .source(error),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("file", &self.file).finish_non_exhaustive()
    }
}

fn migrator() -> Migrator {
    let spine = Migration::new(
        1,
        "spine".into(),
        MigrationType::Simple,
        include_str!("../migrations/0001_spine.sql").into_sql_str(),
        false,
    );
    let mut migrator = Migrator::with_migrations(vec![spine]);
    migrator.dangerous_set_table_name(MIGRATIONS);
    migrator
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

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::pin, task::Poll};

    use catchment_core::{Entry, Ledger, RunOutcome, Tenant};

    use super::*;

    async fn store() -> (Store, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        (Store::open(dir.path().join("catchment.db")).await.unwrap(), dir)
    }

    #[tokio::test]
    async fn a_full_disk_says_so_and_costs_nothing_but_the_call() {
        let (store, _dir) = store().await;
        let integration = store.find_or_create(&Tenant::local(), "s3", "one", &serde_json::json!({})).await.unwrap().id;
        let run = store.begin(integration, &[]).await.unwrap();
        let entries: Vec<_> = (0..1_000).map(|n| Entry::file(format!("{n}"), format!("{n}"))).collect();
        let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&store.writer).await.unwrap();
        let full = SqlSafeStr::into_sql_str(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {}", pages + 2)));
        sqlx::query(full).execute(&store.writer).await.unwrap();
        let error = store.seen(&run, &entries).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, catchment_core::Retry::Never));
        assert!(error.message().contains("disk is full"), "{error}");

        sqlx::query("PRAGMA max_page_count = 1000000").execute(&store.writer).await.unwrap();
        assert!(store.entries(integration, None, 10).await.unwrap().is_empty(), "all or nothing");
        assert!(!store.seen(&run, &entries).await.unwrap()[0].again);
    }

    /// Polls a future up to `polls` times, then drops it.
    async fn dropped_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        for _ in 0..polls {
            if let Poll::Ready(output) = futures_poll(future.as_mut()).await {
                return Some(output);
            }
            tokio::task::yield_now().await;
        }
        None
    }

    async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
    }

    #[tokio::test]
    async fn a_call_that_is_dropped_leaves_nothing_half_done() {
        let (store, _dir) = store().await;
        let integration = store.find_or_create(&Tenant::local(), "s3", "one", &serde_json::json!({})).await.unwrap().id;
        let mut finished = false;
        for polls in 0..200 {
            let run = store.begin(integration, &[]).await.unwrap();
            let entries = [Entry::file(format!("{polls}-a"), "a"), Entry::file(format!("{polls}-b"), "b")];
            finished |= dropped_after(polls, store.seen(&run, &entries)).await.is_some();
            // The connection is free again, and both entries are there, or neither.
            store.finish(&run, RunOutcome::Aborted).await.unwrap();
            let held = store.entries(integration, None, 10_000).await.unwrap();
            let there = held.iter().filter(|held| entries.iter().any(|entry| entry.id == held.entry)).count();
            assert!(there == 0 || there == 2, "{there} after {polls} polls");
        }
        assert!(finished, "some were not dropped early");
    }
}
