//! Where a browser comes back to (RFC 8252, section 7.3): one request on a loopback port.

use std::{net::Ipv4Addr, time::Duration};

use catchment_core::{Error, ErrorKind, Result, Secret};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout, timeout_at},
};
use url::Url;

/// As long as vendors let a code live.
const PATIENCE: Duration = Duration::from_secs(600);

/// A browser says what it wants at once, and in few words.
const HEAD: usize = 16 * 1024;
const HEAD_TIME: Duration = Duration::from_secs(5);

pub(super) struct Listener(TcpListener);

impl Listener {
    /// On this port, or on any that is free.
    pub(super) async fn open(port: Option<u16>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0)))
            .await
            .map_err(|error| Error::config("port", "the port is taken: give another one with --port").source(error))?;
        Ok(Self(listener))
    }

    /// What the vendor is told.
    pub(super) fn address(&self) -> String {
        let port = self.0.local_addr().map(|address| address.port()).unwrap_or_default();
        format!("http://127.0.0.1:{port}/callback")
    }

    /// Waits for the browser, and takes the code it brings. What comes without the right state is
    /// not the vendor, and is sent away.
    pub(super) async fn code(self, state: &str, vendor: &str) -> Result<Secret> {
        let end = Instant::now() + PATIENCE;
        loop {
            let late = |_| Error::new(ErrorKind::Timeout, "nobody has consented within 10 minutes: log in again");
            let accepted = timeout_at(end, self.0.accept()).await.map_err(late)?;
            let Ok((mut browser, _)) = accepted else { continue };
            let Ok(Some(request)) = timeout(HEAD_TIME, request(&mut browser)).await else { continue };
            let said =
                |name: &str| request.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
            if request.path() != "/callback" || said("state").as_deref() != Some(state) {
                answer(&mut browser, "404 Not Found", "There is nothing here.").await;
                continue;
            }
            return match said("code").filter(|code| !code.is_empty()) {
                Some(code) => {
                    let text = format!("{vendor} has let Catchment in. You can close this window.");
                    answer(&mut browser, "200 OK", &text).await;
                    Ok(Secret::new(code))
                }
                None => {
                    answer(&mut browser, "200 OK", "Nothing was connected. You can close this window.").await;
                    let message = match said("error").as_deref() {
                        Some("access_denied") | None => "you did not consent: log in again if you want to",
                        Some(_) => "the vendor did not let you consent: look at the registration there",
                    };
                    Err(Error::new(ErrorKind::Forbidden, message))
                }
            };
        }
    }
}

/// What the browser asks for, as an address; nothing if it is no such request.
async fn request(browser: &mut TcpStream) -> Option<Url> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut piece = [0; 1024];
        let read = browser.read(&mut piece).await.ok()?;
        if read == 0 || head.len() + read > HEAD {
            return None;
        }
        head.extend_from_slice(&piece[..read]);
    }
    let line = std::str::from_utf8(&head).ok()?.lines().next()?;
    let path = line.strip_prefix("GET ")?.split(' ').next().filter(|path| path.starts_with('/'))?;
    Url::parse(&format!("http://127.0.0.1{path}")).ok()
}

async fn answer(browser: &mut TcpStream, status: &str, text: &str) {
    let page = format!("<!doctype html><meta charset=\"utf-8\"><title>Catchment</title><p>{text}</p>");
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\ncontent-security-policy: \
         default-src 'none'\r\nreferrer-policy: no-referrer\r\ncache-control: no-store\r\nconnection: close\r\n\r\n",
        page.len()
    );
    // A browser that has gone away has got what it wanted.
    let _ = browser.write_all(format!("{head}{page}").as_bytes()).await;
    let _ = browser.shutdown().await;
}
