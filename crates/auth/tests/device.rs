//! Consent on another device.

mod server;

use std::time::Duration;

use catchment_auth::oauth::{App, Provider};
use catchment_client::Egress;
use catchment_core::{ErrorKind, oauth::OAuth};
use serde_json::{Value, json};
use server::{JSON, Server};
use tokio::time::Instant;

const OAUTH: OAuth = OAuth {
    authorize: "https://vendor.test/authorize",
    token: "https://vendor.test/token",
    device: Some("https://vendor.test/device"),
    scopes: &["a", "b"],
    ..OAuth::STANDARD
};
const NONE: OAuth = OAuth { device: None, ..OAUTH };

fn provider(server: &Server, oauth: &'static OAuth) -> Provider {
    let app = App { id: "tv".into(), origin: Some(server.url.clone()), ..App::default() };
    Provider::new(oauth, app, &json!({}), Egress::allow_private()).expect("addresses")
}

fn code(interval: u64, expires: u64) -> Value {
    json!({
        "device_code": "planted",
        "user_code": "WDJB-MJHT",
        "verification_uri": "https://vendor.test/activate",
        "verification_uri_complete": "https://vendor.test/activate?code=WDJB-MJHT",
        "interval": interval,
        "expires_in": expires,
    })
}

fn fault(code: &str) -> Value {
    json!({ "error": code })
}

/// What polling gives, and how many seconds it took. The vendor answers on the same thread, so the
/// paused clock moves only while everybody waits.
async fn polled(server: &Server, given: Value, answers: &[(u16, Value)]) -> (catchment_core::Result<String>, u64) {
    let provider = provider(server, &OAUTH);
    server.answers(200, JSON, given);
    let device = provider.device(&[]).await.expect("a code");
    for (status, answer) in answers {
        server.first(*status, answer);
    }
    let begun = Instant::now();
    let granted = provider.poll(&device).await.map(|granted| granted.access.expose().to_owned());
    (granted, begun.elapsed().as_secs())
}

#[tokio::test]
async fn a_code_is_shown_as_the_vendor_gives_it() {
    let server = Server::start().await;
    server.answers(200, JSON, code(5, 600));
    let device = provider(&server, &OAUTH).device(&[]).await.unwrap();
    assert_eq!(server.seen()[0].call, "POST /device");
    assert_eq!(server.seen()[0].body, "scope=a+b&client_id=tv");
    assert_eq!(
        (device.user_code.as_str(), device.verification_uri.as_str()),
        ("WDJB-MJHT", "https://vendor.test/activate")
    );
    assert_eq!(device.verification_uri_complete.as_deref(), Some("https://vendor.test/activate?code=WDJB-MJHT"));
    assert_eq!((device.interval.as_secs(), device.expires_in.as_secs()), (5, 600));
    assert!(!format!("{device:?}").contains("planted"));
    // Google's older name, and nothing but what has to be there.
    server.answers(
        200,
        JSON,
        json!({ "device_code": "d", "user_code": "u", "verification_url": "https://g.test/device" }),
    );
    let device = provider(&server, &OAUTH).device(&["c".into()]).await.unwrap();
    assert_eq!((device.verification_uri.as_str(), device.interval), ("https://g.test/device", Duration::from_secs(5)));
    assert_eq!(server.seen()[1].body, "scope=c&client_id=tv");
}

#[tokio::test]
async fn what_a_terminal_cannot_be_trusted_with_is_not_shown() {
    let server = Server::start().await;
    let with = |name: &str, value: Value| {
        let mut code = code(5, 600);
        code[name] = value;
        code
    };
    for answer in [
        with("user_code", json!("\u{1b}[2J")),
        with("user_code", json!("")),
        with("user_code", json!("x".repeat(65))),
        with("verification_uri", json!("javascript:alert(1)")),
        with("verification_uri", json!(7)),
        with("device_code", json!(null)),
    ] {
        server.answers(200, JSON, answer);
        assert_eq!(provider(&server, &OAUTH).device(&[]).await.unwrap_err().kind(), ErrorKind::Protocol);
    }
    assert_eq!(provider(&server, &NONE).device(&[]).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn a_device_asks_as_slowly_as_the_vendor_wants_until_somebody_consents() {
    let server = Server::start().await;
    let (granted, took) = polled(
        &server,
        code(5, 600),
        &[
            (400, fault("authorization_pending")),
            // GitHub says it with 200.
            (200, fault("authorization_pending")),
            (400, fault("slow_down")),
            (503, Value::Null),
            (200, json!({ "access_token": "a1" })),
        ],
    )
    .await;
    assert_eq!(granted.unwrap(), "a1");
    // 5 + 5 + 5, then 10, then 20.
    assert_eq!(took, 45);
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=planted&client_id=tv";
    assert_eq!(server.seen()[1].body, grant);
}

#[tokio::test(start_paused = true)]
async fn a_device_stops_asking_when_it_is_of_no_use() {
    let server = Server::start().await;
    for (answer, kind) in [
        ((400, fault("access_denied")), ErrorKind::Forbidden),
        ((400, fault("expired_token")), ErrorKind::Timeout),
        ((200, fault("expired_token")), ErrorKind::Timeout),
        ((400, fault("invalid_grant")), ErrorKind::Unauthenticated),
        ((401, fault("invalid_client")), ErrorKind::Config),
    ] {
        let before = server.seen().len();
        let (granted, _) = polled(&server, code(5, 600), &[answer]).await;
        assert_eq!(granted.unwrap_err().kind(), kind);
        assert_eq!(server.seen().len() - before, 2);
    }
    let pending = vec![(400, fault("authorization_pending")); 20];
    let (granted, took) = polled(&server, code(5, 22), &pending).await;
    let error = granted.unwrap_err();
    assert_eq!((error.kind(), took), (ErrorKind::Timeout, 20), "{error}");
}
