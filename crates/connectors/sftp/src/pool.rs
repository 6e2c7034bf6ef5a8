//! The pool: a few sessions that all calls share, made anew when they end.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use catchment_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, sleep_until};

use crate::{dial::Dialer, errors, session::Session};

/// A session with fewer calls than this takes another before a new one is made.
const BUSY: usize = 8;

/// How often a call is begun, when the connection ends under it.
const ATTEMPTS: u32 = 4;

/// Pauses between attempts to connect: from the first to the last, doubling.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(60));

/// A call waits no longer than this for the next attempt; whoever schedules it may.
const WAIT: Duration = Duration::from_secs(5);

/// A login that was refused is not tried again for so long: servers lock accounts, and shut out
/// addresses, after a few failures.
const REFUSED_FOR: Duration = Duration::from_secs(60);

/// A few sessions, and how to make them.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) dialer: Dialer,
    most: usize,
    state: Mutex<State>,
    /// Whoever holds it dials; the others wait for what comes of it.
    dialing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    sessions: Vec<Arc<Session>>,
    /// Fewer than the most, once the server has refused another.
    borne: Option<usize>,
    failures: u32,
    /// Why nobody dials before this moment.
    closed: Option<(Instant, Error)>,
}

/// The use of a session by a call.
#[derive(Debug)]
pub(crate) struct Lease(Arc<Session>);

impl Pool {
    pub(crate) fn new(dialer: Dialer, most: usize) -> Self {
        Self { dialer, most, state: Mutex::default(), dialing: tokio::sync::Mutex::default() }
    }

    /// A session that lives, made if need be.
    pub(crate) async fn session(&self) -> Result<Lease> {
        if let Some(lease) = self.free() {
            return Ok(lease);
        }
        let _dialing = self.dialing.lock().await;
        if let Some(lease) = self.free() {
            return Ok(lease);
        }
        self.wait().await?;
        match self.dialer.dial().await {
            Ok(session) => {
                let mut state = self.state();
                state.failures = 0;
                state.closed = None;
                let session = Arc::new(session);
                state.sessions.push(Arc::clone(&session));
                Ok(Lease::new(session))
            }
            Err(error) => self.failed(error),
        }
    }

    /// Makes a call, and makes it again when the connection ends under it. Calls only read; so
    /// once more is as good as once.
    pub(crate) async fn call<T, F>(&self, mut call: impl FnMut(Lease) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut attempt = 1;
        loop {
            let made = match self.session().await {
                Ok(lease) => {
                    let session = Arc::clone(&lease.0);
                    call(lease).await.map_err(|error| (error, session.is_dead()))
                }
                Err(error) => Err((error, true)),
            };
            match made {
                Ok(answer) => return Ok(answer),
                Err((error, lost)) if lost && attempt < ATTEMPTS && passes(&error) => attempt += 1,
                Err((error, _)) => return Err(error),
            }
        }
    }

    /// The session with the fewest calls, unless another should be made.
    fn free(&self) -> Option<Lease> {
        let mut state = self.state();
        state.sessions.retain(|session| !session.is_dead());
        let most = state.borne.map_or(self.most, |borne| borne.clamp(1, self.most));
        let best = state.sessions.iter().min_by_key(|session| session.calls.load(Ordering::Relaxed))?;
        let more = state.sessions.len() < most && best.calls.load(Ordering::Relaxed) >= BUSY;
        (!more).then(|| Lease::new(Arc::clone(best)))
    }

    /// Waits until it may be dialled again, if that is soon.
    async fn wait(&self) -> Result<()> {
        let until = match &self.state().closed {
            Some((until, error)) => {
                let left = until.saturating_duration_since(Instant::now());
                let passes =
                    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::RateLimited);
                if !left.is_zero() && !passes {
                    return Err(errors::again(error));
                }
                if left > WAIT {
                    return Err(errors::again(error).retry_after(left));
                }
                *until
            }
            None => return Ok(()),
        };
        sleep_until(until).await;
        Ok(())
    }

    /// Remembers a failure. Where there is a session already, it has to do.
    fn failed(&self, error: Error) -> Result<Lease> {
        let mut state = self.state();
        state.sessions.retain(|session| !session.is_dead());
        let there = state.sessions.iter().min_by_key(|session| session.calls.load(Ordering::Relaxed)).cloned();
        if let Some(session) = there {
            state.borne = Some(state.sessions.len());
            tracing::debug!(%error, "the server bears no more connections");
            return Ok(Lease::new(session));
        }
        let pause = match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::RateLimited => {
                let pause = (PAUSES.0 * 2u32.saturating_pow(state.failures)).min(PAUSES.1);
                state.failures = (state.failures + 1).min(16);
                pause
            }
            _ => REFUSED_FOR,
        };
        state.closed = Some((Instant::now() + pause, errors::again(&error)));
        Err(error)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether another attempt is worth it. Not for a login that was cut off: servers that hang up on a
/// wrong password count it.
fn passes(error: &Error) -> bool {
    error.kind() == ErrorKind::Unavailable && error.get("step") != Some("login")
}

impl Lease {
    fn new(session: Arc<Session>) -> Self {
        session.calls.fetch_add(1, Ordering::Relaxed);
        Self(session)
    }
}

impl Deref for Lease {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}
