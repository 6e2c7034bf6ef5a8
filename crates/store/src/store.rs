//! The store itself: opening, closing, and who looks at it.

use std::{path::Path, sync::Arc, time::Duration};

use catchment_core::{Error, ErrorKind, Result, Secret};
use catchment_vault::Vault;

use crate::{
    db::{Database, Postgres, Sqlite, Twice, Who},
    options::Options,
    scope::{Scope, Scoped},
};

/// How long [`Store::ready`] takes at most.
const READY: Duration = Duration::from_secs(2);

/// One database with everything Catchment remembers. Cheap to clone; all clones share its
/// connections.
///
/// Every call is one transaction unless it says otherwise: it happened, or it did not, also under
/// `kill -9`. Dropping a call's future leaves nothing half done. No transaction is open while
/// anybody else is waited for, the vault included.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) db: Database,
    vault: Option<Vault>,
}

impl Store {
    /// Opens the SQLite database in `file`, and creates it, readable by this user alone, if it is
    /// not there. Several processes may have one file open.
    ///
    /// # Errors
    /// `Config` when the file is no database, damaged, of a newer version, another program's, or
    /// may not be written; `Unavailable` when the disk is full or another process keeps it busy.
    pub async fn open(file: impl AsRef<Path>) -> Result<Self> {
        Ok(Self { db: Database::Sqlite(Sqlite::open(file.as_ref()).await?), vault: None })
    }

    /// Connects to a database on a Postgres server (`postgres://user:password@host:5432/name`),
    /// and makes its tables if they are not there. A server that is not there, or is still
    /// starting, is tried again for [`Options::start_timeout`].
    ///
    /// # Errors
    /// `Config` when the URL, the password or the role is not right. A role that row-level
    /// security does not hold for is refused; the context pair `sql` makes a proper one.
    /// `Unavailable` when there is no server.
    pub async fn connect(url: &Secret, options: Options) -> Result<Self> {
        Ok(Self { db: Database::Postgres(Postgres::connect(url, &options).await?), vault: None })
    }

    /// Seals and opens secrets with this vault. Without one, nothing that has secrets works.
    #[must_use]
    pub fn with_vault(self, vault: Vault) -> Self {
        Self { vault: Some(vault), ..self }
    }

    /// The store as a tenant sees it, or an organization's administrator.
    pub fn scoped(&self, scope: impl Into<Scope>) -> Scoped {
        Scoped { store: self.clone(), scope: Arc::new(scope.into()) }
    }

    /// Whether the database answers, within 2 seconds.
    ///
    /// # Errors
    /// What is wrong with it; `Unavailable` when there is no answer in time.
    pub async fn ready(&self) -> Result<()> {
        let asked = self.db.retried(Twice::Harmless, async || {
            self.db.read(Who::System).await?.one("SELECT count(*) FROM store_migrations", []).await.map(drop)
        });
        tokio::time::timeout(READY, asked).await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Unavailable, "the database does not answer within 2 seconds: check that it runs"))
        })
    }

    /// Whether several servers can share it: whether it is Postgres.
    pub fn is_shared(&self) -> bool {
        matches!(self.db, Database::Postgres(_))
    }

    /// The file of the database, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.db {
            Database::Sqlite(sqlite) => Some(sqlite.file()),
            Database::Postgres(_) => None,
        }
    }

    /// Closes all connections once the calls that use them have ended. Dropping the last clone
    /// does the same, a little later.
    pub async fn close(&self) {
        self.db.close().await;
    }

    pub(crate) fn vault(&self) -> Result<&Vault> {
        self.vault.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                "there is no key to seal secrets with: set CATCHMENT_ENCRYPTION_KEY, then start again",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::{Pin, pin},
        task::Poll,
    };

    use catchment_core::{Entry, Ledger, Retry, RunOutcome, Tenant};

    use super::*;

    async fn local() -> (Scoped, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        (Store::open(dir.path().join("catchment.db")).await.unwrap().scoped(Tenant::local()), dir)
    }

    #[tokio::test]
    async fn a_full_disk_says_so_and_costs_nothing_but_the_call() {
        let (scoped, _dir) = local().await;
        let integration = scoped.find_or_create("s3", "one", &serde_json::json!({})).await.unwrap().id;
        let run = scoped.begin(integration, &[]).await.unwrap();
        let entries: Vec<_> = (0..1_000).map(|n| Entry::file(format!("{n}"), format!("{n}"))).collect();
        // What there is holds for the one connection that writes.
        let mut writer = scoped.write().await.unwrap();
        let pages = writer.one("PRAGMA page_count", []).await.unwrap().int(0).unwrap();
        let full: &'static str = format!("PRAGMA max_page_count = {}", pages + 2).leak();
        writer.all(full, []).await.unwrap();
        writer.commit().await.unwrap();
        let error = scoped.seen(&run, &entries).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Never));
        assert!(error.message().contains("disk is full"), "{error}");

        let mut writer = scoped.write().await.unwrap();
        writer.all("PRAGMA max_page_count = 1000000", []).await.unwrap();
        writer.commit().await.unwrap();
        assert!(scoped.entries(integration, None, 10).await.unwrap().is_empty(), "all or nothing");
        assert!(!scoped.seen(&run, &entries).await.unwrap()[0].again);
    }

    /// Polls a future up to `polls` times, then drops it.
    async fn dropped_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        for _ in 0..polls {
            if let Poll::Ready(output) = polled(future.as_mut()).await {
                return Some(output);
            }
            tokio::task::yield_now().await;
        }
        None
    }

    async fn polled<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
        std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
    }

    async fn leaves_nothing_half_done(scoped: Scoped) {
        let integration = scoped.find_or_create("s3", "one", &serde_json::json!({})).await.unwrap().id;
        let mut finished = false;
        for polls in 0..200 {
            let run = scoped.begin(integration, &[]).await.unwrap();
            let entries = [Entry::file(format!("{polls}-a"), "a"), Entry::file(format!("{polls}-b"), "b")];
            finished |= dropped_after(polls, scoped.seen(&run, &entries)).await.is_some();
            // The connection is free again, and both entries are there, or neither.
            scoped.finish(&run, RunOutcome::Aborted).await.unwrap();
            let held = scoped.entries(integration, None, 10_000).await.unwrap();
            let there = held.iter().filter(|held| entries.iter().any(|entry| entry.id == held.entry)).count();
            assert!(there == 0 || there == 2, "{there} after {polls} polls");
        }
        assert!(finished, "some were not dropped early");
    }

    #[tokio::test]
    async fn a_call_that_is_dropped_leaves_nothing_half_done() {
        let (scoped, _dir) = local().await;
        leaves_nothing_half_done(scoped).await;
    }

    #[tokio::test]
    async fn a_call_to_postgres_that_is_dropped_leaves_nothing_half_done() {
        let database = tokio::task::spawn_blocking(|| catchment_testkit::backends::postgres().database());
        let url = Secret::new(database.await.unwrap().url);
        let options = Options { max_connections: 2, ..Options::default() };
        leaves_nothing_half_done(Store::connect(&url, options).await.unwrap().scoped(Tenant::local())).await;
    }
}
