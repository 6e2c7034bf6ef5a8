//! One refresh at a time: in this process by a task that everybody waits for, among processes by
//! a lease, and against whatever slips through by a swap that compares revisions.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use catchment_core::{Error, ErrorKind, IntegrationId, Retry, Revision, Secret, TokenStore, Tokens};
use chrono::Utc;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, warn};

use super::exchange::Exchange;

/// An exchange takes no longer.
const EXCHANGE: Duration = Duration::from_secs(60);

/// Longer than an exchange, so that nobody else begins one while it runs.
const LEASE: Duration = Duration::from_secs(90);

/// Between two looks at whether another process is done.
const LOOK: Duration = Duration::from_millis(200);

/// After a failure that passes, the first pause; it doubles.
const PAUSE: Duration = Duration::from_secs(1);

/// And the longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A token in this process.
pub(super) struct Held {
    pub(super) access: Secret,
    /// When to refresh it.
    pub(super) due: Option<Instant>,
    /// When it ends.
    pub(super) ends: Option<Instant>,
    /// When this process got it from the vendor, if it did.
    pub(super) exchanged: Option<Instant>,
}

/// The refreshes of one integration.
pub(super) struct Refresh {
    key: IntegrationId,
    store: Arc<dyn TokenStore>,
    exchange: Arc<dyn Exchange>,
    held: Arc<ArcSwapOption<Held>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Option<Flight>,
    /// How often in a row it failed, and until when nothing is tried again.
    failures: u32,
    pause: Option<(Instant, Failure)>,
    /// The revision whose refresh token the vendor does not accept.
    refused: Option<(Revision, Failure)>,
}

/// Ends on its own, whoever waits.
pub(super) type Flight = Shared<BoxFuture<'static, std::result::Result<Arc<Held>, Failure>>>;

/// An error that several get.
#[derive(Clone)]
pub(super) struct Failure(Arc<Error>);

impl Refresh {
    pub(super) fn new(
        key: IntegrationId,
        store: Arc<dyn TokenStore>,
        exchange: Arc<dyn Exchange>,
        held: Arc<ArcSwapOption<Held>>,
    ) -> Self {
        Self { key, store, exchange, held, state: Mutex::default() }
    }

    pub(super) fn key(&self) -> IntegrationId {
        self.key
    }

    /// A refresh, or the one that is on its way. `rejected` is a token that the vendor does not
    /// accept. While a failure is fresh, the failure.
    pub(super) fn begin(self: &Arc<Self>, rejected: Option<&Secret>) -> Flight {
        let mut state = self.state();
        if let Some(running) = state.running.as_ref().filter(|running| running.peek().is_none()) {
            return running.clone();
        }
        if let Some((until, failure)) = &state.pause
            && *until > Instant::now()
        {
            return futures::future::err(failure.clone()).boxed().shared();
        }
        let this = Arc::clone(self);
        let rejected = rejected.cloned();
        let task = tokio::spawn(async move { this.run(rejected).await });
        let broken = |_| Err(Failure(Arc::new(Error::internal("the refresh of a token broke off"))));
        let flight = task.map(move |result| result.unwrap_or_else(broken)).boxed().shared();
        state.running = Some(flight.clone());
        flight
    }

    async fn run(&self, rejected: Option<Secret>) -> std::result::Result<Arc<Held>, Failure> {
        let outcome = self.refreshed(rejected.as_ref()).await;
        let mut state = self.state();
        match outcome {
            Ok(held) => {
                (state.failures, state.pause, state.refused) = (0, None, None);
                self.held.store(Some(Arc::clone(&held)));
                Ok(held)
            }
            Err(failure) => {
                // A refusal is remembered by its revision: whoever authorizes again ends it.
                if failure.0.kind() == ErrorKind::Unauthenticated {
                    self.held.store(None);
                } else {
                    let pause = (PAUSE * 2u32.saturating_pow(state.failures)).min(LONGEST_PAUSE);
                    state.failures = (state.failures + 1).min(6);
                    state.pause = Some((Instant::now() + failure.wait().unwrap_or(pause), failure.clone()));
                    warn!(integration = %self.key, error = %failure.0, "a token cannot be refreshed at the moment");
                }
                Err(failure)
            }
        }
    }

