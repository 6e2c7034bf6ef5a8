//! Against a certified OpenID provider, whose refresh tokens rotate, and whose grants end when an
//! old one comes back.

mod browser;
mod vendor;

use std::{sync::Arc, time::Duration};

use browser::Browser;
use catchment_auth::oauth::{
    App, Authorizers, Begin, ClientCredentials, ClientKey, ClientProof, Exchange, Grant, Granted, Provider, missing,
    new_state,
};
use catchment_client::{Authorize, Client, Egress};
use catchment_core::{
    ErrorKind, Result, Secret, TokenStore,
    oauth::{ClientAuth, OAuth, Revocation},
};
use catchment_testkit::backends::{OidcServer, oidc};
use chrono::{TimeDelta, Utc};
use futures::future::join_all;
use serde_json::{Value, json};
use vendor::{Diary, KEY, holding};

const WEB: OAuth = OAuth {
    authorize: "https://oidc.test/auth",
    token: "https://oidc.test/token",
    device: Some("https://oidc.test/device/auth"),
    revocation: Revocation::Form("https://oidc.test/token/revocation"),
    scopes: &["openid", "files.read"],
    ..OAuth::STANDARD
};
const BASIC: OAuth = OAuth { client: ClientAuth::Basic, ..WEB };

async fn server() -> OidcServer {
    tokio::task::spawn_blocking(oidc).await.expect("a server")
}

fn provider(server: &OidcServer, id: &str) -> Arc<Provider> {
    let (oauth, secret) = match id {
        "web" => (&WEB, Some(OidcServer::WEB_SECRET)),
        "basic" => (&BASIC, Some(OidcServer::BASIC_SECRET)),
        _ => (&WEB, None),
    };
    let app = App { id: id.into(), secret: secret.map(Secret::new), origin: Some(server.issuer()), ..App::default() };
    Arc::new(Provider::new(oauth, app, &json!({}), Egress::allow_private()).expect("addresses"))
}

fn begin(state: &str) -> Begin {
    Begin { redirect_uri: OidcServer::CALLBACK.into(), state: state.into(), ..Begin::default() }
}

/// Anna consents: the code she comes back with, and its verifier.
async fn consented(provider: &Provider) -> (Secret, Secret) {
    let state = new_state().expect("random");
    let started = provider.begin(&begin(&state)).expect("an address");
    let page = Browser::default().consent(&started.url, OidcServer::CALLBACK).await;
    let query: Vec<_> = page.url.query_pairs().into_owned().collect();
    let value = |name: &str| &query.iter().find(|(found, _)| found == name).expect(name).1;
    assert_eq!(*value("state"), state);
    (Secret::new(value("code")), started.verifier)
}

async fn grant(provider: &Provider) -> Granted {
    let (code, verifier) = consented(provider).await;
    provider.finish(&code, &verifier, OidcServer::CALLBACK).await.expect("tokens")
}

/// Who the provider says a token is of.
async fn whose(server: &OidcServer, authorize: Arc<dyn Authorize>) -> Result<Value> {
    let egress = Egress::allow_private();
    let client = Client::builder("oidc-test").base(server.issuer()).egress(egress).authorize(authorize).build()?;
    client.get("me").send().await?.json()
}

#[tokio::test]
async fn a_person_consents_and_the_grant_is_kept_alive() {
    let server = server().await;
    for id in ["web", "basic", "tv"] {
        let provider = provider(&server, id);
        let tokens = grant(&provider).await.into_tokens(Utc::now());
        assert!(tokens.scopes.contains(&"openid".to_owned()), "{:?}", tokens.scopes);
        assert!(missing(WEB.scopes, &tokens.scopes).is_empty());
        assert_eq!(tokens.expires, Some(tokens.issued + TimeDelta::hours(1)));
        let store = holding(tokens.clone()).await;
        let authorizer = Authorizers::new(store).of(KEY, provider);
        assert_eq!(whose(&server, Arc::new(authorizer.clone())).await.unwrap()["sub"], "anna");
        for _ in 0..3 {
            let refreshed = authorizer.refresh_now().await.unwrap();
            assert_ne!(refreshed.refresh.unwrap().expose(), tokens.refresh.as_ref().unwrap().expose(), "it rotates");
        }
        assert_eq!(whose(&server, Arc::new(authorizer)).await.unwrap()["sub"], "anna");
    }
}

