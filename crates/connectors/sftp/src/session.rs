//! A session: many requests under way on one channel, each answered on its own.
//!
//! A task writes what is queued, another reads and hands each answer to whoever waits for it.
//! Both end with the session. Whoever stops waiting leaves nothing behind: an answer nobody wants
//! is dropped, and a handle that was opened for nobody is closed.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use catchment_core::{Error, ErrorKind, Result};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client::Msg};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    dial::Ssh,
    errors,
    packets::{self, Attrs, Limits, Name, Reply, Request, Status},
};

/// A connection that nobody has used for so long is closed.
const IDLE: Duration = Duration::from_secs(60);

/// One that only has something open, so often as long.
const IDLE_WHILE_OPEN: u32 = 10;

/// Handles open at a time, unless the server says that it can bear less.
const HANDLES: usize = 64;

/// What servers are sure to understand as the length of a read.
const READ: u32 = 32 * 1024;

/// Larger reads than this make nothing faster.
const LARGEST_READ: u32 = 255 * 1024;

/// An SFTP session. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Session {
    wire: Arc<Wire>,
    handles: Arc<Semaphore>,
    limits: Limits,
    patience: Duration,
    tasks: [JoinHandle<()>; 2],
    /// How many calls are using it.
    pub(crate) calls: AtomicUsize,
}

/// What the session, its tasks and its handles share.
#[derive(Debug)]
struct Wire {
    queue: mpsc::UnboundedSender<BytesMut>,
    waiting: Mutex<HashMap<u32, Waiting>>,
    next: AtomicU32,
    open: AtomicUsize,
    dead: AtomicBool,
}

#[derive(Debug)]
struct Waiting {
    answer: oneshot::Sender<Result<Answer>>,
    permit: Option<OwnedSemaphorePermit>,
}

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Answer {
    Handle(Handle),
    Other(Reply),
}

/// An answer that is awaited. Dropping it is giving up.
#[derive(Debug)]
pub(crate) struct Pending {
    answer: oneshot::Receiver<Result<Answer>>,
    wire: Arc<Wire>,
    patience: Duration,
}

