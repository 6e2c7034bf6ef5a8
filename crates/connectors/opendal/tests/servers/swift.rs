//! A container of OpenStack Swift.

use std::net::SocketAddr;

use catchment_client::{Client, Egress};
use catchment_testkit::backends::{SwiftServer, swift};
use serde_json::{Value, json};

use super::{PREFIX, own_name};

/// A container that belongs to one test.
pub(crate) struct Container {
    pub(crate) server: SwiftServer,
    pub(crate) name: String,
    token: String,
    /// The path of the account.
    account: String,
    client: Client,
}

impl Container {
    pub(crate) async fn new() -> Self {
        let server = swift();
        let base = format!("http://{}", server.address);
        let client =
            Client::builder("swift-test").base(&base).egress(Egress::allow_private()).build().expect("a client");
        let signed = client.get("auth/v1.0").header("x-auth-user", &server.user).header("x-auth-key", &server.key);
        let signed = signed.send().await.expect("a token");
        let said = |name: &str| signed.head().headers[name].to_str().expect("text").to_owned();
        let (token, account) = (said("x-auth-token"), said("x-storage-url").replace(&base, ""));
        let container = Self { server, name: own_name(), token, account, client };
        container.call("PUT", "", &[], &[], b"").await.expect("a container");
        container
    }

    /// A call about an object, by its whole name, or about the container.
    pub(crate) async fn call(
        &self,
        method: &str,
        object: &str,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        bytes: &[u8],
    ) -> catchment_core::Result<()> {
        let parts = object.split('/').filter(|_| !object.is_empty()).map(catchment_client::segment);
        let path = [self.account.trim_start_matches('/').to_owned(), self.name.clone()].into_iter();
        let path = path.chain(parts).collect::<Vec<_>>().join("/");
        let call = self.client.call(method.parse().expect("a method"), path).header("x-auth-token", &self.token);
        let call = query.iter().fold(call, |call, (name, value)| call.query(name, value));
        let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
        // Swift wants to be told that nothing comes.
        let call = if bytes.is_empty() { call.header("content-length", "0") } else { call };
        call.body("application/octet-stream", bytes.to_vec()).send().await.map(|_| ())
    }

    pub(crate) async fn put(&self, path: &str, bytes: &[u8]) {
        self.call("PUT", &format!("{PREFIX}/{path}"), &[], &[], bytes).await.expect("an object");
    }

    pub(crate) fn settings_at(&self, address: SocketAddr) -> Value {
        json!({
            "uri": format!("swift://{}/{PREFIX}", self.name),
            "options": { "endpoint": format!("http://{address}{}", self.account) },
            "secret_options": json!({ "token": self.token }).to_string(),
            "allow_http": true,
            "timeout_seconds": 5,
        })
    }

    pub(crate) fn settings(&self) -> Value {
        self.settings_at(self.server.address)
    }
}