#[tokio::test]
async fn a_code_is_good_once_and_with_its_verifier_alone() {
    let server = server().await;
    let provider = provider(&server, "web");
    let (code, verifier) = consented(&provider).await;
    let refresh = provider.finish(&code, &verifier, OidcServer::CALLBACK).await.unwrap().refresh.unwrap();
    let again = provider.finish(&code, &verifier, OidcServer::CALLBACK).await.unwrap_err();
    assert_eq!((again.kind(), again.get("grant")), (ErrorKind::Unauthenticated, None));
    // And who sends it twice ends what was granted for it.
    assert_eq!(provider.refresh(&refresh).await.unwrap_err().kind(), ErrorKind::Unauthenticated);

    let (code, _) = consented(&provider).await;
    let (_, other) = consented(&provider).await;
    let stolen = provider.finish(&code, &other, OidcServer::CALLBACK).await;
    assert_eq!(stolen.unwrap_err().kind(), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn a_person_who_denies_comes_back_without_a_code() {
    let server = server().await;
    let started = provider(&server, "web").begin(&begin("s")).unwrap();
    let page = Browser::default().deny(&started.url, OidcServer::CALLBACK).await;
    let query: Vec<_> = page.url.query_pairs().into_owned().collect();
    assert!(query.contains(&("error".into(), "access_denied".into())), "{query:?}");
    assert!(query.iter().all(|(name, _)| name != "code"));
}

#[tokio::test]
async fn four_refreshes_at_once_end_a_grant_and_authorizers_in_four_processes_keep_it() {
    let server = server().await;
    let provider = provider(&server, "web");
    let refresh = grant(&provider).await.refresh.unwrap();
    let raw = join_all((0..4).map(|_| provider.refresh(&refresh))).await;
    let won: Vec<_> = raw.into_iter().filter_map(Result::ok).collect();
    assert_eq!(won.len(), 1);
    let family = provider.refresh(won[0].refresh.as_ref().unwrap()).await;
    assert_eq!(family.unwrap_err().kind(), ErrorKind::Unauthenticated, "the grant is over for everybody");

    let stale = grant(&provider).await.into_tokens(Utc::now() - TimeDelta::hours(2));
    let store = holding(stale).await;
    let processes: Vec<_> =
        (0..4).map(|_| Authorizers::new(Arc::clone(&store) as _).of(KEY, Arc::clone(&provider) as _)).collect();
    let calls = (0..100).map(|number| processes[number % 4].token());
    let tokens: Vec<_> = join_all(calls).await.into_iter().map(|token| token.unwrap().expose().to_owned()).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(whose(&server, Arc::new(processes[3].clone())).await.unwrap()["sub"], "anna");
    assert!(processes[0].refresh_now().await.is_ok(), "the grant lives");
}

#[tokio::test]
async fn a_grant_that_was_given_back_is_revoked_between_two_calls() {
    let server = server().await;
    let provider = provider(&server, "basic");
    let tokens = grant(&provider).await.into_tokens(Utc::now());
    let store = holding(tokens.clone()).await;
    let diary = Arc::new(Diary::default());
    let authorizers = Authorizers::new(Arc::clone(&store) as _).watched_by(Arc::clone(&diary) as _);
    let authorizer = authorizers.of(KEY, Arc::clone(&provider) as _);
    assert!(whose(&server, Arc::new(authorizer.clone())).await.is_ok());
    provider.revoke(&tokens).await.unwrap();
    let error = whose(&server, Arc::new(authorizer.clone())).await.unwrap_err();
    assert_eq!((error.kind(), error.get("grant")), (ErrorKind::Unauthenticated, Some("revoked")), "{error}");
    assert_eq!(diary.read(), ["refused 7 revoked"]);
    provider.revoke(&tokens).await.expect("nothing to give back");
    // Whoever authorizes anew goes on, with what was connected before.
    let (_, revision) = store.load(KEY).await.unwrap().unwrap();
    let anew = grant(&provider).await.into_tokens(Utc::now());
    assert!(store.swap(KEY, Some(revision), &anew).await.unwrap());
    assert!(whose(&server, Arc::new(authorizer)).await.is_ok());
}

#[tokio::test]
async fn a_person_consents_on_another_device() {
    let server = server().await;
    let provider = provider(&server, "tv");
    let device = provider.device(&[]).await.unwrap();
    let polling = tokio::spawn({
        let (provider, device) = (Arc::clone(&provider), device.clone());
        async move { provider.poll(&device).await }
    });
    // The page with the code filled in asks Anna whether it is the code on her device.
    let mut browser = Browser::default();
    let complete = device.verification_uri_complete.as_deref().expect("a page with the code");
    assert!(complete.starts_with(&device.verification_uri) && complete.contains(&device.user_code));
    let page = browser.consent(complete, "nowhere").await;
    assert!(page.body.contains("Sign-in Success"), "{}", page.body);
    tokio::time::pause();
    tokio::time::advance(device.interval).await;
    tokio::time::resume();
    let tokens = polling.await.unwrap().unwrap().into_tokens(Utc::now());
    let authorizer = Authorizers::new(holding(tokens).await).of(KEY, provider);
    assert_eq!(whose(&server, Arc::new(authorizer)).await.unwrap()["sub"], "anna");
}

#[tokio::test]
async fn a_program_proves_itself_by_secret_and_by_key() {
    let server = server().await;
    let credentials = |id: &str, proof: ClientProof| {
        let url = format!("{}/token", server.issuer());
        ClientCredentials::new(url, id, proof, "", Egress::allow_private()).expect("an address")
    };
    let secret = |secret: &str| ClientProof::Basic(secret.into());
    let key = ClientKey::from_pem(&server.key.as_str().into(), None).unwrap();
    for (id, proof) in [
        ("basic", secret(OidcServer::BASIC_SECRET)),
        ("robot", ClientProof::Key(key.clone())),
        ("robot", ClientProof::Key(key.clone().named("robot").addressed_to(server.issuer()))),
    ] {
        let granted = credentials(id, proof).grant().await.unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(granted.lives, Some(Duration::from_secs(600)));
    }
    let other = ClientKey::from_pem(&include_str!("issuer/rsa.pem").into(), None).unwrap();
    for (id, proof) in [
        ("basic", secret("wrong")),
        ("nobody", secret(OidcServer::BASIC_SECRET)),
        ("robot", ClientProof::Key(other)),
        ("robot", ClientProof::Key(key.rs256())),
        ("robot", ClientProof::None),
    ] {
        assert_eq!(credentials(id, proof).grant().await.unwrap_err().kind(), ErrorKind::Config, "{id}");
    }
}
