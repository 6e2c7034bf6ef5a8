//! Who may see what. The routes are read from the server's own description, so that no new one is
//! forgotten.

use serde_json::{Value, json};

use crate::support::{Answer, Call, PLANTED, Running};

/// Routes that everybody may call, and no others.
const OPEN: [(&str, &str); 5] = [
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/integrations"),
    ("GET", "/api/integrations/callback"),
    ("GET", "/api/integrations/{vendor}/callback"),
];

/// Every operation: method, path, whether it has a body.
async fn operations(server: &Running) -> Vec<(String, String, Value)> {
    let api = server.client.get("/openapi.json").await.body();
    let mut operations = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if ["get", "put", "post", "delete"].contains(&method.as_str()) {
                operations.push((method.to_uppercase(), path.clone(), operation.clone()));
            }
        }
    }
    assert!(operations.len() >= 10, "the description is read: {operations:?}");
    operations
}

/// A call with a body of the right shape, naming the integration where a body names one.
fn call(server: &Running, method: &str, path: &str, operation: &Value, id: i64) -> Call {
    let call = server.client.call(method, path);
    if operation["requestBody"].is_null() {
        return call;
    }
    let body = match path.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default() {
        "browse" => json!({"integration_id": id}),
        "import" => json!({"integration_id": id, "file_paths": ["one.txt"]}),
        "ask" => json!({"query": "When does the dam open?", "integration_ids": [id]}),
        "sync" => json!({}),
        "integrations" => json!({"vendor": "shelf", "name": "x", "credentials": {"shelf": "east"}}),
        _ => json!({"name": "taken over"}),
    };
    call.json(&body)
}

#[tokio::test]
async fn without_a_token_every_route_but_the_open_ones_is_refused() {
    let server = Running::tokens().await;
    let ada = server.token("acme", "ada");
    let id = server.create(Some(&ada)).await;
    for (method, path, operation) in operations(&server).await {
        let filled = path.replace("{user_id}", "ada").replace("{id}", &id.to_string()).replace("{vendor}", "shelf");
        let answer = call(&server, &method, &filled, &operation, id).await;
        if OPEN.contains(&(method.as_str(), path.as_str())) {
            assert!(matches!(answer.status, 200 | 302), "{method} {path} {answer:?}");
            assert!(operation["security"].is_null(), "{method} {path}");
        } else {
            assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "{method} {path} {answer:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            assert!(operation["responses"]["401"].is_object() && operation["security"].is_array(), "{method} {path}");
        }
    }
    server.stop().await;
}

/// An integration of the owner's, and a job of it that has ended.
async fn things(server: &Running, owner: &str) -> (i64, i64) {
    let id = server.create(Some(owner)).await;
    let body = json!({"integration_id": id, "file_paths": ["one.txt"]});
    let imported = server.client.post("/integrations/import").token(owner).json(&body).await;
    assert_eq!((imported.status, &imported.body()["successful"]), (200, &json!(1)), "{imported:?}");
    (id, imported.body()["job_id"].as_i64().unwrap())
}

/// Whether an operation names something that belongs to somebody.
fn names_something(path: &str) -> bool {
    path.contains("{id}") || ["browse", "import", "ask"].iter().any(|word| path.ends_with(word))
}

fn fill(path: &str, integration: i64, job: i64) -> String {
    let id = if path.starts_with("/jobs") { job } else { integration };
    path.replace("{id}", &id.to_string())
}

/// Another user of the same organization, a user of the same name elsewhere, and the administrator
/// of another organization: to each of them the thing does not exist.
#[tokio::test]
async fn what_is_anothers_is_as_absent_as_what_never_was() {
    const NEVER: i64 = 1_000_000;
    let server = Running::tokens().await;
    let ada = server.token("acme", "ada");
    let (id, job) = things(&server, &ada).await;
    let strangers = [server.token("acme", "eve"), server.token("other", "ada"), server.admin("other", "root")];
    let mut tried = 0;
    for (method, path, operation) in operations(&server).await {
        if !names_something(&path) {
            continue;
        }
        for stranger in &strangers {
            let of = |id: i64, job: i64| {
                call(&server, &method, &fill(&path, id, job), &operation, id).token(stranger.as_str())
            };
            let (theirs, nobodys) = (of(id, job).await, of(id + NEVER, job + NEVER).await);
            assert_eq!(theirs.status, 404, "{method} {path} {theirs:?}");
            assert_eq!(without_ids(&theirs, &[id, job]), without_ids(&nobodys, &[id + NEVER, job + NEVER]), "{path}");
            tried += 1;
        }
    }
    assert!(tried >= 45, "{tried} were tried");
    let still = server.client.get(&format!("/integrations/{id}")).token(ada.as_str()).await;
    assert_eq!((still.status, &still.body()["name"]), (200, &json!("Books")), "nobody has touched it");
    server.stop().await;
}

