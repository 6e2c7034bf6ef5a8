//! How the server says it is.

use serde_json::json;

use crate::support::{PLANTED, Running, shelf};

#[tokio::test]
async fn a_server_says_that_it_lives_and_what_answers() {
    let server = Running::tokens().await;
    let health = server.client.get("/health").await;
    assert_eq!((health.status, health.body()), (200, json!({"status": "ok"})));
    let ready = server.client.get("/ready/").await;
    let all = json!({"status": "ready", "database": "ok", "index": "ok", "queue": "ok"});
    assert_eq!((ready.status, ready.body()), (200, all));
    server.stop().await;
}

#[tokio::test]
async fn a_server_whose_database_is_lost_lives_on_and_is_not_ready() {
    let server = Running::local().await;
    let id = server.create(None).await;
    server.store.close().await;
    let ready = server.client.get("/ready").await;
    assert_eq!((ready.status, ready.code().as_str()), (503, "not_ready"), "{ready:?}");
    assert!(ready.detail().contains("database"), "{ready:?}");
    assert_eq!(server.client.get("/health").await.status, 200);
    let read = server.client.get(&format!("/integrations/{id}")).await;
    assert!(matches!(read.status, 500 | 503), "{read:?}");
    assert!(!read.detail().contains("catchment.db"), "paths of ours are for the log: {read:?}");
    assert_eq!(server.client.get("/metrics").await.status, 200, "wanted most when the database is down");
    server.stop().await;
}

#[tokio::test]
async fn the_status_is_the_callers_own() {
    let server = Running::tokens().await;
    let (ada, admin) = (server.token("acme", "ada"), server.admin("acme", "boss"));
    let id = server.create(Some(&ada)).await;
    let status = server.client.get("/status").token(ada.as_str()).await;
    assert_eq!(status.status, 200, "{status:?}");
    let one = &status.body()["integrations"][0];
    assert_eq!((&one["integration_id"], &one["token"]), (&json!(id), &json!("Valid")));
    assert_eq!((&one["status"], &one["error_count"]), (&json!("active"), &json!(0)));
    assert_eq!(status.body()["queue"]["queued"], 0);
    assert!(status.body()["versions"]["server"].is_string());

    server.client.post(&format!("/integrations/{id}/disconnect")).token(ada.as_str()).await;
    let seen = server.client.get("/status").token(admin.as_str()).await.body();
    assert_eq!(seen["integrations"][0]["token"], "No Token", "{seen}");
    let stranger = server.token("other", "ada");
    let seen = server.client.get("/status").token(stranger.as_str()).await.body();
    assert_eq!(seen["integrations"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn the_audit_log_says_who_did_what_through_which_request() {
    let server = Running::tokens().await;
    let (ada, admin) = (server.token("acme", "ada"), server.admin("acme", "boss"));
    let id = server.create(Some(&ada)).await;
    let path = format!("/integrations/{id}");
    let put = server.client.put(&path).token(admin.as_str()).header("x-request-id", "by-the-boss");
    put.json(&json!({"name": "mine now", "credentials": shelf(PLANTED[1])})).await;
    let log = |token: &str, query: &str| server.client.get(&format!("/audit{query}")).token(token);
    let seen = log(&ada, "").await.body();
    let events = seen["events"].as_array().unwrap();
    assert_eq!((events.len(), &seen["next_cursor"]), (2, &json!(null)), "{seen}");
    assert_eq!((&events[0]["actor"], &events[0]["request_id"]), (&json!("boss"), &json!("by-the-boss")), "{seen}");
    assert_eq!((&events[1]["actor"], &events[1]["integration_id"]), (&json!("ada"), &json!(id)), "{seen}");
    assert_eq!(log(&admin, "").await.body()["events"].as_array().unwrap().len(), 2);

    let first = log(&ada, "?limit=1").await.body();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = log(&ada, &format!("?limit=1&cursor={cursor}&integration_id={id}")).await.body();
    assert_eq!(second["events"], json!([events[1]]));
    for stranger in [server.token("acme", "eve"), server.admin("other", "boss")] {
        assert_eq!(log(&stranger, "").await.body()["events"], json!([]));
    }
    server.stop().await;
}

#[tokio::test]
async fn metrics_are_for_administrators_and_name_no_tenant() {
    let server = Running::tokens().await;
    let (ada, admin) = (server.token("acme", "ada"), server.admin("acme", "boss"));
    let id = server.create(Some(&ada)).await;
    server.client.get(&format!("/integrations/{id}")).token(ada.as_str()).await;
    server.client.get("/no/such/path").await;
    assert_eq!(server.client.get("/metrics").token(ada.as_str()).await.status, 403);
    let metrics = server.client.get("/metrics").token(admin.as_str()).await;
    assert_eq!(metrics.status, 200, "{metrics:?}");
    let text = String::from_utf8(metrics.bytes.to_vec()).unwrap();
    for line in [
        r#"catchment_http_requests_total{method="GET",route="/integrations/{id}",status="200"} 1"#,
        r#"catchment_http_requests_total{method="GET",route="(none)",status="404"} 1"#,
        r#"catchment_secret_operations_total{operation="seal"} 1"#,
        r#"catchment_jobs{state="queued"} 0"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    assert!(!text.contains("acme") && !text.contains("ada"), "{text}");
    server.stop().await;
}
