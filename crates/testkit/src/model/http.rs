//! As little HTTP as the models' servers need: a token, a target, an answer.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::http1::{self, Head};

/// What the models accept.
pub(crate) const TOKEN: &str = "open-sesame";

/// A body and the version it is of, or a status.
pub(crate) type Answer = Result<(Vec<u8>, Option<String>), u16>;

/// A server. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Http {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Http {
    /// Answers every call with the right token.
    pub(crate) async fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap_or_else(|error| panic!("no port: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("no address: {error}"));
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            let mut calls = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let answer = Arc::clone(&answer);
                calls.spawn(async move {
                    let _ = serve(stream, answer.as_ref()).await;
                });
            }
        });
        Self { address, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, answer: &(impl Fn(&str) -> Answer + Sync)) -> std::io::Result<()> {
    let (from, mut to) = stream.into_split();
    let Some(request) = Head::read(&mut BufReader::new(from)).await? else { return Ok(()) };
    let answer = if request.get("authorization") == Some(TOKEN) { answer(request.target()) } else { Err(401) };
    let out = match answer {
        Ok((body, version)) => {
            let version: Vec<_> = version.into_iter().map(|version| ("version", version)).collect();
            http1::answer(200, &version, &body)
        }
        Err(status) => http1::answer(status, &[], b""),
    };
    to.write_all(&out).await?;
    to.shutdown().await
}
