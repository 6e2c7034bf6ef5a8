//! Events: what a download tells while it runs.

use std::{path::PathBuf, time::Duration};

use serde::Serialize;

use crate::event::Failure;

/// What happens in a download.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum DownloadEvent {
    /// So many files have been found so far.
    Listed {
        /// Files and special entries.
        found: u64,
    },
    /// A container could not be listed. The download goes on, and will not be complete.
    Unlisted {
        /// Its path.
        path: String,
        /// Why.
        error: Failure,
    },
    /// Bytes of a file have come. Not sent for small files.
    Progress {
        /// Its path.
        path: String,
        /// How many bytes of it there are by now.
        bytes: u64,
    },
    /// A file has its result.
    File(DownloadedFile),
    /// The download has ended. Always the last event, unless an error was.
    Done(DownloadSummary),
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DownloadedFile {
    /// Its path at the source.
    pub path: String,
    /// Where it is below the folder.
    pub to: PathBuf,
    /// What became of it.
    pub status: DownloadStatus,
    /// How many bytes were downloaded.
    pub bytes: u64,
    /// SHA-256 of the bytes, lower-case hexadecimal; of a file that was downloaded.
    pub sha256: Option<String>,
    /// Why, if it was skipped or failed.
    pub error: Option<Failure>,
    /// How long it took.
    pub duration: Duration,
}

/// What can become of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DownloadStatus {
    /// It is there, new or anew.
    Downloaded,
    /// It was there already, of this size and time.
    Unchanged,
    /// It has no content that could be had: a socket, a dangling link, an archived object.
    Skipped,
    /// It could not be downloaded, or has no name that it could have here. What was there before stays.
    Failed,
}

/// How a download went.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DownloadSummary {
    /// Files that were downloaded.
    pub downloaded: u64,
    /// Files that were there already.
    pub unchanged: u64,
    /// Entries without content.
    pub skipped: u64,
    /// Files that failed.
    pub failed: u64,
    /// Bytes that were downloaded.
    pub bytes: u64,
    /// Whether everything was listed without an error.
    pub complete: bool,
    /// How long it took.
    pub elapsed: Duration,
}

impl DownloadSummary {
    /// How many entries have a result.
    pub fn files(&self) -> u64 {
        self.downloaded + self.unchanged + self.skipped + self.failed
    }

    pub(super) fn count(&mut self, file: &DownloadedFile) {
        self.bytes += file.bytes;
        *match file.status {
            DownloadStatus::Downloaded => &mut self.downloaded,
            DownloadStatus::Unchanged => &mut self.unchanged,
            DownloadStatus::Skipped => &mut self.skipped,
            DownloadStatus::Failed => &mut self.failed,
        } += 1;
    }
}
