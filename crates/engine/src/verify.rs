//! Verifying: what the ledger vouches for against what the ingestor holds.

use std::{cmp::Ordering, collections::VecDeque};

use catchment_core::{DocumentKey, EntryId, Held, IntegrationId, LedgerEntry, Result};
use serde::Serialize;

use crate::engine::Engine;

/// How many rows are read, and repaired, at once.
const PAGE: u32 = 500;

/// How many findings a report lists by name.
const FINDINGS: usize = 100;

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many documents were compared.
    pub checked: u64,
    /// Documents the ledger vouches for and the ingestor does not hold.
    pub missing_in_index: u64,
    /// Documents the ingestor holds of entries that the ledger does not know.
    pub orphans_in_index: u64,
    /// Documents the ingestor holds in another form than the ledger vouches for, or damaged.
    pub mismatched: u64,
    /// Documents an interrupted import left unrecorded. The next import settles them; they need
    /// no repair.
    pub unsettled: u64,
    /// How many of the findings were repaired. What was missing or mismatched comes back with
    /// the next import.
    pub repaired: u64,
    /// The first hundred findings.
    pub findings: Vec<Finding>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The entry.
    pub entry: EntryId,
    /// Its path, if the ledger knows it.
    pub path: Option<String>,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// The ledger vouches for it, the ingestor does not hold it.
    Missing,
    /// The ingestor holds it, the ledger does not know it.
    Orphan,
    /// Both have it, and differ.
    Mismatch,
}

impl Report {
    /// Whether ledger and ingestor agree.
    pub fn is_clean(&self) -> bool {
        self.missing_in_index + self.orphans_in_index + self.mismatched == 0
    }
}

pub(crate) async fn run(engine: &Engine, integration: IntegrationId, repair: bool) -> Result<Report> {
    let mut rows = Rows { engine, integration, page: VecDeque::new(), after: None, ended: false };
    let mut held = Holdings { engine, integration, page: VecDeque::new(), after: None, ended: false };
    let mut report = Report::default();
    let mut broken = Vec::new();
    loop {
        rows.fill().await?;
        held.fill().await?;
        let order = match (rows.page.front(), held.page.front()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(row), Some(held)) => row.entry.cmp(&held.entry),
        };
        let row = if order.is_le() { rows.page.pop_front() } else { None };
        let held = if order.is_ge() { held.page.pop_front() } else { None };
        if let Some(finding) = report.compare(row, held) {
            broken.push(finding.entry.clone());
            if report.findings.len() < FINDINGS {
                report.findings.push(finding);
            }
        }
        if repair && broken.len() >= PAGE as usize {
            report.repaired += mend(engine, integration, &mut broken).await?;
        }
        if !repair {
            broken.clear();
        }
    }
    if !broken.is_empty() {
        report.repaired += mend(engine, integration, &mut broken).await?;
    }
    Ok(report)
}

/// First out of the index, then out of the ledger's word: an import that runs meanwhile cannot
/// have the last word with a result from before the removal.
async fn mend(engine: &Engine, integration: IntegrationId, broken: &mut Vec<EntryId>) -> Result<u64> {
    let entries = std::mem::take(broken);
    let keys: Vec<_> = entries.iter().map(|entry| DocumentKey { integration, entry: entry.clone() }).collect();
    engine.ingestor.remove(&keys).await?;
    engine.ledger.invalidate(integration, &entries).await?;
    Ok(entries.len() as u64)
}

impl Report {
    fn compare(&mut self, row: Option<LedgerEntry>, held: Option<Held>) -> Option<Finding> {
        let settled = row.as_ref().and_then(|row| row.settled.as_ref());
        let problem = match (&row, settled, &held) {
            (_, Some(settled), Some(held)) => {
                self.checked += 1;
                let same = settled.content_hash == held.content_hash && settled.chunks == held.chunks;
                (!same).then_some(Problem::Mismatch)
            }
            (_, Some(_), None) => {
                self.checked += 1;
                Some(Problem::Missing)
            }
            (None, _, Some(_)) => {
                self.checked += 1;
                Some(Problem::Orphan)
            }
            (Some(_), None, Some(_)) => {
                self.unsettled += 1;
                None
            }
            (_, None, None) => None,
        }?;
        match problem {
            Problem::Missing => self.missing_in_index += 1,
            Problem::Orphan => self.orphans_in_index += 1,
            Problem::Mismatch => self.mismatched += 1,
        }
        let entry = row.as_ref().map(|row| &row.entry).or(held.as_ref().map(|held| &held.entry))?.clone();
        Some(Finding { entry, path: row.map(|row| row.path), problem })
    }
}

/// The ledger's side, a page at a time.
struct Rows<'a> {
    engine: &'a Engine,
    integration: IntegrationId,
    page: VecDeque<LedgerEntry>,
    after: Option<EntryId>,
    ended: bool,
}

/// The ingestor's side, a page at a time.
struct Holdings<'a> {
    engine: &'a Engine,
    integration: IntegrationId,
    page: VecDeque<Held>,
    after: Option<EntryId>,
    ended: bool,
}

impl Rows<'_> {
    async fn fill(&mut self) -> Result<()> {
        if self.page.is_empty() && !self.ended {
            self.page = self.engine.ledger.entries(self.integration, self.after.as_ref(), PAGE).await?.into();
            self.ended = self.page.is_empty();
            self.after = self.page.back().map(|row| row.entry.clone());
        }
        Ok(())
    }
}

impl Holdings<'_> {
    async fn fill(&mut self) -> Result<()> {
        if self.page.is_empty() && !self.ended {
            self.page = self.engine.ingestor.audit(self.integration, self.after.as_ref(), PAGE).await?.into();
            self.ended = self.page.is_empty();
            self.after = self.page.back().map(|held| held.entry.clone());
        }
        Ok(())
    }
}
