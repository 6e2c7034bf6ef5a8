//! `POST /integrations/{id}/test`: what is wrong, said so that a person can act on it.

use serde_json::json;

use crate::support::{PLANTED, Running, Start};

#[tokio::test]
async fn a_test_that_succeeds_says_who_answered() {
    let server = Running::local().await;
    let id = server.create(None).await;
    let tested = server.client.post(&format!("/integrations/{id}/test")).await;
    assert_eq!(tested.status, 200, "{tested:?}");
    let body = tested.body();
    assert_eq!((&body["success"], &body["vendor"]), (&json!(true), &json!("shelf")));
    assert_eq!((&body["message"], &body["files_found"]), (&json!("connected to shelf east"), &json!(3)));
    assert!(body["latency_ms"].is_u64(), "{body}");
    let one = server.client.get(&format!("/integrations/{id}")).await.body();
    assert!(one["last_used"].is_string() && one["error_count"] == 0, "{one}");
    server.stop().await;
}

#[tokio::test]
async fn a_test_that_fails_says_what_is_wrong_and_is_kept() {
    let server = Running::local().await;
    for (shelf, wrong) in [
        ("locked", "credentials"),
        ("closed", "permission"),
        ("dark", "network"),
        ("busy", "network"),
        ("gone", "path"),
        ("babel", "vendor"),
    ] {
        let body = json!({"vendor": "shelf", "name": shelf, "credentials": {"shelf": shelf, "key": PLANTED[0]}});
        let id = server.client.post("/integrations").json(&body).await.body()["id"].clone();
        for times in 1..=2 {
            let tested = server.client.post(&format!("/integrations/{id}/test")).await;
            assert_eq!((tested.status, &tested.body()["success"]), (200, &json!(false)), "{tested:?}");
            let message = tested.body()["message"].as_str().unwrap().to_owned();
            assert!(message.starts_with(&format!("{wrong}: the shelf does not open")), "{message}");
            assert_eq!(tested.body()["wrong"], wrong);
            let one = server.client.get(&format!("/integrations/{id}")).await.body();
            assert_eq!((&one["status"], &one["error_count"]), (&json!("error"), &json!(times)), "{one}");
            assert_eq!(one["last_error"], message);
        }
        // A better shelf makes it work again, and forgets the errors.
        let mended =
            server.client.put(&format!("/integrations/{id}")).json(&json!({"settings": {"shelf": "east"}})).await;
        assert_eq!((&mended.body()["status"], &mended.body()["error_count"]), (&json!("active"), &json!(0)));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_secret_that_is_refused_is_not_repeated() {
    let server = Running::local().await;
    let key = format!("{}-bent", PLANTED[2]);
    let body = json!({"vendor": "shelf", "name": "x", "credentials": {"shelf": "east", "spare_key": key}});
    let id = server.client.post("/integrations").json(&body).await.body()["id"].clone();
    let tested = server.client.post(&format!("/integrations/{id}/test")).await;
    assert_eq!(tested.body()["wrong"], "credentials", "{tested:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_disconnected_integration_wants_its_credentials() {
    let server = Running::local().await;
    let id = server.create(None).await;
    server.client.post(&format!("/integrations/{id}/disconnect")).await;
    let tested = server.client.post(&format!("/integrations/{id}/test")).await;
    assert_eq!((tested.status, &tested.body()["wrong"]), (200, &json!("credentials")), "{tested:?}");
    assert_eq!(server.client.get(&format!("/integrations/{id}")).await.body()["status"], "disconnected");
    server.stop().await;
}

#[tokio::test]
async fn what_belongs_to_the_host_is_for_the_person_at_the_machine() {
    let attic = json!({"vendor": "shelf", "name": "attic", "credentials": {"shelf": "attic"}});
    let local = Running::local().await;
    assert_eq!(local.client.post("/integrations").json(&attic).await.status, 201);
    local.stop().await;

    let shared = Running::tokens().await;
    let token = shared.token("acme", "ada");
    let refused = shared.client.post("/integrations").token(token.as_str()).json(&attic).await;
    assert_eq!((refused.status, refused.body()["field"].as_str()), (400, Some("shelf")), "{refused:?}");
    shared.stop().await;

    let mut start = Start { tokens: true, ..Start::default() };
    start.config.access.host = Some(true);
    let configured = Running::start(start).await;
    let token = configured.token("acme", "ada");
    assert_eq!(configured.client.post("/integrations").token(token.as_str()).json(&attic).await.status, 201);
    configured.stop().await;
}
