//! Tokens in memory: for tests, and for programs that authorize anew at each start.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use catchment_core::{Fence, IntegrationId, Result, Revision, TokenStore, Tokens, async_trait};
use tokio::time::Instant;

/// Keeps tokens until the process ends.
#[derive(Debug, Default)]
pub struct MemoryTokens {
    slots: Mutex<HashMap<IntegrationId, Slot>>,
}

#[derive(Debug, Default)]
struct Slot {
    tokens: Option<Tokens>,
    revision: i64,
    fence: i64,
    leased: Option<Instant>,
}

impl MemoryTokens {
    fn slots(&self) -> MutexGuard<'_, HashMap<IntegrationId, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TokenStore for MemoryTokens {
    async fn load(&self, key: IntegrationId) -> Result<Option<(Tokens, Revision)>> {
        let slots = self.slots();
        Ok(slots.get(&key).and_then(|slot| Some((slot.tokens.clone()?, Revision(slot.revision)))))
    }

    async fn swap(&self, key: IntegrationId, expect: Option<Revision>, tokens: &Tokens) -> Result<bool> {
        let mut slots = self.slots();
        let slot = slots.entry(key).or_default();
        let stands = slot.tokens.as_ref().map(|_| Revision(slot.revision));
        if stands != expect {
            return Ok(false);
        }
        slot.tokens = Some(tokens.clone());
        slot.revision += 1;
        Ok(true)
    }

    async fn lease(&self, key: IntegrationId, ttl: Duration) -> Result<Option<Fence>> {
        let now = Instant::now();
        let mut slots = self.slots();
        let slot = slots.entry(key).or_default();
        if slot.leased.is_some_and(|until| until > now) {
            return Ok(None);
        }
        slot.leased = Some(now + ttl);
        slot.fence += 1;
        Ok(Some(Fence(slot.fence)))
    }

    async fn release(&self, key: IntegrationId, fence: Fence) -> Result<()> {
        if let Some(slot) = self.slots().get_mut(&key).filter(|slot| slot.fence == fence.0) {
            slot.leased = None;
        }
        Ok(())
    }

    async fn remove(&self, key: IntegrationId) -> Result<()> {
        // The slot stays, so that neither revisions nor fences begin again.
        if let Some(slot) = self.slots().get_mut(&key) {
            slot.tokens = None;
        }
        Ok(())
    }
}
