//! The database of these tests: a SQLite file among the server's own.

use std::path::{Path, PathBuf};

use catchment_store::Store;

pub(crate) struct Database(PathBuf);

impl Database {
    pub(crate) async fn new(directory: &Path) -> Self {
        Self(directory.join("catchment.db"))
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.0).await.unwrap()
    }

    /// Everything that is stored and in no file of the directory: nothing.
    pub(crate) fn dump(&self) -> Vec<u8> {
        Vec::new()
    }
}
