//! A server that answers as a test wants, and remembers what it was asked.

#![allow(dead_code, reason = "each test program uses a part")]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::Response,
};
use serde_json::Value;

pub(crate) const JSON: &str = "application/json";

/// Answers everything the same, but for those answers that are to come first.
pub(crate) struct Server {
    pub(crate) url: String,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    always: Mutex<Answer>,
    first: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Seen>>,
}

type Answer = (u16, &'static str, String);

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Method and path.
    pub(crate) call: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let app = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
        Self { url, shared, task }
    }

    /// Answers so from now on.
    pub(crate) fn answers(&self, status: u16, content_type: &'static str, body: impl ToString) {
        *self.shared.always.lock().expect("a lock") = (status, content_type, body.to_string());
    }

    /// Answers so once, after those that were given before.
    pub(crate) fn first(&self, status: u16, body: &Value) {
        self.shared.first.lock().expect("a lock").push_back((status, JSON, body.to_string()));
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().expect("a lock").clone()
    }

    /// The fields of the last form.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        let seen = self.seen();
        fields(&seen.last().expect("a request").body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The fields of a form or of a query.
pub(crate) fn fields(form: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(form.as_bytes()).into_owned().collect()
}

/// The value of a field.
pub(crate) fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let path = head.uri.path_and_query().map_or("", |path| path.as_str());
    shared.seen.lock().expect("a lock").push(Seen {
        call: format!("{} {path}", head.method),
        authorization: head.headers.get("authorization").map(|value| value.to_str().expect("text").to_owned()),
        body: String::from_utf8(body.to_vec()).expect("text"),
    });
    let first = shared.first.lock().expect("a lock").pop_front();
    let (status, kind, body) = first.unwrap_or_else(|| shared.always.lock().expect("a lock").clone());
    Response::builder().status(status).header("content-type", kind).body(body.into()).expect("an answer")
}
