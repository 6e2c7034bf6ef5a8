//! Refreshing at a token endpoint, and calls that need it.

mod vendor;

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Response},
    routing::{get, post},
};
use catchment_auth::oauth::{Authorizers, ClientProof, Exchange, TokenEndpoint};
use catchment_client::{Client, Egress};
use catchment_core::ErrorKind;
use serde_json::{Value, json};
use vendor::{KEY, holding, tokens};

/// A vendor with a token endpoint, and an API that wants the token it gave.
struct Server {
    url: String,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    answer: Mutex<(u16, &'static str, String)>,
    seen: Mutex<Vec<(Option<String>, String)>>,
}

impl Server {
    async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let app = Router::new().route("/token", post(token)).route("/files", get(files));
        let app = app.with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
        Self { url, shared, task }
    }

    fn answers(&self, status: u16, content_type: &'static str, body: impl ToString) {
        *self.shared.answer.lock().expect("a lock") = (status, content_type, body.to_string());
    }

    fn seen(&self) -> Vec<(Option<String>, String)> {
        self.shared.seen.lock().expect("a lock").clone()
    }

    fn endpoint(&self) -> TokenEndpoint {
        self.proving(ClientProof::Body("planted secret/+".into()))
    }

    fn proving(&self, proof: ClientProof) -> TokenEndpoint {
        let url = format!("{}/token", self.url);
        TokenEndpoint::new(url, "our id", proof, Egress::allow_private()).expect("an endpoint")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response<Body> {
    let header = headers.get("authorization").map(|value| value.to_str().expect("text").to_owned());
    shared.seen.lock().expect("a lock").push((header, body));
    let (status, content_type, body) = shared.answer.lock().expect("a lock").clone();
    Response::builder().status(status).header("content-type", content_type).body(body.into()).expect("an answer")
}

async fn files(headers: HeaderMap) -> Response<Body> {
    let good = headers.get("authorization").is_some_and(|value| value == "Bearer a1");
    Response::builder().status(if good { 200 } else { 401 }).body(Body::from("{}")).expect("an answer")
}

#[tokio::test]
async fn a_refresh_is_asked_for_as_the_standard_says() {
    let server = Server::start().await;
    server.answers(200, "application/json", json!({ "access_token": "a1", "token_type": "Bearer" }));
    server.endpoint().refresh(&"r0 &=".into()).await.unwrap();
    server.proving(ClientProof::Basic("planted secret/+".into())).refresh(&"r0".into()).await.unwrap();
    assert_eq!(
        server.seen(),
        [
            (
                None,
                "grant_type=refresh_token&refresh_token=r0+%26%3D&client_id=our+id&client_secret=planted+secret%2F%2B"
                    .into()
            ),
            // our%20id:planted%20secret%2F%2B
            (
                Some("Basic b3VyJTIwaWQ6cGxhbnRlZCUyMHNlY3JldCUyRiUyQg==".into()),
                "grant_type=refresh_token&refresh_token=r0".into()
            ),
        ]
    );
}

#[tokio::test]
async fn what_is_granted_is_read_as_vendors_write_it() {
    let server = Server::start().await;
    let granted = async |changes: Value| {
        let mut answer = json!({ "access_token": "a1" });
        answer.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        server.answers(200, "application/json", answer);
        server.endpoint().refresh(&"r0".into()).await.unwrap()
    };
    let plain = granted(json!({})).await;
    assert!(plain.refresh.is_none() && plain.lives.is_none() && plain.scopes.is_none());
    let full = granted(json!({ "refresh_token": "r1", "expires_in": 3600, "scope": "a b" })).await;
    assert_eq!((full.access.expose(), full.refresh.unwrap().expose()), ("a1", "r1"));
    assert_eq!((full.lives.unwrap().as_secs(), full.scopes.unwrap()), (3600, vec!["a".to_owned(), "b".into()]));
    let odd = granted(json!({ "refresh_token": "", "expires_in": "28800", "scope": "repo,user" })).await;
    assert!(odd.refresh.is_none());
    assert_eq!((odd.lives.unwrap().as_secs(), odd.scopes.unwrap().len()), (28_800, 2));
    for never in [json!(0), json!(-5), json!("soon"), json!(1e300), json!(null), json!(u64::MAX)] {
        assert_eq!(granted(json!({ "expires_in": never })).await.lives, None, "{never}");
    }
}

#[tokio::test]
async fn only_an_answer_that_says_so_ends_a_grant() {
    use ErrorKind::{Config, Forbidden, Protocol, RateLimited, Unauthenticated, Unavailable};
    const JSON: &str = "application/json";
    let server = Server::start().await;
    let fault = |code: &str| json!({ "error": code, "error_description": "planted" }).to_string();
    for (status, content_type, body, kind) in [
        (400, JSON, fault("invalid_grant"), Unauthenticated),
        (401, JSON, fault("invalid_grant"), Unauthenticated),
        (200, JSON, fault("bad_refresh_token"), Unauthenticated),
        (200, JSON, json!({ "ok": false, "error": "invalid_refresh_token" }).to_string(), Unauthenticated),
        (400, JSON, fault("interaction_required"), Unauthenticated),
        (401, JSON, fault("invalid_client"), Config),
        (200, JSON, fault("incorrect_client_credentials"), Config),
        (401, JSON, String::new(), Config),
        (401, "text/html", "<html>invalid_grant</html>".into(), Config),
        (403, "text/html", "<html>planted</html>".into(), Forbidden),
        (400, JSON, fault("planted"), Protocol),
        (200, JSON, fault("planted"), Protocol),
        (200, "text/html", "<html>planted</html>".into(), Protocol),
        (200, JSON, "{}".into(), Protocol),
        (200, JSON, json!({ "access_token": "" }).to_string(), Protocol),
        (200, JSON, json!({ "access_token": { "planted": 1 } }).to_string(), Protocol),
        (400, JSON, fault("slow_down"), RateLimited),
        (500, JSON, "planted".into(), Unavailable),
        (503, "text/html", "<html>planted</html>".into(), Unavailable),
    ] {
        server.answers(status, content_type, &body);
        let error = server.endpoint().refresh(&"planted-r0".into()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {body}: {error}");
        let shown = format!("{error} {error:?} {:?}", server.endpoint());
        assert!(!shown.contains("planted"), "{shown}");
    }
}

#[tokio::test]
async fn a_call_with_a_rejected_token_is_made_again_with_a_new_one() {
    let server = Server::start().await;
    server.answers(200, "application/json", json!({ "access_token": "a1", "expires_in": 3600 }));
    let store = holding(tokens("revoked", 10)).await;
    let authorizer = Authorizers::new(store).of(KEY, Arc::new(server.endpoint()));
    let client = Client::builder("endpoint-test")
        .base(&server.url)
        .egress(Egress::allow_private())
        .authorize(Arc::new(authorizer))
        .build()
        .unwrap();
    for _ in 0..3 {
        assert!(client.get("files").send().await.is_ok());
    }
    assert_eq!(server.seen().len(), 1);
}
