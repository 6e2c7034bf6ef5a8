//! Tokens of the directory. azurite takes them over TLS alone and does not look at them, so here
//! is a directory and a service of our own, which speak just enough of both languages.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use catchment_azure_blob::AzureBlob;
use catchment_core::{Connector, Context, ErrorKind, PageRequest, Registry};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// Gives tokens `token-1`, `token-2`, ...; the service takes the one that was given last.
#[derive(Default)]
struct Cloud {
    given: AtomicUsize,
    /// What the directory answers instead of a token.
    refusal: Option<(u16, &'static str)>,
    /// How long tokens are good, in seconds.
    lifetime: u64,
    /// Tokens that the service does not take any more, although they are not over.
    revoked: Mutex<Vec<String>>,
    forms: Mutex<Vec<String>>,
}

impl Cloud {
    async fn start(self) -> (Arc<Self>, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let cloud = Arc::new(self);
        let serving = Arc::clone(&cloud);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&serving).answer(stream));
            }
        });
        (cloud, address)
    }

    async fn answer(self: Arc<Self>, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let (mut start, mut token, mut length) = (String::new(), String::new(), 0);
        stream.read_line(&mut start).await.expect("a request");
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.expect("a header");
            let Some((name, value)) = line.trim().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "authorization" => token = value.to_owned(),
                "content-length" => length = value.parse().expect("a number"),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.expect("a body");
        let (status, kind, body) = if start.starts_with("POST /directory/oauth2/v2.0/token ") {
            self.token(String::from_utf8(body).expect("a form"))
        } else {
            self.list(&token)
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all((head + &body).as_bytes()).await;
    }

    fn token(&self, form: String) -> (u16, &'static str, String) {
        self.forms.lock().expect("not poisoned").push(form);
        let number = self.given.fetch_add(1, Ordering::SeqCst) + 1;
        match self.refusal {
            Some((status, body)) => (status, "application/json", body.to_owned()),
            None => {
                let token = json!({ "token_type": "Bearer", "access_token": format!("token-{number}"), "expires_in": self.lifetime });
                (200, "application/json", token.to_string())
            }
        }
    }

    fn list(&self, token: &str) -> (u16, &'static str, String) {
        let good = format!("Bearer token-{}", self.given.load(Ordering::SeqCst));
        let revoked = self.revoked.lock().expect("not poisoned").iter().any(|revoked| revoked == token);
        let body = if token == good && !revoked {
            "<EnumerationResults><Blobs /><NextMarker /></EnumerationResults>"
        } else {
            "<Error><Code>InvalidAuthenticationInfo</Code></Error>"
        };
        (if body.contains("Error") { 401 } else { 200 }, "application/xml", body.to_owned())
    }
}

fn connect(address: SocketAddr) -> Arc<dyn Connector> {
    let settings: Value = json!({
        "url": format!("http://{address}/minutes"),
        "authority_url": format!("http://{address}"),
        "allow_http": true,
        "tenant_id": "directory",
        "client_id": "app",
        "client_secret": "planted secret",
    });
    Registry::new().with::<AzureBlob>().connect("azure_blob", settings, Context::local()).expect("good settings")
}

/// Lets time pass.
async fn later(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_token_is_asked_for_once_however_many_wait() {
    let (cloud, address) = Cloud { lifetime: 3600, ..Cloud::default() }.start().await;
    let connector = connect(address);
    let pages = (0..20).map(|_| {
        let connector = Arc::clone(&connector);
        async move { connector.need_browse()?.children(&"".into(), PageRequest::first()).await }
    });
    for page in futures::future::join_all(pages).await {
        page.expect("signed in");
    }
    assert_eq!(cloud.given.load(Ordering::SeqCst), 1);
    let forms = cloud.forms.lock().expect("not poisoned");
    assert_eq!(
        forms[0],
        "grant_type=client_credentials&scope=https%3A%2F%2Fstorage.azure.com%2F.default\
         &client_id=app&client_secret=planted+secret"
    );
}

#[tokio::test]
async fn a_token_that_is_over_is_replaced() {
    let (cloud, address) = Cloud { lifetime: 3600, ..Cloud::default() }.start().await;
    let connector = connect(address);
    connector.check().await.expect("signed in");
    later(3600).await;
    connector.check().await.expect("signed in again");
    assert_eq!(cloud.given.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_token_that_is_not_taken_any_more_is_replaced_once() {
    let (cloud, address) = Cloud { lifetime: 3600, ..Cloud::default() }.start().await;
    let connector = connect(address);
    connector.check().await.expect("signed in");
    later(31).await;
    cloud.revoked.lock().expect("not poisoned").push("Bearer token-1".to_owned());
    connector.check().await.expect("with another token");
    assert_eq!(cloud.given.load(Ordering::SeqCst), 2);
    later(31).await;
    for number in 2..9 {
        cloud.revoked.lock().expect("not poisoned").push(format!("Bearer token-{number}"));
    }
    let error = connector.check().await.expect_err("no token is taken");
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert_eq!(cloud.given.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_directory_that_refuses_names_the_setting() {
    let refusals = [
        (
            401,
            r#"{"error":"invalid_client","error_description":"AADSTS7000215: planted secret","error_codes":[7000215]}"#,
            "client_secret",
        ),
        (400, r#"{"error":"unauthorized_client","error_codes":[700016]}"#, "client_id"),
        (400, r#"{"error":"invalid_request","error_codes":[90002]}"#, "tenant_id"),
        (200, "<html>Sign in</html>", "authority_url"),
        (404, "", "authority_url"),
    ];
    for (status, body, field) in refusals {
        let (cloud, address) = Cloud { refusal: Some((status, body)), ..Cloud::default() }.start().await;
        let connector = connect(address);
        let error = connector.check().await.expect_err("no token");
        assert_eq!(error.get("field"), Some(field), "{error}");
        assert!(!format!("{error} {error:?} {connector:?}").contains("planted"), "{error:?}");
        assert_eq!(cloud.given.load(Ordering::SeqCst), 1, "{error}");
    }
}
