//! The ledger on SQL: runs, and the trait over [`entries`], [`results`] and [`removals`].

mod entries;
mod removals;
mod results;

use std::time::Duration;

use async_trait::async_trait;
use catchment_core::{
    Buried, Complete, Entry, EntryId, EntryResult, IntegrationId, Known, Ledger, LedgerEntry, Result, Run, RunOutcome,
    Unseen,
};

use crate::{open::Store, time};

#[async_trait]
impl Ledger for Store {
    async fn begin(&self, integration: IntegrationId, roots: &[String]) -> Result<Run> {
        let mut tx = self.write().await?;
        let number =
            sqlx::query_scalar("INSERT INTO runs (integration, roots, began_at) VALUES (?1, ?2, ?3) RETURNING number")
                .bind(integration.0)
                .bind(serde_json::Value::from(roots).to_string())
                .bind(time::now())
                .fetch_one(&mut *tx)
                .await
                .map_err(self.failed())?;
        tx.commit().await.map_err(self.failed())?;
        Ok(Run { number, integration })
    }

    async fn seen(&self, run: &Run, entries: &[Entry]) -> Result<Vec<Known>> {
        entries::seen(self, run, entries).await
    }

    async fn unsettle(&self, run: &Run, entry: &EntryId) -> Result<()> {
        entries::unsettle(self, run, entry).await
    }

    async fn record(&self, run: &Run, results: &[(Entry, EntryResult)]) -> Result<()> {
        results::record(self, run, results).await
    }

    async fn unseen(&self, run: &Run, proof: &Complete) -> Result<Unseen> {
        removals::unseen(self, run, proof).await
    }

    async fn bury(&self, run: &Run, proof: &Complete) -> Result<u64> {
        removals::bury(self, run, proof).await
    }

    async fn take_buried(&self, integration: IntegrationId, grace: Duration, limit: u32) -> Result<Vec<Buried>> {
        removals::take_buried(self, integration, grace, limit).await
    }

    async fn forget(&self, integration: IntegrationId, entries: &[EntryId]) -> Result<Vec<EntryId>> {
        removals::forget(self, integration, entries).await
    }

    async fn entries(
        &self,
        integration: IntegrationId,
        after: Option<&EntryId>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>> {
        entries::page(self, integration, after, limit).await
    }

    async fn invalidate(&self, integration: IntegrationId, entries: &[EntryId]) -> Result<()> {
        entries::invalidate(self, integration, entries).await
    }

    async fn finish(&self, run: &Run, outcome: RunOutcome) -> Result<()> {
        let outcome = match outcome {
            RunOutcome::Complete => "complete",
            RunOutcome::Partial => "partial",
            RunOutcome::Aborted => "aborted",
        };
        let mut tx = self.write().await?;
        sqlx::query("UPDATE runs SET ended_at = ?1, outcome = ?2 WHERE number = ?3")
            .bind(time::now())
            .bind(outcome)
            .bind(run.number)
            .execute(&mut *tx)
            .await
            .map_err(self.failed())?;
        tx.commit().await.map_err(self.failed())
    }
}

/// Ids as a JSON array: one parameter, however many there are.
fn json(ids: &[EntryId]) -> String {
    serde_json::Value::from_iter(ids.iter().map(EntryId::as_str)).to_string()
}
