//! The monitor: connections are tried now and then, so that a person learns of trouble before they
//! need them, and grants that nobody uses are refreshed before they lapse.

use std::{sync::Arc, time::Duration};

use catchment_core::{Error, ErrorKind, Result};
use catchment_store::{Integration, Status, Success};
use chrono::{TimeDelta, Utc};
use futures::{StreamExt, stream};
use tokio::time::timeout;

use super::jittered;
use crate::state::App;

/// How often it is looked for connections that are due, at most.
const LOOK: Duration = Duration::from_secs(60);

/// So many are taken at once, and so many are tried at the same time: it is nobody's main business.
const PAGE: u32 = 32;
const AT_ONCE: usize = 4;

/// How long a vendor may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// After a failure it is tried again sooner: so soon at first, twice as late after each further one.
const SOON: Duration = Duration::from_secs(5 * 60);

/// Tries what is due until the server stops.
pub(super) async fn watch(app: &Arc<App>) {
    let Some(every) = app.config.check_every else { return };
    let look = LOOK.min(every / 2);
    let mut pause = jittered(look);
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let due = match app.store.due_checks(Utc::now(), PAGE, every).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(error = ?error, "connections that are due cannot be found");
                Vec::new()
            }
        };
        pause = if due.len() == PAGE as usize { Duration::ZERO } else { jittered(look) };
        let all = stream::iter(due).for_each_concurrent(AT_ONCE, |one| checked(app, one, every));
        tokio::select! {
            // What was not got to is due again when its term is over.
            () = app.stopping.cancelled() => return,
            () = all => {}
        }
    }
}

/// Tries a connection, and notes at it how that went.
async fn checked(app: &App, integration: Integration, every: Duration) {
    let scoped = app.store.scoped(&integration.tenant);
    let tried = timeout(PATIENCE, tried(app, &integration)).await.unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Timeout, "the vendor does not answer: check the address, or try again later"))
    });
    app.metrics.connection_checked(tried.is_ok());
    let again = match &tried {
        Ok(()) => every,
        Err(_) => every.min(SOON * 2_u32.saturating_pow(integration.errors.min(16))),
    };
    let noted = async {
        match tried {
            Ok(()) => scoped.succeeded(integration.id, Success::Used).await?,
            Err(error) => {
                tracing::info!(integration = %integration.id, error = ?error, "a connection does not work");
                // What passes is counted, and changes nothing that a person would have to do.
                let status = if passes(&error) { integration.status } else { Status::Error };
                scoped.failed(integration.id, status, error.message()).await?;
            }
        }
        let next = TimeDelta::from_std(jittered(again)).unwrap_or(TimeDelta::MAX);
        scoped.checked(integration.id, Utc::now() + next).await
    };
    match noted.await {
        // It was deleted meanwhile.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(integration = %integration.id, error = ?error, "a check cannot be noted"),
        Ok(()) => {}
    }
}

async fn tried(app: &App, integration: &Integration) -> Result<()> {
    let scoped = app.store.scoped(&integration.tenant);
    if lies_idle(app, integration)? {
        let whole = app.whole(&scoped, integration).await?;
        if let Some(authorizer) = app.authorizer(integration, &whole)? {
            authorizer.refresh_now().await?;
        }
    }
    let account = app.connect(&scoped, integration).await?.check().await?;
    scoped.identified(integration.id, &account).await
}

/// Whether a grant has lain idle for half of the time after which it lapses.
fn lies_idle(app: &App, integration: &Integration) -> Result<bool> {
    let Some(grant) = integration.grant.as_ref().filter(|grant| grant.refreshable) else { return Ok(false) };
    let idle = app.registry.manifest(&integration.vendor)?.oauth.and_then(|oauth| oauth.idle);
    let half = idle.and_then(|idle| TimeDelta::from_std(idle / 2).ok());
    Ok(half.is_some_and(|half| Utc::now() - grant.refreshed_at > half))
}

fn passes(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::RateLimited)
}
