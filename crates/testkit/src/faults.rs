//! Faults: a proxy between a connector and its server that cuts, delays, refuses and counts.
//!
//! It speaks HTTP/1 without TLS, one exchange per connection, and changes nothing but the
//! `connection` header, so that signed requests stay valid.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
};

use crate::http1::{self, Head};

/// The largest answer that can be given again, in bytes.
const KEPT: usize = 1 << 20;

/// What happens to an exchange.
#[derive(Debug, Clone, Default)]
pub enum Fault {
    /// Nothing: the server answers.
    #[default]
    None,
    /// The server is not asked; this is the answer.
    Status {
        /// For example 503.
        status: u16,
        /// Seconds for `Retry-After`.
        retry_after: Option<u64>,
        /// The body.
        body: String,
    },
    /// The connection breaks after this many bytes of the answer's body.
    CutBody(u64),
    /// These bytes come back instead of an answer.
    Raw(Vec<u8>),
    /// The connection is closed without an answer.
    Close,
    /// The server is asked this much later.
    Delay(Duration),
    /// The server is not asked: what it answered last to a call of the same path, whatever the query
    /// and the body, is answered again. A path that was not called before is let through.
    Again,
}

/// A request that came to the proxy.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When.
    pub at: Instant,
    /// Method and target.
    pub line: String,
}

/// A proxy on a free port of this machine. It ends when it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    standing: Mutex<Fault>,
    next: Mutex<VecDeque<Fault>>,
    seen: Mutex<Vec<Seen>>,
    /// The last answers by method and path, as far as they are small.
    answers: Mutex<HashMap<String, Vec<u8>>>,
    bytes: AtomicU64,
    open: AtomicUsize,
}

impl FaultProxy {
    /// Starts a proxy in front of `server`.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(server: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // Small, so that a connector that does not read is soon noticed. Connections inherit it.
        socket.set_send_buffer_size(64 * 1024)?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let listener = socket.listen(128)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let task = tokio::spawn(serve(listener, server, Arc::clone(&shared)));
        Ok(Self { address, shared, task })
    }

    /// Where the connector has to go.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, this happens to every exchange.
    pub fn set(&self, fault: Fault) {
        *lock(&self.shared.standing) = fault;
    }

    /// These happen to the next exchanges, one each, before what [`FaultProxy::set`] says.
    pub fn then(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.shared.next).extend(faults);
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.shared.seen).clone()
    }

    /// How many bytes of bodies went to the connector so far.
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::SeqCst)
    }

    /// How many exchanges are under way.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// Waits until nothing has moved for a while, and says how many bytes have gone by then.
    pub async fn settled(&self) -> u64 {
        let (mut last, mut still) = (self.bytes(), 0);
        while still < 10 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let now = self.bytes();
            still = if now == last { still + 1 } else { 0 };
            last = now;
        }
        last
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, server: SocketAddr, shared: Arc<Shared>) {
    // Ends with the proxy, and takes the exchanges along.
    let mut exchanges = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        exchanges.spawn(async move {
            shared.open.fetch_add(1, Ordering::SeqCst);
            // A connection that breaks is what this is for.
            let _ = exchange(client, server, &shared).await;
            shared.open.fetch_sub(1, Ordering::SeqCst);
        });
        while exchanges.try_join_next().is_some() {}
    }
}

async fn exchange(client: TcpStream, server: SocketAddr, shared: &Shared) -> io::Result<()> {
    let (from_client, mut to_client) = client.into_split();
    let mut from_client = BufReader::new(from_client);
    let Some(request) = Head::read(&mut from_client).await? else { return Ok(()) };
    let mut body = vec![0; request.length().unwrap_or_default() as usize];
    from_client.read_exact(&mut body).await?;
    let line = request.start.trim_end_matches(" HTTP/1.1").to_owned();
    lock(&shared.seen).push(Seen { at: Instant::now(), line: line.clone() });
    let fault = lock(&shared.next).pop_front().unwrap_or_else(|| lock(&shared.standing).clone());
    let path = line.split('?').next().unwrap_or_default().to_owned();
    let mut allowed = u64::MAX;
    match fault {
        Fault::None => {}
        Fault::Status { status, retry_after, body } => {
            let mut headers = vec![("content-type", "application/xml".to_owned())];
            headers.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
            to_client.write_all(&http1::answer(status, &headers, body.as_bytes())).await?;
            return to_client.shutdown().await;
        }
        Fault::CutBody(bytes) => allowed = bytes,
        Fault::Raw(bytes) => {
            to_client.write_all(&bytes).await?;
            return to_client.shutdown().await;
        }
        Fault::Close => return Ok(()),
        Fault::Delay(pause) => tokio::time::sleep(pause).await,
        Fault::Again => {
            let answer = lock(&shared.answers).get(&path).cloned();
            if let Some(answer) = answer {
                to_client.write_all(&answer).await?;
                return to_client.shutdown().await;
            }
        }
    }
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(64 * 1024)?;
    let (from_server, mut to_server) = socket.connect(server).await?.into_split();
    to_server.write_all(&request.to_bytes()).await?;
    to_server.write_all(&body).await?;
    let mut from_server = BufReader::new(from_server);
    let Some(answer) = Head::read(&mut from_server).await? else { return Ok(()) };
    let mut kept = answer.to_bytes();
    to_client.write_all(&kept).await?;
    let whole = answer.length().and_then(|length| kept.len().checked_add(usize::try_from(length).ok()?));
    let forward = async {
        while allowed > 0 {
            let chunk = from_server.fill_buf().await?;
            if chunk.is_empty() {
                if kept.len() <= KEPT {
                    lock(&shared.answers).insert(path, kept);
                }
                return to_client.shutdown().await;
            }
            if kept.len() <= KEPT {
                kept.extend_from_slice(chunk);
                // Kept first: who has read the last byte may ask for it again at once.
                if Some(kept.len()) == whole || whole.is_none() && kept.ends_with(b"\r\n0\r\n\r\n") {
                    lock(&shared.answers).insert(path.clone(), kept.clone());
                }
            }
            let length = chunk.len().min(usize::try_from(allowed).unwrap_or(usize::MAX));
            // Counted first: who has read the last byte may ask at once how many there were.
            shared.bytes.fetch_add(length as u64, Ordering::SeqCst);
            to_client.write_all(&chunk[..length]).await?;
            allowed -= length as u64;
            from_server.consume(length);
        }
        Ok(())
    };
    // A connector that goes away ends the exchange even while the server is silent.
    tokio::select! {
        done = forward => done,
        gone = from_client.read_u8() => gone.map(|_| ()),
    }
}
