//! Google Drive in this process: it speaks the wire format of the discovery document (paging, field
//! masks, searches, errors, changes, ranges, exports, tokens) over worlds of files.

#![allow(dead_code, unused_imports, reason = "each test program uses a part")]

mod account;
mod answers;
mod corpus;
mod files;
mod lists;
mod mask;
mod search;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{Router, body::Bytes, extract::State, http::Request, response::Response};
use catchment_core::{Connector, Context, Registry, Result};
use catchment_google_drive::GoogleDrive;
use catchment_testkit::world::{Key, World};
use serde_json::{Value, json};

pub(crate) use account::{CLIENT, Token};
pub(crate) use corpus::{Corpus, FOLDER, Kind};
pub(crate) use lists::share;

/// Whose account it is.
pub(crate) const OWNER: &str = "owner@example.com";

/// The indices of the corpora that are always there, and of the first shared drive.
pub(crate) const MINE: usize = 0;
pub(crate) const THEIRS: usize = 1;
pub(crate) const DRIVE: usize = 2;

/// The service, on a free port of this machine. It ends when it is dropped.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    server: tokio::task::JoinHandle<()>,
}

/// Everything that the service knows.
pub(crate) struct Shared {
    pub(crate) address: SocketAddr,
    pub(crate) corpora: Vec<Corpus>,
    /// The shared drives that the account is in.
    pub(crate) joined: BTreeSet<String>,
    /// The drives that were joined and left, in order.
    pub(crate) drive_log: Vec<String>,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) refresh_tokens: BTreeMap<String, Token>,
    pub(crate) codes: BTreeMap<String, (Token, String)>,
    /// No list is longer.
    pub(crate) longest_page: usize,
    /// No page of changes is longer.
    pub(crate) longest_log: usize,
    /// Tokens of logs from before are not known any more.
    pub(crate) forgotten: bool,
    pub(crate) quirk: Quirk,
    /// Until when everything but tokens is answered with 503.
    pub(crate) down_until: Option<tokio::time::Instant>,
    pub(crate) exchanges: Vec<Exchange>,
}

/// What the service does that it should not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Quirk {
    #[default]
    None,
    /// The first page of a list is empty.
    EmptyPageFirst,
    /// Lists go round in a circle of two pages.
    Circle,
    /// Lists are not complete.
    Incomplete,
}

