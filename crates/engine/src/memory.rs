//! A ledger in memory, for programs that keep nothing between their runs.

mod following;

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use catchment_core::{
    Buried, Complete, Entry, EntryId, EntryResult, Fingerprint, IntegrationId, Known, Ledger, LedgerEntry, Quarantine,
    Result, Run, RunOutcome, Settled, Unseen,
};
use chrono::{DateTime, TimeDelta, Utc};

/// A [`Ledger`] in memory. It keeps all laws but the one that it is durable: when the program
/// ends, everything is forgotten, and the next import ingests everything again.
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    runs: i64,
    rows: BTreeMap<(IntegrationId, EntryId), Row>,
    containers: BTreeMap<(IntegrationId, EntryId), following::Container>,
    feeds: BTreeMap<IntegrationId, following::Taken>,
}

#[derive(Debug, Default)]
struct Row {
    path: String,
    parent: Option<EntryId>,
    leaf: String,
    special: bool,
    added_run: i64,
    seen_run: i64,
    result_run: i64,
    buried: Option<DateTime<Utc>>,
    buried_run: i64,
    settled: Option<Settled>,
    fingerprint: Option<Fingerprint>,
    portfolio: Option<String>,
    failure: Option<Quarantine>,
}

impl MemoryLedger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing in here can panic half way through a change, so that a poisoned lock is as good
    /// as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn begin(&self, integration: IntegrationId, _: &[String]) -> Result<Run> {
        let mut state = self.state();
        state.runs += 1;
        Ok(Run { number: state.runs, integration })
    }

    async fn seen(&self, run: &Run, entries: &[Entry]) -> Result<Vec<Known>> {
        let mut state = self.state();
        let mut known = Vec::with_capacity(entries.len());
        for entry in entries {
            known.push(match entry.is_container() {
                true => state.walked(run, entry),
                false => state.row(run, entry).seen(run, entry),
            });
        }
        Ok(known)
    }

    async fn unsettle(&self, run: &Run, entry: &EntryId) -> Result<()> {
        if let Some(row) = self.state().rows.get_mut(&(run.integration, entry.clone())) {
            row.settled = None;
        }
        Ok(())
    }

    async fn record(&self, run: &Run, results: &[(Entry, EntryResult)]) -> Result<()> {
        let mut state = self.state();
        for (entry, result) in results {
            state.row(run, entry).record(run, entry, result);
        }
        Ok(())
    }

    async fn unseen(&self, run: &Run, proof: &Complete) -> Result<Unseen> {
        let mut unseen = Unseen::default();
        for row in self.state().living(run, proof).filter(|row| row.added_run < run.number) {
            unseen.living += 1;
            unseen.unseen += u64::from(row.seen_run < run.number);
        }
        Ok(unseen)
    }

    async fn bury(&self, run: &Run, proof: &Complete) -> Result<u64> {
        let now = Utc::now();
        let mut state = self.state();
        let gone = state.living(run, proof).filter(|row| row.seen_run < run.number);
        Ok(gone.map(|row| row.buried = Some(now)).count() as u64)
    }

    async fn take_buried(&self, integration: IntegrationId, grace: Duration, limit: u32) -> Result<Vec<Buried>> {
        let grace = TimeDelta::from_std(grace).unwrap_or(TimeDelta::MAX);
        let now = Utc::now();
        let mut state = self.state();
        let due = state.of(integration).filter(|(_, row)| row.buried.is_some_and(|at| now - at >= grace));
        Ok(due
            .take(limit as usize)
            .map(|(entry, row)| {
                row.settled = None;
                Buried { entry: entry.clone(), path: row.path.clone() }
            })
            .collect())
    }

    async fn forget(&self, integration: IntegrationId, entries: &[EntryId]) -> Result<Vec<EntryId>> {
        let mut state = self.state();
        let mut stay = Vec::new();
        for entry in entries {
            let key = (integration, entry.clone());
            match state.rows.get(&key) {
                Some(row) if row.buried.is_none() || row.settled.is_some() => stay.push(entry.clone()),
                _ => drop(state.rows.remove(&key)),
            }
        }
        Ok(stay)
    }

    async fn entries(
        &self,
        integration: IntegrationId,
        after: Option<&EntryId>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>> {
        let from = match after {
            Some(after) => Bound::Excluded((integration, after.clone())),
            None => Bound::Included((integration, EntryId::from(""))),
        };
        let state = self.state();
        let rows = state.rows.range((from, Bound::Unbounded)).take_while(|((of, _), _)| *of == integration);
        Ok(rows
            .take(limit as usize)
            .map(|((_, entry), row)| LedgerEntry {
                entry: entry.clone(),
                path: row.path.clone(),
                buried: row.buried.is_some(),
                settled: row.settled.clone(),
            })
            .collect())
    }

    async fn invalidate(&self, integration: IntegrationId, entries: &[EntryId]) -> Result<()> {
        let mut state = self.state();
        let next = state.runs + 1;
        for entry in entries {
            if let Some(row) = state.rows.get_mut(&(integration, entry.clone())) {
                row.settled = None;
                row.result_run = next;
            }
        }
        Ok(())
    }

    async fn finish(&self, _: &Run, _: RunOutcome) -> Result<()> {
        Ok(())
    }
}

