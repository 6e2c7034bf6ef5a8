//! A model of a vendor: a server in memory and a connector that keeps every promise, unless it
//! is told which one to break. It proves that the checks fire.

mod connector;
mod drive;
mod http;
mod server;

use std::{net::SocketAddr, sync::Arc};

use catchment_core::{AuthMethod, Capabilities, Connector, Context, Registry, Result, Secret, Vendor, async_trait};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fixture::Fixture;

pub use drive::{Drive, DriveFixture, DriveSettings};
pub use server::Server;

/// The vendor of the model.
#[derive(Debug, Clone, Copy)]
pub struct Model;

/// The settings of the model.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the server is.
    address: SocketAddr,
    /// What it accepts.
    token: Secret,
    /// The promise to break.
    breaks: Option<String>,
}

impl Vendor for Model {
    const ID: &'static str = "model";
    const NAME: &'static str = "Model";
    const DESCRIPTION: &'static str = "Files in memory, to try the conformance suite on.";
    const ICON: &'static str = "<svg/>";
    const AUTH: &'static [AuthMethod] = &[AuthMethod::Keys];
    const CAPABILITIES: Capabilities = Capabilities::FILES;

    type Config = Settings;

    fn connect(config: Settings, _: Context) -> Result<impl Connector> {
        Ok(connector::Client::new(config))
    }
}

/// A fixture of the model, with one promise broken or none.
#[derive(Debug)]
pub struct ModelFixture {
    server: Server,
    breaks: Option<&'static str>,
}

impl ModelFixture {
    /// A source whose connector breaks this promise.
    pub async fn breaking(promise: Option<&'static str>) -> Self {
        Self { server: Server::start(promise).await, breaks: promise }
    }

    fn breaks(&self, promise: &str) -> bool {
        self.breaks == Some(promise)
    }
}

#[async_trait]
impl Fixture for ModelFixture {
    type Vendor = Model;

    async fn new() -> Self {
        Self::breaking(None).await
    }

    async fn another(&self) -> Self {
        Self::breaking(self.breaks).await
    }

    async fn put(&self, path: &str, bytes: &[u8]) {
        self.server.put(path, bytes);
    }

    async fn remove(&self, path: &str) {
        self.server.remove(path);
    }

    async fn put_folder(&self, path: &str) -> bool {
        self.server.put_folder(path);
        true
    }

    async fn remove_folder(&self, path: &str) {
        self.server.remove_folder(path);
    }

    async fn put_outside(&self) -> Vec<String> {
        vec!["../outside.txt".to_owned()]
    }

    fn settings(&self) -> Value {
        self.settings_at(self.server.address())
    }

    fn settings_at(&self, address: SocketAddr) -> Value {
        json!({ "address": address, "token": http::TOKEN, "breaks": self.breaks })
    }

    fn wrong_credentials(&self) -> Vec<(&'static str, Value)> {
        let mut wrong = self.settings();
        wrong["token"] = "wrong".into();
        vec![("token", wrong)]
    }

    fn server(&self) -> Option<SocketAddr> {
        Some(self.server.address())
    }

    fn connect(&self, mut settings: Value) -> Result<Arc<dyn Connector>> {
        if self.breaks("an_unknown_setting_is_named")
            && let Some(fields) = settings.as_object_mut()
        {
            fields.remove("no_such_setting");
        }
        Registry::new().with::<Model>().connect(Model::ID, settings, self.context())
    }

    fn schema(&self) -> Value {
        let schema = catchment_core::config::schema::<Settings>();
        let mut schema = serde_json::to_value(schema).unwrap_or_default();
        if self.breaks("secrets_are_write_only_in_the_schema") {
            schema["properties"]["old_password"] = json!({ "type": "string" });
        }
        schema
    }
}
