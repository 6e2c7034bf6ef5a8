//! The monitor: connections are looked after while nobody uses them.

use std::time::Duration;

use catchment_server::{Config, OAuth};
use serde_json::{Value, json};

use crate::support::{Mood, PLANTED, Pages, Running, Start, shelf};

/// Far longer than what is waited for takes.
const PATIENCE: Duration = Duration::from_secs(30);

async fn watched(oauth: OAuth) -> Running {
    let access = catchment_server::Access { private_network: Some(true), ..Default::default() };
    let check_every = Some(Duration::from_millis(100));
    let config = Config { check_every, oauth, access, ..Start::default().config };
    Running::start(Start { config, ..Start::default() }).await
}

/// Waits until an integration is as it should be.
async fn until(server: &Running, id: i64, as_it_should: impl Fn(&Value) -> bool) -> Value {
    let look = async {
        loop {
            let is = server.client.get(&format!("/integrations/{id}")).await.body();
            if as_it_should(&is) {
                return is;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(|_| panic!("{id} did not become what it should"))
}

async fn create(server: &Running, shelf: &str) -> i64 {
    let body = json!({"vendor": "shelf", "name": shelf, "credentials": {"shelf": shelf, "key": PLANTED[0]}});
    server.client.post("/integrations").json(&body).await.body()["id"].as_i64().unwrap()
}

#[tokio::test]
async fn a_connection_that_does_not_work_is_found_before_anybody_needs_it() {
    let server = watched(OAuth::default()).await;
    let (good, locked, dark) =
        (create(&server, "east").await, create(&server, "locked").await, create(&server, "dark").await);
    let good = until(&server, good, |is| is["last_used"].is_string()).await;
    assert_eq!((&good["status"], &good["account"]["name"]), (&json!("active"), &json!("shelf east")), "{good}");
    let locked = until(&server, locked, |is| is["error_count"].as_u64() > Some(1)).await;
    assert_eq!(locked["status"], "error", "{locked}");
    assert!(locked["last_error"].as_str().unwrap().contains("does not open"), "{locked}");
    let dark = until(&server, dark, |is| is["error_count"].as_u64() > Some(0)).await;
    assert_eq!(dark["status"], "active", "what passes is counted, and asks nobody to do something: {dark}");

    let mended = json!({"credentials": shelf(PLANTED[1])});
    server.client.put(&format!("/integrations/{}", locked["id"])).json(&mended).await;
    until(&server, locked["id"].as_i64().unwrap(), |is| is["error_count"] == 0 && is["last_used"].is_string()).await;
    let metrics = server.client.get("/metrics").await;
    let metrics = String::from_utf8_lossy(&metrics.bytes).into_owned();
    assert!(metrics.contains("catchment_connection_checks_total{outcome=\"fails\"}"), "{metrics}");
    server.stop().await;
}

#[tokio::test]
async fn what_is_disconnected_is_left_alone() {
    let server = watched(OAuth::default()).await;
    let (off, other) = (create(&server, "locked").await, create(&server, "closed").await);
    server.client.post(&format!("/integrations/{off}/disconnect")).await;
    let before = server.client.get(&format!("/integrations/{off}")).await.body();
    until(&server, other, |is| is["error_count"].as_u64() > Some(2)).await;
    assert_eq!(server.client.get(&format!("/integrations/{off}")).await.body(), before);
    server.stop().await;
}

#[tokio::test]
async fn a_grant_that_nobody_uses_is_kept_alive_and_one_that_is_over_is_noticed() {
    let pages = Pages::open().await;
    let registrations = [("library".to_owned(), pages.registration())].into();
    let server = watched(OAuth { registrations, ..OAuth::default() }).await;
    let form = json!({"type": "library", "credentials": {"url": pages.base}});
    let begun = server.client.post("/api/integrations/connect").json(&form).await.body();
    let on = server.client.get(&pages.consent(begun["oauth_url"].as_str().unwrap(), "ada", None)).await;
    assert!(on.header("location").unwrap().contains("success=true"), "{on:?}");
    // The library lets grants lapse that lie idle for two seconds: refreshed after one.
    let kept = async {
        while pages.calls("refresh_token") < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, kept).await.unwrap();
    let mine = server.client.get("/api/integrations/library").await.body();
    assert_eq!(mine["status"], "connected", "{mine}");

    pages.mood(Mood::Down);
    let id = mine["integration"]["id"].as_i64().unwrap();
    let down = until(&server, id, |is| is["error_count"].as_u64() > Some(0)).await;
    assert_eq!(down["status"], "active", "a vendor that is down ends no grant: {down}");
    pages.mood(Mood::Fair);
    pages.forget_everybody();
    until(&server, id, |is| is["status"] == "revoked").await;
    server.stop().await;
}
