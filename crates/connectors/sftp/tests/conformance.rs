//! The conformance suite on OpenSSH and on rclone's server.

mod place;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use catchment_core::async_trait;
use catchment_sftp::Sftp;
use catchment_testkit::{Fixture, backends, conformance};
use place::Place;
use serde_json::{Value, json};

macro_rules! fixture {
    ($name:ident, $server:expr, $credential:ident, $change:expr, $can_store:expr, $excuse:expr) => {
        struct $name(Place);

        #[async_trait]
        impl Fixture for $name {
            type Vendor = Sftp;

            async fn new() -> Self {
                Self(Place::new($server))
            }

            async fn put(&self, path: &str, bytes: &[u8]) {
                self.0.put(&PathBuf::from("root").join(path), bytes);
                // Names change hands in histories: what lies at a path has a date of its own.
                static DATES: AtomicU64 = AtomicU64::new(0);
                let date = Duration::from_secs(DATES.fetch_add(1, Ordering::Relaxed));
                place::date(&self.0.path("root").join(path), SystemTime::now() + date);
            }

            async fn remove(&self, path: &str) {
                let _ = std::fs::remove_file(self.0.path("root").join(path));
            }

            async fn put_folder(&self, path: &str) -> bool {
                std::fs::create_dir_all(self.0.path("root").join(path)).expect("a folder");
                true
            }

            async fn remove_folder(&self, path: &str) {
                std::fs::remove_dir(self.0.path("root").join(path)).expect("an empty folder");
            }

            async fn rename(&self, from: &str, to: &str) -> bool {
                std::fs::rename(self.0.path("root").join(from), self.0.path("root").join(to)).expect("renamed");
                true
            }

            async fn put_outside(&self) -> Vec<String> {
                self.0.put("outside.txt".as_ref(), b"secret");
                let link = |to: PathBuf, name: &str| {
                    std::os::unix::fs::symlink(to, self.0.path("root/inside").join(name)).expect("a link");
                };
                link("..".into(), "up");
                link(self.0.path(""), "out");
                let absolute = self.0.path("outside.txt").to_str().expect("UTF-8").to_owned();
                ["../outside.txt", "inside/../../outside.txt", "inside/out/outside.txt", "%2E%2E/outside.txt"]
                    .map(str::to_owned)
                    .into_iter()
                    .chain([absolute])
                    .collect()
            }

            fn settings(&self) -> Value {
                self.settings_at(self.0.server.address)
            }

            fn settings_at(&self, address: SocketAddr) -> Value {
                let mut settings = self.0.settings_at(address);
                for (name, value) in ($change as Value).as_object().expect("fields") {
                    settings[name] = value.clone();
                }
                settings
            }

            fn wrong_credentials(&self) -> Vec<(&'static str, Value)> {
                let wrong = |field: &'static str, value: String| {
                    let mut settings = self.settings();
                    settings[field] = value.into();
                    (field, settings)
                };
                place::$credential(&wrong)
            }

            fn server(&self) -> Option<SocketAddr> {
                Some(self.0.server.address)
            }

            fn can_store(&self, name: &str) -> bool {
                ($can_store)(name)
            }

            fn excuse(promise: &str) -> Option<&'static str> {
                ($excuse)(promise)
            }
        }
    };
}

mod on_openssh {
    use super::*;

    fixture!(OpenSsh, backends::openssh(), wrong_keys, json!({}), |_: &str| true, |_| None);

    conformance!(OpenSsh => browse, download, fingerprints, stream, history, resume);
}

mod on_openssh_one_thing_at_a_time {
    use super::*;

    fixture!(
        OneByOne,
        backends::openssh(),
        wrong_keys,
        json!({ "sequential": true, "max_connections": 1, "follow_links": true }),
        |_: &str| true,
        |_| None
    );

    conformance!(OneByOne => browse, download, fingerprints, stream, history, resume);
}

mod on_rclone {
    use super::*;

    // It replaces control characters in names by pictures of them.
    fixture!(
        Rclone,
        backends::rclone_sftp(),
        wrong_passwords,
        json!({}),
        |name: &str| !name.contains(char::is_control),
        |_| None
    );

    conformance!(Rclone => browse, download, fingerprints, stream, history, resume);
}
