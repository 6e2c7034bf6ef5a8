//! A server on loopback that does what it is told, faults included.

#![expect(clippy::unwrap_used, reason = "a server that breaks breaks its test")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use catchment_client::{Client, ClientBuilder, Egress};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// One thing the server does after it has read a request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    /// Keeps the connection open and says nothing more.
    Stall,
    /// Cuts the connection.
    Cut,
}

#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) at: tokio::time::Instant,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

pub(crate) struct Server {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// Connections that the client has closed.
    closed: Arc<tokio::sync::Notify>,
    task: AbortHandle,
}

/// Answers a request, given how many came before it.
pub(crate) trait Script: Fn(usize, &Seen) -> Vec<Step> + Send + Sync + 'static {}
impl<F: Fn(usize, &Seen) -> Vec<Step> + Send + Sync + 'static> Script for F {}

impl Server {
    pub(crate) async fn start(script: impl Script) -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let closed = Arc::new(tokio::sync::Notify::new());
        let script: Arc<dyn Script> = Arc::new(script);
        let (log, notify) = (Arc::clone(&seen), Arc::clone(&closed));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, log, notify) = (Arc::clone(&script), Arc::clone(&log), Arc::clone(&notify));
                tokio::spawn(async move {
                    serve(stream, &*script, &log).await;
                    notify.notify_one();
                });
            }
        });
        Self { port, seen, closed, task: task.abort_handle() }
    }

    /// The same answer to everything.
    pub(crate) async fn always(answer: Vec<Step>) -> Self {
        Self::start(move |_, _| answer.clone()).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Waits until a client has closed a connection or been cut.
    pub(crate) async fn closed(&self) {
        self.closed.notified().await;
    }

    /// A client of this server alone, allowed to call loopback.
    pub(crate) fn client(&self, vendor: &str) -> Client {
        self.builder(vendor).build().unwrap()
    }

    pub(crate) fn builder(&self, vendor: &str) -> ClientBuilder {
        Client::builder(vendor).tenant(self.port).base(self.url("")).egress(Egress::allow_private())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, script: &dyn Script, log: &Mutex<Vec<Seen>>) {
    while let Some(request) = read(&mut stream).await {
        let index = {
            let mut log = log.lock().unwrap();
            log.push(request.clone());
            log.len() - 1
        };
        for step in script(index, &request) {
            match step {
                Step::Send(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Step::Wait(time) => tokio::time::sleep(time).await,
                Step::Stall => {
                    // Ends when the client goes away.
                    let mut rest = [0; 64];
                    while matches!(stream.read(&mut rest).await, Ok(count) if count > 0) {}
                    return;
                }
                Step::Cut => return,
            }
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        match stream.read(&mut chunk).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&chunk[..count]),
            _ => return None,
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        match stream.read(&mut chunk).await {
            Ok(count) if count > 0 => body.extend_from_slice(&chunk[..count]),
            _ => return None,
        }
    }
    Some(Seen { method, target, headers, body, at: tokio::time::Instant::now() })
}

/// A well-formed answer.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<Step> {
    let body = body.as_ref();
    vec![Step::Send([head(status, headers, Some(body.len())).as_bytes(), body].concat())]
}

/// A well-formed JSON answer.
pub(crate) fn json(status: u16, body: &str) -> Vec<Step> {
    answer(status, &[("content-type", "application/json")], body)
}

pub(crate) fn head(status: u16, headers: &[(&str, &str)], length: Option<usize>) -> String {
    let mut out = format!("HTTP/1.1 {status} x\r\n");
    for (name, value) in headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(length) = length {
        out.push_str(&format!("content-length: {length}\r\n"));
    }
    out.push_str("\r\n");
    out
}

pub(crate) fn send(text: impl AsRef<[u8]>) -> Step {
    Step::Send(text.as_ref().to_vec())
}