/// Something open at the server, which is closed when this is dropped.
#[derive(Debug)]
pub(crate) struct Handle {
    bytes: Bytes,
    wire: Arc<Wire>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Session {
    /// Begins a session on a channel whose subsystem was accepted.
    pub(crate) async fn begin(
        ssh: Ssh,
        mut reader: ChannelReadHalf,
        writer: ChannelWriteHalf<Msg>,
        patience: Duration,
    ) -> Result<Self> {
        let began = async {
            writer.data_bytes(packets::INIT).await.map_err(|error| errors::of_ssh(error, "subsystem"))?;
            let mut buffer = BytesMut::new();
            loop {
                if let Some(packet) = packets::take(&mut buffer)? {
                    return Ok::<_, Error>((packets::version(packet)?, buffer));
                }
                buffer.extend_from_slice(&next_data(&mut reader).await.ok_or_else(no_subsystem)?);
            }
        };
        let ((version, knows_limits), buffer) =
            timeout(patience, began).await.map_err(|_| errors::silent("subsystem"))??;
        if version < 3 {
            return Err(Error::unsupported("the server speaks a version of SFTP before 3: have it updated")
                .with("step", "subsystem"));
        }
        let (queue, queued) = mpsc::unbounded_channel();
        let wire = Arc::new(Wire {
            queue,
            waiting: Mutex::default(),
            next: AtomicU32::new(1),
            open: AtomicUsize::new(0),
            dead: AtomicBool::new(false),
        });
        let tasks = [
            tokio::spawn(write(Arc::clone(&wire), queued, writer, ssh)),
            tokio::spawn(read(Arc::clone(&wire), reader, buffer)),
        ];
        let mut session = Self {
            wire,
            handles: Arc::new(Semaphore::new(HANDLES)),
            limits: Limits::default(),
            patience,
            tasks,
            calls: AtomicUsize::new(0),
        };
        if knows_limits && let Reply::Extended(limits) = session.send(Request::Limits).other().await? {
            session.limits = packets::limits(limits)?;
        }
        // Half of what the server bears: a handle that is being closed still counts there.
        let most = session.limits.handles.map_or(HANDLES, |most| usize::try_from(most / 2).unwrap_or(HANDLES));
        session.handles = Arc::new(Semaphore::new(most.clamp(1, HANDLES)));
        Ok(session)
    }

    /// Whether it has ended.
    pub(crate) fn is_dead(&self) -> bool {
        self.wire.dead.load(Ordering::Acquire)
    }

    /// How many bytes to ask for in one read.
    pub(crate) fn read_length(&self) -> u32 {
        let limit = self.limits.read.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX));
        limit.unwrap_or(READ).clamp(1024, LARGEST_READ)
    }

    /// Asks; the answer can be awaited later, with others under way.
    pub(crate) fn send(&self, request: Request<'_>) -> Pending {
        self.send_with(request, None)
    }

    /// Opens a file or directory, once there is room for another handle.
    pub(crate) async fn open(&self, request: Request<'_>, path: &str) -> Result<Handle> {
        let permit = timeout(self.patience, Arc::clone(&self.handles).acquire_owned()).await;
        let permit = permit.ok().and_then(|permit| permit.ok()).ok_or_else(|| {
            Error::new(ErrorKind::Unavailable, "too many files are open at the server: read fewer at a time")
        })?;
        match self.send_with(request, Some(permit)).await? {
            Answer::Handle(handle) => Ok(handle),
            Answer::Other(Reply::Status(status)) if status != Status::OK => Err(errors::of_status(status, path)),
            Answer::Other(_) => Err(packets::broken()),
        }
    }

    fn send_with(&self, request: Request<'_>, permit: Option<OwnedSemaphorePermit>) -> Pending {
        let (answer, awaited) = oneshot::channel();
        let id = self.wire.next.fetch_add(1, Ordering::Relaxed);
        self.wire.waiting().insert(id, Waiting { answer, permit });
        let mut packet = BytesMut::with_capacity(64);
        request.write(id, &mut packet);
        // The writer marks the session dead before it lets go of the queue; so either it sees
        // this request, or this sees the mark.
        if self.wire.queue.send(packet).is_err() || self.is_dead() {
            self.wire.waiting().remove(&id);
        }
        Pending { answer: awaited, wire: Arc::clone(&self.wire), patience: self.patience }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.wire.die();
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl IntoFuture for Pending {
    type Output = Result<Answer>;
    type IntoFuture = std::pin::Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            match timeout(self.patience, self.answer).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(errors::lost()),
                Err(_) => {
                    // Answers come in order or nearly so: what is stuck stays stuck.
                    self.wire.die();
                    Err(errors::silent("network"))
                }
            }
        })
    }
}

impl Pending {
    async fn other(self) -> Result<Reply> {
        match self.await? {
            Answer::Other(reply) => Ok(reply),
            Answer::Handle(_) => Err(packets::broken()),
        }
    }

    /// The attributes that were asked for.
    pub(crate) async fn attrs(self, path: &str) -> Result<Attrs> {
        match self.other().await? {
            Reply::Attrs(attrs) => Ok(attrs),
            Reply::Status(status) if status != Status::OK => Err(errors::of_status(status, path)),
            _ => Err(packets::broken()),
        }
    }

    /// The bytes that were asked for; `None` at the end of the file.
    pub(crate) async fn data(self, path: &str) -> Result<Option<Bytes>> {
        match self.other().await? {
            Reply::Data(data) => Ok(Some(data)),
            Reply::Status(Status::EOF) => Ok(None),
            Reply::Status(status) if status != Status::OK => Err(errors::of_status(status, path)),
            _ => Err(packets::broken()),
        }
    }

    /// The next entries of a directory; `None` at its end.
    pub(crate) async fn names(self, path: &str) -> Result<Option<Vec<Name>>> {
        match self.other().await? {
            Reply::Names(names) => Ok(Some(names)),
            Reply::Status(Status::EOF) => Ok(None),
            Reply::Status(status) if status != Status::OK => Err(errors::of_status(status, path)),
            _ => Err(packets::broken()),
        }
    }

    /// The real path that was asked for.
    pub(crate) async fn path(self, path: &str) -> Result<Bytes> {
        let names = self.names(path).await?.unwrap_or_default();
        names.into_iter().next().map(|name| name.name).ok_or_else(packets::broken)
    }
}

