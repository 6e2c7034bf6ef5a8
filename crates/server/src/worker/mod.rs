//! The worker: takes jobs out of the database, several at a time, and sees them to their end.
//!
//! A job belongs to a worker by lease. The worker says every few seconds that it is alive; one
//! that does not is taken to be dead, and another takes its job over, on this server or another.
//! Whoever has lost a job learns it from the answer and stops at once.

mod attempt;
mod board;
mod files;
mod follow;
mod import;
mod kind;
mod monitor;
mod progress;

use std::{sync::Arc, time::Duration};

use catchment_core::Result;
use catchment_store::{Job, JobId, NewJob, Scoped};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::state::App;

pub(crate) use board::{Board, Slot};
pub(crate) use follow::Follow;
pub(crate) use import::{IMPORT, Order, Outcome, SYNC};
pub(crate) use progress::Counts;

/// How often an idle worker looks for jobs that were submitted elsewhere.
const IDLE: Duration = Duration::from_secs(1);

/// The longest pause after the database failed.
const LONGEST: Duration = Duration::from_secs(30);

/// How often old jobs are deleted, and how old they get.
const PRUNE_EVERY: Duration = Duration::from_secs(60 * 60);
const KEEP: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl App {
    /// Puts a job into the queue, and wakes the worker of this server.
    pub(crate) async fn submit(&self, scoped: &Scoped, job: NewJob) -> Result<Job> {
        let job = scoped.submit(job).await?;
        self.submitted.notify_one();
        Ok(job)
    }

    /// Calls a job off, and has it stop at once if it runs on this server.
    pub(crate) async fn cancel(&self, scoped: &Scoped, id: JobId) -> Result<Job> {
        let job = scoped.cancel(id).await?;
        let topic = self.board.topic(id);
        topic.ask_to_stop();
        topic.tell();
        Ok(job)
    }
}

/// Works until the server stops; by then every job is done or given back. Dropping it stops all
/// work at once, as if the server had died: the leases lapse.
pub(crate) async fn run(app: Arc<App>) {
    if app.config.workers == 0 {
        return;
    }
    tokio::join!(jobs(&app), housekeeping(&app), monitor::watch(&app));
}

async fn jobs(app: &Arc<App>) {
    let kinds = kind::all();
    let name = Uuid::new_v4().to_string();
    let mut running = JoinSet::new();
    let mut troubles = 0;
    while !app.stopping.is_cancelled() {
        let mut pause = jittered(IDLE);
        let full = running.len() >= app.config.workers;
        if !full {
            match app.store.claim(&name, app.config.lease).await {
                Ok(Some(claim)) => {
                    troubles = 0;
                    let kind = kinds.get(claim.job.kind.as_str()).cloned();
                    running.spawn(attempt::attempt(app.clone(), kind, claim));
                    continue;
                }
                Ok(None) => troubles = 0,
                Err(error) => {
                    tracing::warn!(error = ?error, "no job can be claimed");
                    pause = jittered(LONGEST.min(IDLE * 2_u32.saturating_pow(troubles)));
                    troubles = (troubles + 1).min(16);
                }
            }
        }
        tokio::select! {
            biased;
            () = app.stopping.cancelled() => {}
            // An integration, or a place, is free again.
            Some(ended) = running.join_next() => unharmed(ended),
            () = app.submitted.notified(), if !full => {}
            () = tokio::time::sleep(pause), if !full => {}
        }
    }
    while let Some(ended) = running.join_next().await {
        unharmed(ended);
    }
}

fn unharmed(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(error = ?error, "a worker broke; its job goes on when the lease lapses");
    }
}

async fn housekeeping(app: &App) {
    loop {
        match app.store.prune(KEEP).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "deleted old jobs and idempotency keys"),
            Err(error) => tracing::warn!(error = ?error, "old jobs cannot be deleted"),
        }
        match app.index.tidy().await {
            Ok(0) => {}
            Ok(pieces) => tracing::info!(pieces, "tidied up the index"),
            Err(error) => tracing::warn!(error = ?error, "the index cannot be tidied up"),
        }
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(jittered(PRUNE_EVERY)) => {}
        }
    }
}

/// Up to a quarter more or less, so that servers that started together part.
fn jittered(pause: Duration) -> Duration {
    let (random, _) = Uuid::new_v4().as_u64_pair();
    pause.mul_f64(0.75 + 0.5 * (random >> 40) as f64 / (1_u64 << 24) as f64)
}
