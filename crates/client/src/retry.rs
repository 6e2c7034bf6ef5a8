//! When to try again, how long to wait, and when trying again would be wrong.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use catchment_core::{Error, ErrorKind};
use http::StatusCode;

use crate::response::ResponseHead;

pub(crate) const OUTCOME: &str = "outcome";
pub(crate) const UNKNOWN: &str = "unknown";

/// How patient a call is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For everything: waiting for the budget, all attempts, all pauses.
    pub(crate) deadline: Duration,
    /// For the head of one answer.
    pub(crate) answer: Duration,
    /// Between two chunks of a body.
    pub(crate) idle: Duration,
    /// How often at the most.
    pub(crate) attempts: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(120),
            answer: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            attempts: 6,
        }
    }
}

/// One attempt that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Whether the vendor may have done what was asked.
    pub(crate) may_have_acted: bool,
    /// How long everybody leaves the vendor alone.
    pub(crate) pause: Option<Duration>,
}

impl Failure {
    /// The vendor was not reached, or said clearly that it did nothing.
    pub(crate) fn clean(error: Error) -> Self {
        Self { error, may_have_acted: false, pause: None }
    }

    /// The request was on its way when something happened.
    pub(crate) fn unclear(error: Error) -> Self {
        Self { error, may_have_acted: true, pause: None }
    }

    /// The vendor answered, and this is what the answer was classified as.
    pub(crate) fn answered(error: Error, head: &ResponseHead) -> Self {
        let told_to_wait = head.limits().retry_after.is_some();
        let may_have_acted = match (head.status, error.kind()) {
            (_, ErrorKind::RateLimited | ErrorKind::Unauthenticated) => false,
            (StatusCode::SERVICE_UNAVAILABLE, _) => !told_to_wait,
            (StatusCode::REQUEST_TIMEOUT, _) => true,
            (status, _) if status.is_client_error() => false,
            (status, _) if status.is_server_error() => true,
            (_, kind) => {
                matches!(kind, ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Protocol | ErrorKind::Internal)
            }
        };
        let limits = head.limits();
        let waits = matches!(error.kind(), ErrorKind::RateLimited | ErrorKind::Unavailable);
        Self { error, may_have_acted, pause: limits.retry_after.filter(|_| waits).max(limits.pace()) }
    }
}

/// The pauses between attempts: half a second, doubling, each up to doubled again at random so
/// that many clients do not come back at the same moment.
pub(crate) fn delays() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(Duration::from_secs(30))
        .with_jitter()
        .without_max_times()
        .build()
}

/// A write whose fate nobody knows is not repeated: the caller looks it up first.
pub(crate) fn unknown(error: Error) -> Error {
    let mut out = Error::new(
        error.kind(),
        "the call failed after it was sent, so it may have been carried out: look that up before sending it again",
    )
    .never_retry();
    for (name, value) in error.context() {
        out = out.with(name, value);
    }
    out.with(OUTCOME, UNKNOWN).source(error)
}

/// Whether a failed write may have been carried out all the same. Such a call is looked up, never
/// blindly repeated.
pub fn outcome_is_unknown(error: &Error) -> bool {
    error.get(OUTCOME) == Some(UNKNOWN)
}
