//! `catchment download`: files as they are, into a folder.

use std::path::{self, Component, Path, PathBuf};

use catchment_core::{Error, Result, Vendor};
use catchment_engine::{DownloadEvent, DownloadStatus, DownloadSummary, DownloadedFile, FolderDownload, Options};
use catchment_folder::Folder;
use futures::StreamExt;
use serde_json::{Value, json};

use super::{
    progress::Progress,
    target::{Resolved, resolve},
};
use crate::{
    app::App,
    cli,
    exit::Exit,
    show::{self, plain},
};

pub(crate) async fn run(app: &App, download: cli::Download) -> Result<Exit> {
    let resolved = resolve(app, &download.target).await?;
    let path = if download.path.is_empty() { resolved.path.clone() } else { download.path };
    apart(&resolved, &path, &download.to)?;
    let concurrency = download.concurrency.get();
    let options = Options { concurrency, max_bytes: download.max_bytes, ..Options::default() };
    let folder = FolderDownload { connector: resolved.connector, path, folder: download.to };
    let mut events = folder.run(options);
    let mut report = Report { app, progress: Progress::new(app.progress) };
    while let Some(event) = events.next().await {
        if let Some(exit) = report.event(event?)? {
            return Ok(exit);
        }
    }
    Err(Error::internal("the download did not say how it ended"))
}

/// A folder of this machine cannot be downloaded into itself: what arrives would be listed and downloaded again,
/// without end.
fn apart(resolved: &Resolved, path: &str, to: &Path) -> Result<()> {
    let root = resolved.settings.get("path").and_then(Value::as_str).filter(|_| resolved.vendor == Folder::ID);
    let Some(from) = root.and_then(|root| Path::new(root).join(path).canonicalize().ok()) else { return Ok(()) };
    // It may have to be made: what is there of it says where it will be.
    let mut whole = PathBuf::new();
    for part in path::absolute(to).unwrap_or_else(|_| to.to_owned()).components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            part => whole.push(part),
        }
    }
    match whole.ancestors().find_map(|above| above.canonicalize().ok()) {
        Some(there) if there.starts_with(&from) => {
            let error = Error::config("to", "the folder is in the one that is downloaded: choose another");
            Err(error.with("path", to.display()))
        }
        _ => Ok(()),
    }
}

struct Report<'a> {
    app: &'a App,
    progress: Progress,
}

impl Report<'_> {
    fn event(&mut self, event: DownloadEvent) -> Result<Option<Exit>> {
        match &event {
            DownloadEvent::Listed { found } => self.progress.found(*found),
            DownloadEvent::File(file) => {
                let failed = file.status == DownloadStatus::Failed;
                self.progress.finished(&file.path, file.bytes, failed);
            }
            _ => {}
        }
        match event {
            DownloadEvent::Done(summary) => return self.end(&summary).map(Some),
            DownloadEvent::File(file) => self.file(&file)?,
            DownloadEvent::Unlisted { path, error } if self.app.json => {
                self.app.line(&json!({ "event": "unlisted", "path": path, "error": error }))?;
            }
            DownloadEvent::Unlisted { path, error } => {
                self.progress.say(&format!("cannot list {}: {}", plain(&path), plain(&error.message)));
            }
            _ => {}
        }
        Ok(None)
    }

    fn file(&self, file: &DownloadedFile) -> Result<()> {
        if self.app.json {
            return self.app.line(&json!({
                "event": "file",
                "file_path": file.path,
                "to": file.to.to_string_lossy(),
                "status": file.status,
                "bytes": file.bytes,
                "sha256": file.sha256,
                "error": file.error,
                "duration_ms": file.duration.as_millis() as u64,
            }));
        }
        // A person wants to know of what is not there.
        if let Some(error) = &file.error {
            let what = if file.status == DownloadStatus::Skipped { "skipped" } else { "FAILED" };
            self.progress.say(&format!("{what} {}: {}", plain(&file.path), plain(&error.message)));
        }
        Ok(())
    }

    fn end(&self, summary: &DownloadSummary) -> Result<Exit> {
        self.progress.end();
        let exit = if summary.failed > 0 || !summary.complete { Exit::Partial } else { Exit::Done };
        if self.app.json {
            self.app.line(&json!({
                "event": "summary",
                "total_files": summary.files(),
                "downloaded": summary.downloaded,
                "unchanged": summary.unchanged,
                "skipped": summary.skipped,
                "failed": summary.failed,
                "complete": summary.complete,
                "bytes": summary.bytes,
                "elapsed_ms": summary.elapsed.as_millis() as u64,
            }))?;
        } else {
            println!("{}", sentence(summary));
        }
        Ok(exit)
    }
}

/// The summary in a sentence: "14 downloaded, 2 failed; 312 KiB in 0.4 s".
fn sentence(summary: &DownloadSummary) -> String {
    let counts = [
        (summary.downloaded, "downloaded"),
        (summary.unchanged, "there already"),
        (summary.skipped, "skipped"),
        (summary.failed, "failed"),
    ];
    let counts = show::counts(&counts).unwrap_or_else(|| "Nothing to download".to_owned());
    format!("{counts}; {} in {:.1} s", show::size(summary.bytes), summary.elapsed.as_secs_f64())
}
