//! `catchment import`: reads files and folders into the index.

use catchment_core::Result;
use catchment_engine::{Event, FileResult, Import, Source, Status, Summary};
use futures::StreamExt;
use serde_json::json;

use super::{progress::Progress, target::resolve};
use crate::{
    app::{App, Data},
    cli::{self, How, Target},
    exit::Exit,
    show::{self, plain},
};

/// The most rows of the table. Beyond it only files that failed are listed, up to as many.
const ROWS: usize = 200;

pub(crate) async fn run(app: &App, import: cli::Import) -> Result<Exit> {
    let data = app.open().await?;
    self::import(app, &data, &import.target, &import.paths, import.how).await
}

/// Imports, and shows what becomes of each file.
pub(crate) async fn import(app: &App, data: &Data, target: &Target, paths: &[String], how: How) -> Result<Exit> {
    let resolved = resolve(app, target).await?;
    // A wrong key, name or permission is said here, once, and not of each file.
    let account = resolved.connector.check().await?;
    let tenant = app.tenant();
    let integration = match resolved.stored {
        Some(stored) => stored,
        None => data.own().find_or_create(resolved.vendor, &account.name, &resolved.settings).await?,
    };
    let engine = app.engine(data, &tenant, how.concurrency)?;
    let source = Source { integration: integration.id, tenant, vendor: resolved.vendor.to_owned() };
    let mut import = Import::new(resolved.connector, source);
    import.paths = if paths.is_empty() { vec![resolved.path] } else { paths.to_vec() };
    import.portfolio = how.portfolio;
    import.full = how.full;
    import.approve_removals = how.approve_removals;

    let mut report = Report { app, progress: Progress::new(app.progress), rows: Vec::new(), more: 0 };
    let mut events = engine.import(import);
    let mut summary = None;
    while let Some(event) = events.next().await {
        match event? {
            Event::Done(done) => summary = Some(done),
            event => report.event(event)?,
        }
    }
    report.end(&summary.unwrap_or_default(), integration.id.0)
}

struct Report<'a> {
    app: &'a App,
    progress: Progress,
    rows: Vec<[String; 4]>,
    more: u64,
}

impl Report<'_> {
    fn event(&mut self, event: Event) -> Result<()> {
        self.progress.event(&event);
        match event {
            Event::Finished(file) => self.file(&file),
            Event::Unlisted { .. } | Event::Unfollowed { .. } | Event::Parked { .. } | Event::Removed { .. }
                if self.app.json =>
            {
                self.app.line(&event)
            }
            Event::Unfollowed { error } => {
                self.progress.say(&format!("everything is listed: {}", plain(&error.message)));
                Ok(())
            }
            Event::Unlisted { path, error } => {
                self.progress.say(&format!("cannot list {}: {}", plain(&path), plain(&error.message)));
                Ok(())
            }
            Event::Parked { gone, of, .. } => {
                self.progress.say(&format!(
                    "{gone} of {of} files are gone at the source. That is unusually much, so they stay in the index: \
                     if it is right, import again with --approve-removals"
                ));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn file(&mut self, file: &FileResult) -> Result<()> {
        if self.app.json {
            let success = matches!(file.status, Status::Ingested | Status::Unchanged);
            return self.app.line(&json!({
                "event": "file",
                "file_path": file.path,
                "status": file.status,
                "success": success,
                "chunks_added": if file.status == Status::Ingested { file.chunks } else { 0 },
                "bytes": file.bytes,
                "error": file.error,
                "duration_ms": file.duration.as_millis() as u64,
            }));
        }
        let bad = !matches!(file.status, Status::Ingested | Status::Unchanged);
        if self.rows.len() >= ROWS && !bad || self.rows.len() >= 2 * ROWS {
            self.more += 1;
            return Ok(());
        }
        let what = match (&file.error, file.status) {
            (Some(error), _) => plain(&error.message),
            (None, Status::Ingested) => {
                format!("{} {}", file.chunks, if file.chunks == 1 { "passage" } else { "passages" })
            }
            (None, _) => String::new(),
        };
        self.rows.push([plain(&file.path), word(file.status).to_owned(), show::size(file.bytes), what]);
        Ok(())
    }

    fn end(mut self, summary: &Summary, integration: i64) -> Result<Exit> {
        self.progress.end();
        let bad = summary.failed + summary.quarantined;
        let exit = if bad > 0 || !summary.complete || summary.parked > 0 { Exit::Partial } else { Exit::Done };
        if self.app.json {
            self.app.line(&json!({
                "event": "summary",
                "integration_id": integration,
                "total_files": summary.files(),
                "successful": summary.ingested + summary.unchanged,
                "ingested": summary.ingested,
                "unchanged": summary.unchanged,
                "failed": bad,
                "skipped": summary.skipped,
                "removed": summary.removed,
                "parked": summary.parked,
                "complete": summary.complete,
                "followed": summary.followed,
                "bytes": summary.bytes,
                "elapsed_ms": summary.elapsed.as_millis() as u64,
            }))?;
            return Ok(exit);
        }
        if !self.rows.is_empty() {
            self.rows.sort();
            let mut table = show::table(&["File", "Result", "Size", ""]);
            for row in self.rows.drain(..) {
                table.add_row(row);
            }
            println!("{table}");
        }
        if self.more > 0 {
            println!("... and {} more files", self.more);
        }
        println!("{}", sentence(summary));
        Ok(exit)
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Ingested => "imported",
        Status::Unchanged => "unchanged",
        Status::Failed => "FAILED",
        Status::Skipped => "skipped",
        Status::Quarantined => "FAILED before",
    }
}

/// The summary in a sentence: "14 imported, 2 failed; 312 KiB in 0.4 s", and whether it came without
/// a listing.
fn sentence(summary: &Summary) -> String {
    let counts = [
        (summary.ingested, "imported"),
        (summary.unchanged, "unchanged"),
        (summary.failed, "failed"),
        (summary.quarantined, "failed before and not tried again yet"),
        (summary.skipped, "skipped"),
        (summary.removed, "removed"),
    ];
    let nothing = if summary.followed.is_some() { "Nothing has changed" } else { "Nothing to import" };
    let counts = show::counts(&counts).unwrap_or_else(|| nothing.to_owned());
    let changes = match summary.followed {
        Some(0) | None => String::new(),
        Some(1) => "; by 1 change that the feed told of".to_owned(),
        Some(changes) => format!("; by {changes} changes that the feed told of"),
    };
    format!("{counts}; {} in {:.1} s{changes}", show::size(summary.bytes), summary.elapsed.as_secs_f64())
}
