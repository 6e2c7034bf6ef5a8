//! Downloads: what a connector lists, as files in a folder.

mod drive;
mod event;
mod folder;
mod write;

use std::{path::PathBuf, sync::Arc};

use catchment_core::{Connector, Result};
use futures::stream::BoxStream;

use crate::engine::Options;
pub use event::{DownloadEvent, DownloadStatus, DownloadSummary, DownloadedFile};

/// What to download, and where to.
#[derive(Debug, Clone)]
pub struct FolderDownload {
    /// Where from.
    pub connector: Arc<dyn Connector>,
    /// A path below the integration's root: a container with everything below it, or one file. "" is everything.
    pub path: String,
    /// The folder the files go into; it is made if it is not there. A file's path in it is its path below
    /// [`path`](Self::path); a single file has its name alone.
    pub folder: PathBuf,
}

impl FolderDownload {
    /// Downloads, and tells what happens. Of the options, those about concurrency, pages, size and retries count.
    ///
    /// A file appears under its name when all of it is there, with the time the vendor says it last changed; until then
    /// it has no name, or one of its own that goes when the download does. One that is there already, of the same size and
    /// time, is left as it is. Nothing is deleted. Nothing is written outside of the folder, whatever a vendor calls its
    /// files; a link inside the folder that leads out of it is not followed. Files are not synced to disk one by one.
    ///
    /// A file that fails is an event. An error ends the stream: the source does not accept the credential, the path is
    /// not there, the folder cannot be written, or [`Options::give_up_after`] files in a row failed for reasons that
    /// pass. Dropping the stream stops everything; files that are complete stay.
    pub fn run(self, options: Options) -> BoxStream<'static, Result<DownloadEvent>> {
        drive::run(self, Arc::new(options))
    }
}
