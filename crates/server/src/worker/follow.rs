//! Following a job to its end, wherever it runs.

use std::{sync::Arc, time::Duration};

use catchment_core::Result;
use catchment_store::{Job, JobId, Scoped};
use tokio::sync::watch;

use super::board::Topic;
use crate::state::App;

/// How often the row of a job is looked at that may run on another server.
const LOOK: Duration = Duration::from_millis(500);

/// Gives a job whenever it has changed. What happens in this process is told at once, what
/// happens on another server is found in the database within half a second.
pub(crate) struct Follow {
    app: Arc<App>,
    scoped: Scoped,
    id: JobId,
    news: watch::Receiver<()>,
    /// So that worker and follower find the same one.
    _topic: Arc<Topic>,
    seen: Option<i64>,
}

impl Follow {
    /// Follows a job from behind the revision `seen`.
    pub(crate) fn new(app: Arc<App>, scoped: Scoped, id: JobId, seen: Option<i64>) -> Self {
        let topic = app.board.topic(id);
        Self { app, scoped, id, news: topic.listen(), _topic: topic, seen }
    }

    /// The job once it has changed. `None` when the server stops. Cancel-safe.
    ///
    /// # Errors
    /// `NotFound` once the job was deleted.
    pub(crate) async fn changed(&mut self) -> Result<Option<Job>> {
        loop {
            // Before the look: news that comes while it looks are looked at again.
            self.news.borrow_and_update();
            let job = self.scoped.job(self.id).await?;
            if self.seen.is_none_or(|seen| job.revision > seen) {
                self.seen = Some(job.revision);
                return Ok(Some(job));
            }
            tokio::select! {
                biased;
                () = self.app.stopping.cancelled() => return Ok(None),
                // The sender lives as long as the topic does.
                _ = self.news.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}
