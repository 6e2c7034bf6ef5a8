//! What one document may cost, and the budget that a parse spends.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use catchment_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// What one document may cost. Over a limit, only that document fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Bytes of the file itself.
    pub bytes: u64,
    /// Bytes of text that come out of it.
    pub text: u64,
    /// Pages, slides or sheets.
    pub pages: u32,
    /// Time for one document. The sandbox ends a worker that takes longer.
    pub time: Duration,
    /// Bytes of address space a worker process may take.
    pub memory: u64,
    /// Bytes that may come out of decompression, over all parts of the file.
    pub decompressed: u64,
    /// How many times larger than the file the decompressed parts may be in all, once they are
    /// over 16 MiB. Real office files stay below 200.
    pub ratio: u64,
    /// How deep elements, archives and messages may nest.
    pub nesting: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 100 << 20,
            text: 64 << 20,
            pages: 20_000,
            time: Duration::from_secs(60),
            memory: 1 << 30,
            decompressed: 512 << 20,
            ratio: 200,
            nesting: 256,
        }
    }
}

/// How deep files may lie inside files. Every level takes stack, which `Limits::nesting`, made for
/// elements, would not keep in bounds.
const FILES_DEEP: u32 = 8;

/// What is left of the [`Limits`] while one document is parsed. Every parser asks it before it
/// spends: the sandbox is the boundary that holds, the budget is the one that explains.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: Limits,
    file: u64,
    started: Instant,
    text: u64,
    decompressed: u64,
    pages: u32,
    cancelled: Option<Arc<AtomicBool>>,
    inside: u32,
}

impl Budget {
    /// A budget for a file of `file` bytes.
    pub(crate) fn new(limits: &Limits, file: u64) -> Result<Self> {
        let budget = Self {
            limits: limits.clone(),
            file,
            started: Instant::now(),
            text: 0,
            decompressed: 0,
            pages: 0,
            cancelled: None,
            inside: 0,
        };
        if file > limits.bytes {
            return Err(file_too_large(limits.bytes));
        }
        Ok(budget)
    }

    /// Ends the parse at the next look once `flag` is set.
    pub(crate) fn cancelled_by(mut self, flag: Arc<AtomicBool>) -> Self {
        self.cancelled = Some(flag);
        self
    }

    /// Fails once the time is up. Cheap enough for every element of a document.
    pub(crate) fn tick(&self) -> Result<()> {
        if self.started.elapsed() > self.limits.time {
            return Err(timeout(self.limits.time));
        }
        if self.cancelled.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return Err(Error::new(ErrorKind::Unreadable, "reading was cancelled"));
        }
        Ok(())
    }

    /// Counts one more page, slide or sheet and gives its number, from 1.
    pub(crate) fn page(&mut self) -> Result<u32> {
        self.tick()?;
        if self.pages >= self.limits.pages {
            return Err(too_large(
                "more pages than the limit: raise the limit on pages, or split the file",
                self.limits.pages,
            ));
        }
        self.pages += 1;
        Ok(self.pages)
    }

    /// Counts `bytes` of text.
    pub(crate) fn text(&mut self, bytes: usize) -> Result<()> {
        self.tick()?;
        self.text = self.text.saturating_add(bytes as u64);
        if self.text > self.limits.text {
            return Err(too_large(
                "more text than the limit: raise the limit on text, or split the file",
                self.limits.text,
            ));
        }
        Ok(())
    }

    /// Counts `bytes` that came out of decompression. Call it per chunk while decompressing.
    pub(crate) fn decompressed(&mut self, bytes: u64) -> Result<()> {
        self.tick()?;
        self.decompressed = self.decompressed.saturating_add(bytes);
        let expansion = self.file.saturating_mul(self.limits.ratio).max(16 << 20);
        if self.decompressed > self.limits.decompressed.min(expansion) {
            return Err(too_large(
                "decompresses to far more than the file holds, as a zip bomb does: the file was left out",
                self.limits.decompressed.min(expansion),
            ));
        }
        Ok(())
    }

    /// Reads a file inside this file, such as an attachment, unless it lies too deep.
    pub(crate) fn inside<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.inside >= FILES_DEEP {
            return Err(too_large("files inside files deeper than the limit: it was left out", FILES_DEEP));
        }
        self.inside += 1;
        let result = read(self);
        self.inside -= 1;
        result
    }

    /// Fails when `depth` is over the limit on nesting.
    pub(crate) fn depth(&self, depth: u32) -> Result<()> {
        if depth > self.limits.nesting {
            return Err(too_large("nested deeper than the limit: the file was left out", self.limits.nesting));
        }
        Ok(())
    }
}

/// The error for a file over the limit on bytes.
pub(crate) fn file_too_large(limit: u64) -> Error {
    too_large("the file is larger than the limit: raise the limit on bytes, or leave the file out", limit)
}

/// The error for a parse that took too long.
pub(crate) fn timeout(limit: Duration) -> Error {
    Error::new(
        ErrorKind::Unreadable,
        "reading took longer than the limit: raise the limit on time, or leave the file out",
    )
    .with("limit_seconds", limit.as_secs_f64())
}

fn too_large(message: &'static str, limit: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::TooLarge, message).with("limit", limit)
}
