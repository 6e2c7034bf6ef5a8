//! The parent's side: a pool of workers, each with one document at a time.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use catchment_core::{Error, ErrorKind, Result};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader, BufWriter},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    sync::Semaphore,
    task::JoinHandle,
};

use super::{
    ARGUMENT, can_be_worker,
    protocol::{self, CHUNK, HELLO, Reply, Request},
    source::{self, Opened},
    verdict::verdict,
};
use crate::{Input, Limits, Parsed, Source, limits};

/// How long a worker may be busy in all before it is replaced. Its limit on processor time is a
/// little above, so that the limit never strikes a worker in good standing.
pub(crate) const MOST_BUSY: Duration = Duration::from_secs(600);

/// How long a new worker may take to say hello.
const START: Duration = Duration::from_secs(20);

/// How much of a worker's standard error is kept.
const STDERR: usize = 8 << 10;

/// Workers that wait, and the right to run so many at once.
#[derive(Debug)]
pub(crate) struct Pool {
    program: Option<PathBuf>,
    limits: Limits,
    settings: Vec<u8>,
    recycle_after: u32,
    slots: Semaphore,
    idle: Mutex<Vec<Worker>>,
}

/// One worker process. Dropping it kills it.
#[derive(Debug)]
struct Worker {
    child: Child,
    input: BufWriter<ChildStdin>,
    output: BufReader<ChildStdout>,
    errors: Option<Errors>,
    documents: u32,
    busy: Duration,
    resident: u64,
}

/// Keeps the standard error of a worker from filling its pipe, and the start of it.
#[derive(Debug)]
struct Errors(JoinHandle<Vec<u8>>);

/// Why an exchange with a worker did not end in a reply.
enum Broken {
    /// The worker is gone, or does not speak the protocol.
    Worker,
    /// The file could not be read in this process.
    File(Error),
}

impl Pool {
    pub(crate) fn new(program: Option<PathBuf>, limits: Limits, workers: usize, recycle_after: u32) -> Result<Self> {
        if program.is_none() && !can_be_worker() {
            return Err(Error::new(
                ErrorKind::Config,
                "this program cannot serve as its own parse worker: call catchment_documents::sandbox::run_if_worker() \
                 first in main, or name a worker program",
            ));
        }
        let settings =
            serde_json::to_vec(&limits).map_err(|error| Error::internal("limits are not JSON").source(error))?;
        let idle = Mutex::new(Vec::with_capacity(workers));
        Ok(Self { program, limits, settings, recycle_after, slots: Semaphore::new(workers), idle })
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn idle(&self) -> Vec<u32> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter().filter_map(|worker| worker.child.id()).collect()
    }

    /// Dropping this future drops its worker with it, and so kills it.
    pub(crate) async fn parse(&self, input: Input) -> Result<Parsed> {
        if let Source::Bytes(bytes) = &input.source
            && bytes.len() as u64 > self.limits.bytes
        {
            return Err(limits::file_too_large(self.limits.bytes));
        }
        let _slot = self.slots.acquire().await.map_err(|error| Error::internal("the pool is closed").source(error))?;
        let Opened { first, rest } = open(&input.source, self.limits.bytes).await?;
        let mut worker = match self.take() {
            Some(worker) => worker,
            None => self.start().await?,
        };

        let started = Instant::now();
        let exchange = worker.exchange(&input, first, rest, &self.limits);
        let reply = match tokio::time::timeout(self.limits.time, exchange).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(Broken::File(error))) => return Err(error),
            Ok(Err(Broken::Worker)) => return Err(worker.end(&self.limits).await),
            Err(_) => {
                worker.kill().await;
                return Err(limits::timeout(self.limits.time));
            }
        };
        worker.documents += 1;
        worker.busy += started.elapsed();
        worker.resident = reply.resident.unwrap_or(0);
        self.put_back(worker);
        reply.result.map_err(Error::from)
    }

    /// A worker that waits and is alive. One that died while it waited is nobody's fault.
    fn take(&self) -> Option<Worker> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(mut worker) = idle.pop() {
            if matches!(worker.child.try_wait(), Ok(None)) {
                return Some(worker);
            }
        }
        None
    }

    fn put_back(&self, worker: Worker) {
        let tired = worker.documents >= self.recycle_after
            || worker.busy >= MOST_BUSY
            || worker.resident > self.limits.memory / 4;
        if !tired {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        }
    }

    async fn start(&self) -> Result<Worker> {
        let failed = |message: &'static str| Error::new(ErrorKind::Unavailable, message);
        let program = match &self.program {
            Some(program) => program.clone(),
            None => myself()
                .map_err(|error| failed("this program cannot be found to start a parse worker").source(error))?,
        };
        let mut command = Command::new(&program);
        command.arg(ARGUMENT).env_clear().current_dir("/").kill_on_drop(true);
        // In a group of its own, so that Ctrl-C reaches the parent alone.
        #[cfg(unix)]
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            failed("no parse worker can be started: check the memory, and the limit on processes")
                .with("path", program.display())
                .source(error)
        })?;
        let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Error::internal("a parse worker has no pipes"));
        };
        let mut worker = Worker {
            child,
            input: BufWriter::with_capacity(16 << 10, input),
            output: BufReader::with_capacity(64 << 10, output),
            errors: Some(Errors(tokio::spawn(keep(errors)))),
            documents: 0,
            busy: Duration::ZERO,
            resident: 0,
        };
        let hello = async {
            worker.send(&self.settings).await?;
            worker.input.flush().await?;
            worker.receive(HELLO.len()).await
        };
        match tokio::time::timeout(START, hello).await {
            Ok(Ok(hello)) if hello == HELLO => Ok(worker),
            Ok(Ok(_)) => Err(Error::new(ErrorKind::Config, "the worker program is not a parse worker of this version")
                .with("path", program.display())),
            Ok(Err(error)) => {
                let ended = worker.end(&self.limits).await;
                Err(failed("a parse worker does not start: check the worker program, and raise the limit on memory")
                    .with("path", program.display())
                    .with("worker", ended)
                    .source(error))
            }
            Err(_) => Err(failed("a parse worker does not start in time: the machine is overloaded")
                .with("path", program.display())),
        }
    }
}

