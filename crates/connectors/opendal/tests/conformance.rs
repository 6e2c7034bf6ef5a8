//! The conformance suite on three services of OpenDAL, each on a server that nobody here wrote.

mod servers;

use serde_json::Value;
use servers::Folder;

/// The paths by which a careless connector would reach a file next to the root.
const WAYS_OUT: [&str; 4] = ["outside.txt", "../outside.txt", "the root/../outside.txt", "/outside.txt"];

fn put_outside(folder: &Folder) -> Vec<String> {
    folder.put("../outside.txt", b"secret");
    WAYS_OUT.map(str::to_owned).into()
}

fn wrong_credentials(folder: &Folder) -> Vec<(&'static str, Value)> {
    let mut password = folder.settings();
    password["secret_options"] = r#"{"password": "not its own"}"#.into();
    vec![("password", password)]
}

mod webdav {
    //! rclone's WebDAV server.

    use std::net::SocketAddr;

    use catchment_core::async_trait;
    use catchment_opendal::OpenDal;
    use catchment_testkit::{Fixture, conformance};
    use serde_json::Value;

    use crate::servers::Folder;

    struct Webdav(Folder);

    #[async_trait]
    impl Fixture for Webdav {
        type Vendor = OpenDal;

        async fn new() -> Self {
            Self(Folder::webdav())
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

        async fn put_outside(&self) -> Vec<String> {
            crate::put_outside(&self.0)
        }

        fn settings(&self) -> Value {
            self.0.settings()
        }

        fn wrong_credentials(&self) -> Vec<(&'static str, Value)> {
            crate::wrong_credentials(&self.0)
        }

        fn server(&self) -> Option<SocketAddr> {
            Some(self.0.server.address)
        }

        fn settings_at(&self, address: SocketAddr) -> Value {
            self.0.settings_at(address)
        }

        fn can_store(&self, name: &str) -> bool {
            // OpenDAL trims paths: see the README. rclone shows control characters as pictures of them.
            !name.contains('/') && name.trim() == name && !name.contains(char::is_control)
        }
    }

    conformance!(Webdav => browse, download, fingerprints, network);
}

mod gcs {
    //! fake-gcs-server.

    use std::net::SocketAddr;

    use catchment_core::async_trait;
    use catchment_opendal::OpenDal;
    use catchment_testkit::{Fixture, conformance};
    use serde_json::Value;

    use crate::servers::{Bucket, PREFIX};

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

        async fn put_outside(&self) -> Vec<String> {
            self.0.put_object("outside.txt", b"secret").await;
            crate::WAYS_OUT.map(str::to_owned).into()
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

    conformance!(Gcs => browse, flat, download, fingerprints, network);
}

mod ftp {
    //! rclone's FTP server.

    use std::net::SocketAddr;

    use catchment_core::async_trait;
    use catchment_opendal::OpenDal;
    use catchment_testkit::{Fixture, conformance};
    use serde_json::Value;

    use crate::servers::Folder;

    struct Ftp(Folder);

    #[async_trait]
    impl Fixture for Ftp {
        type Vendor = OpenDal;

        async fn new() -> Self {
            Self(Folder::ftp())
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

        async fn put_outside(&self) -> Vec<String> {
            crate::put_outside(&self.0)
        }

        fn settings(&self) -> Value {
            self.0.settings()
        }

        fn wrong_credentials(&self) -> Vec<(&'static str, Value)> {
            crate::wrong_credentials(&self.0)
        }

        fn server(&self) -> Option<SocketAddr> {
            Some(self.0.server.address)
        }

        fn is_ftp(&self) -> bool {
            true
        }

        fn settings_at(&self, address: SocketAddr) -> Value {
            self.0.settings_at(address)
        }

        fn can_store(&self, name: &str) -> bool {
            // OpenDAL trims paths: see the README. A list of FTP has one line for a file.
            !name.contains('/') && name.trim() == name && !name.contains(char::is_control)
        }

        fn excuse(promise: &str) -> Option<&'static str> {
            (promise == "a_change_of_the_same_size_is_noticed").then_some("times in a list of FTP are whole minutes")
        }
    }

    conformance!(Ftp => browse, download, fingerprints, stream);
}
