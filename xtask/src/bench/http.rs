//! A call over HTTP and a steady stream of them, for servers that are measured.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use serde::Deserialize;
use serde_json::Value;

use super::product::target;
use crate::shell::{Result, cargo, output, run};

/// One call with a connection of its own: the status and the body.
pub(super) fn call(address: SocketAddr, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value)> {
    call_with(address, method, path, body, "")
}

/// The same, with more headers; each ends its line.
pub(super) fn call_with(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: Option<&Value>,
    headers: &str,
) -> Result<(u16, Value)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(120)))?;
    let body = body.map(Value::to_string).unwrap_or_default();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("no status")?;
    Ok((status, serde_json::from_str(body).unwrap_or(Value::Null)))
}

/// The program that makes the load, built beforehand so that building disturbs nothing.
#[derive(Debug)]
pub(super) struct Load(std::path::PathBuf);

/// What came of a load; times in microseconds.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Loaded {
    pub(super) calls: u64,
    pub(super) failed: u64,
    pub(super) per_second: f64,
    pub(super) p50: u64,
    pub(super) p99: u64,
}

impl Load {
    pub(super) fn build() -> Result<Self> {
        run(cargo().args(["build", "--release", "--locked", "--package", "catchment-benches", "--bin", "http_load"]))?;
        Ok(Self(target()?.join("release/http_load")))
    }

    /// Calls a path for some seconds; at a rate, or as often as it goes.
    pub(super) fn run(
        &self,
        address: SocketAddr,
        path: &str,
        seconds: u32,
        rate: Option<u32>,
        post: Option<&Path>,
    ) -> Result<Loaded> {
        let mut command = Command::new(&self.0);
        command.arg(format!("http://{address}{path}")).args(["--connections", "16", "--seconds", &seconds.to_string()]);
        if let Some(rate) = rate {
            command.args(["--rate", &rate.to_string()]);
        }
        if let Some(post) = post {
            command.arg("--post").arg(post);
        }
        let loaded: Loaded = serde_json::from_str(&output(&mut command)?)?;
        if loaded.failed > 0 {
            return Err(format!(
                "{} of {} calls of {path} failed: the figure would say nothing",
                loaded.failed, loaded.calls
            )
            .into());
        }
        Ok(loaded)
    }
}
