//! The server in which a stand-in answers, and what may go wrong on the way.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};

use super::{Answer, Ask, CONTENT, Vendor};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    /// Everything is refused with this status.
    Refused(u16),
    /// The next question is answered with 429 and the seconds to wait; the others well.
    Once(u64),
    /// All are.
    Slow(u64),
    /// Files end early.
    Cut,
    /// Lists in pages do not say where the next one begins.
    Lost,
    /// A page of a proxy comes in place of documents.
    Html,
}

/// A vendor's stand-in; it ends with the test.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    vendor: &'static Vendor,
    trouble: Mutex<Trouble>,
    asked: Mutex<Vec<Ask>>,
}

impl Server {
    pub(super) async fn start(vendor: &'static Vendor) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State { vendor, trouble: Mutex::new(Trouble::None), asked: Mutex::default() });
        let shared = Arc::clone(&state);
        let router = Router::new().fallback(move |request: Request| {
            let answer = shared.answer(&request);
            async move { answer }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, state }
    }

    pub(super) fn set(&self, trouble: Trouble) {
        *self.state.trouble.lock().expect("a lock") = trouble;
    }

    /// What was asked since the last time.
    pub(super) fn asked(&self) -> Vec<Ask> {
        std::mem::take(&mut self.state.asked.lock().expect("a lock"))
    }
}

impl State {
    fn answer(&self, request: &Request) -> Response {
        let ask = ask(request);
        self.asked.lock().expect("a lock").push(ask.clone());
        let mut trouble = self.trouble.lock().expect("a lock");
        let refuse = |status: u16| {
            let status = StatusCode::from_u16(status).expect("a status");
            (status, (self.vendor.refusal)(status.as_u16())).into_response()
        };
        match *trouble {
            Trouble::Refused(status) => return refuse(status),
            Trouble::Once(wait) | Trouble::Slow(wait) => {
                if matches!(*trouble, Trouble::Once(_)) {
                    *trouble = Trouble::None;
                }
                let mut response = refuse(429);
                response.headers_mut().insert(header::RETRY_AFTER, wait.into());
                return response;
            }
            _ => {}
        }
        match (self.vendor.answer)(&ask) {
            Answer::Text(_) | Answer::With(..) if *trouble == Trouble::Html => {
                ([(header::CONTENT_TYPE, "text/html")], "<!DOCTYPE html><html><p>Sign in</p></html>").into_response()
            }
            Answer::Text(text) if *trouble == Trouble::Lost => {
                let lost =
                    ["NextMarker", "NextContinuationToken"].iter().fold(text, |text, word| text.replace(word, "X"));
                lost.into_response()
            }
            Answer::Text(text) => text.into_response(),
            Answer::With(text, headers) => {
                let mut response = text.into_response();
                for (name, value) in headers {
                    response.headers_mut().insert(name, value.parse().expect("a header"));
                }
                response
            }
            Answer::Content(headers) => content(&ask, &headers, *trouble == Trouble::Cut),
            Answer::Refused(status) => refuse(status),
            Answer::Unknown => {
                (StatusCode::NOT_IMPLEMENTED, format!("nobody describes this question: {ask:?}")).into_response()
            }
        }
    }
}

fn ask(request: &Request) -> Ask {
    let uri = request.uri();
    let query = uri.query().unwrap_or("").split('&').filter(|pair| !pair.is_empty());
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    Ask {
        method: request.method().to_string(),
        host: request.headers().get("x-meant").map_or("", |host| host.to_str().expect("text")).to_owned(),
        path: plain(uri.path()),
        query: query
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(k, v)| (plain(k), plain(v)))
            .collect(),
        headers: request.headers().clone(),
    }
}

/// A file, or the part of it that is asked for.
fn content(ask: &Ask, headers: &[(&'static str, String)], cut: bool) -> Response {
    let mut response = Response::builder();
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    let size = CONTENT.len();
    let mut part = 0..size;
    if let Some((first, last)) = ask.header("range").strip_prefix("bytes=").and_then(|range| range.split_once('-')) {
        part = first.parse().expect("a number")..last.parse().map_or(size, |last: usize| (last + 1).min(size));
        let range = format!("bytes {}-{}/{size}", part.start, part.end - 1);
        response = response.status(StatusCode::PARTIAL_CONTENT).header(header::CONTENT_RANGE, range);
    }
    // Cut by a proxy in good order: the connection says nothing of it.
    let bytes = if cut { &CONTENT[part.start..part.start + part.len() / 2] } else { &CONTENT[part] };
    response.body(Body::from(Bytes::from_static(bytes))).expect("a response")
}
