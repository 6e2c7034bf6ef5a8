//! `catchment download`: files as they are, into a folder.

use catchment_core::{Error, Result};
use catchment_engine::{DownloadEvent, DownloadStatus, DownloadSummary, DownloadedFile, FolderDownload, Options};
use futures::StreamExt;
use serde_json::json;

use super::{progress::Progress, target::resolve};
use crate::{
    app::App,
    cli,
    exit::Exit,
    show::{self, plain},
};

pub(crate) async fn run(app: &App, download: cli::Download) -> Result<Exit> {
    let resolved = resolve(app, &download.target).await?;
    let path = if download.path.is_empty() { resolved.path } else { download.path };
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
