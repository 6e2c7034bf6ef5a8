//! A walk that runs ahead: the next page comes while this one is looked at.

use std::sync::Arc;

use catchment_core::{Connector, Entry, PageRequest, Step, walk::walk};
use futures::{Stream, StreamExt};
use tokio::{sync::mpsc, task::JoinSet};

/// Walks everything below `root` on a task of its own, as [`walk`] does, a page or two ahead of whoever takes the steps.
/// Of a connector that cannot browse there are none. Dropping the stream stops the walk. A walk that panics ends
/// without its last step.
pub fn walk_ahead(
    connector: Arc<dyn Connector>,
    root: Entry,
    page: PageRequest,
) -> impl Stream<Item = Step> + Send + 'static {
    async_stream::stream! {
        let (send, mut steps) = mpsc::channel(1);
        // Stops its task when it is dropped.
        let mut task = JoinSet::new();
        task.spawn(async move {
            let Some(browse) = connector.browse() else { return };
            let steps = walk(browse, root, page);
            futures::pin_mut!(steps);
            while let Some(step) = steps.next().await {
                if send.send(step).await.is_err() {
                    return;
                }
            }
        });
        while let Some(step) = steps.recv().await {
            yield step;
        }
    }
}
