//! `Idempotency-Key`.

use serde_json::json;

use crate::support::{PLANTED, Running, shelf};

#[tokio::test]
async fn the_same_key_and_request_is_done_once_and_answered_twice() {
    let server = Running::local().await;
    let body = json!({"vendor": "shelf", "name": "Books", "credentials": shelf(PLANTED[0])});
    let create = |key: &str| server.client.post("/integrations").header("idempotency-key", key).json(&body);
    let (first, again) = (create("k-1").await, create("k-1").await);
    assert_eq!((first.status, again.status), (201, 201), "{again:?}");
    assert_eq!(first.bytes, again.bytes, "byte for byte");
    for name in ["etag", "location", "content-type"] {
        assert_eq!(first.header(name), again.header(name), "{name}");
    }
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), (None, Some("true")));
    assert_ne!(first.header("x-request-id"), again.header("x-request-id"));
    assert_ne!(create("k-2").await.body()["id"], first.body()["id"]);
    assert_eq!(server.client.get("/integrations/user/local").await.body().as_array().unwrap().len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let server = Running::local().await;
    let body = |name: &str| json!({"vendor": "shelf", "name": name, "credentials": shelf(PLANTED[0])});
    let create = |name: &str| server.client.post("/integrations").header("idempotency-key", "k").json(&body(name));
    assert_eq!(create("one").await.status, 201);
    let other = create("two").await;
    assert_eq!((other.status, other.body()["field"].as_str()), (400, Some("Idempotency-Key")), "{other:?}");
    for bad in ["two words", &"k".repeat(256)] {
        let answer = server.client.post("/integrations").header("idempotency-key", bad).json(&body("x")).await;
        assert_eq!((answer.status, answer.body()["field"].as_str()), (400, Some("Idempotency-Key")), "{answer:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_key_is_the_users_own() {
    let server = Running::tokens().await;
    let body = json!({"vendor": "shelf", "name": "Books", "credentials": shelf(PLANTED[0])});
    let mut ids = Vec::new();
    for token in [server.token("acme", "ada"), server.token("acme", "eve"), server.token("other", "ada")] {
        let call = server.client.post("/integrations").token(token.as_str()).header("idempotency-key", "k");
        let made = call.json(&body).await;
        assert_eq!(made.status, 201, "{made:?}");
        ids.push(made.body()["id"].as_i64().unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "three users, three integrations");
    server.stop().await;
}

#[tokio::test]
async fn a_refusal_is_answered_again_as_well() {
    let server = Running::local().await;
    let body = json!({"vendor": "shelf", "name": "Books", "credentials": {"shlef": "east"}});
    let create = || server.client.post("/integrations").header("idempotency-key", "k").json(&body);
    let (first, again) = (create().await, create().await);
    assert_eq!((first.status, &first.bytes), (400, &again.bytes));
    server.stop().await;
}

#[tokio::test]
async fn of_many_requests_with_one_key_one_does_the_work() {
    let server = Running::local().await;
    let body = json!({"vendor": "shelf", "name": "Books", "credentials": shelf(PLANTED[0])});
    let calls = (0..10).map(|_| server.client.post("/integrations").header("idempotency-key", "k").json(&body));
    let answers = futures::future::join_all(calls.map(IntoFuture::into_future)).await;
    for answer in &answers {
        assert!(matches!(answer.status, 201 | 409), "{answer:?}");
    }
    assert!(answers.iter().any(|answer| answer.status == 201));
    assert_eq!(server.client.get("/integrations/user/local").await.body().as_array().unwrap().len(), 1);
    server.stop().await;
}
