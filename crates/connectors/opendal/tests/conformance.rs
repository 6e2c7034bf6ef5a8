//! The conformance suite on services of OpenDAL, each on servers that nobody here wrote.

mod servers;

use std::{marker::PhantomData, net::SocketAddr};

use catchment_core::async_trait;
use catchment_opendal::OpenDal;
use catchment_testkit::{Fixture, backends, conformance};
use serde_json::Value;
use servers::{Bucket, Folder, PREFIX, swift::Container};

/// The paths by which a careless connector would reach a file next to the root.
const WAYS_OUT: [&str; 4] = ["outside.txt", "../outside.txt", "the root/../outside.txt", "/outside.txt"];

/// A server of files.
trait Server: Send + Sync + 'static {
    /// Then its lists give times in minutes, and each file put there has one of its own: two changes within
    /// a minute are one.
    const IS_FTP: bool;

    fn folder() -> Folder;
}

/// A folder on it.
struct On<S>(Folder, PhantomData<S>);

#[async_trait]
impl<S: Server> Fixture for On<S> {
    type Vendor = OpenDal;

    async fn new() -> Self {
        let mut folder = S::folder();
        folder.dated = S::IS_FTP;
        Self(folder, PhantomData)
    }

    async fn put(&self, path: &str, bytes: &[u8]) {
        self.0.put(path, bytes);
    }

    async fn remove(&self, path: &str) {
        self.0.remove(path);
    }

    async fn put_folder(&self, path: &str) -> bool {
        self.0.put_folder(path);
        true
    }

    async fn remove_folder(&self, path: &str) {
        std::fs::remove_dir(self.0.path(path)).expect("an empty folder");
    }

    async fn rename(&self, from: &str, to: &str) -> bool {
        std::fs::rename(self.0.path(from), self.0.path(to)).expect("renamed");
        true
    }

    async fn put_outside(&self) -> Vec<String> {
        self.0.put("../outside.txt", b"secret");
        WAYS_OUT.map(str::to_owned).into()
    }

    fn settings(&self) -> Value {
        self.0.settings()
    }

    fn wrong_credentials(&self) -> Vec<(&'static str, Value)> {
        let mut password = self.settings();
        password["secret_options"] = r#"{"password": "not its own"}"#.into();
        vec![("password", password)]
    }

    fn server(&self) -> Option<SocketAddr> {
        Some(self.0.server.address)
    }

    fn is_ftp(&self) -> bool {
        S::IS_FTP
    }

    fn settings_at(&self, address: SocketAddr) -> Value {
        self.0.settings_at(address)
    }

    fn can_store(&self, name: &str) -> bool {
        // OpenDAL trims paths: see the README. A list of FTP has one line for a file; rclone's WebDAV shows
        // control characters as pictures of them, and XML 1.0 has none.
        !name.contains('/') && name.trim() == name && !name.contains(char::is_control)
    }
}

