//! Recording: results on their way into the ledger, many in one call.
//!
//! A ledger writes one call at a time, and often into the same database as the index. While a
//! call is under way, the results of other files gather for the next one, and no file waits.

use std::sync::Arc;

use catchment_core::{Ledger, Result, Run};
use futures::future::BoxFuture;

use crate::file::Done;

/// With so many results waiting, no further file is begun.
const ROOM: usize = 1_000;

/// Takes results to the ledger.
pub(crate) struct Recorder {
    ledger: Arc<dyn Ledger>,
    run: Run,
    waiting: Vec<Done>,
    under_way: Option<BoxFuture<'static, Result<Vec<Done>>>>,
}

impl Recorder {
    pub(crate) fn new(ledger: Arc<dyn Ledger>, run: Run) -> Self {
        Self { ledger, run, waiting: Vec::new(), under_way: None }
    }

    pub(crate) fn add(&mut self, done: Done) {
        self.waiting.push(done);
    }

    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < ROOM
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_none()
    }

    /// Waits for the results that are recorded next. To be polled until it is ready, but it may
    /// be dropped in between: the call goes on with the next poll.
    pub(crate) async fn recorded(&mut self) -> Result<Vec<Done>> {
        let under_way = match &mut self.under_way {
            Some(under_way) => under_way,
            None => {
                let done = std::mem::take(&mut self.waiting);
                self.under_way.insert(Box::pin(record(Arc::clone(&self.ledger), self.run, done)))
            }
        };
        let recorded = under_way.await;
        self.under_way = None;
        recorded
    }

    /// Records what is left, as far as the ledger takes it.
    pub(crate) async fn rest(&mut self) -> Vec<Done> {
        let mut all = Vec::new();
        while !self.is_idle() {
            match self.recorded().await {
                Ok(done) => all.extend(done),
                Err(_) => break,
            }
        }
        all
    }
}

async fn record(ledger: Arc<dyn Ledger>, run: Run, done: Vec<Done>) -> Result<Vec<Done>> {
    let (results, rest): (Vec<_>, Vec<_>) =
        done.into_iter().map(|Done { result, record, passing }| (record, (result, passing))).unzip();
    ledger.record(&run, &results).await?;
    let whole = results.into_iter().zip(rest);
    Ok(whole.map(|(record, (result, passing))| Done { result, record, passing }).collect())
}