/// What an answer says, but for the ids that were asked for and that of the request.
fn without_ids(answer: &Answer, ids: &[i64]) -> (u16, String, Vec<String>) {
    let mut body = answer.body();
    body["request_id"] = "".into();
    let mut text = body.to_string();
    for id in ids {
        text = text.replace(&id.to_string(), "ID");
    }
    let mut headers: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
    headers.sort();
    (answer.status, text, headers)
}

/// Else the test above would prove nothing: a call that is not understood finds nothing, either.
#[tokio::test]
async fn what_is_ones_own_is_there() {
    let server = Running::tokens().await;
    let ada = server.token("acme", "ada");
    let admin = server.admin("acme", "boss");
    for (method, path, operation) in operations(&server).await {
        if !names_something(&path) {
            continue;
        }
        // Who asks, asks their own documents.
        let entitled = if path == "/ask" { vec![&ada] } else { vec![&ada, &admin] };
        for token in entitled {
            let (id, job) = things(&server, &ada).await;
            let answer = call(&server, &method, &fill(&path, id, job), &operation, id).token(token.as_str()).await;
            assert!((200..300).contains(&answer.status), "{method} {path} {answer:?}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_user_lists_their_own_and_an_administrator_everybodys() {
    let server = Running::tokens().await;
    let (ada, eve) = (server.token("acme", "ada"), server.token("acme", "eve"));
    let (admin, foreign) = (server.admin("acme", "boss"), server.admin("other", "boss"));
    let id = server.create(Some(&ada)).await;
    let list = |token: &str, user: &str| server.client.get(&format!("/integrations/user/{user}")).token(token);

    assert_eq!(list(&ada, "ada").await.body()[0]["id"], id);
    assert_eq!(list(&admin, "ada").await.body()[0]["id"], id);
    assert_eq!(list(&eve, "eve").await.body(), json!([]));
    assert_eq!(list(&eve, "ada").await.status, 404);
    assert_eq!(list(&eve, "ada").await.detail(), list(&eve, "nobody").await.detail());
    assert_eq!(list(&foreign, "ada").await.body(), json!([]));

    let read = server.client.get(&format!("/integrations/{id}")).token(admin.as_str()).await;
    assert_eq!((read.status, &read.body()["user_id"]), (200, &json!("ada")));
    server.stop().await;
}

#[tokio::test]
async fn only_an_administrator_makes_something_for_somebody_else() {
    let server = Running::tokens().await;
    let (ada, admin) = (server.token("acme", "ada"), server.admin("acme", "boss"));
    let body = |user: &str, organization: &str| {
        json!({"user_id": user, "organization_slug": organization, "vendor": "shelf", "name": "x",
               "credentials": {"shelf": "east", "key": PLANTED[0]}})
    };
    let create = |token: &str, body: Value| server.client.post("/integrations").token(token).json(&body);
    assert_eq!(create(&ada, body("ada", "acme")).await.status, 201);
    assert_eq!(create(&ada, body("eve", "acme")).await.status, 404);
    assert_eq!(create(&ada, body("ada", "other")).await.status, 404);
    assert_eq!(create(&admin, body("ada", "other")).await.status, 404);
    let made = create(&admin, body("eve", "acme")).await;
    assert_eq!((made.status, &made.body()["user_id"]), (201, &json!("eve")));
    let eve = server.token("acme", "eve");
    let path = format!("/integrations/{}", made.body()["id"]);
    assert_eq!(server.client.get(&path).token(eve.as_str()).await.status, 200);
    assert_eq!(server.client.get(&path).token(ada.as_str()).await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn a_token_that_is_not_sound_is_refused_without_being_repeated() {
    let server = Running::tokens().await;
    let good = server.token("acme", "ada");
    let parts: Vec<&str> = good.split('.').collect();
    // {"alg":"none"}, unsigned.
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
    let tampered = format!("{}.{}x.{}", parts[0], parts[1], parts[2]);
    for bad in [none.as_str(), &tampered, "x", "", "a.b.c", &good[..good.len() - 2]] {
        let answer = server.client.get("/status").header("authorization", &format!("Bearer {bad}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "{bad} {answer:?}");
        assert!(bad.len() < 4 || !String::from_utf8_lossy(&answer.bytes).contains(bad), "{answer:?}");
    }
    for scheme in ["Basic YTpi", "bearer", good.as_str()] {
        let answer = server.client.get("/status").header("authorization", scheme).await;
        assert_eq!(answer.status, 401, "{scheme}");
    }
    assert_eq!(server.client.get("/status").token(good.as_str()).await.status, 200);
    server.stop().await;
}