macro_rules! server {
    ($(#[$doc:meta])* $name:ident, $folder:expr, $is_ftp:expr) => {
        $(#[$doc])*
        struct $name;

        impl Server for $name {
            const IS_FTP: bool = $is_ftp;

            fn folder() -> Folder {
                $folder
            }
        }
    };
}

server!(
    /// rclone's WebDAV server.
    RcloneWebdav, Folder::webdav(), false
);
server!(
    /// WsgiDAV.
    WsgiDav, Folder::of(backends::wsgidav(), "webdav"), false
);
server!(
    /// rclone's FTP server.
    RcloneFtp, Folder::ftp(), true
);
server!(
    /// pyftpdlib.
    Pyftpdlib, Folder::of(backends::pyftpdlib(), "ftp"), true
);

mod webdav {
    use super::*;

    conformance!(On<RcloneWebdav> => browse, download, fingerprints, network, history, resume);
}

mod webdav_on_wsgidav {
    use super::*;

    conformance!(On<WsgiDav> => browse, download, fingerprints, network, history, resume);
}

mod ftp {
    use super::*;

    conformance!(On<RcloneFtp> => browse, download, fingerprints, stream, history, resume);
}

mod ftp_on_pyftpdlib {
    use super::*;

    conformance!(On<Pyftpdlib> => browse, download, fingerprints, stream, history, resume);
}

mod gcs {
    //! fake-gcs-server.

    use super::*;

    struct Gcs(Bucket);

    #[async_trait]
    impl Fixture for Gcs {
        type Vendor = OpenDal;

        async fn new() -> Self {
            Self(Bucket::new().await)
        }

        async fn put(&self, path: &str, bytes: &[u8]) {
            self.0.put(path, bytes).await;
        }

        async fn remove(&self, path: &str) {
            let Bucket { client, name, .. } = &self.0;
            let object = catchment_client::segment(&format!("{PREFIX}/{path}"));
            // It may not be there.
            let _ = client.delete(format!("storage/v1/b/{name}/o/{object}")).send().await;
        }

        async fn put_folder(&self, path: &str) -> bool {
            self.0.put(&format!("{path}/"), b"").await;
            true
        }

        async fn remove_folder(&self, path: &str) {
            self.remove(&format!("{path}/")).await;
        }

        async fn put_outside(&self) -> Vec<String> {
            self.0.put_object("outside.txt", b"secret").await;
            WAYS_OUT.map(str::to_owned).into()
        }

        fn settings(&self) -> Value {
            self.settings_at(self.0.server.address)
        }

        fn wrong_credentials(&self) -> Vec<(&'static str, Value)> {
            let mut token = self.settings();
            token["secret_options"] = r#"{"token": "another"}"#.into();
            vec![("token", token)]
        }

        fn server(&self) -> Option<SocketAddr> {
            Some(self.0.server.address)
        }

        fn settings_at(&self, address: SocketAddr) -> Value {
            self.0.settings_at(address)
        }

        fn can_store(&self, name: &str) -> bool {
            // OpenDAL trims paths: see the README.
            !name.contains('/') && name.trim() == name
        }

        fn excuse(promise: &str) -> Option<&'static str> {
            (promise == "a_wrong_credential_is_unauthenticated").then_some("fake-gcs-server accepts every token")
        }
    }

    conformance!(Gcs => browse, flat, download, fingerprints, network, history, resume);
}

mod swift {
    //! OpenStack Swift.

    use super::*;

    struct Swift(Container);

    #[async_trait]
    impl Fixture for Swift {
        type Vendor = OpenDal;

        async fn new() -> Self {
            Self(Container::new().await)
        }

        async fn put(&self, path: &str, bytes: &[u8]) {
            self.0.put(path, bytes).await;
        }

        async fn remove(&self, path: &str) {
            // It may not be there.
            let _ = self.0.call("DELETE", &format!("{PREFIX}/{path}"), &[], &[], b"").await;
        }

        async fn put_folder(&self, path: &str) -> bool {
            self.0.put(&format!("{path}/"), b"").await;
            true
        }

        async fn remove_folder(&self, path: &str) {
            let _ = self.0.call("DELETE", &format!("{PREFIX}/{path}/"), &[], &[], b"").await;
        }

        async fn put_outside(&self) -> Vec<String> {
            self.0.call("PUT", "outside.txt", &[], &[], b"secret").await.expect("an object");
            WAYS_OUT.map(str::to_owned).into()
        }

        fn settings(&self) -> Value {
            self.0.settings()
        }

        fn wrong_credentials(&self) -> Vec<(&'static str, Value)> {
            let mut token = self.settings();
            token["secret_options"] = r#"{"token": "another"}"#.into();
            vec![("token", token)]
        }

        fn server(&self) -> Option<SocketAddr> {
            Some(self.0.server.address)
        }

        fn settings_at(&self, address: SocketAddr) -> Value {
            self.0.settings_at(address)
        }

        fn can_store(&self, name: &str) -> bool {
            // OpenDAL trims paths: see the README.
            !name.contains('/') && name.trim() == name
        }
    }

    conformance!(Swift => browse, flat, download, fingerprints, network, history, resume);
}
