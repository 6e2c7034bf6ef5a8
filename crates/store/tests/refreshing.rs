//! Refreshing a token from several processes: once, and whoever is killed on the way loses nothing
//! that the vendor still accepts.

mod support;

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use catchment_auth::oauth::{App, Authorizer, Authorizers, Provider};
use catchment_client::Egress;
use catchment_core::{
    ErrorKind, Fence, IntegrationId, Result, Revision, Secret, TokenStore, Tokens, async_trait, oauth::OAuth,
};
use catchment_store::Store;
use catchment_vault::TokenFiles;
use chrono::{TimeDelta, Utc};
use futures::future::join_all;
use serde_json::{Value, json};
use support::{OLD, Place, Subject, connect, directory, new, vault};

const VENDOR: OAuth =
    OAuth { authorize: "https://vendor.test/authorize", token: "https://vendor.test/token", ..OAuth::STANDARD };

/// A vendor that exchanges `r0` for `r1`, that for `r2`, and so on.
#[derive(Clone)]
struct Vendor {
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    asked: Mutex<usize>,
    /// Whether a refresh token is good once.
    strict: bool,
}

impl Vendor {
    async fn start(strict: bool) -> Self {
        let shared = Arc::new(Shared { asked: Mutex::default(), strict });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let app = Router::new().route("/token", post(exchange)).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
        Self { url, shared }
    }

    fn asked(&self) -> usize {
        *self.shared.asked.lock().expect("a lock")
    }
}

async fn exchange(State(shared): State<Arc<Shared>>, form: String) -> (StatusCode, Json<Value>) {
    let mut asked = shared.asked.lock().expect("a lock");
    let good = !shared.strict || form.contains(&format!("refresh_token=r{asked}&"));
    *asked += 1;
    if !good {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })));
    }
    let granted =
        json!({ "access_token": format!("a{asked}"), "refresh_token": format!("r{asked}"), "expires_in": 3600 });
    (StatusCode::OK, Json(granted))
}

/// Tokens that ended an hour ago.
fn ended() -> Tokens {
    let issued = Utc::now() - TimeDelta::hours(2);
    Tokens {
        access: "a0".into(),
        issued,
        refresh: Some("r0".into()),
        expires: Some(issued + TimeDelta::hours(1)),
        scopes: Vec::new(),
    }
}

fn authorizer(store: Arc<dyn TokenStore>, key: IntegrationId, vendor: &str) -> Authorizer {
    let app = App { id: "us".into(), origin: Some(vendor.to_owned()), ..App::default() };
    let provider = Provider::new(&VENDOR, app, &json!({}), Egress::allow_private()).expect("addresses");
    Authorizers::new(store).of(key, Arc::new(provider))
}

/// A store as a process has it that is killed when the vendor has answered.
#[derive(Debug)]
struct Deadly(Arc<dyn TokenStore>);

/// How long its lease is.
const SHORT: Duration = Duration::from_millis(300);

#[async_trait]
impl TokenStore for Deadly {
    async fn load(&self, key: IntegrationId) -> Result<Option<(Tokens, Revision)>> {
        self.0.load(key).await
    }

    async fn swap(&self, _: IntegrationId, _: Option<Revision>, _: &Tokens) -> Result<bool> {
        say("answered");
        std::future::pending().await
    }

    async fn lease(&self, key: IntegrationId, _: Duration) -> Result<Option<Fence>> {
        self.0.lease(key, SHORT).await
    }

    async fn release(&self, key: IntegrationId, fence: Fence) -> Result<()> {
        self.0.release(key, fence).await
    }

    async fn remove(&self, key: IntegrationId) -> Result<()> {
        self.0.remove(key).await
    }
}

/// To the parent, which reads lines that begin so: the test harness writes there, too.
fn say(what: &str) {
    writeln!(std::io::stderr(), "child: {what}").expect("told");
}

const PLACE: &str = "CATCHMENT_TEST_REFRESH_PLACE";
const AT: &str = "CATCHMENT_TEST_REFRESH_AT";
const DIES: &str = "CATCHMENT_TEST_REFRESH_DIES";

async fn opened(place: &str) -> Arc<dyn TokenStore> {
    match place.split_once(':').expect("a kind") {
        ("file", file) => Arc::new(Store::open(file).await.expect("opens").with_vault(vault(OLD))),
        ("tokens", folder) => Arc::new(TokenFiles::new(folder, "acme", vault(OLD)).expect("a folder")),
        _ => Arc::new(connect(place).await.with_vault(vault(OLD))),
    }
}

