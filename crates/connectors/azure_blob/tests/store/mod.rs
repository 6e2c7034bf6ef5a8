//! A container of a test, and what the connector cannot do to it: write.
//!
//! Requests are authorized by signatures that are made here from their documentation, and not by
//! the connector's own code: two misunderstandings would have to be the same.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(unreachable_pub, reason = "a module of test programs")]

pub mod sas;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use catchment_azure_blob::AzureBlob;
use catchment_client::{Client, Egress, Method};
use catchment_core::{Connector, Context, Entry, ErrorKind, PageRequest, Registry, Result, page::items};
use catchment_testkit::{
    backends::{self, AzureServer},
    faults::{Fault, FaultProxy},
};
use futures::TryStreamExt;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A container that nobody else uses.
pub struct Store {
    pub server: AzureServer,
    pub container: String,
    client: Client,
}

impl Store {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A container that everybody may list and read.
    pub async fn public() -> Self {
        Self::with(&[("x-ms-blob-public-access", "container")]).await
    }

    async fn with(headers: &[(&str, &str)]) -> Self {
        static CONTAINERS: AtomicU64 = AtomicU64::new(0);
        let container = format!("c{}-{}", std::process::id(), CONTAINERS.fetch_add(1, Ordering::Relaxed));
        let client = Client::builder("azure-tests").egress(Egress::allow_private()).build().expect("a client");
        let store = Self { server: backends::azurite(), container, client };
        store.send(Method::PUT, "", "restype=container", headers, b"").await;
        store
    }

    pub async fn put(&self, name: &str, bytes: &[u8]) {
        self.put_with(name, &[], bytes).await;
    }

    pub async fn put_with(&self, name: &str, headers: &[(&str, &str)], bytes: &[u8]) {
        let mut all = vec![("x-ms-blob-type", "BlockBlob")];
        all.extend(headers);
        self.send(Method::PUT, name, "", &all, bytes).await;
    }

    pub async fn remove(&self, name: &str) {
        match self.try_send(Method::DELETE, name, "", &[], b"").await {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("cannot remove `{name}`: {error}"),
            _ => {}
        }
    }

    /// A call that has to be carried out; its target below the container.
    pub async fn send(&self, method: Method, name: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) {
        let sent = self.try_send(method, name, query, headers, body).await;
        sent.unwrap_or_else(|error| panic!("cannot write `{name}`: {error}"));
    }

    async fn try_send(
        &self,
        method: Method,
        name: &str,
        query: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<()> {
        let name = name.split('/').map(|part| utf8_percent_encode(part, STRICT).to_string()).collect::<Vec<_>>();
        let slash = if name == [""] { "" } else { "/" };
        let path = format!("/{}/{}{slash}{}", self.server.account, self.container, name.join("/"));
        let all = self.sas_of(&sas::Account { permissions: "rwdlacut", ..sas::Account::default() });
        let query = if query.is_empty() { all } else { format!("{query}&{all}") };
        let mut call = self.client.call(method, format!("http://{}{path}?{query}", self.server.address));
        call = call.header("x-ms-version", "2021-10-04").header("content-length", body.len().to_string());
        call = call.body("application/octet-stream", body.to_vec());
        for (name, value) in headers {
            call = call.header(name, value);
        }
        call.send().await.map(|_| ())
    }

    /// A signature for this container.
    pub fn sas(&self, service: &sas::Service) -> String {
        service.sign(&self.server, &self.container)
    }

    /// A signature for the account.
    pub fn sas_of(&self, account: &sas::Account) -> String {
        account.sign(&self.server)
    }

    pub fn settings(&self) -> Value {
        self.settings_at(self.server.address)
    }

    pub fn settings_at(&self, address: SocketAddr) -> Value {
        json!({
            "account_name": self.server.account,
            "account_key": self.server.key,
            "folder_path": self.container,
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
        Registry::new().with::<AzureBlob>().connect("azure_blob", settings, within_reach())
    }

    /// A connector that has nothing but this signature.
    pub fn connect_with(&self, sas: &str) -> Arc<dyn Connector> {
        self.connect(json!({ "account_key": null, "sas_token": sas })).expect("good settings")
    }
}

/// All of an entry's bytes.
pub async fn read(connector: &dyn Connector, entry: &Entry) -> Result<Vec<u8>> {
    connector.need_download()?.open(entry, None).await?.collect(1 << 22).await
}

/// Every file, in pages of at most `limit`.
pub async fn flat(connector: &dyn Connector, limit: u32) -> Result<Vec<Entry>> {
    let browse = connector.need_browse()?;
    let root = browse.lookup("").await?.id;
    let flat = browse.flat().expect("flat");
    items(PageRequest::first().limit(limit), |page| flat.descendants(&root, page)).try_collect().await
}

/// A connector behind a proxy whose next answers are these.
pub async fn behind(store: &Store, faults: Vec<Fault>) -> (FaultProxy, Arc<dyn Connector>) {
    let proxy = FaultProxy::start(store.server.address).await.expect("a proxy");
    let connector = store.connect(json!({ "url": format!("http://{}", proxy.address()) })).expect("good settings");
    proxy.then(faults);
    (proxy, connector)
}

/// An answer of the service that says this code.
pub fn answer(status: u16, code: &str) -> Fault {
    let body =
        format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>m</Message></Error>");
    Fault::Status { status, retry_after: None, body }
}

/// Nothing of the host, whose variables may be set; but its network.
fn within_reach() -> Context {
    Context { host_access: false, ..Context::local() }
}
