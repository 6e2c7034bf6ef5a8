//! The parser: what the other crates hold.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use catchment_core::{Error, ErrorKind, Result, Secret, Text};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, oneshot};

use crate::{
    dispatch,
    hint::Hint,
    limits::{self, Budget, Limits},
    sandbox::{STACK, pool::Pool, source},
};

/// A file to read.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its name, with the extension. It breaks ties between kinds of text and decides nothing else.
    pub name: String,
    /// The media type that was claimed for it; worth as little as the extension.
    pub claimed_mime: Option<String>,
    /// Where its bytes are.
    pub source: Source,
    /// The password that opens it, if it has one. Only PDF files are opened with a password.
    pub password: Option<Secret>,
}

/// Where the bytes of a file are.
#[derive(Debug, Clone)]
pub enum Source {
    /// In memory.
    Bytes(Bytes),
    /// In a file, read a piece at a time by this process: the worker opens no file itself.
    Path(PathBuf),
}

/// What a file turned out to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parsed {
    /// The media type found in the content.
    pub mime: String,
    /// Its text, by page.
    pub text: Text,
}

/// Turns files into text. Cheap to clone; all clones share one pool of workers.
///
/// [`Parser::isolated`] is the one for files from elsewhere. Each parse runs in a worker process
/// with a limit on memory, and a worker that takes too long is killed: a hostile file costs its own
/// result and nothing else.
#[derive(Debug, Clone)]
pub struct Parser(Arc<Inner>);

#[derive(Debug)]
enum Inner {
    Isolated(Pool),
    InProcess { limits: Limits, slots: Arc<Semaphore> },
}

/// Settings of an isolated [`Parser`]; see [`Parser::builder`].
#[derive(Debug, Clone)]
pub struct Builder {
    limits: Limits,
    worker: Option<PathBuf>,
    workers: usize,
    recycle_after: u32,
}

impl Input {
    /// A file in memory.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self { name: name.into(), claimed_mime: None, source: Source::Bytes(bytes.into()), password: None }
    }

    /// A file on disk, under the name it has there.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, claimed_mime: None, source: Source::Path(path), password: None }
    }
}

impl Parser {
    /// A parser whose worker processes are this program, started again.
    ///
    /// # Errors
    /// `Config` when `main` did not call [`sandbox::run_if_worker`](crate::sandbox::run_if_worker)
    /// first: without it, a second copy of the program would run instead of a worker.
    pub fn isolated(limits: Limits) -> Result<Self> {
        Self::builder().limits(limits).build()
    }

    /// Settings for an isolated parser.
    pub fn builder() -> Builder {
        Builder { limits: Limits::default(), worker: None, workers: cores(), recycle_after: 2_000 }
    }

    /// A parser on threads of this process, for tests and for files that you made yourself.
    ///
    /// **It does not hold against hostile input.** A panic becomes an error and the budget ends
    /// most long parses, but a file that makes a library loop keeps its thread for ever, and one
    /// that takes all memory or overflows the stack ends the whole process.
    pub fn in_process(limits: Limits) -> Self {
        Self(Arc::new(Inner::InProcess { limits, slots: Arc::new(Semaphore::new(cores())) }))
    }

    /// What one document may cost.
    pub fn limits(&self) -> &Limits {
        match &*self.0 {
            Inner::Isolated(pool) => pool.limits(),
            Inner::InProcess { limits, .. } => limits,
        }
    }

    /// Reads one file.
    ///
    /// As many run at once as there are workers; the others wait. Dropping the future kills its
    /// worker (isolated) or ends the parse at its next look at the budget (in process). A parser
    /// belongs to the tokio runtime it was first used on.
    ///
    /// # Errors
    /// About this file only: `Unreadable` (broken, protected, empty, or it made its worker crash,
    /// take too long or run out of memory), `Unsupported` (a format without text), `TooLarge` (over
    /// a limit), `NotFound` and `Forbidden` (for a path). `Unavailable` when no worker starts.
    pub async fn parse(&self, input: Input) -> Result<Parsed> {
        match &*self.0 {
            Inner::Isolated(pool) => pool.parse(input).await,
            Inner::InProcess { limits, slots } => in_process(input, limits.clone(), Arc::clone(slots)).await,
        }
    }

    /// The process ids of the workers that wait for a document.
    pub fn idle_workers(&self) -> Vec<u32> {
        match &*self.0 {
            Inner::Isolated(pool) => pool.idle(),
            Inner::InProcess { .. } => Vec::new(),
        }
    }
}

impl Builder {
    /// What one document may cost.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The program to run as a worker, for a program that does not want to be started again: the
    /// `catchment-parse-worker` of this crate, or any that calls
    /// [`sandbox::run_if_worker`](crate::sandbox::run_if_worker) first.
    #[must_use]
    pub fn worker(mut self, program: impl Into<PathBuf>) -> Self {
        self.worker = Some(program.into());
        self
    }

    /// How many workers run at most; as many as the machine has cores unless told otherwise. They
    /// are started when they are needed.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// After how many documents a worker is replaced by a fresh one.
    #[must_use]
    pub fn recycle_after(mut self, documents: u32) -> Self {
        self.recycle_after = documents.max(1);
        self
    }

    /// The parser. No worker is started yet.
    ///
    /// # Errors
    /// As [`Parser::isolated`].
    pub fn build(self) -> Result<Parser> {
        let pool = Pool::new(self.worker, self.limits, self.workers, self.recycle_after)?;
        Ok(Parser(Arc::new(Inner::Isolated(pool))))
    }
}

/// Sets the flag that the budget looks at when the parse is no longer wanted.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn in_process(input: Input, limits: Limits, slots: Arc<Semaphore>) -> Result<Parsed> {
    let slot = slots.acquire_owned().await.map_err(|error| Error::internal("the parser is closed").source(error))?;
    let cancel = CancelOnDrop(Arc::default());
    let flag = Arc::clone(&cancel.0);
    let time = limits.time;
    let (send, receive) = oneshot::channel();
    std::thread::Builder::new()
        .name("catchment-parse".into())
        .stack_size(STACK)
        .spawn(move || {
            // Held until the thread ends, so that parses which overstay still count.
            let _slot = slot;
            let result = source::read_all(&input.source, limits.bytes).and_then(|bytes| {
                let mut budget = Budget::new(&limits, bytes.len() as u64)?.cancelled_by(flag);
                let hint = Hint { name: &input.name, mime: input.claimed_mime.as_deref() };
                dispatch::parse(&bytes, &hint, input.password.as_ref(), &mut budget)
            });
            // Nobody listens when the future was dropped.
            let _ = send.send(result);
        })
        .map_err(|error| {
            Error::new(ErrorKind::Unavailable, "no thread can be started: free some memory").source(error)
        })?;
    match tokio::time::timeout(time, receive).await {
        Ok(Ok(result)) => result,
        Ok(Err(lost)) => Err(Error::internal("the parse ended without a result").source(lost)),
        Err(_) => Err(limits::timeout(time)),
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}
