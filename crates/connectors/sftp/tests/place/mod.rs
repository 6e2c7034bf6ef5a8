//! A folder of a test at a server, and what the connector cannot do to it: write.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(unreachable_pub, reason = "a module of test programs")]

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use catchment_core::{Connector, Context, Entry, Error, PageRequest, Registry, Result, Step, walk::walk};
use catchment_sftp::Sftp;
use catchment_testkit::backends::SftpServer;
use futures::StreamExt;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder at a server that nobody else uses. What is connected to is `root` in it.
pub struct Place {
    pub server: SftpServer,
    folder: TempDir,
}

impl Place {
    pub fn new(server: SftpServer) -> Self {
        let folder = tempfile::tempdir_in(&server.folder).expect("a folder");
        fs::create_dir(folder.path().join("root")).expect("a root");
        // The limited user has to get here.
        for path in [folder.path().to_owned(), folder.path().join("root")] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("rights");
        }
        Self { server, folder }
    }

    /// Where something is on the disk.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Where the root is for the server.
    pub fn at_server(&self) -> String {
        let name = self.folder.path().file_name().expect("a name").to_str().expect("UTF-8");
        format!("{}/{name}/root", self.server.root.trim_end_matches('/'))
    }

    /// Makes or replaces a file. The time of a change is in whole seconds over SFTP; so each one
    /// is dated a second after the one before.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("folders");
        let before = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
        fs::write(&path, bytes).expect("a file");
        if let Some(before) = before {
            date(&path, before + Duration::from_secs(1));
        }
    }

    pub fn settings(&self) -> Value {
        self.settings_at(self.server.address)
    }

    pub fn settings_at(&self, address: SocketAddr) -> Value {
        let mut settings = json!({
            "url": address.to_string(),
            "username": self.server.user,
            "folder_path": self.at_server(),
            "host_key": self.server.host_keys.join("\n"),
            "timeout_seconds": 10,
        });
        match &self.server.password {
            Some(password) => settings["password"] = password.as_str().into(),
            None => settings["private_key"] = self.server.key("ed25519").into(),
        }
        settings
    }

    /// A connector with some settings changed; `null` takes one away.
    pub fn connect(&self, changes: Value) -> Result<Arc<dyn Connector>> {
        connect(self.settings(), changes, Context::local())
    }

    /// A connector with good settings.
    pub fn open(&self) -> Arc<dyn Connector> {
        self.connect(json!({})).expect("good settings")
    }
}

pub fn connect(mut settings: Value, changes: Value, cx: Context) -> Result<Arc<dyn Connector>> {
    for (name, value) in changes.as_object().expect("fields") {
        if value.is_null() {
            settings.as_object_mut().expect("fields").remove(name);
        } else {
            settings[name] = value.clone();
        }
    }
    Registry::new().with::<Sftp>().connect("sftp", settings, cx)
}

pub fn date(path: &Path, time: SystemTime) {
    let file = fs::File::options().write(true).open(path).expect("there");
    file.set_modified(time).expect("a date");
}

type Wrong<'a> = &'a dyn Fn(&'static str, String) -> (&'static str, Value);

/// A key that the server does not know, and a user who does not exist.
pub fn wrong_keys(wrong: Wrong<'_>) -> Vec<(&'static str, Value)> {
    vec![wrong("username", "nobody-at-all".into()), wrong("private_key", stranger())]
}

pub fn wrong_passwords(wrong: Wrong<'_>) -> Vec<(&'static str, Value)> {
    vec![wrong("username", "bob".into()), wrong("password", "wrong".into())]
}

/// A key that nobody has let in.
pub fn stranger() -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    let made =
        std::process::Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&file).status();
    assert!(made.expect("ssh-keygen").success());
    fs::read_to_string(file).expect("a key")
}

/// All entries of a walk, the branches that could not be listed, and whether it was complete.
pub async fn walked(connector: &dyn Connector) -> (Vec<Entry>, Vec<Error>, bool) {
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root");
    let mut steps = std::pin::pin!(walk(browse, root, PageRequest::first()));
    let (mut all, mut errors, mut complete) = (Vec::new(), Vec::new(), false);
    while let Some(step) = steps.next().await {
        match step {
            Step::Entries(entries) => all.extend(entries),
            Step::Unlisted { error, .. } => errors.push(error),
            Step::End(proof) => complete = proof.is_some(),
        }
    }
    (all, errors, complete)
}

pub async fn read(connector: &dyn Connector, entry: &Entry) -> Result<Vec<u8>> {
    connector.need_download()?.open(entry, None).await?.collect(1 << 30).await
}

pub fn named<'a>(entries: &'a [Entry], path: &str) -> &'a Entry {
    entries.iter().find(|entry| entry.path == path).unwrap_or_else(|| panic!("no `{path}` in {entries:?}"))
}