impl Handle {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.wire.open.fetch_sub(1, Ordering::Relaxed);
        self.wire.close(&self.bytes);
    }
}

impl Wire {
    fn waiting(&self) -> MutexGuard<'_, HashMap<u32, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the session for everybody who waits.
    fn die(&self) {
        self.dead.store(true, Ordering::Release);
        self.waiting().clear();
        // An empty packet wakes the writer, so that it goes as well.
        let _ = self.queue.send(BytesMut::new());
    }

    /// Closes a handle; nobody waits for that.
    fn close(&self, handle: &[u8]) {
        let mut packet = BytesMut::with_capacity(32);
        Request::Close(handle).write(self.next.fetch_add(1, Ordering::Relaxed), &mut packet);
        let _ = self.queue.send(packet);
    }

    /// Hands an answer to whoever waits for it.
    fn deliver(self: &Arc<Self>, packet: Bytes) -> Result<()> {
        let (id, reply) = packets::reply(packet)?;
        // Nobody waits for the answer to a close.
        let Some(waiting) = self.waiting().remove(&id) else { return Ok(()) };
        let answer = match reply {
            Reply::Handle(bytes) => {
                self.open.fetch_add(1, Ordering::Relaxed);
                Answer::Handle(Handle { bytes, wire: Arc::clone(self), _permit: waiting.permit })
            }
            other => Answer::Other(other),
        };
        // If nobody waits any more, the answer is dropped here, and a handle in it closed.
        let _ = waiting.answer.send(Ok(answer));
        Ok(())
    }

    fn is_idle(&self, rounds: u32) -> bool {
        let open = self.open.load(Ordering::Relaxed) > 0;
        self.waiting().is_empty() && (!open || rounds >= IDLE_WHILE_OPEN)
    }
}

/// Writes what is queued until the session ends or has been idle for long enough. Holds the SSH
/// connection, which ends with it.
async fn write(
    wire: Arc<Wire>,
    mut queued: mpsc::UnboundedReceiver<BytesMut>,
    writer: ChannelWriteHalf<Msg>,
    ssh: Ssh,
) {
    let mut idle = 0;
    loop {
        let mut packet = match timeout(IDLE, queued.recv()).await {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(_) => {
                idle += 1;
                if wire.is_idle(idle) {
                    break;
                }
                continue;
            }
        };
        idle = 0;
        // Small requests that wait go out together.
        while packet.len() < READ as usize
            && let Ok(more) = queued.try_recv()
        {
            packet.unsplit(more);
        }
        if wire.dead.load(Ordering::Acquire) || writer.data_bytes(packet.freeze()).await.is_err() {
            break;
        }
    }
    wire.die();
    ssh.goodbye().await;
}

/// Reads until the connection ends or sends what is no SFTP.
async fn read(wire: Arc<Wire>, mut reader: ChannelReadHalf, mut buffer: BytesMut) {
    loop {
        loop {
            match packets::take(&mut buffer).and_then(|packet| packet.map(|packet| wire.deliver(packet)).transpose()) {
                Ok(Some(())) => {}
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "an SFTP session ends");
                    let waiting = std::mem::take(&mut *wire.waiting());
                    for waiting in waiting.into_values() {
                        let _ = waiting.answer.send(Err(errors::again(&error)));
                    }
                    return wire.die();
                }
            }
        }
        match next_data(&mut reader).await {
            Some(data) => buffer.extend_from_slice(&data),
            None => return wire.die(),
        }
    }
}

/// The next bytes of the channel; `None` once it has ended.
async fn next_data(reader: &mut ChannelReadHalf) -> Option<Bytes> {
    loop {
        match reader.wait().await? {
            ChannelMsg::Data { data } => return Some(data),
            ChannelMsg::Eof | ChannelMsg::Close | ChannelMsg::Failure => return None,
            // What a server's programs write to their people.
            _ => {}
        }
    }
}

fn no_subsystem() -> Error {
    Error::new(ErrorKind::Forbidden, "this user may log in, but not use SFTP: have the server's operator allow it")
        .with("step", "subsystem")
}
