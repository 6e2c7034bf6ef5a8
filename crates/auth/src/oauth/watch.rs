//! Who is told how the tokens of integrations fare.

use std::{fmt, time::Duration};

use catchment_core::{Error, IntegrationId, async_trait};
use tokio::time::timeout;
use tracing::warn;

/// Whoever is told may take so long, and is left behind then.
const LONGEST: Duration = Duration::from_secs(5);

/// Is told how the tokens of integrations fare, before those who wait for a token are. What takes
/// longer than 5 seconds is dropped.
#[async_trait]
pub trait Watch: fmt::Debug + Send + Sync + 'static {
    /// New tokens are stored.
    async fn refreshed(&self, key: IntegrationId) {
        let _ = key;
    }

    /// A person has to authorize again. The error's context pair `grant` says how the grant ended:
    /// `expired`, because nobody used it or its time was over, or `revoked`, because somebody took
    /// it back. Told once for a grant, in each process that finds out.
    async fn refused(&self, key: IntegrationId, error: &Error) {
        let _ = (key, error);
    }

    /// A refresh failed for a reason that passes, or that an operator corrects. The grant stands.
    async fn troubled(&self, key: IntegrationId, error: &Error) {
        let _ = (key, error);
    }
}

/// Tells it, if it takes part.
pub(super) async fn tell(key: IntegrationId, told: impl Future<Output = ()>) {
    if timeout(LONGEST, told).await.is_err() {
        warn!(integration = %key, "whoever watches the tokens does not keep up");
    }
}
