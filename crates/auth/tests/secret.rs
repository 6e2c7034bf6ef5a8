//! Tokens signed with a secret, and what every token has to say.

mod issuer;

use std::time::Duration;

use catchment_auth::{Caller, Callers, Claims, Role, Verifier, mint};
use catchment_core::{Error, ErrorKind, Result, Secret, Tenant};
use issuer::{SECRET, good, hs256, now, signed, unsigned, with};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

fn callers(claims: Claims) -> Callers {
    Callers::Jwt(Verifier::hs256(&Secret::new(SECRET), claims).expect("a verifier"))
}

async fn identify(token: &str) -> Result<Caller> {
    callers(Claims::default()).identify(Some(&format!("Bearer {token}"))).await
}

/// The refusal of a token, which it must not repeat.
async fn refusal(callers: &Callers, token: &str) -> Error {
    let error = callers.identify(Some(&format!("Bearer {token}"))).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    let shown = format!("{error} {error:?}");
    for part in token.split('.').filter(|part| part.len() > 8) {
        assert!(!shown.contains(part), "{shown}");
    }
    assert!(!shown.contains("planted") && !shown.contains(SECRET), "{shown}");
    error
}

async fn refused(claims: Value) -> Error {
    refusal(&callers(Claims::default()), &hs256(&claims)).await
}

#[tokio::test]
async fn a_good_token_says_who_calls() {
    let caller = identify(&hs256(&good())).await.unwrap();
    assert_eq!(caller, Caller { tenant: Tenant::new("acme", "anna"), role: Role::Member });
    assert_eq!(identify(&hs256(&with(json!({ "role": "admin" })))).await.unwrap().role, Role::Admin);
    assert_eq!(identify(&hs256(&with(json!({ "role": "member" })))).await.unwrap().role, Role::Member);
    assert_eq!(identify(&hs256(&with(json!({ "org": "Ünïcode" })))).await.unwrap().tenant.organization, "Ünïcode");
}

#[tokio::test]
async fn a_minted_token_is_accepted() {
    let tenant = Tenant::new("acme", "anna");
    let secret = Secret::new(SECRET);
    let token = mint(&secret, &tenant, Role::Admin, Duration::from_secs(60)).unwrap();
    assert_eq!(identify(token.expose()).await.unwrap(), Caller { tenant: tenant.clone(), role: Role::Admin });
    let claims = Claims { issuer: Some("https://i".into()), audience: Some("catchment".into()), ..Claims::default() };
    let token = claims.mint(&secret, &tenant, Role::Member, Duration::from_secs(60)).unwrap();
    let header = format!("bearer  {} ", token.expose());
    assert_eq!(callers(claims).identify(Some(&header)).await.unwrap().tenant, tenant);
}

#[tokio::test]
async fn everybody_is_local_where_nobody_is_asked() {
    let local = Caller { tenant: Tenant::local(), role: Role::Admin };
    assert_eq!(Callers::Local.identify(None).await.unwrap(), local);
    assert_eq!(Callers::Local.identify(Some("Bearer nonsense")).await.unwrap(), local);
}

#[tokio::test]
async fn a_missing_token_says_how_to_send_one() {
    let callers = callers(Claims::default());
    for header in [None, Some(""), Some("Bearer"), Some("Bearer "), Some("Basic YTpi"), Some(&*hs256(&good()))] {
        let error = callers.identify(header).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert!(error.message().contains("Authorization: Bearer"), "{error}");
    }
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    assert!(identify(&hs256(&with(json!({ "exp": now() - 30 })))).await.is_ok(), "within the leeway");
    let error = refused(with(json!({ "exp": now() - 90 }))).await;
    assert!(error.message().contains("expired"), "{error}");
    let strict = callers(Claims { leeway: Duration::ZERO, ..Claims::default() });
    let error = refusal(&strict, &hs256(&with(json!({ "exp": now() - 30 })))).await;
    assert!(error.message().contains("expired"), "{error}");
}

#[tokio::test]
async fn a_token_of_tomorrow_is_refused() {
    assert!(identify(&hs256(&with(json!({ "nbf": now() + 30 })))).await.is_ok(), "within the leeway");
    let error = refused(with(json!({ "nbf": now() + 90 }))).await;
    assert!(error.message().contains("not valid yet"), "{error}");
}

#[tokio::test]
async fn a_token_without_an_end_is_refused() {
    for exp in [Value::Null, json!("tomorrow"), json!(-1), json!([]), json!({}), json!(true)] {
        let error = refused(with(json!({ "exp": exp }))).await;
        assert_eq!(error.get("claim"), Some("exp"), "{exp}: {error}");
    }
    assert_eq!(refused(with(json!({ "nbf": "planted" }))).await.get("claim"), Some("nbf"));
}

