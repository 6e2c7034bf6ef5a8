//! A person consents at a vendor: there, back, and what can go wrong on the way.

use serde_json::{Value, json};

use crate::support::{Mood, PLANTED, Running, Scene};

#[tokio::test]
async fn a_person_consents_and_is_connected() {
    let scene = Scene::new().await;
    let mine = scene.connected().await;
    assert_eq!(mine["status"], "connected", "{mine}");
    let integration = &mine["integration"];
    let account = json!({
        "external_id": "id-of-ada", "name": "ADA", "username": "ada", "email": "ada@library.example",
        "avatar_url": "https://library.example/a.png",
    });
    assert_eq!(integration["account"], account, "{mine}");
    assert_eq!(integration["granted_scopes"], json!(["read", "profile"]), "{mine}");
    assert_eq!(integration["missing_scopes"], json!([]), "{mine}");
    assert!(integration["token_expiry"].is_string() && integration["connected_at"].is_string(), "{mine}");
    let by_id =
        scene.server.client.get(&format!("/integrations/{}", integration["id"])).token(scene.ada.as_str()).await;
    assert_eq!(by_id.body()["credentials_summary"]["realm_id"], "r-1", "what the callback said is kept: {by_id:?}");
    let tested = scene.post("/api/integrations/test?integration_type=library").await;
    assert_eq!((&tested.body()["success"], &tested.body()["message"]), (&json!(true), &json!("connected to ADA")));
    let status = scene.server.client.get("/status").token(scene.ada.as_str()).await.body();
    assert_eq!(status["integrations"][0]["token"], "Valid", "{status}");
    scene.stop().await;
}

#[tokio::test]
async fn the_page_is_asked_for_by_pkce_and_under_this_servers_own_address() {
    let scene = Scene::new().await;
    let mut form = scene.form();
    form["scopes"] = json!(["write"]);
    form["credentials"]["branch"] = json!("east/../wing?x");
    let begun = url::Url::parse(&scene.begin(&form).await).unwrap();
    assert_eq!(begun.path(), "/east%2F..%2Fwing%3Fx/authorize", "a setting fills a segment and no more");
    let said: std::collections::HashMap<_, _> = begun.query_pairs().into_owned().collect();
    assert_eq!(said["redirect_uri"], "https://catchment.example.com/api/integrations/library/callback");
    assert_eq!((said["scope"].as_str(), said["code_challenge"].len()), ("read profile write", 43));
    assert!(said["state"].len() >= 43 && !begun.as_str().contains("client_secret"), "{begun}");

    let auth =
        scene.server.client.get("/api/integrations/library/auth?return_to=/done").token(scene.ada.as_str()).await;
    assert_eq!(auth.status, 302, "{auth:?}");
    assert!(auth.header("location").unwrap().starts_with(&scene.pages.base), "{auth:?}");
    let cookie = auth.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Secure"), "{cookie}");
    scene.stop().await;
}

#[tokio::test]
async fn a_consent_is_finished_once() {
    let scene = Scene::new().await;
    let begun = scene.begin(&scene.form()).await;
    let path = scene.pages.consent(&begun, "ada", None);
    let (one, two) = tokio::join!(scene.back(&path), scene.back(&path));
    let mut both = [one.contains("success=true"), two.contains("success=true")];
    both.sort_unstable();
    assert_eq!(both, [false, true], "{one} {two}");
    assert_eq!(scene.pages.calls("authorization_code"), 1, "the code was sent once");
    assert!(scene.back(&path).await.contains("success=false"), "nor later");
    scene.stop().await;
}

#[tokio::test]
async fn two_consents_on_their_way_lead_to_one_integration() {
    let scene = Scene::new().await;
    let (first, second) = (scene.begin(&scene.form()).await, scene.begin(&scene.form()).await);
    for begun in [&first, &second] {
        assert!(scene.back(&scene.pages.consent(begun, "ada", None)).await.contains("success=true"));
    }
    let all = scene.server.client.get("/integrations/user/ada").token(scene.ada.as_str()).await.body();
    assert_eq!(all.as_array().unwrap().len(), 1, "{all}");
    scene.stop().await;
}

