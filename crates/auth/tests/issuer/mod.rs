//! An issuer of tokens: signs, and publishes its keys.

#![allow(dead_code, reason = "each test program uses a part")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{Router, body::Body, extract::State, http::Response, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use catchment_auth::{Callers, Claims, KeyUrl, Verifier};
use jsonwebtoken::{Algorithm, EncodingKey, crypto::sign, jwk::Jwk};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A key pair of the issuer.
pub(crate) struct Pair {
    id: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Pair {
    pub(crate) fn rsa(id: &'static str) -> Self {
        let key = EncodingKey::from_rsa_pem(include_bytes!("rsa.pem")).expect("a key");
        Self { id, algorithm: Algorithm::RS256, key }
    }

    pub(crate) fn ec(id: &'static str) -> Self {
        let key = EncodingKey::from_ec_pem(include_bytes!("ec.pem")).expect("a key");
        Self { id, algorithm: Algorithm::ES256, key }
    }

    pub(crate) fn ed(id: &'static str) -> Self {
        let key = EncodingKey::from_ed_pem(include_bytes!("ed.pem")).expect("a key");
        Self { id, algorithm: Algorithm::EdDSA, key }
    }

    /// The public half, as it is published.
    pub(crate) fn jwk(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm).expect("a public key");
        let mut jwk = serde_json::to_value(jwk).expect("JSON");
        jwk["kid"] = self.id.into();
        jwk["use"] = "sig".into();
        jwk
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_as(&json!({ "alg": self.algorithm, "typ": "JWT", "kid": self.id }), self.algorithm, claims)
    }

    pub(crate) fn token_as(&self, header: &Value, algorithm: Algorithm, claims: &Value) -> String {
        signed(&self.key, algorithm, header, claims)
    }
}

/// A token of any header and claims.
pub(crate) fn signed(key: &EncodingKey, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
    let message = unsigned(header, claims);
    let signature = sign(message.as_bytes(), key, algorithm).expect("signed");
    format!("{message}.{signature}")
}

pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// A token signed with [`SECRET`].
pub(crate) fn hs256(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    signed(&key, Algorithm::HS256, &json!({ "alg": "HS256", "typ": "JWT" }), claims)
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// Claims that are good.
pub(crate) fn good() -> Value {
    json!({ "sub": "anna", "org": "acme", "exp": now() + 600 })
}

/// Good claims with some changed; `null` takes one away.
pub(crate) fn with(changes: Value) -> Value {
    let mut claims = good();
    for (name, value) in changes.as_object().expect("claims") {
        if value.is_null() {
            claims.as_object_mut().expect("claims").remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

/// The server that publishes.
pub(crate) struct Issuer {
    pub(crate) url: String,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

struct Shared {
    status: Mutex<u16>,
    body: Mutex<(&'static str, String)>,
    asked: AtomicUsize,
    /// A permit for each answer.
    gate: Semaphore,
    gated: Mutex<bool>,
}

impl Issuer {
    pub(crate) async fn publishing(keys: &[Value]) -> Self {
        let shared = Arc::new(Shared {
            status: Mutex::new(200),
            body: Mutex::default(),
            asked: AtomicUsize::new(0),
            gate: Semaphore::new(0),
            gated: Mutex::new(false),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/jwks.json", listener.local_addr().expect("an address"));
        let app = Router::new().route("/jwks.json", get(answer)).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
        let issuer = Self { url, shared, server };
        issuer.publish(keys);
        issuer
    }

    pub(crate) fn publish(&self, keys: &[Value]) {
        self.says(200, "application/json", json!({ "keys": keys }).to_string());
    }

    pub(crate) fn says(&self, status: u16, content_type: &'static str, body: impl Into<String>) {
        *self.shared.status.lock().expect("a lock") = status;
        *self.shared.body.lock().expect("a lock") = (content_type, body.into());
    }

    /// Lets nobody have an answer until [`Issuer::let_through`].
    pub(crate) fn hold(&self) {
        *self.shared.gated.lock().expect("a lock") = true;
    }

    pub(crate) fn let_through(&self, answers: usize) {
        self.shared.gate.add_permits(answers);
    }

    /// How often the keys were fetched.
    pub(crate) fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Waits until the keys were fetched so often.
    pub(crate) async fn was_asked(&self, times: usize) {
        let asked = async {
            while self.asked() < times {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), asked).await.expect("asked in time");
    }

    pub(crate) fn callers(&self) -> Callers {
        self.callers_with(Claims::default())
    }

    pub(crate) fn callers_with(&self, claims: Claims) -> Callers {
        Callers::Jwt(Verifier::jwks(KeyUrl::new(&self.url), claims).expect("a verifier"))
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>) -> Response<Body> {
    shared.asked.fetch_add(1, Ordering::SeqCst);
    if *shared.gated.lock().expect("a lock") {
        shared.gate.acquire().await.expect("open").forget();
    }
    let (content_type, body) = shared.body.lock().expect("a lock").clone();
    let status = *shared.status.lock().expect("a lock");
    Response::builder().status(status).header("content-type", content_type).body(Body::from(body)).expect("an answer")
}

/// Makes it later, for whoever reads tokio's clock, without waiting.
pub(crate) async fn later(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
