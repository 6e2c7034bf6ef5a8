//! A bucket of a test, and what the connector cannot do to it: write.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(unreachable_pub, reason = "a module of test programs")]

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use catchment_client::{Client, Egress, Method};
use catchment_core::{Connector, Context, Entry, PageRequest, Registry, Result, Secret, page::items};
use catchment_s3::S3;
use catchment_testkit::{
    backends::{Keys, S3Server},
    faults::{Fault, FaultProxy},
};
use futures::TryStreamExt;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqsign_aws_v4::{Credential, RequestSigner, StaticCredentialProvider};
use reqsign_core::Signer;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A bucket that nobody else uses.
pub struct Store {
    pub server: S3Server,
    pub bucket: String,
    client: Client,
    signer: Signer<Credential>,
}

impl Store {
    pub async fn new(server: S3Server) -> Self {
        static BUCKETS: AtomicU64 = AtomicU64::new(0);
        let bucket = format!("b{}-{}", std::process::id(), BUCKETS.fetch_add(1, Ordering::Relaxed));
        let client = Client::builder("s3-tests").egress(Egress::allow_private()).build().expect("a client");
        let keys = StaticCredentialProvider::new(&server.admin.id, &server.admin.secret);
        let signer = Signer::new(reqsign_core::Context::new(), keys, RequestSigner::new("s3", "us-east-1"));
        let store = Self { server, bucket, client, signer };
        store.send(Method::PUT, "", &[], b"").await;
        store
    }

    pub async fn put(&self, key: &str, bytes: &[u8]) {
        self.send(Method::PUT, key, &[], bytes).await;
    }

    pub async fn put_with(&self, key: &str, headers: &[(&str, &str)], bytes: &[u8]) {
        self.send(Method::PUT, key, headers, bytes).await;
    }

    pub async fn remove(&self, key: &str) {
        self.send(Method::DELETE, key, &[], b"").await;
    }

    /// From now on what is overwritten or removed stays as an older version.
    pub async fn keep_versions(&self) {
        let body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        let url = format!("http://{}/{}?versioning=", self.server.address, self.bucket);
        self.send_to(Method::PUT, url, &[], body).await;
    }

    async fn send(&self, method: Method, key: &str, headers: &[(&str, &str)], body: &[u8]) {
        let encoded = key.split('/').map(|part| utf8_percent_encode(part, STRICT).to_string()).collect::<Vec<_>>();
        let url = |separator: &str| {
            let key = encoded.join(separator);
            let slash = if key.is_empty() { "" } else { "/" };
            format!("http://{}/{}{slash}{key}", self.server.address, self.bucket)
        };
        // No URL can hold a segment of dots. moto signs what was sent.
        let dots = encoded.iter().any(|part| matches!(part.as_str(), "." | ".."));
        self.send_to(method, url(if dots { "%2F" } else { "/" }), headers, body).await;
    }

    async fn send_to(&self, method: Method, url: String, headers: &[(&str, &str)], body: &[u8]) {
        let mut request = http::Request::builder().method(method.clone()).uri(&url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        self.signer.sign(&mut parts, None).await.expect("signed");
        let mut call = self.client.call(method, &url);
        // rclone wants the length of nothing, too.
        call = call.header("content-length", body.len().to_string()).body("application/octet-stream", body.to_vec());
        for (name, value) in &parts.headers {
            if name != "host" {
                call = call.secret_header(name.as_str(), &Secret::new(value.to_str().expect("text")));
            }
        }
        call.send().await.unwrap_or_else(|error| panic!("cannot write to `{url}`: {error}"));
    }

    pub fn settings(&self) -> Value {
        self.settings_of(&self.server.admin, self.server.address)
    }

    pub fn settings_of(&self, keys: &Keys, address: SocketAddr) -> Value {
        json!({
            "bucket_name": self.bucket,
            "access_key_id": keys.id,
            "secret_access_key": keys.secret,
            "url": format!("http://{address}"),
            "allow_http": true,
        })
    }

    /// A connector with some settings changed.
    pub fn connect(&self, changes: Value) -> Result<Arc<dyn Connector>> {
        let mut settings = self.settings();
        for (name, value) in changes.as_object().expect("fields") {
            if value.is_null() {
                settings.as_object_mut().expect("fields").remove(name);
            } else {
                settings[name] = value.clone();
            }
        }
        Registry::new().with::<S3>().connect("s3", settings, Context::local())
    }
}

pub async fn read(connector: &dyn Connector, entry: &Entry) -> Result<Vec<u8>> {
    connector.need_download()?.open(entry, None).await?.collect(1 << 24).await
}

/// Everything, in one list.
pub async fn flat(connector: &dyn Connector) -> Result<Vec<Entry>> {
    let browse = connector.need_browse()?;
    let (root, flat) = (browse.lookup("").await?.id, browse.flat().expect("flat"));
    items(PageRequest::first(), |request| flat.descendants(&root, request)).try_collect().await
}

/// A connector behind a proxy whose next answers are these.
pub async fn behind(store: &Store, faults: Vec<Fault>) -> (FaultProxy, Arc<dyn Connector>) {
    let proxy = FaultProxy::start(store.server.address).await.expect("a proxy");
    let connector = store.connect(json!({ "url": format!("http://{}", proxy.address()) })).expect("good settings");
    proxy.then(faults);
    (proxy, connector)
}

/// An error as the store writes it.
pub fn xml(status: u16, code: &str, more: &str) -> Fault {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>m</Message>{more}</Error>");
    Fault::Status { status, retry_after: None, body }
}

/// The head of the first request that comes, which is answered with one byte.
pub async fn heard(listener: TcpListener) -> String {
    let (mut stream, _) = listener.accept().await.expect("a call");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head"));
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\netag: \"9dd4e461268c8034f5c8564e155c67a6\"\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx").await.expect("answered");
    String::from_utf8(head).expect("text").to_lowercase()
}