#[tokio::test]
async fn audience_and_issuer_are_asked_for_where_they_are_configured() {
    let ours = || Claims { issuer: Some("https://i".into()), audience: Some("us".into()), ..Claims::default() };
    let all = json!({ "iss": "https://i", "aud": "us" });
    let identify = async |changes: Value| {
        let mut claims = with(all.clone());
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims: Value = claims
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        callers(ours()).identify(Some(&format!("Bearer {}", hs256(&claims)))).await
    };
    assert!(identify(json!({})).await.is_ok());
    assert!(identify(json!({ "aud": ["them", "us"] })).await.is_ok());
    for (changes, says) in [
        (json!({ "aud": "them" }), "somebody else"),
        (json!({ "aud": ["them", "others"] }), "somebody else"),
        (json!({ "aud": [] }), "somebody else"),
        (json!({ "aud": null }), "lacks a claim"),
        (json!({ "aud": 7 }), "lacks a claim"),
        (json!({ "iss": "https://evil" }), "not trusted"),
        (json!({ "iss": "https://i/" }), "not trusted"),
        (json!({ "iss": null }), "lacks a claim"),
    ] {
        let error = identify(changes.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert!(error.message().contains(says), "{changes}: {error}");
    }
}

#[tokio::test]
async fn who_calls_has_to_be_said_in_plain_names() {
    for claim in ["sub", "org"] {
        for value in [
            Value::Null,
            json!(""),
            json!("  "),
            json!(7),
            json!("planted\u{0}"),
            json!("planted\r\nX: y"),
            json!("planted\u{85}"),
            json!("x".repeat(256)),
        ] {
            let error = refused(with(json!({ claim: value }))).await;
            assert_eq!(error.get("claim"), Some(claim), "{value}: {error}");
        }
        refused(with(json!({ claim: ["planted"] }))).await;
    }
    for role in [json!("owner"), json!("Admin"), json!(""), json!(["admin"]), json!(1)] {
        assert!(refused(with(json!({ "role": role }))).await.message().contains("role"));
    }
}

#[tokio::test]
async fn a_claim_that_stands_twice_is_refused() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let payload = format!(r#"{{"sub":"anna","org":"acme","org":"other","exp":{}}}"#, now() + 600);
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode(payload));
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    refusal(&callers(Claims::default()), &format!("{message}.{signature}")).await;
}

#[tokio::test]
async fn no_token_goes_without_a_signature() {
    let callers = callers(Claims::default());
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let message = unsigned(&json!({ "alg": alg, "typ": "JWT" }), &with(json!({ "role": "admin" })));
        for token in [format!("{message}."), message.clone(), format!("{message}.AAAA")] {
            refusal(&callers, &token).await;
        }
    }
}

#[tokio::test]
async fn no_other_algorithm_is_accepted() {
    let callers = callers(Claims::default());
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let error = refusal(&callers, &signed(&key, algorithm, &json!({ "alg": algorithm }), &good())).await;
        assert!(error.message().contains("not accepted"), "{error}");
    }
    let error = refusal(&callers, &issuer::Pair::rsa("k").token(&good())).await;
    assert!(error.message().contains("not accepted"), "{error}");
}

#[tokio::test]
async fn a_changed_token_is_refused() {
    let callers = callers(Claims::default());
    let token = hs256(&good());
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    let admin = unsigned(&json!({ "alg": "HS256", "typ": "JWT" }), &with(json!({ "role": "admin" })));
    assert!(refusal(&callers, &format!("{admin}.{signature}")).await.message().contains("signature"));
    for token in [
        format!("{header}.{signature}"),
        format!("{message}.{signature}.{signature}"),
        format!("{message}.{signature}=="),
        format!("{message}.{}", &signature[1..]),
        "planted".into(),
        "a.b.c".into(),
        "..".into(),
        "é.é.é".into(),
        "x".repeat(20_000),
    ] {
        refusal(&callers, &token).await;
    }
    let key = EncodingKey::from_secret(b"another secret of sufficient length");
    let foreign = signed(&key, Algorithm::HS256, &json!({ "alg": "HS256" }), &good());
    assert!(refusal(&callers, &foreign).await.message().contains("signature"));
}

#[tokio::test]
async fn an_extension_that_must_be_known_is_refused() {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let header = json!({ "alg": "HS256", "crit": ["exp"], "exp": 1 });
    let error = refusal(&callers(Claims::default()), &signed(&key, Algorithm::HS256, &header, &good())).await;
    assert!(error.message().contains("extensions"), "{error}");
}

#[test]
fn a_short_secret_is_refused() {
    for secret in ["", "short", &SECRET[1..]] {
        let error = Verifier::hs256(&Secret::new(secret), Claims::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains("32 bytes"), "{error}");
        let secret = Secret::new(secret);
        assert!(mint(&secret, &Tenant::local(), Role::Member, Duration::from_secs(1)).is_err());
    }
    assert!(!format!("{:?}", Verifier::hs256(&Secret::new(SECRET), Claims::default())).contains(SECRET));
}