/// Not a test of its own: one of the processes. It waits for a line before it asks for tokens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let (Ok(place), Ok(at)) = (env::var(PLACE), env::var(AT)) else { return };
    let (key, vendor) = at.split_once(' ').expect("a key and an address");
    let mut store = opened(&place).await;
    if env::var(DIES).is_ok() {
        store = Arc::new(Deadly(store));
    }
    let authorizer = authorizer(store, IntegrationId(key.parse().expect("a number")), vendor);
    say("ready");
    let wait = || std::io::stdin().read_exact(&mut [0]);
    tokio::task::spawn_blocking(wait).await.expect("a thread").expect("a word");
    let calls = (0..125).map(|_| {
        let authorizer = authorizer.clone();
        tokio::spawn(async move { authorizer.token().await.expect("a token").expose().to_owned() })
    });
    let tokens = join_all(calls).await.into_iter().map(|token| token.expect("no panic")).collect::<Vec<_>>();
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    say(&tokens[0]);
}

/// A child, and what it says.
struct Process {
    child: Child,
    lines: Box<dyn Iterator<Item = String> + Send>,
}

impl Process {
    fn start(place: &str, key: IntegrationId, vendor: &Vendor, dies: bool) -> Self {
        let mut child = Command::new(env::current_exe().expect("this program"));
        child.args(["--exact", "child", "--nocapture"]).env(PLACE, place).env(AT, format!("{key} {}", vendor.url));
        if dies {
            child.env(DIES, "1");
        }
        child.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = child.spawn().expect("started");
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(std::io::Result::ok);
        let lines = lines.filter_map(|line| line.strip_prefix("child: ").map(str::to_owned));
        let mut process = Self { child, lines: Box::new(lines) };
        assert_eq!(process.says(), "ready");
        process
    }

    fn go(&mut self) {
        self.child.stdin.take().expect("piped").write_all(b"!").expect("told");
    }

    fn says(&mut self) -> String {
        self.lines.next().expect("it says something")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL, on Unix.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a store is, for a child, and the integration whose tokens have ended.
async fn prepared(subject: &Subject) -> (String, IntegrationId) {
    let place = match &subject.place {
        Place::File(file) => format!("file:{}", file.display()),
        Place::Server(database) => database.url.clone(),
    };
    let key = subject.ann().create(new("one")).await.expect("made").id;
    assert!(subject.store.swap(key, None, &ended()).await.expect("answered"));
    (place, key)
}

async fn eight_processes_cause_one_exchange(subject: Subject) {
    let vendor = Vendor::start(true).await;
    let (place, key) = prepared(&subject).await;
    let mut processes: Vec<_> = (0..8).map(|_| Process::start(&place, key, &vendor, false)).collect();
    processes.iter_mut().for_each(Process::go);
    let said = tokio::task::spawn_blocking(move || processes.iter_mut().map(Process::says).collect::<Vec<_>>());
    assert_eq!(said.await.expect("a thread"), ["a1"; 8]);
    assert_eq!(vendor.asked(), 1);
    let (stored, _) = subject.store.load(key).await.expect("loaded").expect("tokens");
    assert_eq!((stored.access.expose(), stored.refresh.expect("one").expose()), ("a1", "r1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_in_eight_processes_on_postgres_cause_one_exchange() {
    eight_processes_cause_one_exchange(support::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_in_eight_processes_on_sqlite_cause_one_exchange() {
    eight_processes_cause_one_exchange(support::sqlite().await).await;
}

/// A process is killed after the vendor has answered it, and before it stored what was granted.
async fn killed_before_it_stored(place: &str, key: IntegrationId) {
    // The vendor accepts the old token again: nobody has to do anything.
    for (strict, token) in [(false, Ok("a2")), (true, Err(ErrorKind::Unauthenticated))] {
        let store = opened(place).await;
        let revision = store.load(key).await.expect("loaded").map(|(_, revision)| revision);
        assert!(store.swap(key, revision, &ended()).await.expect("stored"));
        let vendor = Vendor::start(strict).await;
        let mut process = Process::start(place, key, &vendor, true);
        process.go();
        let killed = tokio::task::spawn_blocking(move || process.says());
        assert_eq!(killed.await.expect("a thread"), "answered");
        assert_eq!(vendor.asked(), 1);
        let got = authorizer(store, key, &vendor.url).token().await;
        assert_eq!(vendor.asked(), 2, "the old token was tried");
        // Only the vendor's own word leads to a person.
        assert_eq!(got.as_ref().map(Secret::expose).map_err(|error| error.kind()), token);
        assert_eq!(got.err().and_then(|error| error.get("grant").map(str::to_owned)), strict.then(|| "revoked".into()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_vendor_that_refuses_the_old_token_makes_a_killed_exchange_felt_on_postgres() {
    let subject = support::postgres().await;
    let (place, key) = prepared(&subject).await;
    killed_before_it_stored(&place, key).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_vendor_that_refuses_the_old_token_makes_a_killed_exchange_felt_on_sqlite() {
    let subject = support::sqlite().await;
    let (place, key) = prepared(&subject).await;
    killed_before_it_stored(&place, key).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_vendor_that_refuses_the_old_token_makes_a_killed_exchange_felt_in_files() {
    let folder = directory();
    let place = |folder: &Path| format!("tokens:{}", folder.display());
    killed_before_it_stored(&place(&folder.path().join("tokens")), IntegrationId(7)).await;
}
