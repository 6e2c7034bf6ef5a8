//! A token store of one's own: a file for each integration, in the clear. The contract suite of
//! `catchment-testkit` holds it to all promises (`tests/own_store.rs`).

use std::{
    fs::{self, File},
    io::{self, ErrorKind::NotFound, Write},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use catchment_auth::oauth::{App, Authorizers, Provider};
use catchment_client::Egress;
use catchment_core::{
    Error, ErrorKind, Fence, IntegrationId, Result, Revision, TokenStore, Tokens, async_trait, oauth::OAuth,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The folder of the files.
#[derive(Debug)]
pub(crate) struct Files(pub(crate) PathBuf);

/// What a file holds. Removed tokens leave it there, so that no number is given twice.
#[derive(Default, Serialize, Deserialize)]
struct Row {
    tokens: Option<Stored>,
    revision: i64,
    fence: i64,
    leased: Option<DateTime<Utc>>,
}

/// Access token, when it was issued, refresh token, when it ends, scopes.
type Stored = (String, DateTime<Utc>, Option<String>, Option<DateTime<Utc>>, Vec<String>);

impl Files {
    /// Changes a row while nobody else does, in this process or in another, and writes it whole.
    async fn change<T: Send + 'static>(
        &self,
        key: IntegrationId,
        change: impl FnOnce(&mut Row) -> T + Send + 'static,
    ) -> Result<T> {
        let path = self.0.join(format!("{key}.json"));
        let work = move || -> io::Result<T> {
            let lock = File::create(path.with_extension("lock"))?;
            lock.lock()?;
            let mut row = match fs::read(&path) {
                Ok(text) => serde_json::from_slice(&text)?,
                Err(error) if error.kind() == NotFound => Row::default(),
                Err(error) => return Err(error),
            };
            let answer = change(&mut row);
            let mut new = File::create(path.with_extension("new"))?;
            new.write_all(&serde_json::to_vec(&row)?)?;
            new.sync_all()?;
            fs::rename(path.with_extension("new"), path)?;
            Ok(answer)
        };
        let failed = |error| Error::new(ErrorKind::Unavailable, "the file of the tokens cannot be used").source(error);
        tokio::task::spawn_blocking(work).await.map_err(|_| Error::internal("broke off"))?.map_err(failed)
    }
}

#[async_trait]
impl TokenStore for Files {
    async fn load(&self, key: IntegrationId) -> Result<Option<(Tokens, Revision)>> {
        let (stored, revision) = self.change(key, |row| (row.tokens.clone(), Revision(row.revision))).await?;
        Ok(stored.map(|(access, issued, refresh, expires, scopes)| {
            let (access, refresh) = (access.into(), refresh.map(Into::into));
            (Tokens { access, issued, refresh, expires, scopes }, revision)
        }))
    }

    async fn swap(&self, key: IntegrationId, expect: Option<Revision>, tokens: &Tokens) -> Result<bool> {
        let Tokens { access, issued, refresh, expires, scopes } = tokens.clone();
        let refresh = refresh.map(|refresh| refresh.expose().to_owned());
        let stored = (access.expose().to_owned(), issued, refresh, expires, scopes);
        let swap = move |row: &mut Row| {
            let stands = row.tokens.as_ref().map(|_| Revision(row.revision)) == expect;
            if stands {
                (row.tokens, row.revision) = (Some(stored), row.revision + 1);
            }
            stands
        };
        self.change(key, swap).await
    }

    async fn lease(&self, key: IntegrationId, ttl: Duration) -> Result<Option<Fence>> {
        let lease = move |row: &mut Row| {
            let now = Utc::now();
            let free = row.leased.is_none_or(|until| until <= now);
            free.then(|| {
                (row.leased, row.fence) = (Some(now + ttl), row.fence + 1);
                Fence(row.fence)
            })
        };
        self.change(key, lease).await
    }

    async fn release(&self, key: IntegrationId, fence: Fence) -> Result<()> {
        self.change(key, move |row| row.leased = row.leased.filter(|_| row.fence != fence.0)).await
    }

    async fn remove(&self, key: IntegrationId) -> Result<()> {
        self.change(key, |row| row.tokens = None).await
    }
}

const VENDOR: OAuth =
    OAuth { authorize: "https://vendor.example/authorize", token: "https://vendor.example/token", ..OAuth::STANDARD };

/// Keeps a token that was granted, and gives it to whoever calls.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir().map_err(|error| Error::internal("no folder").source(error))?;
    let store = Arc::new(Files(folder.path().to_owned()));
    let tokens = Tokens { access: "abc".into(), issued: Utc::now(), refresh: None, expires: None, scopes: Vec::new() };
    let now = store.load(IntegrationId(7)).await?.map(|(_, revision)| revision);
    store.swap(IntegrationId(7), now, &tokens).await?;
    let app = App { id: "client id".into(), ..App::default() };
    let provider = Provider::new(&VENDOR, app, &serde_json::Value::Null, Egress::public_only())?;
    let authorizer = Authorizers::new(store).of(IntegrationId(7), Arc::new(provider));
    assert_eq!(authorizer.token().await?.expose(), "abc");
    Ok(())
}
