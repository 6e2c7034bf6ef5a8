//! A ledger that tells what it is asked, and fails when it is told to.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use catchment_core::{
    Buried, Change, Complete, Cursor, Due, Entry, EntryId, EntryResult, Error, Feed, Following, IntegrationId, Known,
    Ledger, LedgerEntry, Result, Run, RunOutcome, Told, Unseen, async_trait,
};

use super::Log;

pub(crate) struct Spy {
    inner: Arc<dyn Ledger>,
    log: Log,
    /// The call that begins with this fails, once.
    pub(crate) fail: Mutex<Option<(String, Error)>>,
    /// Takes its time to record.
    pub(crate) slow: AtomicBool,
}

impl Spy {
    pub(crate) fn new(inner: Arc<dyn Ledger>, log: Log) -> Self {
        Self { inner, log, fail: Mutex::default(), slow: AtomicBool::default() }
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn fail(&self, call: &str, error: Error) {
        *self.fail.lock().unwrap() = Some((call.into(), error));
    }

    fn call(&self, call: String) -> Result<()> {
        let mut fail = self.fail.lock().unwrap();
        let meant = fail.as_ref().is_some_and(|(start, _)| call.starts_with(start.as_str()));
        self.log.lock().unwrap().push(call);
        if meant && let Some((_, error)) = fail.take() {
            return Err(error);
        }
        Ok(())
    }
}

#[async_trait]
impl Ledger for Spy {
    async fn begin(&self, integration: IntegrationId, roots: &[String]) -> Result<Run> {
        self.call(format!("begin {roots:?}"))?;
        self.inner.begin(integration, roots).await
    }

    async fn seen(&self, run: &Run, entries: &[Entry]) -> Result<Vec<Known>> {
        self.call(format!("seen {}", entries.len()))?;
        self.inner.seen(run, entries).await
    }

    async fn unsettle(&self, run: &Run, entry: &EntryId) -> Result<()> {
        self.call(format!("unsettle {entry}"))?;
        self.inner.unsettle(run, entry).await
    }

    async fn record(&self, run: &Run, results: &[(Entry, EntryResult)]) -> Result<()> {
        for (entry, _) in results {
            self.call(format!("record {}", entry.path))?;
        }
        for _ in 0..if self.slow.load(Ordering::SeqCst) { 100 } else { 0 } {
            tokio::task::yield_now().await;
        }
        self.inner.record(run, results).await
    }

    async fn unseen(&self, run: &Run, proof: &Complete) -> Result<Unseen> {
        self.call(format!("unseen {}", proof.path()))?;
        self.inner.unseen(run, proof).await
    }

    async fn bury(&self, run: &Run, proof: &Complete) -> Result<u64> {
        self.call(format!("bury {}", proof.path()))?;
        self.inner.bury(run, proof).await
    }

    async fn take_buried(&self, integration: IntegrationId, grace: Duration, limit: u32) -> Result<Vec<Buried>> {
        self.call("take".into())?;
        self.inner.take_buried(integration, grace, limit).await
    }

    async fn forget(&self, integration: IntegrationId, entries: &[EntryId]) -> Result<Vec<EntryId>> {
        self.call(format!("forget {}", entries.len()))?;
        self.inner.forget(integration, entries).await
    }

    async fn entries(
        &self,
        integration: IntegrationId,
        after: Option<&EntryId>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>> {
        self.inner.entries(integration, after, limit).await
    }

    async fn invalidate(&self, integration: IntegrationId, entries: &[EntryId]) -> Result<()> {
        self.call(format!("invalidate {}", entries.len()))?;
        self.inner.invalidate(integration, entries).await
    }

    async fn finish(&self, run: &Run, outcome: RunOutcome) -> Result<()> {
        self.call(format!("finish {outcome:?}"))?;
        self.inner.finish(run, outcome).await
    }
}

#[async_trait]
impl Following for Spy {
    async fn take_feed(&self, run: &Run) -> Result<Option<Feed>> {
        self.inner.take_feed(run).await
    }

    async fn drop_feed(&self, run: &Run) -> Result<()> {
        self.call("drop feed".into())?;
        self.inner.drop_feed(run).await
    }

    async fn start_feed(&self, run: &Run, feed: &Feed) -> Result<()> {
        self.call(format!("start feed {}", feed.cursor.as_str()))?;
        self.inner.start_feed(run, feed).await
    }

    async fn move_feed(&self, run: &Run, cursor: &Cursor) -> Result<()> {
        self.call(format!("move feed {}", cursor.as_str()))?;
        self.inner.move_feed(run, cursor).await
    }

    async fn doomed(&self, run: &Run, changes: &[Change]) -> Result<Unseen> {
        self.inner.doomed(run, changes).await
    }

    async fn told(&self, run: &Run, changes: &[Change]) -> Result<Told> {
        self.call(format!("told {}", changes.len()))?;
        self.inner.told(run, changes).await
    }

    async fn leave_feed(&self, run: &Run) -> Result<()> {
        self.call("leave feed".into())?;
        self.inner.leave_feed(run).await
    }

    async fn unlisted(&self, run: &Run, limit: u32) -> Result<Vec<Entry>> {
        self.inner.unlisted(run, limit).await
    }

    async fn found(&self, run: &Run, container: &EntryId, entries: &[Entry]) -> Result<Vec<(Entry, Known)>> {
        self.inner.found(run, container, entries).await
    }

    async fn listed(&self, run: &Run, container: &EntryId) -> Result<()> {
        self.inner.listed(run, container).await
    }

    async fn due(&self, run: &Run, after: Option<&EntryId>, limit: u32) -> Result<Vec<Due>> {
        self.inner.due(run, after, limit).await
    }
}
