//! One attempt at a job: the work, and beside it the heart that keeps the lease.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use catchment_core::{Error, ErrorKind, Result, Retry};
use catchment_store::{Claim, Failure, JobEnd};
use chrono::{TimeDelta, Utc};
use futures::FutureExt;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::Instrument;

use super::{
    board::Topic,
    jittered,
    kind::{JobKind, Task},
    progress::Progress,
};
use crate::state::App;

/// How often what is new is told, at most. Beats come more seldom.
const TELL: Duration = Duration::from_secs(1);

/// How many failures that pass a job may have; the last is its end.
const FAILURES: u32 = 5;

/// Each pause after a failure is so many times the one before.
const GROWTH: u32 = 4;

/// The longest pause that a vendor can ask for.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// Why an attempt is over.
enum Stop {
    /// The work came to an end.
    Done(Result<Value>),
    /// Somebody called it off.
    Cancelled,
    /// Another worker has the job, or may have it.
    Lost,
    /// The server stops.
    Stopping,
}

/// Makes one attempt, and says how it ended.
pub(super) async fn attempt(app: Arc<App>, kind: Option<Arc<dyn JobKind>>, claim: Claim) {
    let topic = app.board.topic(claim.job.id);
    let job = &claim.job;
    let span = tracing::info_span!(
        "job",
        job = %job.id,
        kind = job.kind,
        attempt = job.attempt,
        organization = job.tenant.organization,
        user = job.tenant.user,
    );
    let task = Task { app, claim, progress: Progress::default() };
    async {
        topic.tell();
        let stop = stop(&task, kind.as_deref(), &topic).await;
        match end(&task, kind.as_deref(), stop).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Conflict => {
                tracing::warn!(error = ?error, "the job is over, or another worker has it");
            }
            // The lease lapses then, and the job is done once more.
            Err(error) => tracing::error!(error = ?error, "how the job ended cannot be written down"),
        }
        topic.tell();
    }
    .instrument(span)
    .await;
}

/// Works until it is done or has to stop. Work that is stopped is dropped with this.
async fn stop(task: &Task, kind: Option<&dyn JobKind>, topic: &Topic) -> Stop {
    let Some(kind) = kind else {
        // A newer server has submitted it: one that knows it may be about to start.
        let unknown = "no server here knows this kind of job: bring all servers to one version";
        return Stop::Done(Err(Error::new(ErrorKind::Unavailable, unknown)));
    };
    let work = AssertUnwindSafe(kind.run(task)).catch_unwind();
    tokio::select! {
        biased;
        done = work => Stop::Done(done.unwrap_or_else(|_| Err(Error::internal("the work broke: look into the log of the server")))),
        () = task.app.stopping.cancelled() => Stop::Stopping,
        stop = heart(task, topic) => stop,
    }
}

/// Beats until the work has to stop.
async fn heart(task: &Task, topic: &Topic) -> Stop {
    let lease = task.app.config.lease;
    let beat = lease / 3;
    let tell = beat.min(TELL);
    let mut last = Instant::now();
    let mut told = None;
    loop {
        let asked = tokio::select! {
            () = topic.asked_to_stop() => true,
            () = sleep(tell) => false,
        };
        let counts = task.progress.counts();
        if !asked && told.as_ref() == Some(&counts) && last.elapsed() < beat {
            continue;
        }
        let sent = Instant::now();
        let progress = serde_json::to_value(&counts).unwrap_or_default();
        match timeout_at(last + lease, task.app.store.beat(&task.claim, lease, &progress)).await {
            Ok(Ok(beat)) if beat.cancel => return Stop::Cancelled,
            Ok(Ok(_)) => {
                (last, told) = (sent, Some(counts));
                topic.tell();
            }
            Ok(Err(error)) if error.kind() == ErrorKind::Conflict => return Stop::Lost,
            Ok(Err(error)) => tracing::warn!(error = ?error, "the lease cannot be prolonged"),
            Err(_) => {}
        }
        if last.elapsed() >= lease {
            return Stop::Lost;
        }
    }
}

