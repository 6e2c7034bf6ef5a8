//! A stand-in for GitHub: one person, some tokens.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(unreachable_pub, reason = "a module of test programs")]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::Response,
};
use catchment_core::{Connector, Context, Registry, Result};
use catchment_github::Github;
use catchment_testkit::openapi;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// The token that is good.
pub const TOKEN: &str = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";

/// A status, headers and a body.
pub type Answer = (u16, Vec<(&'static str, &'static str)>, Value);

/// What GitHub holds, and what it was asked.
#[derive(Debug)]
pub struct Person {
    /// The address that everybody may see.
    pub email: Option<&'static str>,
    /// The scopes of the token; a fine-grained one has no such thing.
    pub scopes: Option<&'static str>,
    pub name: Option<&'static str>,
    /// What is answered instead.
    pub instead: Option<Answer>,
    pub asked: Vec<openapi::Request>,
    /// Status and body of each answer.
    pub answered: Vec<(u16, Vec<u8>)>,
}

/// GitHub on a port of this machine. It ends when it is dropped.
pub struct Fake {
    pub address: SocketAddr,
    person: Arc<Mutex<Person>>,
    task: JoinHandle<()>,
}

impl Fake {
    pub async fn new() -> Self {
        let person = Arc::new(Mutex::new(Person {
            email: Some("ada@example.com"),
            scopes: Some("read:user, user:email"),
            name: Some("Ada"),
            instead: None,
            asked: Vec::new(),
            answered: Vec::new(),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = Router::new().fallback(answer).with_state(Arc::clone(&person));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("served") });
        Self { address, person, task }
    }

    pub fn person(&self) -> MutexGuard<'_, Person> {
        self.person.lock().expect("not poisoned")
    }

    pub fn settings(&self) -> Value {
        settings(self.address)
    }

    pub fn connector(&self) -> Arc<dyn Connector> {
        connect(self.settings(), Context::local()).expect("good settings")
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn settings(address: SocketAddr) -> Value {
    json!({ "access_token": TOKEN, "url": format!("http://{address}"), "allow_http": true })
}

pub fn connect(settings: Value, cx: Context) -> Result<Arc<dyn Connector>> {
    Registry::new().with::<Github>().connect("github", settings, cx)
}

async fn answer(State(person): State<Arc<Mutex<Person>>>, request: Request) -> Response<Body> {
    let mut person = person.lock().expect("not poisoned");
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let authorized = header("authorization") == format!("Bearer {TOKEN}");
    let path = request.uri().path().to_owned();
    let scopes = person.scopes;
    let accepted = if path == "/user/emails" { "user, user:email" } else { "" };
    let granted = scopes.is_some_and(|scopes| scopes.contains("user:email"));
    let (status, more, body): Answer = match path.as_str() {
        _ if person.instead.is_some() => person.instead.clone().expect("there"),
        // https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api#user-agent
        _ if header("user-agent").is_empty() => {
            (403, Vec::new(), problem("Request forbidden by administrative rules."))
        }
        _ if !authorized => (401, Vec::new(), problem("Bad credentials")),
        "/user" => (200, Vec::new(), user(&person)),
        "/user/emails" if granted => (200, Vec::new(), emails()),
        "/user/emails" if scopes.is_none() => {
            (403, Vec::new(), problem("Resource not accessible by personal access token"))
        }
        _ => (404, Vec::new(), problem("Not Found")),
    };
    let query = request.uri().query().unwrap_or_default();
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name.to_owned(), value.to_owned())
    };
    person.asked.push(openapi::Request {
        method: request.method().to_string(),
        path,
        query: query.split('&').filter(|part| !part.is_empty()).map(pair).collect(),
        headers: request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect(),
        body: Vec::new(),
    });
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    person.answered.push((status, body.clone()));
    let mut response = Response::builder().status(status).header("content-type", "application/json; charset=utf-8");
    if let Some(scopes) = scopes.filter(|_| authorized) {
        response = response.header("x-oauth-scopes", scopes).header("x-accepted-oauth-scopes", accepted);
    }
    for (name, value) in more {
        response = response.header(name, value);
    }
    response.body(body.into()).expect("an answer")
}

fn problem(message: &str) -> Value {
    json!({ "message": message, "documentation_url": "https://docs.github.com/rest", "status": "0" })
}

/// Somebody else's address, one that was never confirmed, and the one that counts.
fn emails() -> Value {
    json!([
        { "email": "old@example.com", "primary": false, "verified": true, "visibility": null },
        { "email": "typo@example.com", "primary": false, "verified": false, "visibility": null },
        { "email": "private@example.com", "primary": true, "verified": true, "visibility": "private" },
    ])
}

fn user(person: &Person) -> Value {
    let api = "https://api.github.com/users/ada";
    json!({
        "login": "ada", "id": 1_815_u64, "node_id": "MDQ6VXNlcjE4MTU=", "gravatar_id": "", "url": api,
        "avatar_url": "https://avatars.githubusercontent.com/u/1815?v=4", "html_url": "https://github.com/ada",
        "followers_url": format!("{api}/followers"), "following_url": format!("{api}/following{{/other_user}}"),
        "gists_url": format!("{api}/gists{{/gist_id}}"), "starred_url": format!("{api}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{api}/subscriptions"), "organizations_url": format!("{api}/orgs"),
        "repos_url": format!("{api}/repos"), "events_url": format!("{api}/events{{/privacy}}"),
        "received_events_url": format!("{api}/received_events"), "type": "User", "site_admin": false,
        "user_view_type": "public", "name": person.name, "company": null, "blog": "", "location": null,
        "email": person.email, "hireable": null, "bio": null, "twitter_username": null, "public_repos": 2,
        "public_gists": 0, "followers": 3, "following": 0, "created_at": "2015-12-10T00:00:00Z",
        "updated_at": "2026-11-01T00:00:00Z",
    })
}
