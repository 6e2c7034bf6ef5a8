//! Progress: a bar on standard error while an import runs.

use std::time::Duration;

use catchment_engine::{Event, Status};
use indicatif::{ProgressBar, ProgressStyle};

use crate::show::plain;

/// A bar, if there is a terminal to draw it on.
pub(crate) struct Progress {
    bar: ProgressBar,
    failed: u64,
    bytes: u64,
}

impl Progress {
    pub(crate) fn new(wanted: bool) -> Self {
        let bar = if wanted { ProgressBar::new(0) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{spinner} {bar:30} {pos}/{len} files  {prefix}  {wide_msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        if wanted {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self { bar, failed: 0, bytes: 0 }
    }

    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::Listed { found } => self.found(*found),
            Event::Started { path, .. } => self.bar.set_message(plain(path)),
            Event::Finished(file) => {
                self.finished(&file.path, file.bytes, matches!(file.status, Status::Failed | Status::Quarantined));
            }
            Event::Removed { path, .. } => self.bar.set_message(format!("removing {}", plain(path))),
            _ => {}
        }
    }

    /// So many files have been found so far.
    pub(crate) fn found(&self, files: u64) {
        self.bar.set_length(files);
    }

    /// One file more is done.
    pub(crate) fn finished(&mut self, path: &str, bytes: u64, failed: bool) {
        self.bytes += bytes;
        self.failed += u64::from(failed);
        let failed = if self.failed == 0 { String::new() } else { format!(", {} failed", self.failed) };
        self.bar.set_message(plain(path));
        self.bar.set_prefix(format!("{}{failed}", crate::show::size(self.bytes)));
        self.bar.inc(1);
    }

    /// A line above the bar.
    pub(crate) fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
