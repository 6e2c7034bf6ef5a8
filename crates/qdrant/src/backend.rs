//! The backend: what the index asks for, handed to those who do it.

use std::{
    collections::HashSet,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use catchment_core::{DocumentKey, EntryId, Error, ErrorKind, Held, IntegrationId, Result};
use catchment_index::{
    Backend, Filter, Hit, Stats,
    analyze::Language,
    backend::{Search, Space, StoredChunk, StoredDocument, Unembedded},
};
use tokio::sync::Mutex;

use crate::{Options, audit, client::Client, record::document_id, schema, search, window::Windows, write};

/// How many documents are written at once without waiting for each other.
const LOCKS: usize = 64;

/// How old a chunk without its document has to be before nobody can still be writing it.
const LEFTOVER: Duration = Duration::from_secs(60 * 60);

/// The index on a Qdrant server or cluster.
///
/// Cheap to keep for the life of a program; it holds a few connections. Several programs may
/// stand on one collection.
#[derive(Debug)]
pub struct QdrantBackend {
    client: Client,
    batch_bytes: usize,
    /// Spaces known to be open.
    spaces: RwLock<HashSet<Space>>,
    windows: Windows,
    /// Writers of one document wait here rather than undo each other's work on the server.
    locks: Vec<Mutex<()>>,
}

impl QdrantBackend {
    /// Connects, and makes the collection if it is missing.
    ///
    /// `Config` if the address or the name is wrong, the server is older than 1.18, or the
    /// collection is of another shape; `Unauthenticated` or `Forbidden` if the key is refused;
    /// `Unavailable` or `Timeout` if there is no answer for as long as the options have patience.
    pub async fn connect(options: Options) -> Result<Self> {
        let client = Client::new(&options)?;
        schema::prepare(&client, &options).await?;
        Ok(Self {
            client,
            batch_bytes: options.batch_bytes.max(1),
            spaces: RwLock::default(),
            windows: Windows::default(),
            locks: std::iter::repeat_with(Mutex::default).take(LOCKS).collect(),
        })
    }

    /// Deletes what writers left that were killed, if it is older than `age`, and says of how many
    /// attempts. Nothing finds it; it takes room. An hour is good: what is younger may be the work
    /// of a writer that is not done. Looks at every chunk: a chore for quiet times. Cancel-safe.
    pub async fn sweep(&self, age: Duration) -> Result<u64> {
        write::sweep(&self.client, age).await
    }

    fn lock(&self, key: &DocumentKey) -> &Mutex<()> {
        let [first, ..] = *document_id(key).as_bytes();
        &self.locks[usize::from(first) % LOCKS]
    }

    async fn is_open(&self, space: &Space) -> Result<bool> {
        if self.spaces.read().unwrap_or_else(PoisonError::into_inner).contains(space) {
            return Ok(true);
        }
        let open = audit::is_open(&self.client, space).await?;
        if open {
            self.spaces.write().unwrap_or_else(PoisonError::into_inner).insert(space.clone());
        }
        Ok(open)
    }

    async fn opened(&self, space: &Space) -> Result<()> {
        if self.is_open(space).await? {
            return Ok(());
        }
        Err(Error::internal("the space of the vectors was not opened").with("embedder", &space.embedder))
    }
}

#[async_trait]
impl Backend for QdrantBackend {
    async fn open_space(&self, space: &Space) -> Result<()> {
        schema::open_space(&self.client, space).await?;
        self.spaces.write().unwrap_or_else(PoisonError::into_inner).insert(space.clone());
        Ok(())
    }

    async fn replace(&self, document: &StoredDocument, chunks: &[StoredChunk], space: Option<&Space>) -> Result<()> {
        if u32::try_from(chunks.len()).is_err() {
            return Err(Error::new(ErrorKind::TooLarge, "the document has too many parts: split it"));
        }
        if let Some(space) = space {
            self.opened(space).await?;
        }
        let _turn = self.lock(&document.key).lock().await;
        write::replace(&self.client, self.batch_bytes, document, chunks, space).await?;
        self.windows.add(&document.key);
        Ok(())
    }

    async fn remove(&self, keys: &[DocumentKey]) -> Result<()> {
        write::remove(&self.client, keys).await
    }

    async fn search(&self, search: &Search) -> Result<Vec<Hit>> {
        if search.filter.is_empty() || search.limit == 0 {
            return Ok(Vec::new());
        }
        let space = match &search.vector {
            Some((space, _)) => self.is_open(space).await?,
            None => false,
        };
        search::search(&self.client, search, space).await
    }

    async fn languages(&self, filter: &Filter) -> Result<Vec<Language>> {
        audit::languages(&self.client, filter).await
    }

    async fn audit(&self, integration: IntegrationId, after: Option<&EntryId>, limit: u32) -> Result<Vec<Held>> {
        audit::audit(&self.client, &self.windows, integration, after, limit).await
    }

    async fn integrations(&self) -> Result<Vec<IntegrationId>> {
        audit::integrations(&self.client).await
    }

    async fn without_vectors(&self, space: &Space, limit: u32) -> Result<Vec<Unembedded>> {
        audit::without_vectors(&self.client, space, limit).await
    }

    async fn set_vectors(&self, space: &Space, document: &Unembedded, vectors: &[Vec<f32>]) -> Result<bool> {
        self.opened(space).await?;
        let _turn = self.lock(&document.key).lock().await;
        write::set_vectors(&self.client, self.batch_bytes, space, document, vectors).await
    }

    async fn stats(&self) -> Result<Stats> {
        audit::stats(&self.client).await
    }

    async fn integrity(&self) -> Result<()> {
        audit::integrity(&self.client).await
    }

    async fn tidy(&self) -> Result<u64> {
        self.sweep(LEFTOVER).await
    }
}
