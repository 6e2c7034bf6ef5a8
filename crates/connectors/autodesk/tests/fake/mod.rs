//! A stand-in for Autodesk Platform Services: one account, two projects, files with versions, and
//! an object store behind signed addresses.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(unreachable_pub, reason = "a module of test programs")]

mod objects;
mod people;
mod resources;
mod state;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::Response,
};
use catchment_autodesk::Autodesk;
use catchment_core::{Authorize, Connector, Context, EntryId, Registry, Result, Secret, async_trait};
use catchment_testkit::{openapi, world::Node};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

#[allow(unused_imports, reason = "each test program uses a part")]
pub use state::{Account, version_id};

pub const CLIENT_ID: &str = "appid7";
pub const CLIENT_SECRET: &str = "s3cretvalue";

/// Id and secret as the header has them.
const BASIC: &str = "Basic YXBwaWQ3OnMzY3JldHZhbHVl";

/// The token of the app, and that of somebody who consented.
pub const APP: &str = "app-token";
pub const PERSON: &str = "person-token";

/// The account, and its region.
pub const HUB: &str = "b.0e4a-hub";
pub const PROJECT: &str = "b.1f5b-project";

/// What the root of most tests is.
pub const ROOT: &str = "Acme/Bridge/root";

/// Autodesk on a port of this machine. It ends when it is dropped.
pub struct Fake {
    pub address: SocketAddr,
    account: Arc<Mutex<Account>>,
    task: JoinHandle<()>,
}

/// A status, a media type and a body.
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/vnd.api+json;charset=UTF-8".to_owned())];
        Self { status, headers, body: body.to_string().into() }
    }

    /// As the Data Management API refuses.
    pub(crate) fn refused(status: u16, code: &str) -> Self {
        let error = json!({ "id": "1f", "status": status.to_string(), "code": code, "title": code, "detail": "planted detail" });
        Self::json(status, &json!({ "jsonapi": { "version": "1.0" }, "errors": [error] }))
    }

    /// As the gateway refuses.
    pub(crate) fn gateway(status: u16, code: &str) -> Self {
        Self::json(
            status,
            &json!({ "developerMessage": "planted message", "errorCode": code, "more info": "https://h" }),
        )
    }
}

impl Fake {
    pub async fn new() -> Self {
        let account = Arc::new(Mutex::new(Account::new()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = Router::new().fallback(answer).with_state(Arc::clone(&account));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("served") });
        Self { address, account, task }
    }

