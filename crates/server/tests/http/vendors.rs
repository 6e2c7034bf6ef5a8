//! By vendor: the catalogue, connecting with credentials, testing, disconnecting, many at once.

use serde_json::{Value, json};

use crate::support::{PLANTED, Running};

/// The catalogue as its front ends read it.
async fn statuses(server: &Running, token: &str) -> Vec<(String, String)> {
    let all = server.client.get("/api/integrations").token(token).await;
    assert_eq!(all.status, 200, "{all:?}");
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    all.body().as_array().unwrap().iter().map(|one| (text(one, "type"), text(one, "status"))).collect()
}

async fn status(server: &Running, token: &str, vendor: &str) -> String {
    let all = statuses(server, token).await;
    all.into_iter().find(|(id, _)| id == vendor).unwrap_or_else(|| panic!("{vendor} is listed")).1
}

#[tokio::test]
async fn a_vendor_is_connected_tested_and_disconnected_by_its_name() {
    let server = Running::tokens().await;
    let ada = server.token("acme", "ada");
    let ada = ada.as_str();
    let client = &server.client;
    assert!(statuses(&server, ada).await.iter().all(|(_, status)| status == "disconnected"));

    let body = json!({"integration_type": "shelf", "credentials": {"shelf": "east", "key": PLANTED[0]}});
    let made = client.post("/api/integrations/connect").token(ada).json(&body).await;
    assert_eq!((made.status, &made.body()["message"]), (200, &json!("shelf connected successfully")), "{made:?}");
    assert_eq!(status(&server, ada, "shelf").await, "connected");
    let connected = client.get("/api/integrations/connected").token(ada).await.body();
    assert_eq!(connected.as_array().unwrap().len(), 1, "{connected}");
    assert_eq!(connected[0]["integration"]["account"]["name"], "shelf east", "{connected}");
    let eve = server.token("acme", "eve");
    assert_eq!(status(&server, &eve, "shelf").await, "disconnected", "it is ada's own");

    let tried = client.post("/api/integrations/test?integration_type=shelf").token(ada).await;
    assert_eq!((&tried.body()["success"], &tried.body()["integration_type"]), (&json!(true), &json!("shelf")));

    let off = client.post("/api/integrations/disconnect?integration_type=shelf").token(ada).await;
    assert_eq!((off.status, &off.body()["message"]), (200, &json!("shelf disconnected successfully")), "{off:?}");
    assert_eq!(status(&server, ada, "shelf").await, "disconnected");
    let tried = client.post("/api/integrations/test?integration_type=shelf").token(ada).await;
    assert_eq!((tried.status, tried.detail().as_str()), (404, "Integration not connected"));
    let off = client.delete("/api/integrations/shelf/disconnect").token(ada).await;
    assert_eq!((off.status, off.detail().as_str()), (404, "Integration not found"));

    let again = json!({"credentials": {"key": PLANTED[1]}});
    let again = client.post("/api/integrations/shelf/connect").token(ada).json(&again).await;
    assert_eq!(again.body()["integration_id"], made.body()["integration_id"], "it kept its id: {again:?}");
    assert_eq!(status(&server, ada, "shelf").await, "connected");
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_connected_is_refused_in_the_words_that_front_ends_know() {
    let server = Running::local().await;
    let client = &server.client;
    for path in ["/api/integrations/connect", "/api/integrations/cellar/connect"] {
        let refused = client.post(path).json(&json!({"integration_type": "cellar"})).await;
        assert_eq!((refused.status, refused.detail().as_str()), (400, "Invalid integration type"), "{path}");
    }
    let refused = client.post("/api/integrations/test?integration_type=cellar").await;
    assert_eq!((refused.status, refused.detail().as_str()), (400, "Invalid integration type"));
    let refused = client.post("/api/integrations/connect").json(&json!({"integration_type": "shelf"})).await;
    assert_eq!((refused.status, refused.detail().as_str()), (400, "shelf required for Shelf"));
    assert_eq!(refused.body()["field"], "shelf");
    let refused = client.post("/api/integrations/connect").json(&json!({})).await;
    assert_eq!(refused.body()["field"], "integration_type", "{refused:?}");
    let refused = client.post("/api/integrations/shelf/connect").json(&json!({"type": "library"})).await;
    assert_eq!(refused.body()["field"], "integration_type", "{refused:?}");
    assert_eq!(client.get("/api/integrations/cellar").await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn credentials_that_the_vendor_refuses_are_not_stored() {
    let server = Running::local().await;
    let client = &server.client;
    let connect = async |shelf: &str| {
        let body = json!({"integration_type": "shelf", "credentials": {"shelf": shelf, "key": PLANTED[0]}});
        client.post("/api/integrations/connect").json(&body).await
    };
    for (shelf, status, code) in [
        ("locked", 400, "vendor_unauthenticated"),
        ("closed", 400, "vendor_forbidden"),
        ("gone", 400, "path_not_found"),
        ("dark", 502, "vendor_unavailable"),
        ("busy", 429, "vendor_rate_limited"),
    ] {
        let refused = connect(shelf).await;
        assert_eq!((refused.status, refused.code().as_str()), (status, code), "{shelf} {refused:?}");
    }
    assert_eq!(client.get("/integrations/user/local").await.body(), json!([]));

    let made = connect("east").await;
    assert_eq!(made.status, 200, "{made:?}");
    assert_eq!(connect("locked").await.status, 400);
    let still = client.get(&format!("/integrations/{}", made.body()["integration_id"])).await.body();
    assert_eq!(still["credentials_summary"]["shelf"], "east", "what works stays: {still}");
    server.stop().await;
}

#[tokio::test]
async fn a_form_can_be_drawn_from_what_a_vendor_says() {
    let server = Running::local().await;
    let shelf = server.client.get("/api/integrations/shelf").await.body();
    assert_eq!((&shelf["requires_oauth"], &shelf["scopes"]), (&json!(false), &json!([])), "{shelf}");
    assert_eq!(shelf["config_schema"]["properties"]["key"]["writeOnly"], true, "{shelf}");
    assert_eq!(shelf["config_schema"]["required"], json!(["shelf"]), "{shelf}");
    assert_eq!(shelf["capabilities"], json!(["browse", "download"]), "{shelf}");
    let library = server.client.get("/api/integrations/library").await.body();
    assert_eq!((&library["requires_oauth"], &library["scopes"]), (&json!(true), &json!(["read", "profile"])));
    server.stop().await;
}

#[tokio::test]
async fn a_catalogue_that_has_not_changed_is_not_sent_again() {
    let server = Running::local().await;
    let first = server.client.get("/api/integrations").await;
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!(server.client.get("/api/integrations").header("if-none-match", &tag).await.status, 304);
    server.create(None).await;
    let after = server.client.get("/api/integrations").header("if-none-match", &tag).await;
    assert_eq!(after.status, 200);
    assert_ne!(after.header("etag"), Some(tag.as_str()));
    server.stop().await;
}

#[tokio::test]
async fn many_are_handled_at_once_and_each_has_its_own_result() {
    let server = Running::tokens().await;
    let ada = server.token("acme", "ada");
    let bulk = async |body: Value| server.client.post("/integrations/bulk").token(ada.as_str()).json(&body).await;
    let form = |shelf: &str| json!({"integration_type": "shelf", "credentials": {"shelf": shelf, "key": PLANTED[0]}});
    let made =
        bulk(json!({"action": "connect", "connections": [form("east"), form("locked"), {"type": "cellar"}]})).await;
    let body = made.body();
    assert_eq!((&body["total"], &body["succeeded"], &body["failed"]), (&json!(3), &json!(1), &json!(2)), "{body}");
    assert_eq!(body["results"][1]["code"], "vendor_unauthenticated", "{body}");
    assert_eq!(body["results"][2]["message"], "Invalid integration type", "{body}");

    let id = body["results"][0]["integration_id"].as_i64().unwrap();
    let other = server.create(Some(&ada)).await;
    let foreign = server.create(Some(&server.token("acme", "eve"))).await;
    for (action, left) in [("test", 2), ("disconnect", 2), ("purge", 0)] {
        let body = bulk(json!({"action": action, "integration_ids": [id, foreign, other]})).await.body();
        assert_eq!((&body["succeeded"], &body["failed"]), (&json!(2), &json!(1)), "{action} {body}");
        assert_eq!(body["results"][1]["code"], "not_found", "another's is absent: {body}");
        let mine = server.client.get("/integrations/user/ada").token(ada.as_str()).await.body();
        assert_eq!(mine.as_array().unwrap().len(), left, "{action}");
    }
    let eve = server.token("acme", "eve");
    assert_eq!(
        server.client.get(&format!("/integrations/{foreign}")).token(eve.as_str()).await.body()["status"],
        "active"
    );
    for wrong in [
        json!({"action": "test", "integration_ids": []}),
        json!({"action": "test", "integration_ids": [1], "connections": [{"type": "shelf"}]}),
        json!({"action": "test", "integration_ids": vec![1; 101]}),
        json!({"action": "burn", "integration_ids": [1]}),
    ] {
        assert_eq!(bulk(wrong.clone()).await.status, 400, "{wrong}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_user_sees_their_connections_in_camel_case() {
    let server = Running::tokens().await;
    let ada = server.token("acme", "ada");
    server.create(Some(&ada)).await;
    let all = server.client.get("/api/auth/integrations/ada").token(ada.as_str()).await.body();
    assert_eq!((&all["success"], &all["integrations"]["shelf"]["connected"]), (&json!(true), &json!(true)), "{all}");
    for name in ["username", "email", "avatarUrl", "connectedAt", "tokenExpiry"] {
        assert!(all["integrations"]["library"].get(name).is_some(), "{name} in {all}");
    }
    for path in ["/api/auth/shelf/status/ada", "/api/shelf/status/ada", "/api/auth/Shelf/status/ada"] {
        let one = server.client.get(path).token(ada.as_str()).await;
        assert_eq!((one.status, &one.body()["connected"]), (200, &json!(true)), "{path}");
        let eve = server.token("acme", "eve");
        assert_eq!(server.client.get(path).token(eve.as_str()).await.status, 404, "{path}");
        let root = server.admin("acme", "root");
        assert_eq!(server.client.get(path).token(root.as_str()).await.status, 200, "{path}");
    }
    assert_eq!(server.client.get("/api/auth/cellar/status/ada").token(ada.as_str()).await.status, 404);
    server.stop().await;
}