#[tokio::test]
async fn a_state_that_is_forged_foreign_or_missing_leads_nowhere() {
    let scene = Scene::new().await;
    let begun = scene.begin(&scene.form()).await;
    let good = scene.pages.consent(&begun, "ada", None);
    let callback = "/api/integrations/library/callback";
    for bad in [
        callback.to_owned(),
        format!("{callback}?code=x"),
        format!("{callback}?code=x&state="),
        format!("{callback}?code=x&state={}", "A".repeat(43)),
        format!("{callback}?code=x&state=a&state=b"),
        format!("{callback}?code=x&state={}", "A".repeat(10_000)),
        format!("{callback}?code=x&state=%00"),
        "/api/integrations/callback?state=%F0%9F%92%A9&code=1".to_owned(),
    ] {
        let on = scene.back(&bad).await;
        assert!(on.starts_with("/integrations?success=false&"), "{bad}: {on}");
    }
    let elsewhere = good.replace("/library/", "/shelf/");
    assert!(scene.back(&elsewhere).await.contains("success=false"), "the state belongs to another vendor");
    assert!(scene.back(&good).await.contains("success=false"), "and is used up by that");
    assert_eq!(scene.pages.calls("authorization_code"), 0, "no code was sent anywhere");
    assert_eq!(scene.mine().await["status"], "disconnected");
    scene.stop().await;
}

#[tokio::test]
async fn another_tenant_cannot_finish_what_somebody_began() {
    let scene = Scene::new().await;
    for stranger in [scene.server.token("acme", "eve"), scene.server.token("other", "ada"), "nonsense".into()] {
        let begun = scene.begin(&scene.form()).await;
        let path = scene.pages.consent(&begun, "eve", None);
        let answer = scene.server.client.get(&path).token(stranger.as_str()).await;
        assert!(answer.header("location").unwrap().contains("success=false"), "{answer:?}");
    }
    let begun = scene.begin(&scene.form()).await;
    let path = scene.pages.consent(&begun, "ada", None);
    let answer = scene.server.client.get(&path).token(scene.ada.as_str()).await;
    assert!(answer.header("location").unwrap().contains("success=true"), "{answer:?}");
    scene.stop().await;
}

#[tokio::test]
async fn whoever_was_sent_another_browsers_link_cannot_finish_it() {
    let scene = Scene::new().await;
    let begin = async || {
        let call = scene.server.client.post("/api/integrations/connect").token(scene.ada.as_str()).json(&scene.form());
        let begun = call.header("sec-fetch-site", "same-origin").await;
        let cookie = begun.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        (begun.body()["oauth_url"].as_str().unwrap().to_owned(), cookie)
    };
    let (url, _) = begin().await;
    let on = scene.back(&scene.pages.consent(&url, "victim", None)).await;
    assert!(on.contains("success=false") && on.contains("browser"), "{on}");
    let (url, cookie) = begin().await;
    let path = scene.pages.consent(&url, "ada", None);
    let answer = scene.server.client.get(&path).header("cookie", &cookie).await;
    assert!(answer.header("location").unwrap().contains("success=true"), "{answer:?}");
    scene.stop().await;
}

#[tokio::test]
async fn a_browser_is_sent_on_only_to_where_it_may_go() {
    let scene = Scene::new().await;
    for (wanted, on) in [
        ("/settings?tab=1#top", "/settings?tab=1&success=true&provider=library#top"),
        ("https://app.example.com/x", "https://app.example.com/x?success=true&provider=library"),
    ] {
        let mut form = scene.form();
        form["return_to"] = wanted.into();
        let begun = scene.begin(&form).await;
        assert_eq!(scene.back(&scene.pages.consent(&begun, "ada", None)).await, on);
    }
    for wanted in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""] {
        let mut form = scene.form();
        form["return_to"] = wanted.into();
        let refused = scene.connect(&scene.ada, &form).await;
        assert_eq!((refused.status, &refused.body()["field"]), (400, &json!("return_to")), "{wanted:?}");
    }
    scene.stop().await;
}

