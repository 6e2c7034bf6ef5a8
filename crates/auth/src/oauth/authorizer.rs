//! Authorizers: the token of one integration, shared by everything in this process that calls.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use catchment_client::Authorize;
use catchment_core::{Error, ErrorKind, IntegrationId, Result, Secret, TokenStore, async_trait};
use tokio::time::{Instant, timeout};

use super::{
    exchange::Exchange,
    refresh::{Held, Refresh},
};

/// A caller waits no longer for a token. The refresh goes on.
const PATIENCE: Duration = Duration::from_secs(90);

/// A token that was issued so recently and is rejected is not exchanged again: another one would
/// be rejected, too.
const JUST_ISSUED: Duration = Duration::from_secs(30);

/// The authorizers of a process, one for each integration, so that two connectors of one
/// integration refresh its token once. Clones share them.
#[derive(Clone)]
pub struct Authorizers {
    store: Arc<dyn TokenStore>,
    alive: Arc<Mutex<HashMap<IntegrationId, Weak<Inner>>>>,
}

/// Gives a valid token for each call. Clones share it.
///
/// The token is refreshed in the background when 80 % of its life are over, at once when it has
/// ended or a vendor rejects it, and by one task however many wait, here and in other processes. A
/// refresh that has begun runs to its end, even if whoever asked for it is gone, because the
/// vendor may have spent the old refresh token; and nobody gets the new token before it is stored.
#[derive(Clone)]
pub struct Authorizer {
    inner: Arc<Inner>,
}

struct Inner {
    held: Arc<ArcSwapOption<Held>>,
    refresh: Arc<Refresh>,
}

impl Authorizers {
    /// Over a store that other processes may share.
    pub fn new(store: Arc<dyn TokenStore>) -> Self {
        Self { store, alive: Arc::default() }
    }

    /// The authorizer of an integration. While one is alive it is given again, and `exchange` is
    /// not used.
    pub fn of(&self, key: IntegrationId, exchange: Arc<dyn Exchange>) -> Authorizer {
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inner) = alive.get(&key).and_then(Weak::upgrade) {
            return Authorizer { inner };
        }
        alive.retain(|_, inner| inner.strong_count() > 0);
        let held = Arc::new(ArcSwapOption::empty());
        let refresh = Arc::new(Refresh::new(key, Arc::clone(&self.store), exchange, Arc::clone(&held)));
        let inner = Arc::new(Inner { held, refresh });
        alive.insert(key, Arc::downgrade(&inner));
        Authorizer { inner }
    }
}

impl Authorizer {
    /// An access token that has not ended. Cancel-safe: what has begun goes on.
    ///
    /// # Errors
    /// `Unauthenticated` when a person has to authorize again, and only then. `Unavailable`,
    /// `Timeout` or `RateLimited` when the vendor or the store cannot answer at the moment; what
    /// the exchange or the store say otherwise.
    pub async fn token(&self) -> Result<Secret> {
        let now = Instant::now();
        match self.inner.held.load().as_deref() {
            Some(held) if held.due.is_none_or(|due| now < due) => return Ok(held.access.clone()),
            Some(held) if held.ends.is_none_or(|ends| now < ends) => {
                drop(self.inner.refresh.begin(None));
                return Ok(held.access.clone());
            }
            _ => {}
        }
        Ok(self.refreshed(None).await?.access.clone())
    }

    /// The vendor did not accept this token although it has not ended. When it returns,
    /// [`Authorizer::token`] gives another one.
    ///
    /// # Errors
    /// As [`Authorizer::token`]; also `Unavailable` when the token was issued a moment ago, for
    /// then another one would not be accepted either.
    pub async fn rejected(&self, access: &Secret) -> Result<()> {
        if let Some(held) = self.inner.held.load().as_deref() {
            if held.access.expose() != access.expose() {
                return Ok(());
            }
            if held.exchanged.is_some_and(|exchanged| exchanged.elapsed() < JUST_ISSUED) {
                let message = "the vendor rejects a token that it has issued a moment ago: try again later";
                return Err(Error::new(ErrorKind::Unavailable, message));
            }
        }
        self.refreshed(Some(access)).await.map(drop)
    }

    async fn refreshed(&self, rejected: Option<&Secret>) -> Result<Arc<Held>> {
        let refreshed = async {
            let held = self.inner.refresh.begin(rejected).await?;
            match rejected {
                // A refresh that was on its way already may have known nothing of the rejection.
                Some(access) if held.access.expose() == access.expose() => self.inner.refresh.begin(rejected).await,
                _ => Ok(held),
            }
        };
        match timeout(PATIENCE, refreshed).await {
            Ok(held) => held.map_err(|error| error.again()),
            Err(_) => Err(Error::new(ErrorKind::Timeout, "no token in time: try again later")),
        }
    }
}

#[async_trait]
impl Authorize for Authorizer {
    async fn header(&self) -> Result<Secret> {
        let token = self.token().await?;
        Ok(Secret::new(format!("Bearer {}", token.expose())))
    }

    async fn rejected(&self, header: &Secret) -> Result<()> {
        let token = header.expose().strip_prefix("Bearer ").unwrap_or_default();
        Authorizer::rejected(self, &Secret::new(token)).await
    }
}

impl fmt::Debug for Authorizers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorizers").field("store", &self.store).finish_non_exhaustive()
    }
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorizer").field("integration", &self.inner.refresh.key()).finish_non_exhaustive()
    }
}
