//! The keys an issuer publishes: fetched once for everybody, kept, and fetched again.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use catchment_client::{Client, Egress, Url};
use catchment_core::{Error, ErrorKind, Result};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use jsonwebtoken::Algorithm;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::{
    callers::refused,
    claims::Claims,
    keys::{Key, KeySet},
};

/// Keys are fetched again in the background when they are older.
const FRESH: Duration = Duration::from_secs(10 * 60);

/// Older ones, which nobody has used for a while, are fetched again before they are used.
const STALE: Duration = Duration::from_secs(60 * 60);

/// While the issuer is down, keys are used for this long.
const LAST: Duration = Duration::from_secs(24 * 60 * 60);

/// Unknown keys are looked for no more often, however many tokens name them, and what failed is
/// not tried again sooner.
const PAUSE: Duration = Duration::from_secs(30);

/// The same while there are no keys at all.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Where an issuer publishes its keys.
#[derive(Debug, Clone)]
#[must_use]
pub struct KeyUrl {
    url: String,
    http: bool,
}

/// The keys of one issuer.
pub(crate) struct Published {
    client: Client,
    url: String,
    claims: Claims,
    known: RwLock<Option<Arc<Known>>>,
    attempt: Mutex<Attempt>,
}

struct Known {
    keys: Vec<Arc<Key>>,
    fetched: Instant,
}

#[derive(Default)]
struct Attempt {
    begun: Option<Instant>,
    /// When keys were fetched because a token named an unknown one.
    looked: Option<Instant>,
    running: Option<Flight>,
    failed: bool,
}

/// Why keys are fetched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Missing,
    Old,
    Unknown,
}

/// Runs on a task of its own: whoever asked first may be gone before it ends.
type Flight = Shared<BoxFuture<'static, ()>>;

impl KeyUrl {
    /// An address such as `https://issuer.example/.well-known/jwks.json`.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), http: false }
    }

    /// Lets the address be `http://` on other hosts than this one. Whoever can change what
    /// travels there can let themselves in.
    pub fn allow_http(mut self) -> Self {
        self.http = true;
        self
    }
}

impl<T: Into<String>> From<T> for KeyUrl {
    fn from(url: T) -> Self {
        Self::new(url)
    }
}

impl Published {
    pub(crate) fn new(url: KeyUrl, claims: Claims) -> Result<Arc<Self>> {
        let bad = |remedy: &'static str| Error::config("jwks_url", remedy);
        let parsed =
            Url::parse(url.url.trim()).map_err(|_| bad("give the address of the key set, starting with https://"))?;
        let local = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        match parsed.scheme() {
            "https" => {}
            "http" if local || url.http => {}
            _ => return Err(bad("give an address that starts with https://, else anybody on the way could sign")),
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(bad("give the address without user name and password: keys are public"));
        }
        // The operator chose the address, and it is often inside a private network.
        let client = Client::builder("jwks")
            .tenant(&parsed)
            .egress(Egress::allow_private())
            .attempts(2)
            .deadline(Duration::from_secs(10))
            .answer_within(Duration::from_secs(5))
            .idle(Duration::from_secs(5))
            .cap(256 * 1024)
            .build()?;
        Ok(Arc::new(Self { client, url: parsed.into(), claims, known: RwLock::default(), attempt: Mutex::default() }))
    }

    /// The key of this id, for this algorithm.
    pub(crate) async fn key(self: &Arc<Self>, id: Option<&str>, algorithm: Algorithm) -> Result<Arc<Key>> {
        let age = self.known().map(|known| known.fetched.elapsed());
        match age {
            Some(age) if age <= FRESH => {}
            Some(age) if age <= STALE => drop(self.fetch(Why::Old)),
            Some(_) => self.wait(Why::Old).await,
            None => self.wait(Why::Missing).await,
        }
        if let Some(key) = self.usable()?.find(id, algorithm)? {
            return Ok(key);
        }
        // Signed with a new key, perhaps.
        self.wait(Why::Unknown).await;
        match self.usable()?.find(id, algorithm)? {
            Some(key) => Ok(key),
            None if self.attempt.lock().unwrap_or_else(PoisonError::into_inner).failed => Err(self.unavailable()),
            None => Err(refused("the token is signed with a key that its issuer does not publish")),
        }
    }

    fn known(&self) -> Option<Arc<Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn usable(&self) -> Result<Arc<Known>> {
        self.known().filter(|known| known.fetched.elapsed() <= LAST).ok_or_else(|| self.unavailable())
    }

    fn unavailable(&self) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            "the keys that tokens are verified with cannot be fetched at the moment: try again later",
        )
        .with("url", &self.url)
    }

    async fn wait(self: &Arc<Self>, why: Why) {
        if let Some(flight) = self.fetch(why) {
            flight.await;
        }
    }

    /// Begins to fetch, unless somebody is at it, which is as good, or has been just now.
    fn fetch(self: &Arc<Self>, why: Why) -> Option<Flight> {
        let mut attempt = self.attempt.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = attempt.running.as_ref().filter(|running| running.peek().is_none()) {
            return Some(running.clone());
        }
        let (last, pause) = match why {
            Why::Missing => (attempt.begun, FIRST_PAUSE),
            Why::Old => (attempt.begun, PAUSE),
            Why::Unknown => (attempt.looked, PAUSE),
        };
        if last.is_some_and(|last| last.elapsed() < pause) {
            return None;
        }
        attempt.begun = Some(Instant::now());
        if why == Why::Unknown {
            attempt.looked = attempt.begun;
        }
        let this = Arc::clone(self);
        let task = tokio::spawn(async move { this.run().await });
        let flight = task.map(|_| ()).boxed().shared();
        attempt.running = Some(flight.clone());
        Some(flight)
    }

    async fn run(&self) {
        let fetched = Instant::now();
        let keys = self.ask().await;
        self.attempt.lock().unwrap_or_else(PoisonError::into_inner).failed = keys.is_err();
        match keys {
            Ok(keys) => {
                debug!(keys = keys.len(), "the issuer's keys were fetched");
                let known = Some(Arc::new(Known { keys, fetched }));
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
            }
            Err(error) => warn!(%error, "the issuer's keys cannot be fetched"),
        }
    }

    async fn ask(&self) -> Result<Vec<Arc<Key>>> {
        let set: KeySet = self.client.get(&self.url).send().await?.json()?;
        let keys = set.usable(&self.claims);
        if keys.is_empty() {
            return Err(Error::protocol("the issuer publishes no key that tokens can be verified with"));
        }
        Ok(keys)
    }
}

impl Known {
    /// `None` if there is no such key. A token that names none may mean the only one there is.
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Option<Arc<Key>>> {
        let named = |key: &&Arc<Key>| id.is_none() || key.id.as_deref() == id;
        let mut fitting = self.keys.iter().filter(named).filter(|key| key.algorithm == algorithm);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(Some(Arc::clone(key))),
            (Some(_), Some(_)) => Err(refused("the token does not say which of several keys it is signed with")),
            (None, _) if self.keys.iter().any(|key| named(&key)) => {
                Err(refused("the token is signed in a way that is not accepted here"))
            }
            (None, _) => Ok(None),
        }
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published").field("url", &self.url).field("claims", &self.claims).finish_non_exhaustive()
    }
}