impl State {
    /// The row of an entry, made by this run if there is none.
    fn row(&mut self, run: &Run, entry: &Entry) -> &mut Row {
        self.rows.entry((run.integration, entry.id.clone())).or_insert_with(|| Row {
            path: entry.path.clone(),
            added_run: run.number,
            ..Row::default()
        })
    }

    fn of(&mut self, integration: IntegrationId) -> impl Iterator<Item = (&EntryId, &mut Row)> {
        self.rows
            .range_mut((integration, EntryId::from(""))..)
            .take_while(move |((of, _), _)| *of == integration)
            .map(|((_, entry), row)| (entry, row))
    }

    fn living<'a>(&'a mut self, run: &Run, proof: &'a Complete) -> impl Iterator<Item = &'a mut Row> {
        self.of(run.integration).map(|(_, row)| row).filter(|row| row.buried.is_none() && proof.covers(&row.path))
    }
}

impl Row {
    fn seen(&mut self, run: &Run, entry: &Entry) -> Known {
        let again = self.seen_run == run.number;
        if self.seen_run < run.number {
            if self.path != entry.path {
                self.path.clone_from(&entry.path);
                self.settled = None;
            }
            self.parent.clone_from(&entry.parent);
            self.leaf = entry.leaf().to_owned();
            self.special = !entry.is_file();
            self.seen_run = run.number;
        }
        self.buried = None;
        Known { again, ..self.known(entry) }
    }

    fn known(&self, entry: &Entry) -> Known {
        let settled = self.settled.as_ref();
        Known {
            fingerprint: settled.and(self.fingerprint.clone()),
            content_hash: settled.map(|settled| settled.content_hash.clone()),
            chunks: settled.map_or(0, |settled| settled.chunks),
            portfolio: settled.and(self.portfolio.clone()),
            quarantine: self.failure.clone().filter(|failure| failure.fingerprint == entry.fingerprint),
            again: false,
        }
    }

    fn record(&mut self, run: &Run, entry: &Entry, result: &EntryResult) {
        if self.result_run > run.number {
            if let EntryResult::Ingested { content_hash, .. } = result {
                self.settled.take_if(|settled| settled.content_hash != *content_hash);
            }
            return;
        }
        self.result_run = run.number;
        match result {
            EntryResult::Ingested { content_hash, chunks, portfolio } => {
                let settled = Settled { content_hash: content_hash.clone(), chunks: *chunks };
                self.settled = (self.path == entry.path).then_some(settled);
                self.fingerprint.clone_from(&entry.fingerprint);
                self.portfolio.clone_from(portfolio);
                self.failure = None;
            }
            EntryResult::Failed { kind, message, pause } => {
                let before = self.failure.as_ref().filter(|failure| failure.fingerprint == entry.fingerprint);
                let pause = pause.map(|pause| TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX));
                self.failure = Some(Quarantine {
                    fingerprint: entry.fingerprint.clone(),
                    failures: before.map_or(0, |failure| failure.failures) + 1,
                    until: pause.map(|pause| Utc::now().checked_add_signed(pause).unwrap_or(DateTime::<Utc>::MAX_UTC)),
                    kind: *kind,
                    message: message.clone(),
                });
            }
        }
    }
}
