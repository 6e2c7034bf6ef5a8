//! No secret is written into a log, whatever happens to it.

mod server;
mod vendor;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use catchment_auth::oauth::{
    App, Authorizers, Begin, ClientCredentials, ClientKey, ClientProof, Exchange, Issued, Provider, ServiceAccount,
};
use catchment_client::{Authorize, Client, Egress};
use catchment_core::oauth::{OAuth, Revocation};
use serde_json::{Value, json};
use server::{JSON, Server};
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};
use vendor::{Flaky, KEY, holding, tokens};

const OAUTH: OAuth = OAuth {
    authorize: "https://vendor.test/authorize",
    token: "https://vendor.test/token",
    device: Some("https://vendor.test/device"),
    ..OAuth::STANDARD
};
const FORM: OAuth = OAuth { revocation: Revocation::Form("https://vendor.test/revoke"), ..OAUTH };
const BEARER: OAuth = OAuth { revocation: Revocation::Bearer("https://vendor.test/revoke"), ..OAUTH };
const DELETE: OAuth = OAuth { revocation: Revocation::Delete("https://vendor.test/{client_id}"), ..OAUTH };

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("a lock").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_logged() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(log.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).expect("the only one");

    let server = Server::start().await;
    let app = || App {
        id: "us".into(),
        secret: Some("planted-secret".into()),
        origin: Some(server.url.clone()),
        ..App::default()
    };
    let provider = |oauth| Arc::new(Provider::new(oauth, app(), &json!({}), Egress::allow_private()).unwrap());
    let good = json!({ "access_token": "planted-a", "refresh_token": "planted-r", "expires_in": 3600 });
    let bad = json!({ "error": "invalid_grant", "error_description": "planted-description" });
    let html = Value::from("<html>planted-page</html>");
    let mut errors = Vec::new();
    for (status, answer) in [(200, &good), (400, &bad), (503, &html), (200, &html), (401, &html)] {
        server.answers(status, JSON, answer);
        let begun = provider(&OAUTH).begin(&Begin { state: "planted-state".into(), ..Begin::default() }).unwrap();
        errors.extend(provider(&OAUTH).finish(&"planted-code".into(), &begun.verifier, "https://us.test").await.err());
        errors.extend(provider(&OAUTH).refresh(&"planted-r0".into()).await.err());
        for oauth in [&FORM, &BEARER, &DELETE] {
            let held = catchment_core::Tokens { refresh: Some("planted-r0".into()), ..tokens("planted-a0", 10) };
            errors.extend(provider(oauth).revoke(&held).await.err());
        }
        let device = json!({ "device_code": "planted-d", "user_code": "u", "verification_uri": "https://v.test/" });
        server.first(200, &device);
        let device = provider(&OAUTH).device(&[]).await.unwrap();
        if status != 503 {
            errors.extend(provider(&OAUTH).poll(&device).await.err());
        }
        let key = ClientKey::from_pem(&include_str!("issuer/rsa.pem").into(), None).unwrap();
        for proof in [ClientProof::Body("planted-secret".into()), ClientProof::Key(key)] {
            let url = format!("{}/token", server.url);
            let grant = ClientCredentials::new(url, "us", proof, "", Egress::allow_private()).unwrap();
            errors.extend(Issued::new(Arc::new(grant)).header().await.err());
        }
        let file = json!({ "type": "service_account", "client_email": "r@p.test", "token_uri": format!("{}/token", server.url),
                           "private_key": include_str!("issuer/rsa.pem") });
        let account =
            ServiceAccount::from_json(&file.to_string().into(), &["a"], None, Egress::allow_private()).unwrap();
        errors.extend(Issued::new(Arc::new(account)).header().await.err());
        let held = catchment_core::Tokens { refresh: Some("planted-r0".into()), ..tokens("planted-a0", 61) };
        let store = Flaky::down(&holding(held).await, 2);
        let authorizer = Authorizers::new(store).of(KEY, provider(&OAUTH));
        let client = Client::builder("quiet").base(&server.url).egress(Egress::allow_private());
        let client = client.authorize(Arc::new(authorizer)).build().unwrap();
        errors.extend(client.get("files").send().await.err());
    }

    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for said in ["answered", "a new token cannot be stored", "a token cannot be refreshed any more", "at the moment"] {
        assert!(logged.contains(said), "the log is not what it was: {said}");
    }
    assert!(errors.len() > 20, "and so are the errors");
    // us:planted%2Dsecret
    for shown in [logged, format!("{errors:?}"), errors.iter().map(ToString::to_string).collect()] {
        for secret in ["planted", "dXM6cGxhbnRlZCUyRHNlY3JldA", "PRIVATE KEY", "eyJ"] {
            let place = shown.find(secret).map(|at| &shown[at.saturating_sub(200)..(at + 40).min(shown.len())]);
            assert_eq!(place, None, "{secret}");
        }
    }
}
