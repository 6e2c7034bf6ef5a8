//! Claiming: which job a worker gets.

use std::time::Duration;

use catchment_core::{ErrorKind, Result};

use super::{
    Claim, Failure, Job, JobState,
    row::{columns, job_of, stored},
};
use crate::{
    db::{Sql, Twice, Tx, Who, clock, values},
    error,
    store::Store,
    time,
};

/// A job whose worker dies that often is the reason why.
const DEATHS: u32 = 5;

/// How often a worker that loses a race for a job tries for another.
const RACES: u32 = 16;

/// Of the organizations with something to do, those with the least running come first. A hop from
/// one to the next in the index finds them, however many jobs each has waiting.
const ORGANIZATIONS: Sql = clock!(
    "hop (organization) AS (
         SELECT min(organization) FROM jobs WHERE state = 'queued'
         UNION ALL
         SELECT (SELECT min(organization) FROM jobs WHERE state = 'queued' AND organization > hop.organization)
         FROM hop WHERE hop.organization IS NOT NULL
     )
     SELECT hop.organization,
            (SELECT count(*) FROM jobs WHERE state = 'running' AND organization = hop.organization) AS running,
            (SELECT due_at FROM jobs AS waiting WHERE state = 'queued' AND organization = hop.organization
             AND due_at <= (SELECT now FROM clock)
             AND NOT EXISTS (SELECT id FROM jobs AS busy
                             WHERE busy.state = 'running' AND busy.integration = waiting.integration)
             ORDER BY due_at, id LIMIT 1) AS due
     FROM hop WHERE hop.organization IS NOT NULL
     ORDER BY running, due, organization LIMIT 64"
);

macro_rules! claimed {
    ($which:expr, $lock:expr, $more:expr) => {
        concat!(
            "start (lease_until) AS (SELECT now + $2 FROM clock)
             UPDATE jobs SET state = 'running', attempt = attempt + 1, revision = revision + 1, worker = $3,
                             lease_until = (SELECT lease_until FROM start),
                             started_at = coalesce(started_at, (SELECT now FROM clock))",
            $more,
            " WHERE id = (",
            $which,
            " LIMIT 1",
            $lock,
            ") RETURNING ",
            columns!(),
            ", deaths"
        )
    };
}

/// A job whose worker let its lease lapse.
const TAKE_OVER: Sql = {
    macro_rules! lapsed {
        ($lock:expr) => {
            claimed!(
                "SELECT id FROM jobs WHERE state = 'running' AND lease_until < (SELECT now FROM clock)
                 ORDER BY lease_until",
                $lock,
                ", deaths = deaths + 1"
            )
        };
    }
    clock!(sqlite: lapsed!(""), postgres: lapsed!(" FOR UPDATE SKIP LOCKED"))
};

/// The oldest job of the organization `$4` that is due and whose integration is idle.
const TAKE: Sql = {
    macro_rules! oldest {
        ($lock:expr) => {
            claimed!(
                "SELECT id FROM jobs AS waiting WHERE state = 'queued' AND organization = $4
                 AND due_at <= (SELECT now FROM clock)
                 AND NOT EXISTS (SELECT id FROM jobs AS busy
                                 WHERE busy.state = 'running' AND busy.integration = waiting.integration)
                 ORDER BY due_at, id",
                $lock,
                ""
            )
        };
    }
    clock!(sqlite: oldest!(""), postgres: oldest!(" FOR UPDATE SKIP LOCKED"))
};

const END: &str = "UPDATE jobs SET state = $2, error = $3, ended_at = $4, worker = NULL, lease_until = NULL
     WHERE id = $1";

impl Store {
    /// Gives the worker a job that is due, for the length of a lease. Never a second one of an
    /// integration that has one running. A job whose lease has lapsed is given to another worker;
    /// one that has cost five workers fails instead. Of the organizations, those with the least
    /// running come first, and of one organization the job that waits longest.
    pub async fn claim(&self, worker: &str, lease: Duration) -> Result<Option<Claim>> {
        for _ in 0..RACES {
            let work = async || self.claim_once(worker, lease).await;
            match self.db.retried(Twice::Harmful, work).await {
                Ok(Turn::Got(job)) => return Ok(Some(Claim { job: *job, worker: worker.to_owned() })),
                Ok(Turn::Idle) => return Ok(None),
                Ok(Turn::Ended) => {}
                // Another worker took another job of the same integration at the same moment.
                Err(error) if error::is_taken(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn claim_once(&self, worker: &str, lease: Duration) -> Result<Turn> {
        let mut tx = self.db.write(Who::System).await?;
        let start = || values![time::now(), time::lease(lease), worker];
        if let Some(row) = tx.maybe(TAKE_OVER, start()).await? {
            let (job, deaths) = (job_of(&row)?, row.count(17)?);
            let turn = take_over(&mut tx, job, deaths).await?;
            tx.commit().await?;
            return Ok(turn);
        }
        for row in tx.all(ORGANIZATIONS, values![time::now()]).await? {
            if row.maybe_int(2)?.is_none() {
                continue;
            }
            let values = start().into_iter().chain(values![row.text(0)?]);
            if let Some(row) = tx.maybe(TAKE, values).await? {
                let job = job_of(&row)?;
                tx.commit().await?;
                return Ok(Turn::Got(Box::new(job)));
            }
        }
        Ok(Turn::Idle)
    }
}

/// What an attempt to claim came to.
enum Turn {
    Got(Box<Job>),
    /// A job that nobody should have came to its end; there may be others.
    Ended,
    Idle,
}

/// Not every job is worth another worker.
async fn take_over(tx: &mut Tx, job: Job, deaths: u32) -> Result<Turn> {
    let (state, error) = if job.cancel_requested {
        (JobState::Cancelled, None)
    } else if deaths >= DEATHS {
        let message = format!(
            "the work ended its worker {deaths} times: look into the log of the server, then submit a smaller job"
        );
        (JobState::Failed, Some(stored(&Failure { kind: ErrorKind::Internal, message })))
    } else {
        return Ok(Turn::Got(Box::new(job)));
    };
    tx.run(END, values![job.id.0, state.as_str(), error, time::now()]).await?;
    Ok(Turn::Ended)
}
