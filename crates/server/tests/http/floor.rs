//! What holds for every request: ids, problems, slashes, hosts, limits, an end in good order.

use std::time::Duration;

use axum::routing::get;
use catchment_server::{Caller, Server};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
};

use crate::support::{Running, Start};

#[tokio::test]
async fn an_id_is_taken_or_made_and_is_in_every_log_line() {
    let server = Running::local().await;
    let given = server.client.get("/status").header("x-request-id", "from-the-client_1.0").await;
    assert_eq!(given.header("x-request-id"), Some("from-the-client_1.0"));
    let made = server.client.get("/no/such").header("x-request-id", "not sane").await;
    let id = made.header("x-request-id").unwrap().to_owned();
    assert_eq!(id.len(), 36, "{id}");
    for id in ["from-the-client_1.0", id.as_str()] {
        let log = crate::support::captured();
        let line = log.lines().find(|line| line.contains(id) && line.contains("answered"));
        assert!(line.is_some_and(|line| line.contains("status=")), "{id}");
    }
    server.stop().await;
}

#[tokio::test]
async fn queries_and_headers_stay_out_of_the_log() {
    let server = Running::tokens().await;
    let token = server.token("acme", "ada");
    server.client.get("/status?key=a-key-in-a-query").token(token.as_str()).await;
    server.client.get("/integrations/user/ada?cursor=another-key-in-a-query").token(token.as_str()).await;
    let log = crate::support::captured();
    // The client of the test logs here as well, and it may.
    let ours = log.lines().filter(|line| line.contains("catchment_server") || line.contains("request{"));
    let ours: Vec<_> = ours.collect();
    assert!(ours.iter().any(|line| line.contains("/integrations/user/{user_id}") && line.contains("user=\"ada\"")));
    for line in ours {
        assert!(
            !line.contains("a-key-in-a-query") && !line.contains("another-key") && !line.contains(&token),
            "{line}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_path_that_is_not_there_and_a_method_that_is_not_are_problems() {
    let server = Running::local().await;
    let absent = server.client.get("/no/such/path").await;
    assert_eq!((absent.status, absent.code().as_str()), (404, "not_found"));
    let method = server.client.delete("/integrations").await;
    assert_eq!((method.status, method.code().as_str()), (405, "method_not_allowed"));
    let allowed = method.header("allow").unwrap();
    assert!(allowed.contains("POST") && !allowed.contains("DELETE"), "{allowed}");
    server.stop().await;
}

#[tokio::test]
async fn a_trailing_slash_makes_no_difference() {
    let server = Running::local().await;
    let id = server.create(None).await;
    for path in [format!("/integrations/{id}"), "/integrations/user/local?limit=5".into(), "/status".into()] {
        let (plain, query) = path.split_once('?').map_or((path.as_str(), String::new()), |(p, q)| (p, format!("?{q}")));
        let with = server.client.get(&format!("{plain}/{query}")).await;
        assert_eq!((with.status, with.body()), (200, server.client.get(&path).await.body()), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_page_of_somebody_else_cannot_drive_a_local_server() {
    let server = Running::local().await;
    let id = server.create(None).await;
    let path = format!("/integrations/{id}");
    let rebound = server.client.get(&path).header("host", "evil.example").await;
    assert_eq!((rebound.status, rebound.code().as_str()), (403, "host_refused"));
    let forged = server.client.delete(&path).header("origin", "https://evil.example").await;
    assert_eq!((forged.status, forged.code().as_str()), (403, "origin_refused"));
    let own = format!("http://{}", server.address);
    assert_eq!(server.client.get(&path).header("origin", &own).await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn only_origins_of_the_settings_are_let_in_by_browsers() {
    let none = Running::tokens().await;
    let preflight = |server: &Running, origin: &str| {
        let call = server.client.call("OPTIONS", "/integrations").header("origin", origin);
        call.header("access-control-request-method", "POST").header("access-control-request-headers", "if-match")
    };
    let refused = preflight(&none, "https://app.example.com").await;
    assert_eq!(refused.header("access-control-allow-origin"), None);
    none.stop().await;

    let mut start = Start { tokens: true, ..Start::default() };
    start.config.cors_origins = vec!["https://app.example.com".into()];
    let some = Running::start(start).await;
    let allowed = preflight(&some, "https://app.example.com").await;
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example.com"));
    assert_eq!(preflight(&some, "https://evil.example").await.header("access-control-allow-origin"), None);
    let answer = some.client.get("/health").header("origin", "https://app.example.com").await;
    assert!(answer.header("access-control-expose-headers").unwrap().contains("etag"), "{answer:?}");
    some.stop().await;
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_want_it() {
    let server = Running::local().await;
    let zipped = server.client.get("/openapi.json").header("accept-encoding", "gzip").await;
    let plain = server.client.get("/openapi.json").header("accept-encoding", "identity").await;
    assert_eq!(plain.header("content-encoding"), None);
    assert!(zipped.header("content-encoding") == Some("gzip") && zipped.bytes.len() * 3 < plain.bytes.len());
    server.stop().await;
}

#[tokio::test]
async fn routes_of_ones_own_stand_on_the_same_floor() {
    async fn whoami(caller: Caller) -> axum::Json<serde_json::Value> {
        axum::Json(json!({"user": caller.tenant.user, "admin": caller.admin}))
    }
    async fn faulty() {
        panic!("planted-Zq7Kx0-one");
    }
    let compose = |builder: catchment_server::Builder| {
        builder.routes(axum::Router::new().route("/whoami", get(whoami)).route("/faulty", get(faulty)))
    };
    let server = Running::start(Start { tokens: true, compose, ..Start::default() }).await;
    let token = server.admin("acme", "ada");
    assert_eq!(server.client.get("/whoami").await.status, 401);
    let known = server.client.get("/whoami/").token(token.as_str()).await;
    assert_eq!((known.status, known.body()), (200, json!({"user": "ada", "admin": true})));
    let panicked = server.client.get("/faulty").token(token.as_str()).await;
    assert_eq!((panicked.status, panicked.code().as_str()), (500, "internal"), "{panicked:?}");
    assert_eq!(server.client.get("/health").await.status, 200, "one handler's panic is its own");
    server.stop().await;
}

#[tokio::test]
async fn a_server_without_tokens_listens_on_loopback_only() {
    let server = Running::local().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("other.db");
    let store = catchment_store::Store::open(&file).await.unwrap();
    let backend = catchment_index::SqliteBackend::open(&file).await.unwrap();
    let index = catchment_index::Index::open(std::sync::Arc::new(backend), Default::default()).await.unwrap();
    let parser = catchment_documents::Parser::in_process(catchment_documents::Limits::default());
    let builder = Server::builder(catchment_core::Registry::new(), store, std::sync::Arc::new(index), parser);
    let config = catchment_server::Config { listen: "0.0.0.0:0".parse().unwrap(), ..Default::default() };
    let error = builder.bind(config).await.unwrap_err().to_string();
    assert!(error.contains("CATCHMENT_AUTH=none") && error.contains("loopback only"), "{error}");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_dawdles_over_its_head_is_let_go() {
    let mut start = Start::default();
    start.config.header_timeout = Duration::from_millis(200);
    start.config.max_connections = 2;
    let server = Running::start(start).await;
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await.unwrap();
        slow.push(stream);
    }
    // Both places are taken; they are free again when the slow ones have been let go.
    let answer = tokio::time::timeout(Duration::from_secs(20), server.client.get("/health").into_future()).await;
    assert_eq!(answer.unwrap().status, 200);
    for mut stream in slow {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(!String::from_utf8_lossy(&rest).contains("200 OK"), "no answer to half a question");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_request_on_its_way_ends_before_the_server_does() {
    static ENTERED: Notify = Notify::const_new();
    static LEAVE: Notify = Notify::const_new();
    async fn slow() -> &'static str {
        ENTERED.notify_one();
        LEAVE.notified().await;
        "finished"
    }
    let compose = |builder: catchment_server::Builder| builder.routes(axum::Router::new().route("/slow", get(slow)));
    let server = Running::start(Start { compose, ..Start::default() }).await;
    let call = tokio::spawn(server.client.get("/slow").into_future());
    ENTERED.notified().await;
    let address = server.address;
    let stopping = tokio::spawn(server.stop());
    // No new connection is taken.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!stopping.is_finished(), "a request is still on its way");
    LEAVE.notify_one();
    let answer = call.await.unwrap();
    assert_eq!((answer.status, &answer.bytes[..]), (200, &b"finished"[..]));
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_keep_the_server() {
    static ENTERED: Notify = Notify::const_new();
    async fn stuck() {
        ENTERED.notify_one();
        std::future::pending::<()>().await;
    }
    let compose = |builder: catchment_server::Builder| builder.routes(axum::Router::new().route("/stuck", get(stuck)));
    let mut start = Start { compose, ..Start::default() };
    start.config.grace = Duration::from_millis(100);
    let server = Running::start(start).await;
    let address = server.address;
    let call = tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /stuck HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        rest
    });
    ENTERED.notified().await;
    server.stop().await;
    assert!(call.await.unwrap().is_empty(), "it was cut off");
}

#[tokio::test]
async fn http_2_is_spoken_to_those_who_begin_with_it() {
    let server = Running::local().await;
    let client = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let answer = client.get(format!("http://{}/health", server.address)).send().await.unwrap();
    assert_eq!((answer.version(), answer.status().as_u16()), (reqwest::Version::HTTP_2, 200));
    server.stop().await;
}
