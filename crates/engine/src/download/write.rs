//! Writing: the bytes of one file into the folder, hashed on the way.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use bytes::Bytes;
use cap_tempfile::TempFile;
use catchment_core::{Error, Result};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
};

use super::folder::{Folder, set_modified};
use crate::{fetch::Sink, file::Fault};

/// So many bytes are written at once. A smaller file is written in one go, by a thread that others use as well.
const BLOCK: usize = 1 << 20;

/// Collects the bytes of a file and writes them.
pub(super) struct File {
    folder: Arc<Folder>,
    place: PathBuf,
    length: u64,
    waiting: Vec<Bytes>,
    waiting_bytes: usize,
    writer: Option<Writer>,
}

/// A thread that writes a large file while its next bytes come. It ends, and what it wrote is gone, when this is dropped.
struct Writer {
    steps: mpsc::Sender<Step>,
    written: oneshot::Receiver<Result<String, Fault>>,
}

enum Step {
    Write(Vec<Bytes>),
    Keep(Option<DateTime<Utc>>),
}

impl File {
    pub(super) fn new(folder: Arc<Folder>, place: PathBuf) -> Self {
        Self { folder, place, length: 0, waiting: Vec::new(), waiting_bytes: 0, writer: None }
    }

    /// Gives the file its name and time, and its SHA-256 back.
    pub(super) async fn keep(mut self, modified: Option<DateTime<Utc>>) -> Result<String, Fault> {
        let Some(writer) = self.writer.take() else {
            let Self { folder, place, waiting, .. } = self;
            let written = spawn_blocking(move || {
                let steps = [Step::Write(waiting), Step::Keep(modified)];
                write(&folder, &place, &mut steps.into_iter()).and_then(|hash| hash.ok_or_else(ended))
            });
            return written.await.unwrap_or_else(|_| Err(ended()));
        };
        let rest = std::mem::take(&mut self.waiting);
        for step in [Step::Write(rest), Step::Keep(modified)] {
            // If it has ended, it says why below.
            drop(writer.steps.send(step).await);
        }
        writer.written.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Hands the bytes that wait to the writer, which begins with the first ones.
    async fn hand_over(&mut self) -> Result<(), Fault> {
        let block = Step::Write(std::mem::take(&mut self.waiting));
        self.waiting_bytes = 0;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(Writer::start(Arc::clone(&self.folder), self.place.clone())?),
        };
        if writer.steps.send(block).await.is_ok() {
            return Ok(());
        }
        match self.writer.take() {
            Some(writer) => {
                Err(writer.written.await.map_or_else(|_| ended(), |result| result.err().unwrap_or_else(ended)))
            }
            None => Err(ended()),
        }
    }
}

impl Sink for File {
    fn length(&self) -> u64 {
        self.length
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), Fault> {
        self.length += bytes.len() as u64;
        self.waiting_bytes += bytes.len();
        self.waiting.push(bytes);
        if self.waiting_bytes < BLOCK { Ok(()) } else { self.hand_over().await }
    }

    fn restart(&mut self) {
        *self = Self::new(Arc::clone(&self.folder), std::mem::take(&mut self.place));
    }
}

impl Writer {
    fn start(folder: Arc<Folder>, place: PathBuf) -> Result<Self, Fault> {
        let (steps, mut received) = mpsc::channel(1);
        let (done, written) = oneshot::channel();
        // Not one of the runtime's: it waits for the network most of the time.
        let work = move || {
            let mut steps = std::iter::from_fn(|| received.blocking_recv());
            let result = write(&folder, &place, &mut steps).and_then(|hash| hash.ok_or_else(ended));
            // Nobody listens once the download was dropped.
            drop(done.send(result));
        };
        let started = thread::Builder::new().name("catchment-write".into()).spawn(work);
        started
            .map_err(|error| Fault::Abort(Error::internal("no thread can be started to write a file").source(error)))?;
        Ok(Self { steps, written })
    }
}

/// Writes what comes, up to the name. `None` if that never comes: then nothing stays.
fn write(folder: &Folder, place: &Path, steps: &mut dyn Iterator<Item = Step>) -> Result<Option<String>, Fault> {
    let fault = |error: io::Error| folder.fault(error, place);
    let name = place.file_name().ok_or_else(ended)?;
    let above = folder.above(place)?;
    let mut file = TempFile::new(&above).map_err(fault)?;
    let mut hash = Sha256::new();
    for step in steps {
        match step {
            Step::Write(block) => {
                for bytes in block {
                    hash.update(&bytes);
                    file.write_all(&bytes).map_err(fault)?;
                }
            }
            Step::Keep(modified) => {
                if let Some(modified) = modified {
                    set_modified(file.as_file(), modified.into()).map_err(fault)?;
                }
                file.replace(name).map_err(fault)?;
                return Ok(Some(hex::encode(hash.finalize())));
            }
        }
    }
    Ok(None)
}

fn ended() -> Fault {
    Fault::Abort(Error::internal("a file was not written to its end"))
}
