//! Where things are kept: the database and the index, here or on servers.

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt, path::Path, sync::Arc};

use catchment_core::{Error, Result};
use catchment_index::{Backend, Index, IndexOptions, SqliteBackend};
use catchment_qdrant::QdrantBackend;
use catchment_store::{Options, Store};

use super::{App, Data};

/// The file of everything that is kept in the data directory.
const FILE: &str = "catchment.db";

impl App {
    /// Opens what is kept, making it if need be.
    pub(crate) async fn open(&self) -> Result<Data> {
        self.open_with(self.store().await?).await
    }

    /// Opens what is kept beside a database that is open already.
    pub(crate) async fn open_with(&self, store: Store) -> Result<Data> {
        let options = IndexOptions { embedder: self.embedder().await?, ..IndexOptions::default() };
        let index = Index::open(self.backend().await?, options).await?;
        Ok(Data { store, index: Arc::new(index) })
    }

    /// Opens the database.
    pub(crate) async fn store(&self) -> Result<Store> {
        match &self.settings.database_url {
            None => Store::open(self.data_dir.join(FILE)).await,
            Some(url) => {
                let mut options = Options::default();
                if let Some(connections) = self.settings.server.database_connections {
                    options.max_connections = connections;
                }
                Store::connect(url, options).await
            }
        }
    }

    async fn backend(&self) -> Result<Arc<dyn Backend>> {
        if let Some(url) = &self.settings.qdrant_url {
            let mut options = catchment_qdrant::Options::new(url);
            options.api_key.clone_from(&self.settings.qdrant_api_key);
            if let Some(collection) = &self.settings.qdrant_collection {
                options.collection.clone_from(collection);
            }
            return Ok(Arc::new(QdrantBackend::connect(options).await?));
        }
        make(&self.data_dir)?;
        let file = self.data_dir.join(FILE);
        Ok(match self.settings.database_url {
            None => Arc::new(SqliteBackend::open(file).await?),
            Some(_) => Arc::new(SqliteBackend::open_apart(file).await?),
        })
    }
}

/// Makes the data directory, for this user alone.
fn make(directory: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        Error::config("data_dir", "the data directory cannot be made: check that this user may write there")
            .with("path", directory.display())
            .source(error)
    })
}
