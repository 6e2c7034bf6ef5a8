//! Work of the file system, off the threads that serve everybody else.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use catchment_core::{Error, ErrorKind, Result};

/// Set once nobody waits for the work any more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cancelled(Arc<AtomicBool>);

struct OnDrop(Cancelled);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Cancelled {
    /// Ends long work early. Nobody sees the error.
    pub(crate) fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unavailable, "nobody waits for this any more"));
        }
        Ok(())
    }
}

/// Runs `work` on the pool for blocking work. When the future is dropped, work that has not begun
/// never begins, and work that asks [`Cancelled::check`] ends.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce(&Cancelled) -> Result<T> + Send + 'static,
) -> Result<T> {
    let cancelled = Cancelled::default();
    let _on_drop = OnDrop(cancelled.clone());
    let task = tokio::task::spawn_blocking(move || {
        cancelled.check()?;
        work(&cancelled)
    });
    task.await.map_err(|error| Error::internal("reading the file system failed unexpectedly").source(error))?
}