    async fn refreshed(&self, rejected: Option<&Secret>) -> std::result::Result<Arc<Held>, Failure> {
        let begun = Instant::now();
        loop {
            let (tokens, revision) = self.load().await?;
            if good(&tokens, rejected) {
                return Ok(Arc::new(Held::of(tokens, None)));
            }
            if let Some((refused, failure)) = &self.state().refused
                && *refused == revision
            {
                return Err(failure.clone());
            }
            if tokens.refresh.is_none() {
                let message = "the token has ended and the vendor gave none to refresh it with: authorize again";
                return Err(self.failure(ErrorKind::Unauthenticated, message));
            }
            let Some(fence) = self.store.lease(self.key, LEASE).await? else {
                if begun.elapsed() > LEASE + EXCHANGE {
                    let message = "another process has not finished to refresh the token: try again later";
                    return Err(self.failure(ErrorKind::Unavailable, message));
                }
                sleep(LOOK).await;
                continue;
            };
            let outcome = self.under_lease(rejected).await;
            // If it cannot be given back, it lapses.
            if let Err(error) = self.store.release(self.key, fence).await {
                debug!(integration = %self.key, %error, "a lease cannot be given back");
            }
            if let Some(held) = outcome? {
                return Ok(held);
            }
        }
    }

    /// `None` when the tokens were replaced meanwhile.
    async fn under_lease(&self, rejected: Option<&Secret>) -> std::result::Result<Option<Arc<Held>>, Failure> {
        // Whoever had the lease before may have done it.
        let (tokens, revision) = self.load().await?;
        let Some(refresh) = tokens.refresh.as_ref().filter(|_| !good(&tokens, rejected)) else { return Ok(None) };
        let (asked, exchanged) = (Utc::now(), Instant::now());
        let answer = match timeout(EXCHANGE, self.exchange.refresh(refresh)).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::new(ErrorKind::Timeout, "the vendor does not answer in time: try again later")),
        };
        match answer {
            Ok(granted) => {
                let tokens = granted.over(&tokens, asked);
                let saved = self.save(revision, &tokens).await;
                Ok(saved.then(|| Arc::new(Held::of(tokens, Some(exchanged)))))
            }
            Err(error) if error.kind() == ErrorKind::Unauthenticated => {
                // It may have been the answer to a refresh token that somebody has replaced by now.
                if self.load().await?.1 != revision {
                    return Ok(None);
                }
                warn!(integration = %self.key, %error, "a token cannot be refreshed any more");
                let failure = Failure::from(error);
                self.state().refused = Some((revision, failure.clone()));
                Err(failure)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Stores what the vendor granted; `false` when somebody has replaced the tokens meanwhile.
    /// The old refresh token may be spent, so there is nothing to do but to try until it is stored.
    async fn save(&self, revision: Revision, tokens: &Tokens) -> bool {
        let mut pause = PAUSE;
        loop {
            match self.store.swap(self.key, Some(revision), tokens).await {
                Ok(swapped) => return swapped,
                Err(error) => warn!(integration = %self.key, %error, "a new token cannot be stored, trying again"),
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn load(&self) -> std::result::Result<(Tokens, Revision), Failure> {
        let message = "there is no token: authorize the connection";
        self.store.load(self.key).await?.ok_or_else(|| self.failure(ErrorKind::Unauthenticated, message))
    }

    fn failure(&self, kind: ErrorKind, message: &'static str) -> Failure {
        Error::new(kind, message).with("integration", self.key).into()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether these tokens need no refresh.
fn good(tokens: &Tokens, rejected: Option<&Secret>) -> bool {
    if rejected.is_some_and(|rejected| rejected.expose() == tokens.access.expose()) {
        return false;
    }
    let now = Utc::now();
    tokens.expires.is_none_or(|expires| now < tokens.issued + (expires - tokens.issued) * 4 / 5)
}

impl Held {
    fn of(tokens: Tokens, exchanged: Option<Instant>) -> Self {
        let (wall, now) = (Utc::now(), Instant::now());
        let until = |time: chrono::DateTime<Utc>| now + (time - wall).to_std().unwrap_or_default();
        Self {
            due: tokens.expires.map(|expires| until(tokens.issued + (expires - tokens.issued) * 4 / 5)),
            ends: tokens.expires.map(until),
            access: tokens.access,
            exchanged,
        }
    }
}

impl Failure {
    /// The same error for one more of those who waited.
    pub(super) fn again(&self) -> Error {
        let error = &self.0;
        let mut out = Error::new(error.kind(), error.message().to_owned());
        for (name, value) in error.context() {
            out = out.with(name, value);
        }
        out = match error.retry() {
            Retry::Never => out.never_retry(),
            Retry::After(wait) => out.retry_after(wait),
            Retry::Backoff => out,
        };
        out.source(Arc::clone(error))
    }

    fn wait(&self) -> Option<Duration> {
        match self.0.retry() {
            Retry::After(wait) => Some(wait),
            _ => None,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(Arc::new(error))
    }
}