/// A call, as it came in and was answered.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) status: u16,
    /// JSON that was answered, as it was before the field mask.
    pub(crate) answer: Option<Value>,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let corpora = vec![
            Corpus::new('a', Kind::Mine),
            Corpus::new('b', Kind::Theirs(BTreeSet::new())),
            Corpus::new('c', Kind::Drive("Marketing".to_owned())),
            Corpus::new('d', Kind::Drive("Board".to_owned())),
        ];
        let joined = corpora.iter().filter_map(Corpus::drive_id).collect();
        let shared = Arc::new(Mutex::new(Shared {
            address,
            corpora,
            joined,
            drive_log: Vec::new(),
            tokens: BTreeMap::new(),
            refresh_tokens: BTreeMap::new(),
            codes: BTreeMap::new(),
            longest_page: 100,
            longest_log: 7,
            forgotten: false,
            quirk: Quirk::None,
            down_until: None,
            exchanges: Vec::new(),
        }));
        let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
        Self { address, shared, server }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("a lock")
    }

    /// Does something to the world of My Drive.
    pub(crate) fn world<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.lock().corpora[MINE].world)
    }

    /// The id of something in My Drive.
    pub(crate) fn id(&self, key: Key) -> String {
        self.lock().corpora[MINE].id(key)
    }

    /// The id of something in a corpus.
    pub(crate) fn id_in(&self, corpus: usize, key: Key) -> String {
        self.lock().corpora[corpus].id(key)
    }

    /// Joins or leaves a shared drive.
    pub(crate) fn join(&self, id: &str, joins: bool) {
        let mut shared = self.lock();
        if joins {
            shared.joined.insert(id.to_owned());
        } else {
            shared.joined.remove(id);
        }
        shared.drive_log.push(id.to_owned());
    }

    /// The calls so far whose path ends so.
    pub(crate) fn calls(&self, end: &str) -> Vec<Exchange> {
        self.lock().exchanges.iter().filter(|call| call.path.ends_with(end)).cloned().collect()
    }

    /// Makes something in a folder of a corpus; without content, a folder.
    pub(crate) fn make(&self, corpus: usize, parent: Key, name: &str, content: Option<&[u8]>) -> Key {
        let content = content.map(Bytes::copy_from_slice);
        self.lock().corpora[corpus].world.create(parent, name, content).expect("made")
    }

    /// Makes a file of My Drive something else than its bytes say.
    pub(crate) fn patch(&self, corpus: usize, key: Key, patch: Value) {
        self.lock().corpora[corpus].patches.insert(key, patch);
    }

    /// Makes one of Google's own documents in the root.
    pub(crate) fn native(&self, name: &str, kind: &str, own: Value) -> Key {
        let key = self.make(MINE, Key::ROOT, name, Some(b""));
        let mut patch = json!({
            "mimeType": format!("application/vnd.google-apps.{kind}"), "size": "1024", "md5Checksum": null,
            "headRevisionId": null
        });
        patch.as_object_mut().expect("an object").extend(own.as_object().expect("an object").clone());
        self.patch(MINE, key, patch);
        key
    }

    /// Makes a shortcut in the root.
    pub(crate) fn shortcut(&self, name: &str, target: &str, mime: &str) -> Key {
        let details = json!({ "targetId": target, "targetMimeType": mime });
        self.native(name, "shortcut", json!({ "shortcutDetails": details, "size": null }))
    }

    /// The settings for a service account and the root folder.
    pub(crate) fn settings(&self) -> Value {
        self.settings_at(self.address)
    }

    /// The same, by way of a proxy. Tokens are asked for without it.
    pub(crate) fn settings_at(&self, address: SocketAddr) -> Value {
        json!({
            "url": format!("http://{address}"), "folder_path": self.id(Key::ROOT), "user_id": OWNER,
            "service_account": account::key_file(self.address, account::KEY).to_string(),
        })
    }

    /// The settings with a key that Google does not know.
    pub(crate) fn settings_of_a_stranger(&self) -> Value {
        let mut settings = self.settings();
        settings["service_account"] = account::key_file(self.address, account::OTHER).to_string().into();
        settings
    }

    pub(crate) fn connect(&self) -> Arc<dyn Connector> {
        connect(self.settings()).expect("good settings")
    }

    /// The same, for another folder.
    pub(crate) fn connect_to(&self, folder: &str) -> Arc<dyn Connector> {
        self.connect_with(json!({ "folder_path": folder }))
    }

    /// The same, with some settings changed.
    pub(crate) fn connect_with(&self, changes: Value) -> Arc<dyn Connector> {
        let mut settings = self.settings();
        let changes = changes.as_object().expect("an object").clone();
        settings.as_object_mut().expect("an object").extend(changes);
        connect(settings).expect("good settings")
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub(crate) fn connect(settings: Value) -> Result<Arc<dyn Connector>> {
    Registry::new().with::<GoogleDrive>().connect("google_drive", settings, Context::local())
}

/// A call that came in.
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Call {
    /// A page that a browser goes to.
    pub(crate) fn browser(url: &url::Url) -> Self {
        Self {
            method: "GET".to_owned(),
            path: url.path().to_owned(),
            query: url.query_pairs().into_owned().collect(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// A parameter of the query.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// A field of a form.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let mut fields = url::form_urlencoded::parse(&self.body);
        fields.find(|(given, _)| given == name).map(|(_, value)| value.into_owned())
    }
}

async fn handle(State(shared): State<Arc<Mutex<Shared>>>, request: Request<axum::body::Body>) -> Response {
    let (head, body) = request.into_parts();
    let query = head.uri.query().unwrap_or_default();
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let call = Call {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: axum::body::to_bytes(body, 1 << 20).await.expect("a body"),
    };
    let mut shared = shared.lock().expect("a lock");
    let answer = shared.answer(&call);
    let Call { method, path, query, headers, .. } = call;
    let exchange = Exchange { method, path, query, headers, status: answer.status, answer: answer.whole.clone() };
    shared.exchanges.push(exchange);
    answer.into_response()
}
