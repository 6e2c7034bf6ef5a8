//! The ledger and the threads of a tenant.

use std::time::Duration;

use async_trait::async_trait;
use catchment_core::{
    Buried, Complete, Entry, EntryId, EntryResult, IntegrationId, Known, Ledger, LedgerEntry, Message, Result, Run,
    RunOutcome, Tenant, ThreadId, Threads, Unseen,
};

use crate::scope::Scoped;

#[async_trait]
impl Ledger for Scoped {
    async fn begin(&self, integration: IntegrationId, roots: &[String]) -> Result<Run> {
        self.store.begin(integration, roots).await
    }

    async fn seen(&self, run: &Run, entries: &[Entry]) -> Result<Vec<Known>> {
        self.store.seen(run, entries).await
    }

    async fn unsettle(&self, run: &Run, entry: &EntryId) -> Result<()> {
        self.store.unsettle(run, entry).await
    }

    async fn record(&self, run: &Run, results: &[(Entry, EntryResult)]) -> Result<()> {
        self.store.record(run, results).await
    }

    async fn unseen(&self, run: &Run, proof: &Complete) -> Result<Unseen> {
        self.store.unseen(run, proof).await
    }

    async fn bury(&self, run: &Run, proof: &Complete) -> Result<u64> {
        self.store.bury(run, proof).await
    }

    async fn take_buried(&self, integration: IntegrationId, grace: Duration, limit: u32) -> Result<Vec<Buried>> {
        self.store.take_buried(integration, grace, limit).await
    }

    async fn forget(&self, integration: IntegrationId, entries: &[EntryId]) -> Result<Vec<EntryId>> {
        self.store.forget(integration, entries).await
    }

    async fn entries(
        &self,
        integration: IntegrationId,
        after: Option<&EntryId>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>> {
        self.store.entries(integration, after, limit).await
    }

    async fn invalidate(&self, integration: IntegrationId, entries: &[EntryId]) -> Result<()> {
        self.store.invalidate(integration, entries).await
    }

    async fn finish(&self, run: &Run, outcome: RunOutcome) -> Result<()> {
        self.store.finish(run, outcome).await
    }
}

#[async_trait]
impl Threads for Scoped {
    async fn create(&self, tenant: &Tenant) -> Result<ThreadId> {
        Threads::create(&self.store, tenant).await
    }

    async fn append(&self, tenant: &Tenant, thread: &ThreadId, messages: &[Message]) -> Result<()> {
        self.store.append(tenant, thread, messages).await
    }

    async fn load(&self, tenant: &Tenant, thread: &ThreadId, limit: u32) -> Result<Vec<Message>> {
        self.store.load(tenant, thread, limit).await
    }
}
