//! The ledger on SQL: runs, and the trait over [`entries`], [`results`] and [`removals`]; and the other
//! one, [`following`], over the [`tree`] of containers.
//!
//! A call that writes first takes the integration's row: whose it is is settled, and on Postgres
//! those who write to one ledger at the same time do so in turn, as they do on SQLite.

mod entries;
mod following;
#[cfg(test)]
mod plans;
mod removals;
mod results;
mod tree;

use std::time::Duration;

use async_trait::async_trait;
use catchment_core::{
    Buried, Complete, Entry, EntryId, EntryResult, IntegrationId, Known, Ledger, LedgerEntry, Result, Run, RunOutcome,
    Unseen,
};
use serde_json::Value as Json;

pub(crate) use entries::kind;

use crate::{
    db::{Sql, Twice, Tx, locked, page, values},
    integrations::no_integration,
    scope::{Scoped, mine},
    time,
};

const TAKE: Sql = locked!(concat!("SELECT id FROM integrations WHERE ", mine!(), " AND id = $3"));

#[async_trait]
impl Ledger for Scoped {
    async fn begin(&self, integration: IntegrationId, roots: &[String]) -> Result<Run> {
        let roots = Json::from(roots).to_string();
        self.store
            .db
            .retried(Twice::Harmless, async || {
                let mut tx = self.write_ledger(integration).await?;
                let row = tx
                    .one(
                        "INSERT INTO runs (integration, roots, began_at) VALUES ($1, $2, $3) RETURNING number",
                        values![integration, &roots, time::now()],
                    )
                    .await?;
                tx.commit().await?;
                Ok(Run { number: row.int(0)?, integration })
            })
            .await
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
        entries::page_of(self, integration, after, limit).await
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
        self.store
            .db
            .retried(Twice::Harmless, async || {
                let mut tx = self.write_ledger(run.integration).await?;
                tx.run(
                    "UPDATE runs SET ended_at = $1, outcome = $2 WHERE number = $3 AND integration = $4",
                    values![time::now(), outcome, run.number, run.integration],
                )
                .await?;
                tx.commit().await
            })
            .await
    }
}

impl Scoped {
    /// To write to the ledger of an integration that is the scope's.
    async fn write_ledger(&self, integration: IntegrationId) -> Result<Tx> {
        let mut tx = self.write().await?;
        let [organization, user] = self.mine();
        match tx.maybe(TAKE, [organization, user, integration.into()]).await? {
            Some(_) => Ok(tx),
            None => Err(no_integration(integration)),
        }
    }
}

/// A page of ids.
fn ids(entries: &[EntryId]) -> page::Page {
    page::page(entries.iter().map(|entry| Json::from([entry.as_str()].as_slice())))
}
