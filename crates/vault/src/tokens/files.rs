//! Tokens in sealed files: for programs without a database.

use std::{
    fs::{self, OpenOptions, Permissions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use catchment_core::{Error, ErrorKind, Fence, IntegrationId, Result, Revision, TokenStore, Tokens, async_trait};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    durable::{beside, sync_folder},
    place::Place,
    vault::Vault,
};

/// Keeps the tokens of each integration in a file of a folder, sealed by a [`Vault`]. Processes of
/// one machine can share the folder. A file is replaced in one step and on the disk when a swap
/// returns. Cancel-safe: a change that has begun is made whole.
#[derive(Debug, Clone)]
pub struct TokenFiles {
    folder: Arc<Path>,
    organization: Arc<str>,
    vault: Vault,
}

/// What a file holds.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    revision: i64,
    fence: i64,
    leased: Option<Lease>,
    /// Base64.
    tokens: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lease {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl TokenFiles {
    /// Files in this folder, which is made if it is not there, for its owner alone. The tokens are
    /// sealed for this organization. Blocks on the disk.
    ///
    /// # Errors
    /// `Unavailable` when the folder cannot be made.
    pub fn new(folder: impl Into<PathBuf>, organization: impl Into<String>, vault: Vault) -> Result<Self> {
        let folder: PathBuf = folder.into();
        if !folder.is_dir() {
            let made =
                fs::create_dir_all(&folder).and_then(|()| fs::set_permissions(&folder, Permissions::from_mode(0o700)));
            made.map_err(|error| unavailable(&folder).source(error))?;
        }
        Ok(Self { folder: folder.into(), organization: organization.into().into(), vault })
    }

    fn place(&self, key: IntegrationId) -> Place<'_> {
        Place { organization: &self.organization, integration: key, field: "tokens" }
    }

    fn path(&self, key: IntegrationId) -> PathBuf {
        self.folder.join(format!("{key}.tokens"))
    }

    /// Changes a file while nobody else does. `change` says what to answer, and whether to write.
    async fn change<T: Send + 'static>(
        &self,
        key: IntegrationId,
        change: impl FnOnce(&mut State) -> (T, bool) + Send + 'static,
    ) -> Result<T> {
        let path = self.path(key);
        blocking(move || {
            let failed = |error: io::Error| unavailable(&path).source(error);
            // A file of its own: the other one is replaced, and its lock with it.
            let mut lock = OpenOptions::new();
            lock.create(true).truncate(false).write(true).mode(0o600);
            let lock = lock.open(path.with_extension("lock")).map_err(failed)?;
            lock.lock().map_err(failed)?;
            let mut state = read(&path)?;
            let (answer, write) = change(&mut state);
            if write {
                let text = serde_json::to_vec(&state)
                    .map_err(|error| Error::internal("tokens cannot be written as JSON").source(error))?;
                let file = beside(&path, [&text[..]]).map_err(failed)?;
                file.persist(&path).map_err(|error| failed(error.error))?;
                sync_folder(&path).map_err(failed)?;
            }
            Ok(answer)
        })
        .await
    }
}

#[async_trait]
impl TokenStore for TokenFiles {
    async fn load(&self, key: IntegrationId) -> Result<Option<(Tokens, Revision)>> {
        let path = self.path(key);
        let state = blocking(move || read(&path)).await?;
        let Some(sealed) = state.tokens else { return Ok(None) };
        let sealed = STANDARD.decode(sealed).map_err(|_| damaged(&self.path(key)))?;
        let tokens = self.vault.open_tokens(&self.place(key), &sealed).await?;
        Ok(Some((tokens, Revision(state.revision))))
    }

    async fn swap(&self, key: IntegrationId, expect: Option<Revision>, tokens: &Tokens) -> Result<bool> {
        let sealed = STANDARD.encode(self.vault.seal_tokens(&self.place(key), tokens).await?);
        self.change(key, move |state| {
            let stands = state.tokens.as_ref().map(|_| Revision(state.revision));
            if stands != expect {
                return (false, false);
            }
            state.revision += 1;
            state.tokens = Some(sealed);
            (true, true)
        })
        .await
    }

    async fn lease(&self, key: IntegrationId, ttl: Duration) -> Result<Option<Fence>> {
        self.change(key, move |state| {
            let from = Utc::now();
            // One that begins later than now is from before the clock was put back.
            if state.leased.as_ref().is_some_and(|lease| lease.from <= from && from < lease.until) {
                return (None, false);
            }
            let until = from + TimeDelta::from_std(ttl).unwrap_or(TimeDelta::days(1));
            state.leased = Some(Lease { from, until });
            state.fence += 1;
            (Some(Fence(state.fence)), true)
        })
        .await
    }

    async fn release(&self, key: IntegrationId, fence: Fence) -> Result<()> {
        self.change(key, move |state| {
            let held = state.fence == fence.0 && state.leased.is_some();
            if held {
                state.leased = None;
            }
            ((), held)
        })
        .await
    }

    async fn remove(&self, key: IntegrationId) -> Result<()> {
        // The file stays, so that neither revisions nor fences begin again.
        self.change(key, |state| ((), state.tokens.take().is_some())).await
    }
}

/// The state in a file; that of an integration without one is empty.
fn read(path: &Path) -> Result<State> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|error| damaged(path).source(error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(State::default()),
        Err(error) => Err(unavailable(path).source(error)),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Error::internal("the work on a file broke off").source(error)),
    }
}

fn damaged(path: &Path) -> Error {
    Error::new(ErrorKind::Config, "the file with the tokens is damaged: remove it and authorize again")
        .with("file", path.display())
}

fn unavailable(path: &Path) -> Error {
    let message = "tokens cannot be kept: check the folder, its permissions and the free space";
    Error::new(ErrorKind::Unavailable, message).with("file", path.display())
}
