//! Recording: results on their way into the ledger, many in one call.
//!
//! A ledger writes one call at a time, and often into the same database as the index: each call
//! then makes the index wait, and the other way round. So results gather for a moment and go
//! together, and no file waits for them.

use std::{sync::Arc, time::Duration};

use catchment_core::{Entry, EntryResult, Ledger, Result, Run};
use futures::future::BoxFuture;
use tokio::time::{Instant, sleep_until};

use crate::event::FileResult;

/// With so many results waiting, no further file is begun.
const ROOM: usize = 1_000;

/// So many results go at once.
const ENOUGH: usize = 100;

/// Or fewer, after so much time. Longer would be seen by a person who watches.
const MOMENT: Duration = Duration::from_millis(100);

/// Takes results to the ledger.
pub(crate) struct Recorder {
    ledger: Arc<dyn Ledger>,
    run: Run,
    results: Vec<(Entry, EntryResult)>,
    /// What to tell of each, once it is recorded.
    waiting: Vec<FileResult>,
    /// When those that wait go, however few.
    due: Instant,
    under_way: Option<BoxFuture<'static, Result<Vec<FileResult>>>>,
}

impl Recorder {
    pub(crate) fn new(ledger: Arc<dyn Ledger>, run: Run) -> Self {
        Self { ledger, run, results: Vec::new(), waiting: Vec::new(), due: Instant::now(), under_way: None }
    }

    pub(crate) fn add(&mut self, told: FileResult, result: (Entry, EntryResult)) {
        if self.waiting.is_empty() {
            self.due = Instant::now() + MOMENT;
        }
        self.waiting.push(told);
        self.results.push(result);
    }

    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < ROOM
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_none()
    }

    /// Waits for the results that are recorded next. `now` when there is nothing to gain by
    /// waiting for more. May be dropped before it is ready: the call goes on with the next poll.
    pub(crate) async fn recorded(&mut self, now: bool) -> Result<Vec<FileResult>> {
        let under_way = match &mut self.under_way {
            Some(under_way) => under_way,
            None => {
                if !now && self.waiting.len() < ENOUGH {
                    sleep_until(self.due).await;
                }
                let (ledger, run) = (Arc::clone(&self.ledger), self.run);
                let (results, told) = (std::mem::take(&mut self.results), std::mem::take(&mut self.waiting));
                self.under_way.insert(Box::pin(async move {
                    ledger.record(&run, &results).await?;
                    Ok(told)
                }))
            }
        };
        let recorded = under_way.await;
        self.under_way = None;
        recorded
    }

    /// Records what is left, as far as the ledger takes it.
    pub(crate) async fn rest(&mut self) -> Vec<FileResult> {
        let mut all = Vec::new();
        while !self.is_idle() {
            match self.recorded(true).await {
                Ok(told) => all.extend(told),
                Err(_) => break,
            }
        }
        all
    }
}
