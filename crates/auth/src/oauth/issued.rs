//! Tokens that a program gets for itself: no person consents, nothing is stored.

use std::{fmt, sync::Arc, time::Duration};

use catchment_client::Authorize;
use catchment_core::{Error, ErrorKind, Result, Secret, async_trait};
use chrono::Utc;
use tokio::time::{Instant, timeout};

use super::{
    exchange::Granted,
    slot::{Flight, Held, JUST_ISSUED, Slot},
};

/// A grant takes no longer.
const LONGEST: Duration = Duration::from_secs(60);

/// Asks for a token in the program's own name, as often as it is called.
#[async_trait]
pub trait Grant: fmt::Debug + Send + Sync + 'static {
    /// Asks once. It is not dropped before it ends, unless it takes longer than 60 seconds.
    async fn grant(&self) -> Result<Granted>;
}

/// The token of a [`Grant`], kept in memory. Clones share it.
///
/// It is asked for when it is first needed, once however many wait; again in the background when
/// 80 % of its life are over, and before the call when it has ended or was rejected. After a
/// failure nobody asks for a second, then for two, and for a minute at the most; who calls
/// meanwhile gets the failure.
#[derive(Clone)]
pub struct Issued {
    grant: Arc<dyn Grant>,
    slot: Arc<Slot>,
}

impl Issued {
    /// Nothing is asked for yet.
    pub fn new(grant: Arc<dyn Grant>) -> Self {
        Self { grant, slot: Slot::new(|_| false) }
    }

    /// A token that has not ended. Cancel-safe: what has begun goes on. Needs a tokio runtime.
    ///
    /// # Errors
    /// What the grant says.
    pub async fn token(&self) -> Result<Secret> {
        match self.slot.good() {
            Some((access, false)) => Ok(access),
            Some((access, true)) => {
                drop(self.begin(None));
                Ok(access)
            }
            None => Ok(self.slot.wait(None, || self.begin(None)).await?.access.clone()),
        }
    }

    fn begin(&self, rejected: Option<&Secret>) -> Flight {
        self.slot.begin(
            |held| held.is_good(rejected),
            || {
                let grant = Arc::clone(&self.grant);
                async move {
                    let (asked, exchanged) = (Utc::now(), Instant::now());
                    let late = |_| Error::new(ErrorKind::Timeout, "no token was issued in time: try again later");
                    let granted = timeout(LONGEST, grant.grant()).await.map_err(late)??;
                    Ok(Arc::new(Held::of(granted.into_tokens(asked), Some(exchanged))))
                }
            },
        )
    }
}

#[async_trait]
impl Authorize for Issued {
    async fn header(&self) -> Result<Secret> {
        let token = self.token().await?;
        Ok(Secret::new(format!("Bearer {}", token.expose())))
    }

    /// A token that was issued less than 30 seconds ago stays: the next would be rejected, too, and
    /// what the vendor said of it is the better error.
    async fn rejected(&self, header: &Secret) -> Result<()> {
        let access = Secret::new(header.expose().strip_prefix("Bearer ").unwrap_or_default());
        let Some(held) = self.slot.held() else { return Ok(()) };
        let fresh = held.exchanged.is_some_and(|exchanged| exchanged.elapsed() < JUST_ISSUED);
        if fresh || held.access.expose() != access.expose() {
            return Ok(());
        }
        self.slot.wait(Some(&access), || self.begin(Some(&access))).await.map(drop)
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("grant", &self.grant).finish_non_exhaustive()
    }
}
