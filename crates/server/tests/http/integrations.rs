//! Integrations by id: made, read, listed, changed, disconnected, deleted.

use serde_json::{Value, json};

use crate::support::{PLANTED, Running, shelf};

const MASK: &str = "••••••••";

#[tokio::test]
async fn an_integration_is_made_and_read_without_its_secrets() {
    let server = Running::local().await;
    let body = json!({
        "user_id": "local", "vendor": "shelf", "name": "Books", "url": "http://shelf.example",
        "description": "East wing", "credentials": {"shelf": "east", "key": PLANTED[0]},
    });
    let made = server.client.post("/integrations").json(&body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let one = made.body();
    let id = one["id"].as_i64().unwrap();
    assert_eq!(made.header("location"), Some(format!("/integrations/{id}").as_str()));
    for (name, value) in [
        ("user_id", json!("local")),
        ("vendor", json!("shelf")),
        ("name", json!("Books")),
        ("url", json!("http://shelf.example")),
        ("status", json!("active")),
        ("last_sync", Value::Null),
        ("description", json!("East wing")),
        ("credentials_summary", json!({"shelf": "east", "url": "http://shelf.example", "key": MASK})),
    ] {
        assert_eq!(one[name], value, "{name}");
    }
    for time in ["created_at", "updated_at"] {
        let at = one[time].as_str().unwrap();
        assert!(at.contains('T') && (at.ends_with('Z') || at.ends_with("+00:00")), "{time} {at}");
    }
    let read = server.client.get(&format!("/integrations/{id}")).await;
    assert_eq!((read.status, read.body()), (200, one));
    assert_eq!(read.header("etag"), made.header("etag"));
    assert_eq!(read.header("cache-control"), Some("no-store"));
    server.stop().await;
}

#[tokio::test]
async fn every_word_for_the_vendor_is_understood() {
    let server = Running::local().await;
    for word in ["vendor", "provider", "integration_type", "type", "endpoint_type"] {
        let body = json!({word: "shelf", "name": word, "credentials": shelf(PLANTED[0])});
        let made = server.client.post("/integrations/").json(&body).await;
        assert_eq!((made.status, &made.body()["vendor"]), (201, &json!("shelf")), "{word} {made:?}");
        let listed = server.client.get(&format!("/integrations/user/local?{word}=shelf&limit=1")).await;
        assert_eq!(listed.status, 200, "{listed:?}");
    }
    let two = json!({"vendor": "shelf", "type": "folder", "name": "two", "credentials": shelf("")});
    assert_eq!(server.client.post("/integrations").json(&two).await.status, 400);
    server.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_the_vendor_is_refused_by_name_and_not_stored() {
    let server = Running::local().await;
    let refused = [
        (json!({"vendor": "shelf", "name": "x", "credentials": {}}), "shelf"),
        (json!({"vendor": "shelf", "name": "x"}), "shelf"),
        (json!({"vendor": "shelf", "name": "x", "credentials": {"shelf": "east", "keey": PLANTED[0]}}), "keey"),
        (json!({"vendor": "shelf", "name": "x", "credentials": {"shelf": "east", "key": 7}}), "key"),
        (json!({"vendor": "shelf", "name": "x", "credentials": {"shelf": "east", "key": MASK}}), "key"),
        (json!({"vendor": "shelf", "name": "x", "credentials": [1]}), "credentials"),
        (json!({"vendor": "cellar", "name": "x", "credentials": {}}), "vendor"),
        (json!({"vendor": "shelf", "name": "", "credentials": shelf("")}), "name"),
        (json!({"vendor": "shelf", "name": "x".repeat(201), "credentials": shelf("")}), "name"),
        (json!({"vendor": "shelf", "credentials": shelf("")}), "name"),
        (json!({"name": "x", "credentials": shelf("")}), "vendor"),
        (json!({"vendor": "folder", "name": "x", "url": "http://x", "credentials": {}}), "url"),
        (json!({"vendor": "shelf", "name": "x", "passwort": PLANTED[1], "credentials": shelf("")}), "passwort"),
    ];
    for (body, field) in refused {
        let answer = server.client.post("/integrations").json(&body).await;
        assert_eq!(answer.status, 400, "{body} {answer:?}");
        assert_eq!(answer.body()["field"], field, "{body} {answer:?}");
        assert!(answer.detail().contains(field), "the sentence alone says which: {answer:?}");
    }
    assert_eq!(server.client.get("/integrations/user/local").await.body(), json!([]));
    server.stop().await;
}

#[tokio::test]
async fn a_change_leaves_what_it_does_not_name() {
    let server = Running::local().await;
    let id = server.create(None).await;
    let path = format!("/integrations/{id}");
    let before = server.client.get(&path).await;

    let renamed = server.client.put(&path).json(&json!({"name": "Old books"})).await;
    assert_eq!(renamed.status, 200, "{renamed:?}");
    assert_eq!(renamed.body()["name"], "Old books");
    assert_eq!(renamed.body()["credentials_summary"], before.body()["credentials_summary"]);
    assert_ne!(renamed.header("etag"), before.header("etag"));

    // The form sends back what it was shown.
    let mut shown = renamed.body()["credentials_summary"].clone();
    shown["shelf"] = "west".into();
    let moved = server.client.put(&path).json(&json!({"credentials": shown, "description": "moved"})).await;
    assert_eq!(moved.status, 200, "{moved:?}");
    assert_eq!(moved.body()["credentials_summary"], json!({"shelf": "west", "key": MASK}));
    let scoped = server.store.scoped(catchment_core::Tenant::local());
    let secrets = scoped.secrets(catchment_core::IntegrationId(id)).await.unwrap();
    assert_eq!((secrets[0].0.as_str(), secrets[0].1.expose()), ("key", PLANTED[0]), "a mask is not a secret");

    let changed = json!({"credentials": {"key": PLANTED[1]}, "url": "http://w.example", "description": null});
    let changed = server.client.put(&path).json(&changed).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!((&changed.body()["url"], &changed.body()["description"]), (&json!("http://w.example"), &Value::Null));
    assert_eq!(scoped.secrets(catchment_core::IntegrationId(id)).await.unwrap()[0].1.expose(), PLANTED[1]);

    let refused = server.client.put(&path).json(&json!({"settings": {"shelf": 7}})).await;
    assert_eq!((refused.status, refused.body()["field"].as_str()), (400, Some("shelf")), "{refused:?}");
    assert_eq!(server.client.get(&path).await.body(), changed.body(), "a refused change changes nothing");
    server.stop().await;
}

#[tokio::test]
async fn a_change_meant_for_another_state_is_refused() {
    let server = Running::local().await;
    let id = server.create(None).await;
    let path = format!("/integrations/{id}");
    let tag = server.client.get(&path).await.header("etag").unwrap().to_owned();
    let put = |tag: &str, name: &str| server.client.put(&path).header("if-match", tag).json(&json!({"name": name}));
    let first = put(&tag, "first").await;
    assert_eq!(first.status, 200, "{first:?}");
    let late = put(&tag, "late").await;
    assert_eq!((late.status, late.code().as_str()), (412, "revision"), "{late:?}");
    assert_eq!(put("\"no such\"", "x").await.status, 412);
    assert_eq!(put("*", "any").await.status, 200);
    let tag = server.client.get(&path).await.header("etag").unwrap().to_owned();
    assert_eq!(put(&format!("\"0\", {tag}"), "one of two").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn of_many_changes_with_one_tag_one_wins() {
    let server = Running::local().await;
    let id = server.create(None).await;
    let path = format!("/integrations/{id}");
    let tag = server.client.get(&path).await.header("etag").unwrap().to_owned();
    let changes = (0..8).map(|number| {
        let body = json!({"name": format!("number {number}")});
        server.client.put(&path).header("if-match", &tag).json(&body)
    });
    let answers = futures::future::join_all(changes.map(IntoFuture::into_future)).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
    server.stop().await;
}

#[tokio::test]
async fn disconnecting_erases_the_secrets_and_keeps_the_settings() {
    let server = Running::local().await;
    let id = server.create(None).await;
    let path = format!("/integrations/{id}");
    for _ in 0..2 {
        let gone = server.client.post(&format!("{path}/disconnect")).await;
        assert_eq!((gone.status, &gone.body()["status"]), (200, &json!("disconnected")), "{gone:?}");
        assert_eq!(gone.body()["credentials_summary"], json!({"shelf": "east"}));
    }
    let renamed = server.client.put(&path).json(&json!({"name": "still there"})).await;
    assert_eq!(renamed.body()["status"], "disconnected", "a name is no credential");
    let masked = server.client.put(&path).json(&json!({"credentials": {"key": MASK}})).await;
    assert_eq!((masked.status, masked.body()["field"].as_str()), (400, Some("key")), "nothing is behind the mask");
    let back = server.client.put(&path).json(&json!({"credentials": {"key": PLANTED[2]}})).await;
    assert_eq!((back.status, &back.body()["status"]), (200, &json!("active")), "{back:?}");
    server.stop().await;
}

#[tokio::test]
async fn what_is_deleted_is_gone() {
    let server = Running::local().await;
    for query in ["", "?purge=false", "?purge=true"] {
        let id = server.create(None).await;
        let path = format!("/integrations/{id}");
        let gone = server.client.delete(&format!("{path}{query}")).await;
        assert_eq!((gone.status, gone.bytes.len()), (204, 0), "{gone:?}");
        assert_eq!(server.client.get(&path).await.status, 404);
        assert_eq!(server.client.delete(&path).await.status, 404);
    }
    assert_eq!(server.client.delete("/integrations/1?purge=perhaps").await.body()["field"], "purge");
    server.stop().await;
}

#[tokio::test]
async fn a_list_is_paged_without_loss_or_repetition() {
    let server = Running::local().await;
    let mut made = Vec::new();
    for _ in 0..7 {
        made.push(server.create(None).await);
    }
    let mut met = Vec::new();
    let mut path = "/integrations/user/local?limit=3&vendor=shelf".to_owned();
    loop {
        let page = server.client.get(&path).await;
        assert_eq!(page.status, 200, "{page:?}");
        met.extend(page.body().as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()));
        let Some(cursor) = page.header("x-next-cursor") else { break };
        let link = page.header("link").unwrap();
        assert!(link.contains(&format!("cursor={cursor}")) && link.ends_with("rel=\"next\""), "{link}");
        path = link[1..].split_once('>').unwrap().0.to_owned();
    }
    assert_eq!(met, made);
    let exactly = server.client.get("/integrations/user/local?limit=7").await;
    assert_eq!(exactly.header("x-next-cursor"), None, "nothing comes after the last");
    assert_eq!(server.client.get("/integrations/user/local?vendor=folder").await.body(), json!([]));
    server.stop().await;
}

#[tokio::test]
async fn a_list_is_given_again_only_while_nothing_has_changed() {
    let server = Running::tokens().await;
    let (ann, eve) = (server.token("acme", "ann"), server.token("acme", "eve"));
    let id = server.create(Some(&ann)).await;
    let list = async || server.client.get("/integrations/user/ann").token(ann.as_str()).await;
    let first = list().await;
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!(list().await.body(), first.body());
    let known = server.client.get("/integrations/user/ann").token(ann.as_str()).header("if-none-match", &tag).await;
    assert_eq!((known.status, known.header("etag")), (304, Some(tag.as_str())));

    // Whoever changes it: a person here, or the work of another server on the same database.
    server.client.put(&format!("/integrations/{id}")).token(ann.as_str()).json(&json!({"name": "Maps"})).await;
    let renamed = list().await;
    assert_eq!(renamed.body()[0]["name"], "Maps");
    assert_ne!(renamed.header("etag"), Some(tag.as_str()));
    let elsewhere = server.store.scoped(catchment_core::Tenant::new("acme", "ann"));
    elsewhere.failed(catchment_core::IntegrationId(id), catchment_store::Status::Error, "no answer").await.unwrap();
    assert_eq!(list().await.body()[0]["last_error"], "no answer");
    let old = server.client.get("/integrations/user/ann").token(ann.as_str()).header("if-none-match", &tag).await;
    assert_eq!(old.status, 200);

    assert_eq!(server.client.get("/integrations/user/ann").token(eve.as_str()).await.status, 404);
    assert_eq!(server.client.get("/integrations/user/eve").token(eve.as_str()).await.body(), json!([]));
    server.stop().await;
}
