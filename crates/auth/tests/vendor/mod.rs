//! A vendor that exchanges refresh tokens, and stores that misbehave.

#![allow(dead_code, reason = "each test program uses a part")]

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use catchment_auth::oauth::{Authorizer, Authorizers, Exchange, Granted, MemoryTokens, Watch};
use catchment_core::{
    Error, ErrorKind, Fence, IntegrationId, Result, Revision, Secret, TokenStore, Tokens, async_trait,
};
use chrono::{TimeDelta, Utc};
use tokio::sync::Semaphore;

pub(crate) const KEY: IntegrationId = IntegrationId(7);

/// Exchanges `r0`, and what it gave for it last.
#[derive(Debug)]
pub(crate) struct Vendor {
    asked: AtomicUsize,
    inside: AtomicUsize,
    most_inside: AtomicUsize,
    good: Mutex<String>,
    /// Instead of an exchange.
    failures: Mutex<VecDeque<ErrorKind>>,
    /// A permit for each answer.
    gate: Semaphore,
    rotates: bool,
    /// How long a refresh token may go unused.
    pub(crate) idle: Mutex<Option<Duration>>,
}

impl Vendor {
    pub(crate) fn new(rotates: bool) -> Arc<Self> {
        let vendor = Self::held(rotates);
        vendor.let_through(1_000);
        vendor
    }

    /// One that answers nobody until [`Vendor::let_through`].
    pub(crate) fn held(rotates: bool) -> Arc<Self> {
        Arc::new(Self {
            asked: AtomicUsize::new(0),
            inside: AtomicUsize::new(0),
            most_inside: AtomicUsize::new(0),
            good: Mutex::new("r0".into()),
            failures: Mutex::default(),
            gate: Semaphore::new(0),
            rotates,
            idle: Mutex::default(),
        })
    }

    pub(crate) fn let_through(&self, answers: usize) {
        self.gate.add_permits(answers);
    }

    pub(crate) fn fails(&self, kinds: impl IntoIterator<Item = ErrorKind>) {
        self.failures.lock().expect("a lock").extend(kinds);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// How many exchanges ran at one time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.most_inside.load(Ordering::SeqCst)
    }

    /// Waits until it was asked so often.
    pub(crate) async fn was_asked(&self, times: usize) {
        while self.asked() < times {
            tokio::task::yield_now().await;
        }
    }
}

/// An exchange that is under way, however it ends.
struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Exchange for Vendor {
    async fn refresh(&self, refresh: &Secret) -> Result<Granted> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_inside.fetch_max(self.inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let _inside = Inside(&self.inside);
        self.gate.acquire().await.expect("open").forget();
        if let Some(kind) = self.failures.lock().expect("a lock").pop_front() {
            return Err(Error::new(kind, "no"));
        }
        let mut good = self.good.lock().expect("a lock");
        if *good != refresh.expose() {
            return Err(Error::new(ErrorKind::Unauthenticated, "authorize again"));
        }
        let next = self.rotates.then(|| format!("r{number}"));
        if let Some(next) = &next {
            good.clone_from(next);
        }
        Ok(Granted {
            access: Secret::new(format!("a{number}")),
            refresh: next.map(Secret::new),
            lives: Some(Duration::from_secs(3600)),
            scopes: None,
        })
    }

    fn idle(&self) -> Option<Duration> {
        *self.idle.lock().expect("a lock")
    }
}

/// Writes down what it is told.
#[derive(Debug, Default)]
pub(crate) struct Diary(Mutex<Vec<String>>);

impl Diary {
    pub(crate) fn read(&self) -> Vec<String> {
        self.0.lock().expect("a lock").clone()
    }

    fn write(&self, what: &str, key: IntegrationId, error: Option<&Error>) {
        let grant = error.and_then(|error| error.get("grant")).unwrap_or_default();
        self.0.lock().expect("a lock").push(format!("{what} {key} {grant}").trim().to_owned());
    }
}

#[async_trait]
impl Watch for Diary {
    async fn refreshed(&self, key: IntegrationId) {
        self.write("refreshed", key, None);
    }

    async fn refused(&self, key: IntegrationId, error: &Error) {
        self.write("refused", key, Some(error));
    }

    async fn troubled(&self, key: IntegrationId, error: &Error) {
        self.write("troubled", key, Some(error));
    }
}

/// Tokens as they were issued `age` ago, for an hour, with the refresh token `r0`.
pub(crate) fn tokens(access: &str, age: i64) -> Tokens {
    let issued = Utc::now() - TimeDelta::minutes(age);
    Tokens {
        access: access.into(),
        issued,
        refresh: Some("r0".into()),
        expires: Some(issued + TimeDelta::minutes(60)),
        scopes: vec!["files.read".into()],
    }
}

/// A store that holds these tokens.
pub(crate) async fn holding(tokens: Tokens) -> Arc<MemoryTokens> {
    let store = Arc::new(MemoryTokens::default());
    assert!(store.swap(KEY, None, &tokens).await.expect("stored"));
    store
}

/// An authorizer of a process of its own.
pub(crate) fn process(store: &Arc<impl TokenStore + 'static>, vendor: &Arc<Vendor>) -> Authorizer {
    let store: Arc<dyn TokenStore> = Arc::clone(store) as _;
    Authorizers::new(store).of(KEY, Arc::clone(vendor) as _)
}

/// The same, whose tokens are watched.
pub(crate) fn watched(store: &Arc<impl TokenStore + 'static>, vendor: &Arc<Vendor>) -> (Authorizer, Arc<Diary>) {
    let (store, diary): (Arc<dyn TokenStore>, _) = (Arc::clone(store) as _, Arc::new(Diary::default()));
    (Authorizers::new(store).watched_by(Arc::clone(&diary) as _).of(KEY, Arc::clone(vendor) as _), diary)
}

/// A store that is down for swaps so often, and in which somebody else was quicker.
#[derive(Debug)]
pub(crate) struct Flaky {
    pub(crate) inner: Arc<MemoryTokens>,
    pub(crate) down: AtomicUsize,
    /// What another process stores just before a lease is given.
    pub(crate) quicker: Mutex<Option<Tokens>>,
}

impl Flaky {
    pub(crate) fn down(inner: &Arc<MemoryTokens>, times: usize) -> Arc<Self> {
        Arc::new(Self { inner: Arc::clone(inner), down: AtomicUsize::new(times), quicker: Mutex::default() })
    }
}

#[async_trait]
impl TokenStore for Flaky {
    async fn load(&self, key: IntegrationId) -> Result<Option<(Tokens, Revision)>> {
        self.inner.load(key).await
    }

    async fn swap(&self, key: IntegrationId, expect: Option<Revision>, tokens: &Tokens) -> Result<bool> {
        let down = self.down.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if down {
            return Err(Error::new(ErrorKind::Unavailable, "the database is down"));
        }
        self.inner.swap(key, expect, tokens).await
    }

    async fn lease(&self, key: IntegrationId, ttl: Duration) -> Result<Option<Fence>> {
        let quicker = self.quicker.lock().expect("a lock").take();
        if let (Some(tokens), Some((_, revision))) = (quicker, self.inner.load(key).await?) {
            assert!(self.inner.swap(key, Some(revision), &tokens).await?);
        }
        self.inner.lease(key, ttl).await
    }

    async fn release(&self, key: IntegrationId, fence: Fence) -> Result<()> {
        self.inner.release(key, fence).await
    }

    async fn remove(&self, key: IntegrationId) -> Result<()> {
        self.inner.remove(key).await
    }
}
