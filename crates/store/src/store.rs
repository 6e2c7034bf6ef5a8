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