    /// The same account at another address, as the object store is.
    pub async fn elsewhere(&self) -> Self {
        let account = Arc::clone(&self.account);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = Router::new().fallback(answer).with_state(Arc::clone(&account));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("served") });
        Self { address, account, task }
    }

    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().expect("not poisoned")
    }

    pub fn settings(&self) -> Value {
        settings(self.address)
    }

    /// As the app by itself.
    pub fn connector(&self) -> Arc<dyn Connector> {
        connect(self.settings(), Context::local()).expect("good settings")
    }

    /// As somebody who consented.
    pub fn person(&self) -> Arc<dyn Connector> {
        let settings = json!({ "url": format!("http://{}", self.address), "allow_http": true, "folder_path": ROOT });
        connect(settings, Context::local().with_grant(Arc::new(Granted(PERSON)))).expect("good settings")
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn settings(address: SocketAddr) -> Value {
    json!({
        "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "grant_type": "client_credentials",
        "url": format!("http://{address}"), "allow_http": true, "folder_path": ROOT,
    })
}

pub fn connect(settings: Value, cx: Context) -> Result<Arc<dyn Connector>> {
    Registry::new().with::<Autodesk>().connect("autodesk", settings, cx)
}

/// The id that the connector gives to what is in the world.
pub fn entry_id(node: &Node) -> EntryId {
    match node.is_folder() {
        true => format!("folder|{HUB}|{PROJECT}|{}", state::folder_id(node.key)).into(),
        false => format!("item|{HUB}|{PROJECT}|{}", state::item_id(node.key)).into(),
    }
}

#[derive(Debug)]
pub struct Granted(pub &'static str);

#[async_trait]
impl Authorize for Granted {
    async fn header(&self) -> Result<Secret> {
        Ok(Secret::new(format!("Bearer {}", self.0)))
    }

    async fn rejected(&self, _: &Secret) -> Result<()> {
        Ok(())
    }
}

/// A request that came in.
pub(crate) struct Ask {
    pub(crate) host: String,
    /// The path, still encoded.
    pub(crate) path: String,
    /// Its segments, decoded.
    pub(crate) segments: Vec<String>,
    pub(crate) query: HashMap<String, String>,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) form: HashMap<String, String>,
}

impl Ask {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Whether the app asks, and not a person.
    pub(crate) fn is_app(&self) -> bool {
        self.header("authorization") == format!("Bearer {APP}")
    }
}

async fn answer(State(account): State<Arc<Mutex<Account>>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    let pairs = |text: &[u8]| -> Vec<(String, String)> { url::form_urlencoded::parse(text).into_owned().collect() };
    let query = pairs(head.uri.query().unwrap_or_default().as_bytes());
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers: HashMap<_, _> = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let path = head.uri.path().to_owned();
    let decoded = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    let ask = Ask {
        host: headers.get("host").cloned().unwrap_or_default(),
        segments: path.split('/').skip(1).map(decoded).collect(),
        path: path.clone(),
        query: query.iter().cloned().collect(),
        headers: headers.clone(),
        form: pairs(&body).into_iter().collect(),
    };
    let mut account = account.lock().expect("not poisoned");
    let answer = route(&mut account, &ask);
    let method = head.method.to_string();
    let request = openapi::Request { method, path, query, headers: headers.into_iter().collect(), body: body.into() };
    let kept = if ask.segments[0] == "objects" { Bytes::new() } else { answer.body.clone() };
    account.asked.push((request, answer.status, kept));
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(answer.body.into()).expect("an answer")
}

fn route(account: &mut Account, ask: &Ask) -> Answer {
    let segments: Vec<&str> = ask.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["authentication", "v2", "token"] => return token(account, ask),
        ["objects", key] => return objects::object(account, ask, key),
        _ => {}
    }
    if account.down_until.is_some_and(|until| tokio::time::Instant::now() < until) {
        return Answer::gateway(503, "SERVICE-503");
    }
    let authorization = ask.header("authorization");
    if ![APP, PERSON].iter().any(|token| authorization == format!("Bearer {token}")) {
        return Answer::gateway(401, "AUTH-006");
    }
    if let Some((_, status, code)) = account.refuses.iter().find(|(end, ..)| ask.path.ends_with(end)) {
        return Answer::gateway(*status, code);
    }
    match segments.as_slice() {
        ["userinfo"] => people::person(),
        ["project", "v1", "hubs"] => resources::hubs(account),
        ["project", "v1", "hubs", HUB, "projects"] => resources::projects(account, ask),
        ["project", "v1", "hubs", HUB, "projects", project] => resources::project(project),
        ["project", "v1", "hubs", HUB, "projects", project, "topFolders"] => resources::top_folders(account, project),
        ["data", "v1", "projects", PROJECT, "folders", folder] => resources::folder(account, folder),
        ["data", "v1", "projects", PROJECT, "folders", folder, "contents"] => resources::contents(account, ask, folder),
        ["data", "v1", "projects", PROJECT, "folders", folder, "search"] => resources::search(account, ask, folder),
        ["data", "v1", "projects", PROJECT, "items", item] => resources::item(account, item),
        ["oss", "v2", "buckets", objects::BUCKET, "objects", key, "signeds3download"] => {
            objects::sign(account, ask, key)
        }
        ["bim360", "docs", "v1", "projects", project, "folders", folder, "permissions"] => {
            people::permissions(account, project, folder)
        }
        ["construction", "admin", "v1", "projects", project, "users"] => people::users(ask, project),
        _ => Answer::refused(404, "NOT_FOUND"),
    }
}

fn token(account: &mut Account, ask: &Ask) -> Answer {
    account.exchanges += 1;
    let good = ask.form.get("grant_type").is_some_and(|grant| grant == "client_credentials");
    let scopes = ask.form.get("scope").map(String::as_str).unwrap_or_default();
    match ask.header("authorization") {
        BASIC if good && scopes.contains("data:read") => {
            Answer::json(200, &json!({ "access_token": APP, "token_type": "Bearer", "expires_in": 3599 }))
        }
        BASIC => Answer::json(400, &json!({ "error": "invalid_request", "error_description": "planted" })),
        // An app that is not known, and one whose secret is wrong.
        other if !other.starts_with("Basic YXBwaWQ3O") => Answer::gateway(403, "AUTH-001"),
        _ => Answer::json(401, &json!({ "error": "invalid_client", "error_description": "planted" })),
    }
}
