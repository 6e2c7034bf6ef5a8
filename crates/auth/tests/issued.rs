//! Tokens that a program gets for itself.

mod server;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use catchment_auth::oauth::{ClientCredentials, ClientKey, ClientProof, Grant, Granted, Issued, ServiceAccount};
use catchment_client::{Authorize, Egress};
use catchment_core::{Error, ErrorKind, Result, Secret, async_trait};
use futures::future::join_all;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation, decode, jwk::Jwk};
use serde_json::{Value, json};
use server::{JSON, Server, field};
use tokio::{sync::Semaphore, time::advance};

const RSA: &str = include_str!("issuer/rsa.pem");
const CERTIFICATE: &str = include_str!("issuer/certificate.pem");

/// Grants `t1`, `t2`, .. for an hour, when it is let.
#[derive(Debug)]
struct Counter {
    asked: AtomicUsize,
    gate: Semaphore,
    failures: Mutex<Vec<ErrorKind>>,
}

impl Counter {
    fn new(answers: usize) -> Arc<Self> {
        Arc::new(Self { asked: AtomicUsize::new(0), gate: Semaphore::new(answers), failures: Mutex::default() })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Grant for Counter {
    async fn grant(&self) -> Result<Granted> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.gate.acquire().await.expect("open").forget();
        if let Some(kind) = self.failures.lock().expect("a lock").pop() {
            return Err(Error::new(kind, "no"));
        }
        let access = Secret::new(format!("t{number}"));
        Ok(Granted { access, refresh: None, lives: Some(Duration::from_secs(3600)), scopes: None })
    }
}

async fn token(issued: &Issued) -> String {
    issued.token().await.expect("a token").expose().to_owned()
}

async fn until(done: impl Fn() -> bool) {
    while !done() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_callers_cause_one_grant() {
    let counter = Counter::new(1_000);
    let issued = Issued::new(Arc::clone(&counter) as _);
    let calls = (0..1_000).map(|_| {
        let issued = issued.clone();
        tokio::spawn(async move { token(&issued).await })
    });
    assert!(join_all(calls).await.into_iter().all(|call| call.unwrap() == "t1"));
    assert_eq!(counter.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_replaced_in_the_background_at_80_percent_and_before_a_call_at_its_end() {
    let counter = Counter::new(1);
    let issued = Issued::new(Arc::clone(&counter) as _);
    assert_eq!(token(&issued).await, "t1");
    advance(Duration::from_secs(2_870)).await;
    assert_eq!((token(&issued).await.as_str(), counter.asked()), ("t1", 1));
    advance(Duration::from_secs(20)).await;
    assert_eq!(token(&issued).await, "t1", "nobody waits");
    until(|| counter.asked() == 2).await;
    counter.gate.add_permits(2);
    while token(&issued).await == "t1" {
        tokio::task::yield_now().await;
    }
    advance(Duration::from_secs(3_601)).await;
    assert_eq!((token(&issued).await.as_str(), counter.asked()), ("t3", 3));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_shared_and_ends_with_a_pause_whatever_it_was() {
    for kind in [ErrorKind::Unauthenticated, ErrorKind::Config, ErrorKind::Unavailable] {
        let counter = Counter::new(10);
        counter.failures.lock().unwrap().push(kind);
        let issued = Issued::new(Arc::clone(&counter) as _);
        for _ in 0..10 {
            assert_eq!(issued.token().await.unwrap_err().kind(), kind);
        }
        assert_eq!(counter.asked(), 1, "{kind}");
        advance(Duration::from_secs(1)).await;
        assert_eq!(token(&issued).await, "t2");
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_is_cancelled_loses_nothing() {
    let counter = Counter::new(0);
    let issued = Issued::new(Arc::clone(&counter) as _);
    let mut call = Box::pin(issued.token());
    assert!(futures::poll!(&mut call).is_pending());
    until(|| counter.asked() == 1).await;
    drop(call);
    counter.gate.add_permits(1);
    assert_eq!((token(&issued).await.as_str(), counter.asked()), ("t1", 1));
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_is_replaced_unless_it_is_brand_new() {
    let counter = Counter::new(10);
    let issued = Issued::new(Arc::clone(&counter) as _);
    let first = issued.header().await.unwrap();
    issued.rejected(&first).await.unwrap();
    assert_eq!(issued.header().await.unwrap().expose(), first.expose());
    advance(Duration::from_secs(31)).await;
    assert!(join_all((0..100).map(|_| issued.rejected(&first))).await.iter().all(Result::is_ok));
    assert_eq!((issued.header().await.unwrap().expose(), counter.asked()), ("Bearer t2", 2));
}

fn credentials(server: &Server, proof: ClientProof) -> ClientCredentials {
    let url = format!("{}/token", server.url);
    ClientCredentials::new(url, "our id", proof, "a b", Egress::allow_private()).expect("an endpoint")
}

#[tokio::test]
async fn a_secret_goes_where_the_vendor_wants_it() {
    let server = Server::start().await;
    server.answers(200, JSON, json!({ "access_token": "t", "expires_in": 60 }));
    let secret = Secret::new("planted secret/+");
    let granted = credentials(&server, ClientProof::Body(secret.clone())).grant().await.unwrap();
    assert_eq!((granted.access.expose(), granted.lives), ("t", Some(Duration::from_secs(60))));
    credentials(&server, ClientProof::Basic(secret)).grant().await.unwrap();
    let seen = server.seen();
    assert_eq!(
        seen[0].body,
        "grant_type=client_credentials&scope=a+b&client_id=our+id&client_secret=planted+secret%2F%2B"
    );
    assert_eq!(seen[1].body, "grant_type=client_credentials&scope=a+b");
    // our%20id:planted%20secret%2F%2B
    assert_eq!(seen[1].authorization.as_deref(), Some("Basic b3VyJTIwaWQ6cGxhbnRlZCUyMHNlY3JldCUyRiUyQg=="));
}

/// Header and claims of a token that `key` has signed.
fn verified(token: &str, key: EncodingKey, algorithm: Algorithm, audience: &str) -> (Value, Value) {
    let public = Jwk::from_encoding_key(&key, algorithm).expect("a public key");
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[audience]);
    let data = decode::<Value>(token, &DecodingKey::from_jwk(&public).expect("a key"), &validation).expect("signed");
    (serde_json::to_value(data.header).expect("JSON"), data.claims)
}

#[tokio::test]
async fn a_certificate_signs_what_entra_wants() {
    let server = Server::start().await;
    server.answers(200, JSON, json!({ "access_token": "t" }));
    let key = ClientKey::from_pem(&RSA.into(), Some(CERTIFICATE)).unwrap();
    let credentials = credentials(&server, ClientProof::Key(key.clone()));
    credentials.grant().await.unwrap();
    credentials.grant().await.unwrap();
    let assertions: Vec<_> = server
        .seen()
        .iter()
        .map(|seen| {
            let form = server::fields(&seen.body);
            assert_eq!(field(&form, "client_id"), "our id");
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            assert_eq!(field(&form, "client_assertion_type"), kind);
            assert_eq!(field(&form, "client_secret"), "");
            let pair = EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap();
            let audience = format!("{}/token", server.url);
            verified(field(&form, "client_assertion"), pair, Algorithm::PS256, &audience)
        })
        .collect();
    let (header, claims) = &assertions[0];
    // openssl x509 -outform DER | openssl dgst -sha256 -binary | base64url
    assert_eq!(header["x5t#S256"], "nbSR8pwmn0_T6Gcvm0PMJOZuJ30tSS1lrjwVlVNOBMI");
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("our id"), &json!("our id")));
    let seconds = |name: &str| claims[name].as_i64().unwrap() - chrono::Utc::now().timestamp();
    assert!((-70..=-60).contains(&seconds("nbf")) && (290..=300).contains(&seconds("exp")), "{claims}");
    assert_eq!(claims["iat"], claims["nbf"]);
    assert_ne!(claims["jti"], assertions[1].1["jti"], "none is used twice");
    assert!(!format!("{key:?} {credentials:?}").contains("PRIVATE"));
}

#[tokio::test]
async fn a_key_can_have_a_name_another_algorithm_and_another_audience() {
    let server = Server::start().await;
    server.answers(200, JSON, json!({ "access_token": "t" }));
    let key = ClientKey::from_pem(&RSA.into(), None).unwrap().rs256().named("k1").addressed_to("https://issuer");
    credentials(&server, ClientProof::Key(key)).grant().await.unwrap();
    let pair = EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap();
    let (header, _) = verified(field(&server.form(), "client_assertion"), pair, Algorithm::RS256, "https://issuer");
    assert_eq!(header["kid"], "k1");
    for (pem, algorithm) in
        [(include_str!("issuer/ec.pem"), Algorithm::ES256), (include_str!("issuer/ed.pem"), Algorithm::EdDSA)]
    {
        let key = ClientKey::from_pem(&pem.into(), None).unwrap().rs256();
        credentials(&server, ClientProof::Key(key)).grant().await.unwrap();
        let pair = if algorithm == Algorithm::ES256 { EncodingKey::from_ec_pem } else { EncodingKey::from_ed_pem };
        let audience = format!("{}/token", server.url);
        let form = server.form();
        verified(field(&form, "client_assertion"), pair(pem.as_bytes()).unwrap(), algorithm, &audience);
    }
}

#[test]
fn a_key_that_is_none_is_refused_without_being_shown() {
    let planted = "-----BEGIN PRIVATE KEY-----\nplanted\n-----END PRIVATE KEY-----";
    for (key, certificate, field) in [
        ("planted", None, "private_key"),
        (planted, None, "private_key"),
        ("", None, "private_key"),
        (CERTIFICATE, None, "private_key"),
        (RSA, Some("planted"), "certificate"),
        (RSA, Some(RSA), "certificate"),
    ] {
        let error = ClientKey::from_pem(&key.into(), certificate).unwrap_err();
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some(field)));
        assert!(!format!("{error} {error:?}").contains("planted"), "{error:?}");
    }
}

fn key_file(server: &Server) -> Value {
    json!({
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "key one",
        "private_key": RSA,
        "client_email": "robot@p.iam.gserviceaccount.com",
        "client_id": "123456789",
        "token_uri": format!("{}/token", server.url),
    })
}

fn account(file: &Value, subject: Option<&str>) -> Result<ServiceAccount> {
    ServiceAccount::from_json(&file.to_string().into(), &["drive.readonly", "email"], subject, Egress::allow_private())
}

#[tokio::test]
async fn a_service_account_asks_for_itself_or_for_a_person() {
    let server = Server::start().await;
    server.answers(200, JSON, json!({ "access_token": "t", "expires_in": 3599, "token_type": "Bearer" }));
    for subject in [None, Some("anna@acme.test")] {
        let granted = account(&key_file(&server), subject).unwrap().grant().await.unwrap();
        assert_eq!((granted.access.expose(), granted.lives), ("t", Some(Duration::from_secs(3599))));
        let form = server.form();
        assert_eq!(field(&form, "grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
        let pair = EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap();
        let audience = format!("{}/token", server.url);
        let (header, claims) = verified(field(&form, "assertion"), pair, Algorithm::RS256, &audience);
        assert_eq!(header["kid"], "key one");
        assert_eq!(claims["iss"], "robot@p.iam.gserviceaccount.com");
        assert_eq!(claims["scope"], "drive.readonly email");
        assert_eq!(claims.get("sub").and_then(Value::as_str), subject);
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    }
}

#[tokio::test]
async fn google_s_refusals_say_who_has_to_act() {
    let server = Server::start().await;
    let account = account(&key_file(&server), Some("anna@acme.test")).unwrap();
    for (status, code, kind, pair) in [
        (400, "invalid_grant", ErrorKind::Unauthenticated, ("field", "service_account")),
        (401, "invalid_client", ErrorKind::Unauthenticated, ("field", "service_account")),
        (401, "unauthorized_client", ErrorKind::Forbidden, ("scope", "drive.readonly email")),
        (401, "unauthorized_client", ErrorKind::Forbidden, ("client_id", "123456789")),
        (400, "invalid_scope", ErrorKind::Forbidden, ("scope", "drive.readonly email")),
    ] {
        server.answers(status, JSON, json!({ "error": code, "error_description": "planted" }));
        let error = account.grant().await.unwrap_err();
        assert_eq!((error.kind(), error.get(pair.0)), (kind, Some(pair.1)), "{error}");
        let shown = format!("{error} {error:?} {account:?}");
        assert!(!shown.contains("planted") && !shown.contains("PRIVATE"), "{shown}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_key_is_refused_without_being_shown() {
    let server = Server::start().await;
    let with = |name: &str, value: Value| {
        let mut file = key_file(&server);
        file[name] = value;
        file
    };
    for file in [
        json!("planted"),
        json!({}),
        with("type", json!("authorized_user")),
        with("private_key", json!("planted")),
        with("private_key", json!(4711)),
        with("token_uri", json!("planted")),
        with("token_uri", json!("http://planted.example/token")),
        with("token_uri", json!("https://169.254.169.254/planted")),
    ] {
        let error = account(&file, None).unwrap_err();
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("service_account")), "{file}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("planted") && !shown.contains("4711"), "{shown}");
    }
}
