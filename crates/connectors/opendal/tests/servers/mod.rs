//! Sources on real servers: a folder that is served by WebDAV or FTP, a bucket of fake-gcs-server, a
//! container of OpenStack Swift.

pub(crate) mod swift;

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};

use catchment_client::{Client, Egress};
use catchment_testkit::backends::{FileServer, GcsServer, fake_gcs, rclone_ftp, rclone_webdav};
use serde_json::{Value, json};

/// A name that no other test of the run uses.
fn own_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A folder that belongs to one test.
pub(crate) struct Folder {
    pub(crate) server: FileServer,
    /// What the settings lead to is `the root` in it.
    name: String,
    scheme: &'static str,
    /// Whether each file has a date of its own, for servers that tell no more than minutes.
    pub(crate) dated: bool,
}

impl Folder {
    pub(crate) fn webdav() -> Self {
        Self::of(rclone_webdav(), "webdav")
    }

    pub(crate) fn ftp() -> Self {
        Self::of(rclone_ftp(), "ftp")
    }

    pub(crate) fn of(server: FileServer, scheme: &'static str) -> Self {
        let folder = Self { server, name: own_name(), scheme, dated: false };
        fs::create_dir_all(folder.path("")).expect("a folder");
        folder
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.server.folder.join(&self.name).join("the root").join(path)
    }

    pub(crate) fn put(&self, path: &str, bytes: &[u8]) {
        let file = self.path(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        // Renamed into place: nobody reads half a file.
        let half = self.server.folder.join(own_name());
        fs::write(&half, bytes).expect("a file");
        if self.dated {
            // Names change hands in histories: what lies at a path has a minute of its own.
            static DATES: AtomicU32 = AtomicU32::new(1);
            let back = Duration::from_secs(60 * u64::from(DATES.fetch_add(1, Ordering::Relaxed)));
            let file = fs::File::options().write(true).open(&half).expect("a file");
            file.set_modified(SystemTime::now() - back).expect("a date");
        }
        fs::rename(&half, &file).expect("a file");
    }

    pub(crate) fn remove(&self, path: &str) {
        let _ = fs::remove_file(self.path(path));
    }

    pub(crate) fn put_folder(&self, path: &str) {
        fs::create_dir_all(self.path(path)).expect("a folder");
    }

    pub(crate) fn settings_at(&self, address: SocketAddr) -> Value {
        let web = self.scheme == "webdav";
        let (user, protocol) = if web { ("username", "http") } else { ("user", self.scheme) };
        json!({
            "uri": format!("{}://", self.scheme),
            "options": { "endpoint": format!("{protocol}://{address}"), user: self.server.user },
            "secret_options": json!({ "password": self.server.password }).to_string(),
            "folder_path": format!("{}/the root", self.name),
            "allow_http": web,
            "timeout_seconds": 5,
        })
    }

    pub(crate) fn settings(&self) -> Value {
        self.settings_at(self.server.address)
    }
}

/// A bucket that belongs to one test.
pub(crate) struct Bucket {
    pub(crate) server: GcsServer,
    pub(crate) name: String,
    pub(crate) client: Client,
}

/// What the settings lead to.
pub(crate) const PREFIX: &str = "the root";

impl Bucket {
    pub(crate) async fn new() -> Self {
        let (server, name) = (fake_gcs(), own_name());
        let base = format!("http://{}", server.address);
        let client = Client::builder("gcs-test").base(base).egress(Egress::allow_private()).build().expect("a client");
        let made = client.post("storage/v1/b").query("project", "tests").json(&json!({ "name": name })).send().await;
        made.expect("a bucket");
        Self { server, name, client }
    }

    /// Puts an object by its whole name.
    pub(crate) async fn put_object(&self, name: &str, bytes: &[u8]) {
        let upload = self.client.post(format!("upload/storage/v1/b/{}/o", self.name));
        let upload = upload.query("uploadType", "media").query("name", name);
        upload.body("application/octet-stream", bytes.to_vec()).send().await.expect("an object");
    }

    pub(crate) async fn put(&self, path: &str, bytes: &[u8]) {
        self.put_object(&format!("{PREFIX}/{path}"), bytes).await;
    }

    pub(crate) fn settings_at(&self, address: SocketAddr) -> Value {
        json!({
            "uri": format!("gcs://{}/{PREFIX}", self.name),
            "options": { "endpoint": format!("http://{address}") },
            "secret_options": r#"{"token": "any"}"#,
            "allow_http": true,
            "timeout_seconds": 5,
        })
    }
}
