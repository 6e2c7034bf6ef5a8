//! Authorizers: the token of one integration, shared by everything in this process that calls.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use catchment_client::Authorize;
use catchment_core::{Error, ErrorKind, IntegrationId, Result, Secret, TokenStore, Tokens, async_trait};
use chrono::Utc;

use super::{
    exchange::Exchange,
    refresh::Refresh,
    slot::{Flight, Held, JUST_ISSUED, Slot},
    watch::Watch,
};

/// The authorizers of a process, one for each integration, so that two connectors of one
/// integration refresh its token once. Clones share them.
#[derive(Clone)]
pub struct Authorizers {
    store: Arc<dyn TokenStore>,
    watch: Option<Arc<dyn Watch>>,
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
    slot: Arc<Slot>,
    refresh: Arc<Refresh>,
}

impl Authorizers {
    /// Over a store that other processes may share.
    pub fn new(store: Arc<dyn TokenStore>) -> Self {
        Self { store, watch: None, alive: Arc::default() }
    }

    /// Tells this one how the tokens fare; for authorizers that are not alive yet.
    #[must_use]
    pub fn watched_by(mut self, watch: Arc<dyn Watch>) -> Self {
        self.watch = Some(watch);
        self
    }

    /// The authorizer of an integration. While one is alive it is given again, and `exchange` is
    /// not used unless the integration was forgotten.
    pub fn of(&self, key: IntegrationId, exchange: Arc<dyn Exchange>) -> Authorizer {
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inner) = alive.get(&key).and_then(Weak::upgrade) {
            inner.refresh.renew(exchange);
            return Authorizer { inner };
        }
        alive.retain(|_, inner| inner.strong_count() > 0);
        let refresh = Arc::new(Refresh::new(key, Arc::clone(&self.store), exchange, self.watch.clone()));
        let inner = Arc::new(Inner { slot: Slot::new(|error| error.kind() == ErrorKind::Unauthenticated), refresh });
        alive.insert(key, Arc::downgrade(&inner));
        Authorizer { inner }
    }

    /// Forgets the token of an integration that was disconnected, or authorized anew: who asks
    /// next reads the store, and the next [`Authorizers::of`] says how to exchange.
    pub fn forget(&self, key: IntegrationId) {
        let inner = self.alive.lock().unwrap_or_else(PoisonError::into_inner).get(&key).and_then(Weak::upgrade);
        if let Some(inner) = inner {
            inner.refresh.forget();
            inner.slot.forget();
        }
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
        match self.inner.slot.good() {
            Some((access, false)) => Ok(access),
            Some((access, true)) => {
                drop(self.begin(None));
                Ok(access)
            }
            None => Ok(self.refreshed(None).await?.access.clone()),
        }
    }

    /// The vendor did not accept this token although it has not ended. When it returns,
    /// [`Authorizer::token`] gives another one.
    ///
    /// # Errors
    /// As [`Authorizer::token`]; also `Unavailable` when the token was issued a moment ago, for
    /// then another one would not be accepted either.
    pub async fn rejected(&self, access: &Secret) -> Result<()> {
        if let Some(held) = self.inner.slot.held() {
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

    /// Refreshes although the token is good: because somebody asks for it, or lest the grant
    /// lapses. A token that the vendor gave none to refresh it with stays as it is. Cancel-safe:
    /// what has begun goes on.
    ///
    /// # Errors
    /// As [`Authorizer::token`].
    pub async fn refresh_now(&self) -> Result<Tokens> {
        let Inner { slot, refresh } = &*self.inner;
        let (tokens, _) = refresh.load().await?;
        let ended = tokens.expires.is_some_and(|expires| expires <= Utc::now());
        if tokens.refresh.is_none() && !ended {
            return Ok(tokens);
        }
        // Whoever refreshes between these lines does it for us.
        let run = || slot.begin(|_| false, || Arc::clone(refresh).run(Some(tokens.access.clone())));
        slot.wait(Some(&tokens.access), run).await?;
        Ok(refresh.load().await?.0)
    }

    async fn refreshed(&self, rejected: Option<&Secret>) -> Result<Arc<Held>> {
        self.inner.slot.wait(rejected, || self.begin(rejected)).await
    }

    fn begin(&self, rejected: Option<&Secret>) -> Flight {
        self.inner.slot.begin(|held| held.is_good(rejected), || Arc::clone(&self.inner.refresh).run(rejected.cloned()))
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
