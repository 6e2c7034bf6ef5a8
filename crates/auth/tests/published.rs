//! Tokens signed with keys that an issuer publishes.

mod issuer;

use std::time::Duration;

use base64::Engine;
use catchment_auth::{Caller, Callers, Claims, KeyUrl, Verifier};
use catchment_core::{ErrorKind, Result};
use futures::future::join_all;
use issuer::{Issuer, Pair, good, later, signed, with};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

async fn identify(callers: &Callers, token: &str) -> Result<Caller> {
    callers.identify(Some(&format!("Bearer {token}"))).await
}

async fn refusal(callers: &Callers, token: &str) -> String {
    let error = identify(callers, token).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    error.to_string()
}

fn without(mut jwk: Value, field: &str) -> Value {
    jwk.as_object_mut().expect("a key").remove(field);
    jwk
}

#[tokio::test]
async fn keys_of_each_kind_verify_their_tokens() {
    let pairs = [Pair::rsa("r"), Pair::ec("c"), Pair::ed("d")];
    let jwks: Vec<_> = pairs.iter().map(Pair::jwk).collect();
    let issuer = Issuer::publishing(&jwks).await;
    let callers = issuer.callers();
    for pair in &pairs {
        assert_eq!(identify(&callers, &pair.token(&good())).await.unwrap().tenant.user, "anna");
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn a_key_that_names_no_algorithm_is_for_that_of_its_kind() {
    let (rsa, ec, ed) = (Pair::rsa("r"), Pair::ec("c"), Pair::ed("d"));
    let jwks: Vec<_> = [&rsa, &ec, &ed].iter().map(|pair| without(pair.jwk(), "alg")).collect();
    let issuer = Issuer::publishing(&jwks).await;
    let callers = issuer.callers();
    for pair in [&rsa, &ec, &ed] {
        assert!(identify(&callers, &pair.token(&good())).await.is_ok());
    }
    let other = rsa.token_as(&json!({ "alg": "RS512", "kid": "r" }), Algorithm::RS512, &good());
    assert!(refusal(&callers, &other).await.contains("not accepted"));
}

#[tokio::test]
async fn a_key_is_for_its_own_algorithm_alone() {
    let rsa = Pair::rsa("r");
    let issuer = Issuer::publishing(&[rsa.jwk()]).await;
    let callers = issuer.callers();
    for algorithm in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        let token = rsa.token_as(&json!({ "alg": algorithm, "kid": "r" }), algorithm, &good());
        assert!(refusal(&callers, &token).await.contains("not accepted"), "{algorithm:?}");
    }
    assert_eq!(issuer.asked(), 1, "its key is known, so nothing is fetched for it");
}

#[tokio::test]
async fn a_key_may_say_another_algorithm_than_that_of_its_kind() {
    let rsa = Pair::rsa("r");
    let mut jwk = rsa.jwk();
    jwk["alg"] = "PS512".into();
    let mut encrypts = rsa.jwk();
    encrypts["kid"] = "e".into();
    encrypts["alg"] = "RSA-OAEP-256".into();
    let issuer = Issuer::publishing(&[jwk, encrypts]).await;
    let callers = issuer.callers();
    let token = rsa.token_as(&json!({ "alg": "PS512", "kid": "r" }), Algorithm::PS512, &good());
    assert!(identify(&callers, &token).await.is_ok());
    assert!(refusal(&callers, &rsa.token(&good())).await.contains("not accepted"));
    let token = rsa.token_as(&json!({ "alg": "RS256", "kid": "e" }), Algorithm::RS256, &good());
    assert!(refusal(&callers, &token).await.contains("does not publish"));
}

#[tokio::test]
async fn a_public_key_is_no_secret() {
    let rsa = Pair::rsa("r");
    let jwk = rsa.jwk();
    let issuer = Issuer::publishing(std::slice::from_ref(&jwk)).await;
    let callers = issuer.callers();
    for secret in [jwk["n"].as_str().unwrap().as_bytes(), jwk.to_string().as_bytes(), b""] {
        let key = EncodingKey::from_secret(secret);
        let token = signed(&key, Algorithm::HS256, &json!({ "alg": "HS256", "kid": "r" }), &good());
        assert!(refusal(&callers, &token).await.contains("not accepted"));
    }
    let none = issuer::unsigned(&json!({ "alg": "none", "kid": "r" }), &good());
    refusal(&callers, &format!("{none}.")).await;
    // Not even where the issuer publishes one.
    issuer.publish(&[
        json!({ "kty": "oct", "kid": "s", "alg": "HS256", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY" }),
        jwk,
    ]);
    let callers = issuer.callers();
    let key = EncodingKey::from_secret(issuer::SECRET.as_bytes());
    let token = signed(&key, Algorithm::HS256, &json!({ "alg": "HS256", "kid": "s" }), &good());
    refusal(&callers, &token).await;
}

#[tokio::test]
async fn a_token_of_another_key_is_refused() {
    let (ours, theirs) = (Pair::ec("k"), Pair::ed("k"));
    let issuer = Issuer::publishing(&[ours.jwk()]).await;
    let callers = issuer.callers();
    assert!(refusal(&callers, &theirs.token(&good())).await.contains("not accepted"));
    let token = ours.token(&good());
    let (message, _) = token.rsplit_once('.').unwrap();
    assert!(refusal(&callers, &format!("{message}.{}", "A".repeat(86))).await.contains("signature"));
    let inside = json!({ "alg": "ES256", "kid": "k", "jwk": theirs.jwk(), "jku": "http://evil.test/", "x5u": "http://evil.test/" });
    let token = theirs.token_as(&inside, Algorithm::EdDSA, &good());
    refusal(&callers, &token).await;
}

#[tokio::test]
async fn claims_are_checked_as_with_a_secret() {
    let pair = Pair::ec("k");
    let issuer = Issuer::publishing(&[pair.jwk()]).await;
    let claims = Claims { audience: Some("us".into()), ..Claims::default() };
    let callers = issuer.callers_with(claims);
    assert!(identify(&callers, &pair.token(&with(json!({ "aud": "us" })))).await.is_ok());
    for (changes, says) in [
        (json!({ "aud": "them" }), "somebody else"),
        (json!({}), "lacks a claim"),
        (json!({ "aud": "us", "exp": 1 }), "expired"),
    ] {
        let said = refusal(&callers, &pair.token(&with(changes))).await;
        assert!(said.contains(says), "{said}");
    }
}

#[tokio::test]
async fn a_new_key_is_found_at_once_and_looked_for_every_half_minute_at_most() {
    let (old, new, newest) = (Pair::rsa("old"), Pair::ec("new"), Pair::ed("newest"));
    let issuer = Issuer::publishing(&[old.jwk()]).await;
    let callers = issuer.callers();
    assert!(identify(&callers, &old.token(&good())).await.is_ok());
    issuer.publish(&[old.jwk(), new.jwk()]);
    assert!(identify(&callers, &new.token(&good())).await.is_ok(), "rotated");
    assert_eq!(issuer.asked(), 2);

    issuer.publish(&[new.jwk(), newest.jwk()]);
    for _ in 0..100 {
        assert!(refusal(&callers, &newest.token(&good())).await.contains("does not publish"));
    }
    assert_eq!(issuer.asked(), 2, "however many unknown keys are named");
    later(Duration::from_secs(31)).await;
    assert!(identify(&callers, &newest.token(&good())).await.is_ok());
    assert!(refusal(&callers, &old.token(&good())).await.contains("does not publish"), "what is taken back is gone");
    assert_eq!(issuer.asked(), 3);
}

#[tokio::test]
async fn a_thousand_at_once_cause_one_fetch() {
    let pair = Pair::ec("k");
    let issuer = Issuer::publishing(&[pair.jwk()]).await;
    issuer.hold();
    let callers = issuer.callers();
    let token = pair.token(&good());
    let all = join_all((0..1000).map(|_| identify(&callers, &token)));
    let first = async {
        issuer.was_asked(1).await;
        issuer.let_through(1000);
    };
    let (all, ()) = tokio::join!(all, first);
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_the_keys_from_nobody() {
    let pair = Pair::ec("k");
    let issuer = Issuer::publishing(&[pair.jwk()]).await;
    issuer.hold();
    let callers = issuer.callers();
    let token = pair.token(&good());
    let mut gone = Box::pin(identify(&callers, &token));
    let mut waits = Box::pin(identify(&callers, &token));
    assert!(futures::poll!(&mut gone).is_pending() && futures::poll!(&mut waits).is_pending());
    issuer.was_asked(1).await;
    drop(gone);
    issuer.let_through(1);
    assert!(waits.await.is_ok());
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn keys_are_fetched_again_in_the_background() {
    let pair = Pair::ec("k");
    let issuer = Issuer::publishing(&[pair.jwk()]).await;
    let callers = issuer.callers();
    let token = pair.token(&good());
    assert!(identify(&callers, &token).await.is_ok());
    later(Duration::from_secs(9 * 60)).await;
    assert!(identify(&callers, &token).await.is_ok());
    assert_eq!(issuer.asked(), 1);
    later(Duration::from_secs(2 * 60)).await;
    issuer.hold();
    assert!(identify(&callers, &token).await.is_ok(), "nobody waits for it");
    issuer.was_asked(2).await;
    assert!(identify(&callers, &token).await.is_ok());
    assert_eq!(issuer.asked(), 2, "and only one asks");
}

#[tokio::test]
async fn keys_nobody_used_for_long_are_fetched_before_they_are_used() {
    let (old, new) = (Pair::ec("old"), Pair::ed("new"));
    let issuer = Issuer::publishing(&[old.jwk()]).await;
    let callers = issuer.callers();
    assert!(identify(&callers, &old.token(&good())).await.is_ok());
    issuer.publish(&[new.jwk()]);
    later(Duration::from_secs(61 * 60)).await;
    refusal(&callers, &old.token(&good())).await;
}

#[tokio::test]
async fn old_keys_are_used_for_a_day_while_the_issuer_is_down() {
    let pair = Pair::ec("k");
    let issuer = Issuer::publishing(&[pair.jwk()]).await;
    let callers = issuer.callers();
    let token = pair.token(&with(json!({ "exp": issuer::now() + 100_000 })));
    assert!(identify(&callers, &token).await.is_ok());
    issuer.says(404, "text/plain", "planted");
    later(Duration::from_secs(23 * 60 * 60)).await;
    assert!(identify(&callers, &token).await.is_ok());
    let unknown = identify(&callers, &Pair::ed("new").token(&good())).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Unavailable, "it cannot be told whether it is good");
    later(Duration::from_secs(2 * 60 * 60)).await;
    let error = identify(&callers, &token).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(!format!("{error} {error:?}").contains("planted"));
    issuer.publish(&[pair.jwk()]);
    later(Duration::from_secs(31)).await;
    assert!(identify(&callers, &token).await.is_ok());
}

#[tokio::test]
async fn an_issuer_that_answers_nonsense_is_unavailable() {
    let pair = Pair::ec("k");
    let token = pair.token(&good());
    let modulus = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode([0xc5; 255]);
    let short = json!({ "kty": "RSA", "kid": "k", "n": modulus, "e": "AQAB" });
    let issuer = Issuer::publishing(&[]).await;
    for (status, content_type, body) in [
        (200, "text/html", "<html>sign in</html>".to_owned()),
        (200, "application/json", "<html>sign in</html>".into()),
        (200, "application/json", String::new()),
        (200, "application/json", "[]".into()),
        (200, "application/json", json!({ "keys": 7 }).to_string()),
        (200, "application/json", json!({ "keys": [] }).to_string()),
        (200, "application/json", json!({ "keys": [short] }).to_string()),
        (200, "application/json", json!({ "keys": vec![pair.jwk(); 4_000] }).to_string()),
        (403, "application/json", json!({ "keys": [pair.jwk()] }).to_string()),
    ] {
        issuer.says(status, content_type, body.clone());
        let error = identify(&issuer.callers(), &token).await.expect_err(&body[..body.len().min(80)]);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
}

#[tokio::test]
async fn a_key_of_a_new_kind_takes_nothing_away() {
    let pair = Pair::ec("k");
    let issuer = Issuer::publishing(&[
        json!({ "kty": "ML-DSA", "kid": "q", "alg": "ML-DSA-65", "pub": "AAAA" }),
        json!({ "kty": "EC", "crv": "P-521", "kid": "5", "x": "AA", "y": "AA" }),
        json!({ "nonsense": true }),
        json!("nonsense"),
        json!({ "kty": "RSA", "kid": "e", "use": "enc", "n": Pair::rsa("e").jwk()["n"], "e": "AQAB" }),
        pair.jwk(),
    ])
    .await;
    let callers = issuer.callers();
    assert!(identify(&callers, &pair.token(&good())).await.is_ok());
    assert!(refusal(&callers, &Pair::rsa("e").token(&good())).await.contains("does not publish"));
}

#[tokio::test]
async fn a_token_that_names_no_key_means_the_only_one() {
    let (one, other) = (Pair::ec("1"), Pair::rsa("2"));
    let issuer = Issuer::publishing(&[one.jwk(), other.jwk()]).await;
    let nameless = one.token_as(&json!({ "alg": "ES256" }), Algorithm::ES256, &good());
    assert!(identify(&issuer.callers(), &nameless).await.is_ok());
    let mut twin = one.jwk();
    twin["kid"] = "3".into();
    issuer.publish(&[one.jwk(), twin]);
    assert!(refusal(&issuer.callers(), &nameless).await.contains("which of several"));
}

#[test]
fn keys_come_over_a_channel_that_nobody_can_change() {
    for url in
        ["", "issuer.example", "ftp://issuer.example/", "http://issuer.example/jwks", "https://u:p@issuer.example/"]
    {
        let error = Verifier::jwks(url, Claims::default()).unwrap_err();
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("jwks_url")), "{url}");
    }
    for url in ["https://issuer.example/jwks", "http://127.0.0.1:1/jwks", "http://localhost/jwks", "http://[::1]/"] {
        assert!(Verifier::jwks(url, Claims::default()).is_ok(), "{url}");
    }
    assert!(Verifier::jwks(KeyUrl::new("http://keycloak:8080/certs").allow_http(), Claims::default()).is_ok());
}
