//! What becomes of a grant: refreshed, taken back, given back, given again.

use serde_json::json;

use crate::support::{Mood, PLANTED, Scene};

#[tokio::test]
async fn a_token_is_refreshed_when_it_is_asked_for_and_when_it_is_needed() {
    let scene = Scene::new().await;
    let before = scene.connected().await["integration"]["token_expiry"].clone();
    let refreshed = scene.post("/api/integrations/library/refresh-token").await;
    assert_eq!((refreshed.status, scene.pages.calls("refresh_token")), (200, 1), "{refreshed:?}");
    assert_eq!(refreshed.body()["scopes"], json!(["read", "profile"]), "{refreshed:?}");
    let after = scene.mine().await["integration"]["token_expiry"].clone();
    assert!(after.as_str() > before.as_str(), "{before} {after}");
    assert_eq!(refreshed.body()["expires_at"], after);

    scene.pages.forget_access();
    let tested = scene.post("/api/integrations/test?integration_type=library").await.body();
    assert_eq!((&tested["success"], scene.pages.calls("refresh_token")), (&json!(true), 2), "{tested}");
    scene.stop().await;
}

#[tokio::test]
async fn a_consent_that_was_taken_back_is_noticed_and_can_be_given_again() {
    let scene = Scene::new().await;
    let id = scene.connected().await["integration"]["id"].clone();
    scene.pages.forget_everybody();
    let refused = scene.post("/api/integrations/library/refresh-token").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "authorize_again"), "{refused:?}");
    let mine = scene.mine().await;
    assert_eq!((&mine["status"], &mine["integration"]["id"]), (&json!("revoked"), &id), "{mine}");
    let status = scene.server.client.get("/status").token(scene.ada.as_str()).await.body();
    assert_eq!(status["integrations"][0]["token"], "Expired", "{status}");
    let tested = scene.post("/api/integrations/test?integration_type=library").await.body();
    assert_eq!(tested["success"], false, "{tested}");
    assert_eq!(scene.mine().await["status"], "revoked", "a failed test does not hide what a person has to do");

    let again = scene.connected().await;
    assert_eq!((&again["status"], &again["integration"]["id"]), (&json!("connected"), &id), "{again}");
    assert_eq!(again["integration"]["error_count"], 0);
    scene.stop().await;
}

#[tokio::test]
async fn a_vendor_that_is_down_ends_no_consent() {
    let scene = Scene::new().await;
    scene.connected().await;
    scene.pages.mood(Mood::Down);
    let refused = scene.post("/api/integrations/library/refresh-token").await;
    assert_eq!(refused.status, 502, "{refused:?}");
    assert_eq!(scene.mine().await["status"], "connected");
    scene.stop().await;
}

#[tokio::test]
async fn disconnecting_gives_the_consent_back() {
    let scene = Scene::new().await;
    let id = scene.connected().await["integration"]["id"].clone();
    assert_eq!(scene.post("/api/integrations/disconnect?integration_type=library").await.status, 200);
    assert_eq!(scene.pages.calls("revoke"), 1);
    let mine = scene.mine().await;
    assert_eq!(
        (&mine["status"], &mine["integration"]["granted_scopes"]),
        (&json!("disconnected"), &json!([])),
        "{mine}"
    );
    assert_eq!(scene.post("/api/integrations/library/refresh-token").await.status, 404);

    scene.connected().await;
    scene.pages.mood(Mood::Down);
    let off = scene.server.client.post(&format!("/integrations/{id}/disconnect")).token(scene.ada.as_str()).await;
    assert_eq!((off.status, &off.body()["status"]), (200, &json!("disconnected")), "nobody is held: {off:?}");
    scene.pages.mood(Mood::Fair);
    scene.connected().await;
    let gone = scene.server.client.delete(&format!("/integrations/{id}")).token(scene.ada.as_str()).await;
    assert_eq!((gone.status, scene.pages.calls("revoke") >= 2), (204, true));
    scene.stop().await;
}

#[tokio::test]
async fn settings_that_sign_in_by_themselves_need_nobodys_consent() {
    let scene = Scene::new().await;
    let body = json!({"type": "library", "credentials": {"card": PLANTED[0]}});
    let made = scene.connect(&scene.ada, &body).await;
    assert_eq!((made.status, &made.body()["message"]), (200, &json!("library connected successfully")), "{made:?}");
    let auth = scene.server.client.get("/api/integrations/library/auth").token(scene.ada.as_str()).await;
    assert_eq!((auth.status, auth.code().as_str()), (400, "unsupported"), "{auth:?}");
    let refresh = scene.post("/api/integrations/library/refresh-token").await;
    assert_eq!((refresh.status, refresh.code().as_str()), (400, "unsupported"), "{refresh:?}");
    scene.stop().await;
}

#[tokio::test]
async fn an_integration_that_nobody_consented_to_is_disconnected_until_somebody_does() {
    let scene = Scene::new().await;
    let body = json!({"vendor": "library", "name": "Books", "credentials": {"url": scene.pages.base}});
    let made = scene.server.client.post("/integrations").token(scene.ada.as_str()).json(&body).await.body();
    assert_eq!(made["status"], "disconnected", "{made}");
    assert_eq!(scene.mine().await["status"], "disconnected");
    let path = format!("/integrations/{}", made["id"]);
    let branch = json!({"credentials": {"branch": "east"}});
    let changed = scene.server.client.put(&path).token(scene.ada.as_str()).json(&branch).await.body();
    assert_eq!(changed["status"], "disconnected", "settings are no consent: {changed}");
    let again = scene.connected().await;
    assert_eq!((&again["status"], &again["integration"]["id"]), (&json!("connected"), &made["id"]), "{again}");
    scene.stop().await;
}
