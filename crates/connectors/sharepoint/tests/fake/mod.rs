//! A stand-in for Microsoft Graph, the directory, and the hosts that bytes come from: some drives, each a world.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(unreachable_pub, reason = "a module of test programs")]

mod answers;
mod feed;
pub mod items;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
};
use catchment_core::{Connector, Context, Registry, Result};
use catchment_sharepoint::Sharepoint;
use catchment_testkit::world::{Key, World};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle, time::Instant};

pub const SECRET: &str = "a8Q~value-of-the-secret";
pub const DRIVE: &str = "b!main-drive_1";
pub const OTHER: &str = "b!other-drive_2";
pub const SITE: &str =
    "contoso.sharepoint.com,0aa00000-0000-0000-0000-000000000001,0bb00000-0000-0000-0000-000000000002";

/// One document library or OneDrive.
pub struct Drive {
    pub name: String,
    pub world: World,
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub status: u16,
    pub body: Vec<u8>,
}

/// An answer that comes instead of the usual one to the next request whose path holds `path`.
pub struct Instead {
    pub path: &'static str,
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// How the feed of changes behaves, within what Graph leaves open.
#[derive(Debug, Clone)]
pub struct FeedStyle {
    pub page: usize,
    pub shuffled: bool,
    /// Whether items are told of as they were, too, before they are told of as they are.
    pub repeated: bool,
    /// Tokens of before this number are gone, and the code that says so.
    pub forgotten: Option<(u64, &'static str)>,
}

/// What Microsoft holds, and how it behaves.
pub struct Cloud {
    pub drives: BTreeMap<String, Drive>,
    pub feed: FeedStyle,
    /// Facets and fields that an item has beside its own, by drive and key.
    pub facets: HashMap<(String, Key), Value>,
    pub instead: VecDeque<Instead>,
    /// How many reads an address of bytes lasts.
    pub reads: usize,
    /// The next bodies end after so many bytes.
    pub cuts: VecDeque<usize>,
    /// Every body ends after so many bytes.
    pub cut: Option<usize>,
    /// Where bytes are damaged: this many come wrong.
    pub damaged: bool,
    pub asked: Vec<Asked>,
    pub issued: usize,
    /// Whether a credential reached a host of bytes.
    pub leaked: bool,
    /// Drives that may be seen in lists, and not be looked at.
    pub closed: BTreeSet<String>,
    /// Until when everything is answered with 503.
    pub down_until: Option<Instant>,
    tickets: HashMap<String, (String, Key, usize)>,
}

/// Microsoft on a port of this machine. It ends when it is dropped.
pub struct Fake {
    pub address: SocketAddr,
    cloud: Arc<Mutex<Cloud>>,
    task: JoinHandle<()>,
}

impl Fake {
    pub async fn new() -> Self {
        let drive = |name: &str| Drive { name: name.to_owned(), world: World::new() };
        let cloud = Arc::new(Mutex::new(Cloud {
            drives: BTreeMap::from([(DRIVE.to_owned(), drive("Documents")), (OTHER.to_owned(), drive("Plans"))]),
            feed: FeedStyle { page: 10, shuffled: true, repeated: true, forgotten: None },
            facets: HashMap::new(),
            instead: VecDeque::new(),
            reads: usize::MAX,
            cuts: VecDeque::new(),
            cut: None,
            damaged: false,
            asked: Vec::new(),
            issued: 0,
            leaked: false,
            closed: BTreeSet::new(),
            down_until: None,
            tickets: HashMap::new(),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = Router::new().fallback(answer).with_state(Arc::clone(&cloud));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("served") });
        Self { address, cloud, task }
    }

    pub fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.cloud.lock().expect("not poisoned")
    }

    /// Makes or rewrites a file below the integration's root.
    pub fn put(&self, path: &str, content: &[u8]) -> Key {
        self.world(|world| world.put(Key::ROOT, path, content.to_vec()).expect("possible"))
    }

    /// Works on the world of the first drive.
    pub fn world<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        work(&mut self.cloud().drives.get_mut(DRIVE).expect("the drive").world)
    }

    /// Of the site, the folder `root` of its first library.
    pub fn settings(&self) -> Value {
        self.settings_at(self.address)
    }

    /// The same through another address of Graph.
    pub fn settings_at(&self, graph: SocketAddr) -> Value {
        json!({
            "client_id": "00001111-aaaa-2222-bbbb-3333cccc4444", "client_secret": SECRET, "allow_http": true,
            "url": "https://contoso.sharepoint.com/sites/Team", "folder_path": "Documents/root",
            "graph_url": format!("http://{graph}"), "authority_url": format!("http://{}", self.address),
            "resource_units": 10_000_000,
        })
    }

    pub fn connector(&self) -> Arc<dyn Connector> {
        connect(self.settings()).expect("good settings")
    }

    /// A connector with some settings changed.
    pub fn with(&self, more: Value) -> Arc<dyn Connector> {
        let mut settings = self.settings();
        settings.as_object_mut().expect("settings").extend(more.as_object().expect("an object").clone());
        connect(settings).expect("good settings")
    }

    /// How many requests there were whose path holds this.
    pub fn count(&self, path: &str) -> usize {
        self.cloud().asked.iter().filter(|asked| asked.path.contains(path)).count()
    }

    /// Makes every address of bytes that was given so far lead nowhere.
    pub fn expire_links(&self) {
        self.cloud().tickets.values_mut().for_each(|(_, _, left)| *left = 0);
    }

    pub fn instead(&self, path: &'static str, status: u16, body: impl Into<String>) {
        self.instead_with(path, status, Vec::new(), body);
    }

    pub fn instead_with(
        &self,
        path: &'static str,
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: impl Into<String>,
    ) {
        self.cloud().instead.push_back(Instead { path, status, headers, body: body.into() });
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn connect(settings: Value) -> Result<Arc<dyn Connector>> {
    connect_in(settings, Context::local())
}

pub fn connect_in(settings: Value, cx: Context) -> Result<Arc<dyn Connector>> {
    Registry::new().with::<Sharepoint>().connect("sharepoint", settings, cx)
}

/// The id of an item.
pub fn item_id(key: Key) -> String {
    format!("01ITEM{:06}", key.0)
}

/// The key of an item.
pub fn key(id: &str) -> Option<Key> {
    id.strip_prefix("01ITEM")?.parse().ok().map(Key)
}

/// An error as Graph writes it.
pub fn problem(code: &str) -> String {
    let inner = json!({ "date": "2026-01-02T03:04:05", "request-id": "r", "client-request-id": "c" });
    json!({ "error": { "code": code, "message": "A message.", "innerError": inner } }).to_string()
}

async fn answer(State(cloud): State<Arc<Mutex<Cloud>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let mut cloud = cloud.lock().expect("not poisoned");
    let answer = answers::answer(&mut cloud, &head, &body);
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    cloud.asked.push(Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: answers::query(&head),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        status: answer.status,
        body: answer.body.clone(),
    });
    answer.into_response()
}
