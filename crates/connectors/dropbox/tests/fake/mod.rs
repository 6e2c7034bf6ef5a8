//! A stand-in for Dropbox: one account whose files are a [`World`], behind the routes that are called.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(unreachable_pub, reason = "a module of test programs")]

mod account;
pub mod drive;
mod feed;
mod files;
mod people;

use std::{
    collections::{BTreeSet, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

#[allow(unused_imports, reason = "each test program uses a part")]
pub use account::{HOME, OWNER, Team};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Response},
};
use catchment_core::{Connector, Context, Registry, Result};
use catchment_dropbox::Dropbox;
use catchment_testkit::world::World;
#[allow(unused_imports, reason = "each test program uses a part")]
pub use drive::Document;
use drive::Drive;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle, time::Instant};

/// The token that is good.
pub const TOKEN: &str = "sl.u.0123456789abcdefghijklmnopqrstuvwxyz";

/// The id of the folder that is connected to.
pub const ROOT: &str = "/root";

/// The account's id.
pub const ACCOUNT: &str = "dbid:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// An answer: status, further headers, and what is in the body.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

/// A call as it came, and what was answered.
#[derive(Debug, Clone)]
pub struct Call {
    /// For example `files/list_folder`.
    pub route: String,
    pub method: String,
    pub headers: Vec<(String, String)>,
    /// From the body or, for content, from the header.
    pub argument: Value,
    pub status: u16,
    /// From the body or, for content, from the header.
    pub result: Value,
}

/// What Dropbox holds and how it behaves.
pub struct Account {
    pub drive: Drive,
    /// What the token may do.
    pub scopes: BTreeSet<&'static str>,
    /// The team whose space the account sees, if it is in one.
    pub team: Option<Team>,
    pub email_verified: bool,
    /// Answers to the next calls of a route, whatever they ask.
    pub instead: VecDeque<(&'static str, Answer)>,
    /// Until when everything is answered with 503.
    pub down_until: Option<Instant>,
    pub calls: Vec<Call>,
}

/// Dropbox on a port of this machine. It ends when it is dropped.
pub struct Fake {
    pub address: SocketAddr,
    account: Arc<Mutex<Account>>,
    task: JoinHandle<()>,
}

impl Fake {
    pub async fn new() -> Self {
        let account = Arc::new(Mutex::new(Account {
            drive: Drive::new(World::new()),
            scopes: ["account_info.read", "files.metadata.read", "files.content.read", "sharing.read"].into(),
            team: None,
            email_verified: true,
            instead: VecDeque::new(),
            down_until: None,
            calls: Vec::new(),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = Router::new().fallback(answer).with_state(Arc::clone(&account));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("served") });
        Self { address, account, task }
    }

    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().expect("not poisoned")
    }

    /// The next call of this route gets this answer.
    pub fn then(&self, route: &'static str, answer: Answer) {
        self.account().instead.push_back((route, answer));
    }

    /// How often a route was called.
    pub fn count(&self, route: &str) -> usize {
        self.account().calls.iter().filter(|call| call.route == route).count()
    }

    pub fn settings(&self) -> Value {
        settings(self.address)
    }

    /// A connector with these settings instead of some of the usual ones.
    pub fn connect(&self, changes: Value) -> Result<Arc<dyn Connector>> {
        let mut settings = self.settings();
        for (name, value) in changes.as_object().expect("fields") {
            settings[name] = value.clone();
        }
        Registry::new().with::<Dropbox>().connect("dropbox", settings, Context::local())
    }

    /// A connector to the folder `root`.
    pub fn connector(&self) -> Arc<dyn Connector> {
        self.connect(json!({})).expect("good settings")
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The settings that lead to the folder `root` of a stand-in.
pub fn settings(address: SocketAddr) -> Value {
    json!({
        "access_token": TOKEN,
        "folder_path": "/Root",
        "url": format!("http://{address}"),
        "allow_http": true,
    })
}

impl Answer {
    pub fn json(value: Value) -> Self {
        Self::status(200, value)
    }

    pub fn status(status: u16, value: Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { status, headers, body: value.to_string().into() }
    }

    /// An error of the route: `Answer::tags(&["path", "not_found"])`.
    pub fn tags(tags: &[&str]) -> Self {
        Self::refusal(409, tags)
    }

    pub fn refusal(status: u16, tags: &[&str]) -> Self {
        let mut error = Value::Null;
        for tag in tags.iter().rev() {
            let inner = std::mem::replace(&mut error, json!({ ".tag": tag }));
            if !inner.is_null() {
                error[*tag] = inner;
            }
        }
        Self::status(status, json!({ "error_summary": format!("{}/..", tags.join("/")), "error": error }))
    }

    /// Without a scope that the call needs.
    pub fn missing_scope(scope: &str) -> Self {
        let error = json!({ ".tag": "missing_scope", "required_scope": scope });
        Self::status(401, json!({ "error_summary": "missing_scope/..", "error": error }))
    }

    pub fn text(status: u16, text: &str) -> Self {
        let headers = vec![("content-type", "text/plain; charset=utf-8".to_owned())];
        Self { status, headers, body: text.to_owned().into() }
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

async fn answer(State(account): State<Arc<Mutex<Account>>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a small body");
    let route = head.uri.path().strip_prefix("/2/").unwrap_or_default().to_owned();
    let mut account = account.lock().expect("not poisoned");
    let is_content = matches!(route.as_str(), "files/download" | "files/export");
    let argument = argument(&head.headers, &body, is_content);
    let instead = account.instead.iter().position(|(of, _)| *of == route);
    let is_down = account.down_until.is_some_and(|until| Instant::now() < until);
    let answer = match (instead, &argument) {
        _ if is_down => Answer::text(503, "<html>Service Unavailable</html>"),
        (Some(at), _) => account.instead.remove(at).expect("there").1,
        _ if head.method != "POST" => Answer::text(405, "POST only"),
        (None, Err(wrong)) => Answer::text(400, &format!("Error in call to API function \"{route}\": {wrong}")),
        (None, Ok(argument)) => account.route(&route, &head.headers, argument),
    };
    let result = answer.headers.iter().find(|(name, _)| *name == "dropbox-api-result");
    let result = match result {
        Some((_, result)) => serde_json::from_str(result).expect("JSON"),
        None => serde_json::from_slice(&answer.body).unwrap_or_default(),
    };
    let headers = head.headers.iter();
    account.calls.push(Call {
        route,
        method: head.method.to_string(),
        headers: headers.map(|(name, value)| (name.to_string(), value.to_str().expect("ASCII").to_owned())).collect(),
        argument: argument.unwrap_or_default(),
        status: answer.status,
        result,
    });
    let mut response = Response::builder().status(answer.status).header("x-dropbox-request-id", "0123456789abcdef");
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).expect("an answer")
}

/// As Dropbox reads it: see "Request and response formats" in its documentation.
fn argument(headers: &HeaderMap, body: &[u8], is_content: bool) -> Result<Value, &'static str> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if !is_content {
        return match header("content-type") {
            Some("application/json") => serde_json::from_slice(body).map_err(|_| "could not decode input as JSON"),
            _ => Err("Bad HTTP \"Content-Type\" header"),
        };
    }
    if !body.is_empty() || header("content-type").is_some() || header("content-length") != Some("0") {
        return Err("request body: the body has to be empty");
    }
    let argument = header("dropbox-api-arg").ok_or("Must provide HTTP header \"Dropbox-API-Arg\"")?;
    serde_json::from_str(argument).map_err(|_| "HTTP header \"Dropbox-API-Arg\": could not decode input as JSON")
}