#[tokio::test]
async fn a_person_who_declines_is_not_connected() {
    let scene = Scene::new().await;
    let begun = scene.begin(&scene.form()).await;
    let state =
        scene.pages.consent(&begun, "ada", None).split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let denied =
        format!("/api/integrations/callback?error=access_denied&error_description={}&state={state}", PLANTED[1]);
    let on = scene.back(&denied).await;
    assert!(on.contains("success=false") && on.contains("consent") && on.contains("provider=library"), "{on}");
    assert_eq!(scene.mine().await["status"], "disconnected");
    scene.stop().await;
}

#[tokio::test]
async fn a_scope_that_was_unticked_is_named() {
    let scene = Scene::new().await;
    let begun = scene.begin(&scene.form()).await;
    let on = scene.back(&scene.pages.consent(&begun, "ada", Some("read"))).await;
    assert_eq!(on, "/integrations?success=true&provider=library&missing_scopes=profile");
    assert_eq!(scene.mine().await["integration"]["missing_scopes"], json!(["profile"]));

    scene.pages.mood(Mood::NoProfile);
    let tested = scene.post("/api/integrations/test?integration_type=library").await.body();
    assert_eq!((&tested["success"], &tested["missing_scope"]), (&json!(false), &json!("profile")), "{tested}");
    let begun = scene.begin(&scene.form()).await;
    let on = scene.back(&scene.pages.consent(&begun, "ada", None)).await;
    assert!(on.contains("success=false"), "what the vendor refuses at once is not stored: {on}");
    assert_eq!(scene.pages.calls("revoke"), 1, "and given back");

    scene.pages.mood(Mood::Fair);
    let begun = scene.begin(&scene.form()).await;
    assert!(scene.back(&scene.pages.consent(&begun, "ada", None)).await.ends_with("provider=library"));
    assert_eq!(scene.mine().await["integration"]["missing_scopes"], json!([]), "consenting to more is an upgrade");
    scene.stop().await;
}

#[tokio::test]
async fn a_vendor_that_answers_nonsense_connects_nobody() {
    let scene = Scene::new().await;
    for mood in [Mood::Html, Mood::ErrorIn200, Mood::Down] {
        scene.pages.mood(mood);
        let begun = scene.begin(&scene.form()).await;
        let on = scene.back(&scene.pages.consent(&begun, "ada", None)).await;
        assert!(on.contains("success=false"), "{mood:?} {on}");
        assert_eq!(scene.mine().await["status"], "disconnected", "{mood:?}");
    }
    scene.stop().await;
}

#[tokio::test]
async fn without_a_registration_or_an_address_the_operator_is_named() {
    let server = Running::tokens().await;
    let ada = server.token("acme", "ada");
    let connect =
        async |body: Value| server.client.post("/api/integrations/connect").token(ada.as_str()).json(&body).await;
    let refused = connect(json!({"type": "library"})).await;
    assert_eq!(refused.status, 400);
    assert!(refused.detail().contains("CATCHMENT_PUBLIC_URL"), "{refused:?}");
    server.stop().await;

    let server = Running::local().await;
    let refused = server.client.post("/api/integrations/connect").json(&json!({"type": "library"})).await;
    assert_eq!((refused.status, &refused.body()["field"]), (400, &json!("client_id")), "{refused:?}");
    assert!(refused.detail().contains("CATCHMENT_OAUTH__LIBRARY__CLIENT_ID"), "{refused:?}");
    let own = json!({"type": "library", "credentials": {"client_id": "own", "client_secret": PLANTED[0]}});
    let begun = server.client.post("/api/integrations/connect").json(&own).await;
    let url = begun.body()["oauth_url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://library.example/main/authorize?") && url.contains("client_id=own"), "{url}");
    server.stop().await;
}

#[tokio::test]
async fn a_browser_without_a_front_end_lands_on_a_page_that_says_how_it_went() {
    let server = Running::local().await;
    let page = server.client.get("/integrations?success=false&error=%3Cscript%3Ealert(1)%3C/script%3E").await;
    let text = String::from_utf8(page.bytes.to_vec()).unwrap();
    assert!(page.status == 200 && text.contains("&lt;script&gt;") && !text.contains("<script>"), "{text}");
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    let page = server.client.get("/integrations?success=true&provider=library").await;
    assert!(String::from_utf8_lossy(&page.bytes).contains("Library is connected"));
    server.stop().await;
}
