//! How far a job is: cheap to count, looked at once a second.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use catchment_core::EntryId;
use catchment_engine::{Event, FileResult, Status};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Counts of what a job has done in its current attempt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = JobProgress)]
pub(crate) struct Counts {
    /// Files found so far.
    pub(crate) listed: u64,
    /// Files that have a result.
    pub(crate) finished: u64,
    /// Files that are in the index, new or anew.
    pub(crate) ingested: u64,
    /// Files that were in the index already.
    pub(crate) unchanged: u64,
    /// Files and folders that failed, now or before.
    pub(crate) failed: u64,
    /// Entries without content.
    pub(crate) skipped: u64,
    /// Chunks that were added to the index.
    pub(crate) chunks_added: u64,
    /// Bytes that were downloaded.
    pub(crate) bytes: u64,
    /// Files that are gone from the source, and now from the index.
    pub(crate) removed: u64,
    /// Files that are gone from the source and wait for a person's approval to be removed.
    pub(crate) parked: u64,
    /// What was begun last.
    pub(crate) current: Option<String>,
}

/// Counts that work and heart share.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    counts: Counts,
    /// Bytes of the files on their way: there are never many.
    on_the_way: HashMap<EntryId, u64>,
}

impl Progress {
    /// How far it is.
    pub(crate) fn counts(&self) -> Counts {
        let inner = self.lock();
        let mut counts = inner.counts.clone();
        counts.bytes += inner.on_the_way.values().sum::<u64>();
        counts
    }

    /// Counts an event of an import.
    pub(crate) fn count(&self, event: &Event) {
        let mut inner = self.lock();
        let Inner { counts, on_the_way } = &mut *inner;
        match event {
            Event::Listed { found } => counts.listed = counts.listed.max(*found),
            Event::Started { path, .. } => counts.current = Some(path.clone()),
            Event::Progress { entry, bytes } => {
                on_the_way.insert(entry.clone(), *bytes);
            }
            Event::Finished(file) => {
                on_the_way.remove(&file.entry);
                counts.finish(file);
            }
            Event::Removed { .. } => counts.removed += 1,
            Event::Parked { gone, .. } => counts.parked += gone,
            _ => {}
        }
    }

    /// Counts a path that could not be listed.
    pub(crate) fn unlisted(&self) {
        let mut inner = self.lock();
        inner.counts.finished += 1;
        inner.counts.failed += 1;
    }

    /// Nothing is on its way any more.
    pub(crate) fn ended(&self) {
        let mut inner = self.lock();
        inner.on_the_way.clear();
        inner.counts.current = None;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn finish(&mut self, file: &FileResult) {
        self.finished += 1;
        self.bytes += file.bytes;
        match file.status {
            Status::Ingested => {
                self.ingested += 1;
                self.chunks_added += u64::from(file.chunks);
            }
            Status::Unchanged => self.unchanged += 1,
            Status::Failed | Status::Quarantined => self.failed += 1,
            Status::Skipped => self.skipped += 1,
        }
    }
}
