//! The token endpoints of vendors: consent, codes, refreshing, and what vendors made of it.

mod server;
mod vendor;

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use catchment_auth::oauth::{
    App, Authorizers, Begin, ClientKey, Exchange, Provider, Started, missing, new_state, state_hash,
};
use catchment_client::{Client, Egress};
use catchment_core::{
    ErrorKind,
    oauth::{ClientAuth, OAuth, Revocation},
};
use serde_json::{Value, json};
use server::{JSON, Server, field, fields};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout};
use vendor::{KEY, holding, tokens};

const STANDARD: OAuth = OAuth {
    authorize: "https://vendor.test/authorize",
    token: "https://vendor.test/token",
    scopes: &["a", "b"],
    ..OAuth::STANDARD
};
const BASIC: OAuth = OAuth { client: ClientAuth::Basic, ..STANDARD };
const SLACK: OAuth = OAuth { answers: &["/authed_user", ""], separator: ",", pkce: false, ..STANDARD };
const TENANT: OAuth = OAuth {
    authorize: "https://vendor.test/{tenant_id}/authorize?fixed=1",
    extra: &[("access_type", "offline"), ("prompt", "consent")],
    ..STANDARD
};

fn app(server: &Server) -> App {
    App { id: "our id".into(), secret: Some("planted secret/+".into()), key: None, origin: Some(server.url.clone()) }
}

fn provider(oauth: &'static OAuth, app: App) -> Provider {
    Provider::new(oauth, app, &json!({}), Egress::allow_private()).expect("addresses")
}

/// Where the consent begins, and what is asked there.
fn asked(started: &Started) -> (String, Vec<(String, String)>) {
    let (page, query) = started.url.split_once('?').expect("a query");
    (page.to_owned(), fields(query))
}

#[tokio::test]
async fn the_consent_page_is_asked_for_with_pkce_and_the_callers_state() {
    let server = Server::start().await;
    let begin = Begin { redirect_uri: "https://us.test/callback?x=1".into(), state: "s&1".into(), ..Begin::default() };
    let started = provider(&STANDARD, app(&server)).begin(&begin).unwrap();
    let (page, query) = asked(&started);
    assert_eq!(page, format!("{}/authorize", server.url));
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "our id"),
        ("redirect_uri", "https://us.test/callback?x=1"),
        ("state", "s&1"),
        ("scope", "a b"),
        ("code_challenge_method", "S256"),
        ("login_hint", ""),
    ] {
        assert_eq!(field(&query, name), value);
    }
    let verifier = started.verifier.expose();
    assert_eq!(field(&query, "code_challenge"), URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
    assert!((43..=128).contains(&verifier.len()), "RFC 7636, section 4.1");
    let again = provider(&STANDARD, app(&server)).begin(&begin).unwrap();
    assert_ne!(again.verifier.expose(), verifier);
    assert!(!format!("{started:?} {begin:?}").contains("s&1"));
}

#[tokio::test]
async fn the_way_to_the_consent_page_is_the_vendors() {
    let server = Server::start().await;
    let begin = Begin { scopes: vec!["c".into(), "d".into()], login_hint: Some("anna".into()), ..Begin::default() };
    let (_, query) = asked(&provider(&SLACK, app(&server)).begin(&begin).unwrap());
    assert_eq!((field(&query, "scope"), field(&query, "login_hint")), ("c,d", "anna"));
    assert_eq!(field(&query, "code_challenge"), "");
    let tenant = |settings: Value| Provider::new(&TENANT, app(&server), &settings, Egress::allow_private());
    let error = tenant(json!({})).unwrap_err();
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("tenant_id")));
    let (page, query) = asked(&tenant(json!({ "tenant_id": "acme/.." })).unwrap().begin(&begin).unwrap());
    assert_eq!(page, format!("{}/acme%2F../authorize", server.url));
    assert_eq!(
        (field(&query, "fixed"), field(&query, "access_type"), field(&query, "prompt")),
        ("1", "offline", "consent")
    );
}

