//! One refresh at a time: in this process by a task that everybody waits for, among processes by
//! a lease, and against whatever slips through by a swap that compares revisions.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use catchment_core::{Error, ErrorKind, Fence, IntegrationId, Result, Revision, Secret, TokenStore, Tokens};
use chrono::{TimeDelta, Utc};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, warn};

use super::{
    exchange::Exchange,
    slot::{Attempt, Failure, Held, PAUSE, due},
    watch::{Watch, tell},
};

/// An exchange takes no longer.
const EXCHANGE: Duration = Duration::from_secs(60);

/// Longer than an exchange, so that nobody else begins one while it runs.
const LEASE: Duration = Duration::from_secs(90);

/// Between two attempts to store what was granted, at the longest: the store has to be found open
/// while the lease stands, or somebody else spends the old refresh token once more.
const STORING: Duration = Duration::from_secs(5);

/// Between two looks at whether another process is done.
const LOOK: Duration = Duration::from_millis(200);

/// The refreshes of one integration.
pub(super) struct Refresh {
    key: IntegrationId,
    store: Arc<dyn TokenStore>,
    watch: Option<Arc<dyn Watch>>,
    state: Mutex<State>,
}

/// The right to refresh, for a while.
struct Lease {
    fence: Fence,
    until: Instant,
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
    pub(super) fn new(
        key: IntegrationId,
        store: Arc<dyn TokenStore>,
        exchange: Arc<dyn Exchange>,
        watch: Option<Arc<dyn Watch>>,
    ) -> Self {
        Self { key, store, watch, state: Mutex::new(State { exchange, stale: false, refused: None }) }
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

    /// Gets a token that is good and not the `rejected` one, and tells whoever watches.
    pub(super) async fn run(self: Arc<Self>, rejected: Option<Secret>) -> Attempt {
        let outcome = self.refreshed(rejected.as_ref()).await;
        let Some(watch) = &self.watch else { return outcome };
        match &outcome {
            Ok(held) if held.exchanged.is_some() => tell(self.key, watch.refreshed(self.key)).await,
            Err(failure) if failure.is_new() => match failure.error() {
                error if error.get("grant").is_some() => tell(self.key, watch.refused(self.key, error)).await,
                // Nobody has authorized yet: there is no grant to speak of.
                error if error.kind() == ErrorKind::Unauthenticated => {}
                error => tell(self.key, watch.troubled(self.key, error)).await,
            },
            _ => {}
        }
        outcome
    }

    async fn refreshed(&self, rejected: Option<&Secret>) -> Attempt {
        let begun = Instant::now();
        loop {
            let (tokens, revision) = self.load().await?;
            if let Some((refused, failure)) = &self.state().refused
                && *refused == revision
            {
                return Err(failure.known());
            }
            if good(&tokens, rejected) {
                return Ok(Arc::new(Held::of(tokens, None)));
            }
            if tokens.refresh.is_none() {
                return Err(self.unrefreshable(&tokens, revision));
            }
            let Some(mut lease) = self.lease().await? else {
                if begun.elapsed() > LEASE + EXCHANGE {
                    let message = "another process has not finished to refresh the token: try again later";
                    return Err(self.error(ErrorKind::Unavailable, message).into());
                }
                sleep(LOOK).await;
                continue;
            };
            let outcome = self.under_lease(&mut lease, rejected).await;
            // If it cannot be given back, it lapses.
            if let Err(error) = self.store.release(self.key, lease.fence).await {
                debug!(integration = %self.key, %error, "a lease cannot be given back");
            }
            if let Some(held) = outcome? {
                return Ok(held);
            }
        }
    }

    /// `None` when the tokens were replaced meanwhile.
    async fn under_lease(
        &self,
        lease: &mut Lease,
        rejected: Option<&Secret>,
    ) -> std::result::Result<Option<Arc<Held>>, Failure> {
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
                let saved = self.save(lease, revision, &tokens).await;
                Ok(saved.then(|| Arc::new(Held::of(tokens, Some(exchanged)))))
            }
            Err(error) if error.kind() == ErrorKind::Unauthenticated => {
                // It may have been the answer to a refresh token that somebody has replaced by now.
                if self.load().await?.1 != revision {
                    return Ok(None);
                }
                // Vendors seldom say which. Who was away for too long has let it lapse.
                let lapsed = |idle| TimeDelta::from_std(idle).is_ok_and(|idle| asked - tokens.issued >= idle);
                let how = if exchange.idle().is_some_and(lapsed) { "expired" } else { "revoked" };
                let error = if error.get("grant").is_none() { error.with("grant", how) } else { error };
                warn!(integration = %self.key, %error, "a token cannot be refreshed any more");
                Err(self.refused(revision, error))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The token is of no use any more, and the vendor gave none to refresh it with.
    fn unrefreshable(&self, tokens: &Tokens, revision: Revision) -> Failure {
        if tokens.expires.is_some_and(|expires| expires <= Utc::now()) {
            let message = "the token has ended and the vendor gave none to refresh it with: authorize again";
            return self.refused(revision, self.error(ErrorKind::Unauthenticated, message).with("grant", "expired"));
        }
        // Not remembered: vendors have rejected good tokens in their bad hours.
        let message = "the vendor rejects the token and gave none to refresh it with: authorize again";
        self.error(ErrorKind::Unauthenticated, message).with("grant", "revoked").into()
    }

    /// Remembers that the vendor accepts these tokens no more.
    fn refused(&self, revision: Revision, error: Error) -> Failure {
        let failure = Failure::from(error);
        self.state().refused = Some((revision, failure.clone()));
        failure
    }

    /// Stores what the vendor granted; `false` when somebody has replaced the tokens meanwhile.
    /// The old refresh token may be spent, so there is nothing to do but to try until it is stored.
    async fn save(&self, lease: &mut Lease, revision: Revision, tokens: &Tokens) -> bool {
        let mut pause = PAUSE;
        loop {
            let swapped = match self.holds(lease).await {
                Ok(true) => self.store.swap(self.key, Some(revision), tokens).await.map(Some),
                Ok(false) => Ok(None),
                Err(error) => Err(error),
            };
            let wait = match swapped {
                Ok(Some(swapped)) => return swapped,
                Ok(None) => LOOK,
                Err(error) => {
                    warn!(integration = %self.key, %error, "a new token cannot be stored, trying again");
                    let wait = pause;
                    pause = (pause * 2).min(STORING);
                    wait
                }
            };
            // Removed, replaced, or stored by the very attempt whose answer did not come.
            if self.store.load(self.key).await.is_ok_and(|stored| stored.is_none_or(|(_, now)| now != revision)) {
                return false;
            }
            sleep(wait).await;
        }
    }

    async fn lease(&self) -> Result<Option<Lease>> {
        let until = Instant::now() + LEASE;
        Ok(self.store.lease(self.key, LEASE).await?.map(|fence| Lease { fence, until }))
    }

    /// Whether the lease stands, or could be had again. While somebody else has it, their exchange
    /// is the later one: it comes first, and ours counts only if theirs comes to nothing.
    async fn holds(&self, lease: &mut Lease) -> Result<bool> {
        if Instant::now() < lease.until {
            return Ok(true);
        }
        let again = self.lease().await?;
        let had = again.is_some();
        if let Some(again) = again {
            *lease = again;
        }
        Ok(had)
    }

    pub(super) async fn load(&self) -> Result<(Tokens, Revision)> {
        let message = "there is no token: authorize the connection";
        self.store.load(self.key).await?.ok_or_else(|| self.error(ErrorKind::Unauthenticated, message))
    }

    fn error(&self, kind: ErrorKind, message: &'static str) -> Error {
        Error::new(kind, message).with("integration", self.key)
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