impl Worker {
    async fn exchange(
        &mut self,
        input: &Input,
        first: Bytes,
        mut rest: Option<std::fs::File>,
        limits: &Limits,
    ) -> Result<Reply, Broken> {
        let request = Request {
            name: input.name.as_str().into(),
            mime: input.claimed_mime.as_deref().map(Into::into),
            password: input.password.as_ref().map(|password| password.expose().into()),
        };
        let request = serde_json::to_vec(&request)
            .map_err(|error| Broken::File(Error::internal("a request is not JSON").source(error)))?;
        self.send(&request).await?;
        let mut sent = first.len() as u64;
        for piece in first.chunks(CHUNK) {
            self.send(piece).await?;
        }
        while let Some(mut file) = rest.take() {
            let (piece, file) = blocking(move || source::next(&mut file).map(|piece| (piece, file))).await?;
            sent += piece.len() as u64;
            // It may grow while it is read.
            if sent > limits.bytes {
                return Err(Broken::File(limits::file_too_large(limits.bytes)));
            }
            if !piece.is_empty() {
                self.send(&piece).await?;
                rest = Some(file);
            }
        }
        self.send(&[]).await?;
        self.input.flush().await.map_err(Broken::from)?;
        let reply = self.receive(protocol::reply_limit(limits)).await?;
        serde_json::from_slice(&reply).map_err(|_| Broken::Worker)
    }

    async fn send(&mut self, frame: &[u8]) -> std::io::Result<()> {
        self.input.write_u32_le(frame.len() as u32).await?;
        self.input.write_all(frame).await
    }

    async fn receive(&mut self, most: usize) -> std::io::Result<Vec<u8>> {
        let length = self.output.read_u32_le().await? as usize;
        if length > most {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        let mut frame = Vec::new();
        if (&mut self.output).take(length as u64).read_to_end(&mut frame).await? < length {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(frame)
    }

    async fn kill(&mut self) {
        // Fails only when it is gone already.
        let _ = self.child.kill().await;
    }

    /// What to say of the file whose worker stopped answering. It is gone afterwards.
    async fn end(mut self, limits: &Limits) -> Error {
        // A worker that closed its pipes ends at once; one that talks nonsense is ended.
        let status = match tokio::time::timeout(Duration::from_secs(1), self.child.wait()).await {
            Ok(status) => status.ok(),
            Err(_) => {
                self.kill().await;
                None
            }
        };
        let said = match self.errors.take() {
            Some(mut errors) => (&mut errors.0).await.unwrap_or_default(),
            None => Vec::new(),
        };
        verdict(status, &said, limits)
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl From<std::io::Error> for Broken {
    fn from(_: std::io::Error) -> Self {
        Self::Worker
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::File(error)
    }
}

async fn open(source: &Source, largest: u64) -> Result<Opened> {
    match source {
        Source::Bytes(bytes) => Ok(Opened { first: bytes.clone(), rest: None }),
        Source::Path(path) => {
            let path = path.clone();
            blocking(move || source::open(&path, largest)).await
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::internal("reading the file was interrupted").source(error)),
    }
}

async fn keep(mut errors: ChildStderr) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = errors.read(&mut buffer).await {
        let room = STDERR.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..length.min(room)]);
    }
    kept
}

/// This program. Linux has a name for it that stays right when the file is replaced by an update.
fn myself() -> std::io::Result<PathBuf> {
    let own = Path::new("/proc/self/exe");
    if cfg!(target_os = "linux") && own.exists() { Ok(own.to_owned()) } else { std::env::current_exe() }
}