/// Says how an attempt ended.
async fn end(task: &Task, kind: Option<&dyn JobKind>, stop: Stop) -> Result<()> {
    let Task { app, claim, progress } = task;
    let state = match stop {
        Stop::Lost => {
            tracing::warn!("another worker has the job now");
            return Ok(());
        }
        Stop::Stopping => {
            app.store.release(claim).await?;
            tracing::info!("given back: the server stops");
            return Ok(());
        }
        Stop::Cancelled => {
            app.store.finish_job(claim, JobEnd::Cancelled).await?;
            "cancelled"
        }
        Stop::Done(Ok(result)) => {
            last_words(task).await;
            app.store.finish_job(claim, JobEnd::Succeeded(result)).await?;
            "succeeded"
        }
        Stop::Done(Err(error)) => {
            progress.ended();
            let failure = Failure { kind: error.kind(), message: error.to_string() };
            last_words(task).await;
            if let Some(pause) = put_off(&error, claim.job.failures, app.config.retry_pause) {
                tracing::warn!(error = ?error, pause_s = pause.as_secs(), "put off");
                let pause = TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX);
                return app.store.postpone(claim, Utc::now() + pause, &failure).await;
            }
            tracing::warn!(error = ?error, "failed");
            if let Some(kind) = kind {
                kind.failed(task, &error).await;
            }
            app.store.finish_job(claim, JobEnd::Failed(failure)).await?;
            "failed"
        }
    };
    tracing::info!(state, "ended");
    app.metrics.job_ended(&claim.job.kind, state);
    Ok(())
}

/// How far it came at the last, for those who look at it later. It ends without them, too.
async fn last_words(task: &Task) {
    let progress = serde_json::to_value(task.progress.counts()).unwrap_or_default();
    if let Err(error) = task.app.store.beat(&task.claim, task.app.config.lease, &progress).await {
        tracing::debug!(error = ?error, "the last progress cannot be written down");
    }
}

/// How long to wait before the next attempt; `None` if there is none.
fn put_off(error: &Error, failures: u32, first: Duration) -> Option<Duration> {
    let asked = match error.retry() {
        Retry::Never => return None,
        Retry::Backoff => Duration::ZERO,
        Retry::After(asked) => asked.min(LONGEST),
    };
    (failures + 1 < FAILURES).then(|| jittered(first * GROWTH.pow(failures)).max(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_secs(5);

    #[test]
    fn pauses_grow_and_the_fifth_failure_is_the_end() {
        let down = Error::new(ErrorKind::Unavailable, "down");
        let pauses: Vec<_> = (0..5).map(|failures| put_off(&down, failures, FIRST)).collect();
        for (pause, seconds) in pauses.iter().zip([5.0, 20.0, 80.0, 320.0]) {
            let pause = pause.expect("another attempt").as_secs_f64();
            assert!((seconds * 0.75..=seconds * 1.25).contains(&pause), "{pause} for {seconds}");
        }
        assert_eq!(pauses[4], None);
    }

    #[test]
    fn what_does_not_pass_is_not_tried_again() {
        assert_eq!(put_off(&Error::new(ErrorKind::Unauthenticated, "no"), 0, FIRST), None);
        assert_eq!(put_off(&Error::internal("broken"), 0, FIRST), None);
    }

    #[test]
    fn a_vendor_that_says_how_long_is_believed_up_to_an_hour() {
        let limited = |hours: u64| {
            Error::new(ErrorKind::RateLimited, "slow down").retry_after(Duration::from_secs(hours * 60 * 30))
        };
        assert_eq!(put_off(&limited(1), 0, FIRST), Some(Duration::from_secs(1_800)));
        assert_eq!(put_off(&limited(9), 0, FIRST), Some(LONGEST));
    }
}
