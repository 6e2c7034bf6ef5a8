//! One refresh at a time: in this process by a task that everybody waits for, among processes by
//! a lease, and against whatever slips through by a swap that compares revisions.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use catchment_core::{Error, ErrorKind, IntegrationId, Revision, Secret, TokenStore, Tokens};
use chrono::Utc;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, warn};

use super::{
    exchange::Exchange,
    slot::{Attempt, Failure, Held, LONGEST_PAUSE, PAUSE, due},
};

/// An exchange takes no longer.
const EXCHANGE: Duration = Duration::from_secs(60);

/// Longer than an exchange, so that nobody else begins one while it runs.
const LEASE: Duration = Duration::from_secs(90);

/// Between two looks at whether another process is done.
const LOOK: Duration = Duration::from_millis(200);

/// The refreshes of one integration.
pub(super) struct Refresh {
    key: IntegrationId,
    store: Arc<dyn TokenStore>,
    state: Mutex<State>,
}

struct State {
    exchange: Arc<dyn Exchange>,
    /// Whether another exchange may take its place, because all was forgotten.
    stale: bool,
    /// The revision whose refresh token the vendor does not accept. Whoever authorizes again ends
    /// it.
    refused: Option<(Revision, Failure)>,
}

impl Refresh {
    pub(super) fn new(key: IntegrationId, store: Arc<dyn TokenStore>, exchange: Arc<dyn Exchange>) -> Self {
        Self { key, store, state: Mutex::new(State { exchange, stale: false, refused: None }) }
    }

    pub(super) fn key(&self) -> IntegrationId {
        self.key
    }

    /// What the vendor refused may be asked for again, and in another way.
    pub(super) fn forget(&self) {
        let mut state = self.state();
        (state.stale, state.refused) = (true, None);
    }

    /// Takes this exchange, if all was forgotten since the last.
    pub(super) fn renew(&self, exchange: Arc<dyn Exchange>) {
        let mut state = self.state();
        if std::mem::take(&mut state.stale) {
            state.exchange = exchange;
        }
    }

    /// Gets a token that is good and not the `rejected` one.
    pub(super) async fn run(self: Arc<Self>, rejected: Option<Secret>) -> Attempt {
        let outcome = self.refreshed(rejected.as_ref()).await;
        if outcome.is_ok() {
            self.state().refused = None;
        }
        outcome
    }

    async fn refreshed(&self, rejected: Option<&Secret>) -> Attempt {
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
        let exchange = Arc::clone(&self.state().exchange);
        let answer = match timeout(EXCHANGE, exchange.refresh(refresh)).await {
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
    due(tokens).is_none_or(|due| now < due)
}
