//! The token of one account in this process: what is held, and the one attempt to get another,
//! however many wait for it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use catchment_core::{Error, ErrorKind, Result, Retry, Secret, Tokens};
use chrono::{DateTime, Utc};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::time::{Instant, timeout};
use tracing::warn;

/// A caller waits no longer for a token. The attempt goes on.
const PATIENCE: Duration = Duration::from_secs(90);

/// After a failure that passes, the first pause; it doubles.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// And the longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A token that was issued so recently and is rejected is not exchanged again: another one would
/// be rejected, too.
pub(super) const JUST_ISSUED: Duration = Duration::from_secs(30);

/// A token in this process.
pub(super) struct Held {
    pub(super) access: Secret,
    /// When to get another.
    due: Option<Instant>,
    /// When it ends.
    ends: Option<Instant>,
    /// When this process got it from the vendor, if it did.
    pub(super) exchanged: Option<Instant>,
}

/// See the head of this file.
pub(super) struct Slot {
    held: ArcSwapOption<Held>,
    state: Mutex<State>,
    /// Whether a failure ends the grant: then nothing is held any more, and no pause is needed.
    ends: fn(&Error) -> bool,
}

#[derive(Default)]
struct State {
    running: Option<Flight>,
    /// How often in a row it failed, and until when nothing is tried again.
    failures: u32,
    pause: Option<(Instant, Failure)>,
    /// How often everything was forgotten: what began before is of no use here.
    epoch: u64,
}

/// Ends on its own, whoever waits.
pub(super) type Flight = Shared<BoxFuture<'static, Attempt>>;

/// How an attempt ends.
pub(super) type Attempt = std::result::Result<Arc<Held>, Failure>;

/// An error that several get.
#[derive(Clone)]
pub(super) struct Failure {
    error: Arc<Error>,
    /// Whether it was found out just now.
    new: bool,
}

impl Slot {
    pub(super) fn new(ends: fn(&Error) -> bool) -> Arc<Self> {
        Arc::new(Self { held: ArcSwapOption::empty(), state: Mutex::default(), ends })
    }

    pub(super) fn held(&self) -> Option<Arc<Held>> {
        self.held.load_full()
    }

    /// The token that is held, and whether it is time for another; `None` when it has ended.
    pub(super) fn good(&self) -> Option<(Secret, bool)> {
        let held = self.held.load();
        let held = held.as_deref()?;
        let due = held.is_due();
        let ended = due && held.ends.is_some_and(|ends| Instant::now() >= ends);
        (!ended).then(|| (held.access.clone(), due))
    }

    /// Begins an attempt, or gives the one that is on its way. While a failure is fresh, the
    /// failure. Nothing begins if what is held is `enough`: it may have landed since the caller
    /// looked.
    pub(super) fn begin<F>(self: &Arc<Self>, enough: impl FnOnce(&Held) -> bool, attempt: impl FnOnce() -> F) -> Flight
    where
        F: Future<Output = Attempt> + Send + 'static,
    {
        let mut state = self.state();
        if let Some(held) = self.held.load_full().filter(|held| enough(held)) {
            return futures::future::ok(held).boxed().shared();
        }
        if let Some(running) = state.running.as_ref().filter(|running| running.peek().is_none()) {
            return running.clone();
        }
        if let Some((until, failure)) = &state.pause
            && *until > Instant::now()
        {
            return futures::future::err(failure.clone()).boxed().shared();
        }
        let (this, attempt, epoch) = (Arc::clone(self), attempt(), state.epoch);
        let task = tokio::spawn(async move {
            let outcome = attempt.await;
            this.landed(epoch, &outcome);
            outcome
        });
        let broken = |_| Err(Failure::from(Error::internal("the refresh of a token broke off")));
        let flight = task.map(move |result| result.unwrap_or_else(broken)).boxed().shared();
        state.running = Some(flight.clone());
        flight
    }

    /// Waits for a flight, and for another one where the first knew nothing of the rejection.
    pub(super) async fn wait(&self, rejected: Option<&Secret>, begin: impl Fn() -> Flight) -> Result<Arc<Held>> {
        let landed = async {
            let held = begin().await?;
            match rejected {
                Some(access) if held.access.expose() == access.expose() => begin().await,
                _ => Ok(held),
            }
        };
        match timeout(PATIENCE, landed).await {
            Ok(held) => held.map_err(|error| error.again()),
            Err(_) => Err(Error::new(ErrorKind::Timeout, "no token in time: try again later")),
        }
    }

    /// Nothing is held any more, nothing paused for, and what runs is for others.
    pub(super) fn forget(&self) {
        let mut state = self.state();
        *state = State { epoch: state.epoch + 1, ..State::default() };
        self.held.store(None);
    }

    fn landed(&self, epoch: u64, outcome: &Attempt) {
        let mut state = self.state();
        if state.epoch != epoch {
            return;
        }
        // Whoever asks next is not to get what this one found out: nobody may have looked at it.
        state.running = None;
        match outcome {
            Ok(held) => {
                (state.failures, state.pause) = (0, None);
                self.held.store(Some(Arc::clone(held)));
            }
            Err(failure) if (self.ends)(&failure.error) => self.held.store(None),
            Err(failure) => {
                let pause = (PAUSE * 2u32.saturating_pow(state.failures)).min(LONGEST_PAUSE);
                state.failures = (state.failures + 1).min(6);
                state.pause = Some((Instant::now() + failure.wait().unwrap_or(pause), failure.clone()));
                warn!(error = %failure.error, "a token cannot be got at the moment");
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    pub(super) fn of(tokens: Tokens, exchanged: Option<Instant>) -> Self {
        let (wall, now) = (Utc::now(), Instant::now());
        let until = |time: DateTime<Utc>| now + (time - wall).to_std().unwrap_or_default();
        Self { due: due(&tokens).map(until), ends: tokens.expires.map(until), access: tokens.access, exchanged }
    }

    /// Whether it is time for another.
    fn is_due(&self) -> bool {
        self.due.is_some_and(|due| Instant::now() >= due)
    }

    /// Whether it can be used for a while, and is not the one that was rejected.
    pub(super) fn is_good(&self, rejected: Option<&Secret>) -> bool {
        !self.is_due() && rejected.is_none_or(|rejected| rejected.expose() != self.access.expose())
    }
}

/// When 80 % of the life of a token are over; `None` where it has no end.
pub(super) fn due(tokens: &Tokens) -> Option<DateTime<Utc>> {
    tokens.expires.map(|expires| tokens.issued + (expires - tokens.issued) * 4 / 5)
}

impl Failure {
    pub(super) fn error(&self) -> &Error {
        &self.error
    }

    pub(super) fn is_new(&self) -> bool {
        self.new
    }

    /// The same, which was found out before.
    pub(super) fn known(&self) -> Self {
        Self { error: Arc::clone(&self.error), new: false }
    }

    /// The same error for one more of those who waited.
    pub(super) fn again(&self) -> Error {
        let error = &self.error;
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
        match self.error.retry() {
            Retry::After(wait) => Some(wait),
            _ => None,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error: Arc::new(error), new: true }
    }
}
