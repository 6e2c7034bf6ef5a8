//! The board: who in this process waits for news of which job.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use catchment_core::Tenant;
use catchment_store::JobId;
use tokio::sync::{Notify, watch};

/// How many streams of events one user may have open.
const STREAMS: usize = 16;

/// News of jobs within this process. What runs elsewhere shows in the database alone.
#[derive(Debug, Default)]
pub(crate) struct Board {
    topics: Mutex<HashMap<JobId, Weak<Topic>>>,
    streams: Mutex<HashMap<Tenant, usize>>,
}

/// News of one job.
#[derive(Debug, Default)]
pub(crate) struct Topic {
    changed: watch::Sender<()>,
    stop: Notify,
}

/// A place among the streams of a user, until it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    board: Arc<Board>,
    tenant: Tenant,
}

impl Board {
    /// The topic of a job. It lives as long as somebody holds it.
    pub(crate) fn topic(&self, job: JobId) -> Arc<Topic> {
        let mut topics = lock(&self.topics);
        if let Some(topic) = topics.get(&job).and_then(Weak::upgrade) {
            return topic;
        }
        // Where a new one comes, those that nobody holds go: the map is as long as its use.
        topics.retain(|_, topic| topic.strong_count() > 0);
        let topic = Arc::<Topic>::default();
        topics.insert(job, Arc::downgrade(&topic));
        topic
    }

    /// A place for one more stream of a user, if there is one.
    pub(crate) fn slot(self: &Arc<Self>, tenant: &Tenant) -> Option<Slot> {
        let mut streams = lock(&self.streams);
        let open = streams.entry(tenant.clone()).or_default();
        if *open >= STREAMS {
            return None;
        }
        *open += 1;
        Some(Slot { board: Arc::clone(self), tenant: tenant.clone() })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut streams = lock(&self.board.streams);
        if let Some(open) = streams.get_mut(&self.tenant) {
            *open -= 1;
            if *open == 0 {
                streams.remove(&self.tenant);
            }
        }
    }
}

impl Topic {
    /// The row of the job has changed.
    pub(crate) fn tell(&self) {
        self.changed.send_replace(());
    }

    /// Hears of changes from now on.
    pub(crate) fn listen(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Somebody has asked the job to stop.
    pub(crate) fn ask_to_stop(&self) {
        self.stop.notify_one();
    }

    /// Waits until somebody asks the job to stop.
    pub(crate) async fn asked_to_stop(&self) {
        self.stop.notified().await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_so_many_streams_and_another_user_has_as_many() {
        let board = Arc::<Board>::default();
        let (eve, bob) = (Tenant::new("acme", "eve"), Tenant::new("acme", "bob"));
        let mut slots: Vec<_> = (0..STREAMS).map(|_| board.slot(&eve).expect("a place")).collect();
        assert!(board.slot(&eve).is_none());
        assert!(board.slot(&bob).is_some());
        slots.pop();
        assert!(board.slot(&eve).is_some(), "a place that was left is free");
        slots.clear();
        assert!(lock(&board.streams).is_empty(), "nothing is kept of who left");
    }

    #[test]
    fn a_topic_that_nobody_holds_is_forgotten() {
        let board = Board::default();
        let first = board.topic(JobId(1));
        assert!(Arc::ptr_eq(&first, &board.topic(JobId(1))));
        drop(first);
        let _second = board.topic(JobId(2));
        assert_eq!(lock(&board.topics).len(), 1);
    }
}