#[test]
fn a_state_cannot_be_guessed_or_read_from_what_is_kept_of_it() {
    let (one, two) = (new_state().unwrap(), new_state().unwrap());
    assert_eq!(URL_SAFE_NO_PAD.decode(&one).unwrap().len(), 32);
    assert_ne!(one, two);
    assert_ne!(state_hash(&one), one);
    assert_eq!(state_hash("abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
}

#[tokio::test]
async fn a_code_is_exchanged_with_its_verifier() {
    let server = Server::start().await;
    server.answers(200, JSON, json!({ "access_token": "a1", "refresh_token": "r1", "expires_in": 60, "scope": "a" }));
    let provider = provider(&STANDARD, app(&server));
    let granted = provider.finish(&"c&1".into(), &"v".into(), "https://us.test/callback").await.unwrap();
    assert_eq!(granted.refresh.as_ref().unwrap().expose(), "r1");
    assert_eq!(
        server.seen()[0].body,
        "grant_type=authorization_code&code=c%261&redirect_uri=https%3A%2F%2Fus.test%2Fcallback&code_verifier=v\
         &client_id=our+id&client_secret=planted+secret%2F%2B"
    );
    let asked = chrono::Utc::now();
    let tokens = granted.into_tokens(asked);
    assert_eq!((tokens.issued, tokens.expires), (asked, Some(asked + chrono::TimeDelta::seconds(60))));
    assert_eq!(missing(STANDARD.scopes, &tokens.scopes), ["b"], "the person unticked it");
}

#[tokio::test]
async fn a_code_that_is_not_accepted_is_no_grant_that_is_over() {
    let server = Server::start().await;
    for (status, code, kind) in [
        (400, "invalid_grant", ErrorKind::Unauthenticated),
        (200, "bad_verification_code", ErrorKind::Unauthenticated),
        (200, "code_already_used", ErrorKind::Unauthenticated),
        (400, "redirect_uri_mismatch", ErrorKind::Config),
        (400, "access_denied", ErrorKind::Forbidden),
    ] {
        server.answers(status, JSON, json!({ "error": code }));
        let provider = provider(&STANDARD, app(&server));
        let error = provider.finish(&"c".into(), &"v".into(), "https://us.test/callback").await.unwrap_err();
        assert_eq!((error.kind(), error.get("grant")), (kind, None), "{error}");
    }
    assert_eq!(server.seen().len(), 5, "a code is not sent twice");
}

#[tokio::test]
async fn a_refresh_is_asked_for_as_the_standard_says() {
    let server = Server::start().await;
    server.answers(200, JSON, json!({ "access_token": "a1", "token_type": "Bearer" }));
    provider(&STANDARD, app(&server)).refresh(&"r0 &=".into()).await.unwrap();
    provider(&BASIC, app(&server)).refresh(&"r0".into()).await.unwrap();
    provider(&STANDARD, App { secret: None, ..app(&server) }).refresh(&"r0".into()).await.unwrap();
    let key = ClientKey::from_pem(&include_str!("issuer/ec.pem").into(), None).unwrap();
    provider(&BASIC, App { key: Some(key), ..app(&server) }).refresh(&"r0".into()).await.unwrap();
    let seen = server.seen();
    assert_eq!(
        seen[0].body,
        "grant_type=refresh_token&refresh_token=r0+%26%3D&client_id=our+id&client_secret=planted+secret%2F%2B"
    );
    // our%20id:planted%20secret%2F%2B
    assert_eq!(seen[1].authorization.as_deref(), Some("Basic b3VyJTIwaWQ6cGxhbnRlZCUyMHNlY3JldCUyRiUyQg=="));
    assert_eq!(seen[1].body, "grant_type=refresh_token&refresh_token=r0");
    assert_eq!(seen[2].body, "grant_type=refresh_token&refresh_token=r0&client_id=our+id");
    assert!(seen[3].body.contains("client_assertion=ey") && !seen[3].body.contains("secret"));
    assert_eq!(seen[3].authorization, None);
}

#[test]
fn an_integration_may_bring_its_own_registration() {
    let own = App::own(&json!({ "client_id": " mine ", "client_secret": "planted" })).unwrap();
    assert_eq!((own.id.as_str(), own.secret.as_ref().unwrap().expose()), ("mine", "planted"));
    assert!(!format!("{own:?}").contains("planted"));
    assert!(App::own(&json!({ "client_id": "mine" })).unwrap().secret.is_none());
    let none = json!({ "client_id": "", "client_secret": "x" });
    assert!(App::own(&none).is_none());
    // A secret is never sent along with the id of somebody else.
    let operators =
        App { id: "ours".into(), secret: Some("x".into()), origin: Some("https://h".into()), ..App::default() };
    let own = App::of(&json!({ "client_id": "mine" }), Some(&operators)).unwrap();
    assert_eq!((own.id.as_str(), own.secret.is_none(), own.origin.as_deref()), ("mine", true, Some("https://h")));
    assert_eq!(App::of(&none, Some(&operators)).unwrap().id, "ours");
    assert!(App::of(&none, None).is_none());
}

#[tokio::test]
async fn what_is_granted_is_read_as_vendors_write_it() {
    let server = Server::start().await;
    let granted = async |changes: Value| {
        let mut answer = json!({ "access_token": "a1" });
        answer.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        server.answers(200, JSON, answer);
        provider(&STANDARD, app(&server)).refresh(&"r0".into()).await.unwrap()
    };
    let plain = granted(json!({})).await;
    assert!(plain.refresh.is_none() && plain.lives.is_none() && plain.scopes.is_none());
    let full = granted(json!({ "refresh_token": "r1", "expires_in": 3600, "scope": "a b" })).await;
    assert_eq!((full.access.expose(), full.refresh.unwrap().expose()), ("a1", "r1"));
    assert_eq!((full.lives.unwrap().as_secs(), full.scopes.unwrap()), (3600, vec!["a".to_owned(), "b".into()]));
    let odd = granted(json!({ "refresh_token": "", "expires_in": "28800", "scope": "repo,user" })).await;
    assert!(odd.refresh.is_none());
    assert_eq!((odd.lives.unwrap().as_secs(), odd.scopes.unwrap().len()), (28_800, 2));
    for never in [json!(0), json!(-5), json!("soon"), json!(1e300), json!(null), json!(u64::MAX)] {
        assert_eq!(granted(json!({ "expires_in": never })).await.lives, None, "{never}");
    }
}

#[tokio::test]
async fn slacks_tokens_are_found_where_they_are() {
    let server = Server::start().await;
    let slack = provider(&SLACK, app(&server));
    let user = json!({ "id": "U1", "scope": "search:read,users:read", "access_token": "xoxp", "expires_in": 43200,
                       "refresh_token": "xoxe" });
    for (answer, access, refresh) in [
        (json!({ "ok": true, "access_token": "xoxb", "authed_user": user }), "xoxp", Some("xoxe")),
        (json!({ "ok": true, "access_token": "xoxb", "authed_user": { "id": "U1" } }), "xoxb", None),
        (
            json!({ "ok": true, "authed_user": { "access_token": "xoxp" }, "refresh_token": "not its own" }),
            "xoxp",
            None,
        ),
    ] {
        server.answers(200, JSON, &answer);
        let granted = slack.refresh(&"r0".into()).await.unwrap();
        let found = granted.refresh.as_ref().map(|refresh| refresh.expose());
        assert_eq!((granted.access.expose(), found), (access, refresh), "{answer}");
    }
}

#[tokio::test]
async fn only_an_answer_that_says_so_ends_a_grant() {
    use ErrorKind::{Config, Forbidden, Protocol, RateLimited, Unauthenticated, Unavailable};
    let server = Server::start().await;
    let fault = |code: &str| json!({ "error": code, "error_description": "planted" }).to_string();
    for (status, content_type, body, kind, grant) in [
        (400, JSON, fault("invalid_grant"), Unauthenticated, None),
        (401, JSON, fault("invalid_grant"), Unauthenticated, None),
        (200, JSON, fault("bad_refresh_token"), Unauthenticated, None),
        (200, JSON, json!({ "ok": false, "error": "invalid_refresh_token" }).to_string(), Unauthenticated, None),
        (200, JSON, json!({ "ok": false, "error": "token_revoked" }).to_string(), Unauthenticated, Some("revoked")),
        (200, JSON, json!({ "ok": false, "error": "token_expired" }).to_string(), Unauthenticated, Some("expired")),
        (400, JSON, fault("interaction_required"), Unauthenticated, Some("expired")),
        (401, JSON, fault("invalid_client"), Config, None),
        (200, JSON, fault("incorrect_client_credentials"), Config, None),
        (401, JSON, String::new(), Config, None),
        (401, "text/html", "<html>invalid_grant</html>".into(), Config, None),
        (403, "text/html", "<html>planted</html>".into(), Forbidden, None),
        (400, JSON, fault("planted"), Protocol, None),
        (200, JSON, fault("planted"), Protocol, None),
        (200, "text/html", "<html>planted</html>".into(), Protocol, None),
        (200, JSON, "{}".into(), Protocol, None),
        (200, JSON, json!({ "access_token": "" }).to_string(), Protocol, None),
        (200, JSON, json!({ "access_token": { "planted": 1 } }).to_string(), Protocol, None),
        (400, JSON, fault("slow_down"), RateLimited, None),
        (200, JSON, fault("internal_error"), Unavailable, None),
        (500, JSON, "planted".into(), Unavailable, None),
        (503, "text/html", "<html>planted</html>".into(), Unavailable, None),
    ] {
        server.answers(status, content_type, &body);
        let provider = provider(&STANDARD, app(&server));
        let error = provider.refresh(&"planted-r0".into()).await.unwrap_err();
        assert_eq!((error.kind(), error.get("grant")), (kind, grant), "{status} {body}: {error}");
        let shown = format!("{error} {error:?} {provider:?}");
        assert!(!shown.contains("planted"), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_never_answers_is_asked_once_and_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let silent = provider(&STANDARD, App { id: "us".into(), origin: Some(origin), ..App::default() });
    let asked = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok(accepted) = timeout(Duration::from_secs(120), listener.accept()).await {
            held.push(accepted.unwrap());
        }
        held.len()
    });
    let begun = Instant::now();
    let error = silent.refresh(&"r0".into()).await.unwrap_err();
    assert_eq!((error.kind(), error.get("grant")), (ErrorKind::Timeout, None), "{error}");
    assert_eq!(begun.elapsed().as_secs(), 30, "long before a lease ends");
    assert_eq!(asked.await.unwrap(), 1, "the refresh token may be spent");
}

#[tokio::test]
async fn a_call_with_a_rejected_token_is_made_again_with_a_new_one() {
    let server = Server::start().await;
    server.first(401, &json!({}));
    server.first(200, &json!({ "access_token": "a1", "expires_in": 3600 }));
    server.answers(200, JSON, "{}");
    let store = holding(tokens("revoked", 10)).await;
    let authorizer = Authorizers::new(store).of(KEY, Arc::new(provider(&STANDARD, app(&server))));
    let client = Client::builder("provider-test")
        .base(&server.url)
        .egress(Egress::allow_private())
        .authorize(Arc::new(authorizer))
        .build()
        .unwrap();
    for _ in 0..3 {
        client.get("files").send().await.unwrap();
    }
    let seen: Vec<_> = server.seen().into_iter().map(|seen| (seen.call, seen.authorization)).collect();
    let files = |token: &str| ("GET /files".to_owned(), Some(format!("Bearer {token}")));
    let again = vec![files("revoked"), ("POST /token".into(), None), files("a1"), files("a1"), files("a1")];
    assert_eq!(seen, again);
}

const FORM: OAuth = OAuth { revocation: Revocation::Form("https://vendor.test/revoke"), ..BASIC };
const BEARER: OAuth = OAuth { revocation: Revocation::Bearer("https://vendor.test/revoke"), ..STANDARD };
const DELETE: OAuth =
    OAuth { revocation: Revocation::Delete("https://vendor.test/apps/{client_id}/grant"), ..STANDARD };

#[tokio::test]
async fn a_grant_is_given_back_in_the_vendors_way() {
    let server = Server::start().await;
    server.answers(200, JSON, "{}");
    let held = tokens("a0", 10);
    for oauth in [&STANDARD, &FORM, &BEARER, &DELETE] {
        provider(oauth, app(&server)).revoke(&held).await.unwrap();
    }
    let basic = Some("Basic b3VyJTIwaWQ6cGxhbnRlZCUyMHNlY3JldCUyRiUyQg==".to_owned());
    let seen: Vec<_> = server.seen().into_iter().map(|seen| (seen.call, seen.authorization, seen.body)).collect();
    assert_eq!(
        seen,
        [
            ("POST /revoke".into(), basic.clone(), "token=r0&token_type_hint=refresh_token".to_owned()),
            ("POST /revoke".into(), Some("Bearer a0".into()), String::new()),
            ("DELETE /apps/our%20id/grant".into(), basic, r#"{"access_token":"a0"}"#.into()),
        ]
    );
    let error = provider(&DELETE, App { secret: None, ..app(&server) }).revoke(&held).await.unwrap_err();
    assert_eq!(error.get("field"), Some("client_secret"));
}

#[tokio::test]
async fn a_grant_that_the_vendor_does_not_know_any_more_is_given_back() {
    let held = tokens("a0", 10);
    for (oauth, status, body) in [
        (&FORM, 400, json!({ "error": "invalid_token" })),
        (&BEARER, 200, json!({ "ok": false, "error": "token_revoked" })),
        (&DELETE, 404, json!({ "message": "Not Found" })),
        (&DELETE, 422, json!({ "message": "Validation Failed" })),
    ] {
        let server = Server::start().await;
        server.answers(status, JSON, &body);
        // An access token that is refused is followed by a refresh, which is refused as well.
        server.first(status, &body);
        server.first(400, &json!({ "error": "invalid_grant" }));
        provider(oauth, app(&server)).revoke(&held).await.unwrap_or_else(|error| panic!("{body}: {error}"));
    }
}

#[tokio::test]
async fn what_keeps_a_grant_from_being_given_back_is_said() {
    let server = Server::start().await;
    for (oauth, status, kind) in [
        (&FORM, 401, ErrorKind::Config),
        (&FORM, 404, ErrorKind::NotFound),
        (&FORM, 403, ErrorKind::Forbidden),
        (&BEARER, 403, ErrorKind::Forbidden),
        (&DELETE, 401, ErrorKind::Config),
    ] {
        server.answers(status, JSON, "{}");
        let error = provider(oauth, app(&server)).revoke(&tokens("a0", 10)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status}: {error}");
    }
}

#[tokio::test]
async fn an_access_token_that_has_ended_is_replaced_to_give_the_grant_back() {
    let server = Server::start().await;
    // Ended by its date, and ended although its date says otherwise.
    for (age, refused) in [(61, 0), (10, 1)] {
        let before = server.seen().len();
        for _ in 0..refused {
            server.first(
                401,
                &json!({ "error_summary": "expired_access_token/..", "error": { ".tag": "expired_access_token" } }),
            );
        }
        server.first(200, &json!({ "access_token": "a1" }));
        server.first(200, &Value::Null);
        provider(&BEARER, app(&server)).revoke(&tokens("a0", age)).await.unwrap();
        let seen = server.seen().split_off(before + refused);
        let calls: Vec<_> = seen.iter().map(|seen| (seen.call.as_str(), seen.authorization.as_deref())).collect();
        assert_eq!(calls, [("POST /token", None), ("POST /revoke", Some("Bearer a1"))]);
    }
}
