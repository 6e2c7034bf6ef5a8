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
use catchment_core::{Connector, Context, Registry, Result};
use catchment_testkit::backends::{self, AzureServer};
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
        static CONTAINERS: AtomicU64 = AtomicU64::new(0);
        let container = format!("c{}-{}", std::process::id(), CONTAINERS.fetch_add(1, Ordering::Relaxed));
        let client = Client::builder("azure-tests").egress(Egress::allow_private()).build().expect("a client");
        let store = Self { server: backends::azurite(), container, client };
        store.send(Method::PUT, "", "restype=container", &[], b"").await;
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
        self.send(Method::DELETE, name, "", &[], b"").await;
    }

    /// A call that writes; its target below the container.
    pub async fn send(&self, method: Method, name: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) {
        let name = name.split('/').map(|part| utf8_percent_encode(part, STRICT).to_string()).collect::<Vec<_>>();
        let slash = if name == [""] { "" } else { "/" };
        let path = format!("/{}/{}{slash}{}", self.server.account, self.container, name.join("/"));
        let all = self.sas_of(&sas::Account { permissions: "rwdlacut", ..sas::Account::default() });
        let query = if query.is_empty() { all } else { format!("{query}&{all}") };
        let mut call = self.client.call(method, format!("http://{}{path}?{query}", self.server.address));
        call = call.header("x-ms-version", "2021-10-04").body("application/octet-stream", body.to_vec());
        for (name, value) in headers {
            call = call.header(name, value);
        }
        call.send().await.unwrap_or_else(|error| panic!("cannot write `{path}`: {error}"));
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

/// Nothing of the host, whose variables may be set; but its network.
fn within_reach() -> Context {
    Context { host_access: false, ..Context::local() }
}
