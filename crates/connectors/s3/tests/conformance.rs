//! The conformance suite on moto and on rclone's server, signatures enforced on both.

mod store;

use std::net::SocketAddr;

use catchment_core::async_trait;
use catchment_s3::S3;
use catchment_testkit::{Fixture, backends, conformance, world::Rules};
use serde_json::Value;
use store::Store;

/// The source of each test is a prefix of a bucket of its own.
const PREFIX: &str = "the root";

const SLOW_DOWN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>SlowDown</Code>\
    <Message>Please reduce your request rate.</Message><RequestId>x</RequestId></Error>";

macro_rules! fixture {
    ($name:ident, $server:expr, $can_store:expr, $excuse:expr) => {
        struct $name(Store);

        #[async_trait]
        impl Fixture for $name {
            type Vendor = S3;

            async fn new() -> Self {
                Self(Store::new($server).await)
            }

            async fn put(&self, path: &str, bytes: &[u8]) {
                self.0.put(&format!("{PREFIX}/{path}"), bytes).await;
            }

            async fn remove(&self, path: &str) {
                self.0.remove(&format!("{PREFIX}/{path}")).await;
            }

            async fn put_folder(&self, _: &str) -> bool {
                false
            }

            async fn put_outside(&self) -> Vec<String> {
                self.0.put("outside.txt", b"secret").await;
                ["outside.txt", "../outside.txt", "/outside.txt", "the root/../outside.txt"].map(str::to_owned).into()
            }

            fn settings(&self) -> Value {
                self.settings_at(self.0.server.address)
            }

            fn settings_at(&self, address: SocketAddr) -> Value {
                let mut settings = self.0.settings_of(&self.0.server.admin, address);
                settings["folder_path"] = PREFIX.into();
                settings
            }

            fn wrong_credentials(&self) -> Vec<(&'static str, Value)> {
                let wrong = |field: &'static str, value: &str| {
                    let mut settings = self.settings();
                    settings[field] = value.into();
                    (field, settings)
                };
                vec![wrong("access_key_id", "AKIAWRONG"), wrong("secret_access_key", "wrong")]
            }

            fn server(&self) -> Option<SocketAddr> {
                Some(self.0.server.address)
            }

            fn can_store(&self, name: &str) -> bool {
                ($can_store)(name)
            }

            fn rules(&self) -> Rules {
                Rules::default().only(|name| self.can_store(name)).without_empty_folders()
            }

            fn slow_down(&self) -> (u16, String) {
                (503, SLOW_DOWN.to_owned())
            }

            fn excuse(promise: &str) -> Option<&'static str> {
                ($excuse)(promise)
            }
        }
    };
}

mod on_moto {
    use super::*;

    // Its router finds no key with a line feed in it.
    fixture!(Moto, backends::moto(), |name: &str| !name.contains('\n'), |_| None);

    conformance!(Moto => browse, flat, download, fingerprints, network, history, resume);
}

mod on_rclone {
    use super::*;

    // It answers control characters with 500.
    fixture!(Rclone, backends::rclone(), |name: &str| !name.contains(char::is_control), |_| None);

    conformance!(Rclone => browse, flat, download, fingerprints, network, history, resume);
}
