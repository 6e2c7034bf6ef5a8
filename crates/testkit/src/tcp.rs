//! Faults of a connection, whatever is spoken on it: a proxy that cuts, falls silent, talks
//! nonsense and counts. For HTTP there is [`faults`](crate::faults), which knows what a call is.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use crate::ftp;

/// What becomes of a new connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing: the server answers.
    #[default]
    None,
    /// The connection breaks after this many bytes from the server.
    CutAfter(u64),
    /// These bytes come instead of the server's, then the end.
    Nonsense(Vec<u8>),
    /// It is accepted, and nothing ever comes.
    Silence,
    /// It is accepted and closed.
    Close,
}

/// A proxy on a free port of this machine. It ends when it is dropped.
#[derive(Debug)]
pub struct TcpProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// Whether data goes over connections of its own, to addresses that the server names.
    ftp: bool,
    server: Mutex<SocketAddr>,
    trouble: Mutex<Trouble>,
    /// Counts the cuts: a connection ends when it changes.
    cuts: watch::Sender<u64>,
    bytes: AtomicU64,
    connections: AtomicUsize,
    open: AtomicUsize,
}

impl TcpProxy {
    /// Starts a proxy in front of `server`.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(server: SocketAddr) -> io::Result<Self> {
        Self::of(server, false).await
    }

    /// Starts a proxy in front of a server of FTP: the connections for data, whose addresses the
    /// server names in its answers, go through it as well. Trouble that begins in the middle meets
    /// each of them.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start_ftp(server: SocketAddr) -> io::Result<Self> {
        Self::of(server, true).await
    }

    async fn of(server: SocketAddr, ftp: bool) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // Small, so that a connector that does not read is soon noticed. Connections inherit it.
        socket.set_send_buffer_size(64 * 1024)?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let listener = socket.listen(128)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            ftp,
            server: Mutex::new(server),
            trouble: Mutex::default(),
            cuts: watch::Sender::new(0),
            bytes: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
        });
        let task = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, task })
    }

    /// Where the connector has to go.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, this happens to every new connection.
    pub fn set(&self, trouble: Trouble) {
        *lock(&self.shared.trouble) = trouble;
    }

    /// From now on, new connections go to another server: somebody has taken its place.
    pub fn lead_to(&self, server: SocketAddr) {
        *lock(&self.shared.server) = server;
    }

    /// Breaks all connections that are open.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// How many bytes came from the server so far.
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::SeqCst)
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// Waits until nothing has moved for a while, and says how many bytes have come by then.
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

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Ends with the proxy, and takes the connections along.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        shared.connections.fetch_add(1, Ordering::SeqCst);
        connections.spawn(async move {
            shared.open.fetch_add(1, Ordering::SeqCst);
            let mut cuts = shared.cuts.subscribe();
            tokio::select! {
                // A connection that breaks is what this is for.
                _ = connection(client, &shared) => {}
                _ = cuts.changed() => {}
            }
            shared.open.fetch_sub(1, Ordering::SeqCst);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(mut client: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let trouble = lock(&shared.trouble).clone();
    let server = *lock(&shared.server);
    let allowed = match trouble {
        Trouble::None => u64::MAX,
        Trouble::CutAfter(bytes) => bytes,
        Trouble::Nonsense(bytes) => {
            client.write_all(&bytes).await?;
            client.shutdown().await?;
            // Read on, or closing would take back what was written.
            return tokio::io::copy(&mut client, &mut tokio::io::sink()).await.map(|_| ());
        }
        Trouble::Silence => return tokio::io::copy(&mut client, &mut tokio::io::sink()).await.map(|_| ()),
        Trouble::Close => return Ok(()),
    };
    let carries = if shared.ftp { Carries::Commands } else { Carries::Everything };
    pump(client, server, allowed, Arc::clone(shared), carries).await
}

/// What a connection is for. Only FTP has more than one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carries {
    Everything,
    Commands,
    Data,
}

/// Carries bytes both ways, so many from the server at the most.
async fn pump(
    mut client: TcpStream,
    server: SocketAddr,
    mut allowed: u64,
    shared: Arc<Shared>,
    carries: Carries,
) -> io::Result<()> {
    // Ends with this connection.
    let mut data = JoinSet::new();
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(64 * 1024)?;
    let (mut from_server, mut to_server) = socket.connect(server).await?.into_split();
    client.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.split();
    let back = async {
        let mut buffer = vec![0; 32 * 1024];
        while allowed > 0 {
            let came = from_server.read(&mut buffer).await?;
            if came == 0 {
                return to_client.shutdown().await.map(|()| false);
            }
            let length = came.min(usize::try_from(allowed).unwrap_or(usize::MAX));
            if carries == Carries::Commands
                && let Some(named) = ftp::data_address(&buffer[..came])
            {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                to_client.write_all(&ftp::passive(listener.local_addr()?)).await?;
                data.spawn(data_connection(listener, named, allowed, Arc::clone(&shared)));
                continue;
            }
            // Counted first: who has read the last byte may ask at once how many there were.
            shared.bytes.fetch_add(length as u64, Ordering::SeqCst);
            to_client.write_all(&buffer[..length]).await?;
            allowed -= length as u64;
        }
        Ok(true)
    };
    let there = async {
        tokio::io::copy(&mut from_client, &mut to_server).await?;
        to_server.shutdown().await?;
        // The server says when it is over.
        std::future::pending::<io::Result<bool>>().await
    };
    let is_cut = tokio::select! {
        done = back => done,
        failed = there => failed,
    }?;
    if is_cut && carries == Carries::Data {
        // In FTP an orderly end is the end of the data: a break has to look like one.
        client.set_zero_linger()?;
    }
    Ok(())
}

/// One connection for data. Boxed, for it is part of the one that it belongs to.
fn data_connection(
    listener: TcpListener,
    server: SocketAddr,
    allowed: u64,
    shared: Arc<Shared>,
) -> BoxFuture<'static, io::Result<()>> {
    Box::pin(async move {
        let (client, _) = listener.accept().await?;
        pump(client, server, allowed, shared, Carries::Data).await
    })
}
