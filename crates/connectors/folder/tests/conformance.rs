//! The conformance suite on a folder of this machine.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf};

use catchment_core::async_trait;
use catchment_folder::Folder;
use catchment_testkit::{Fixture, conformance};
use serde_json::{Value, json};
use tempfile::TempDir;

struct FolderFixture {
    place: TempDir,
}

impl FolderFixture {
    fn path(&self, path: &str) -> PathBuf {
        self.place.path().join("root").join(path)
    }
}

#[async_trait]
impl Fixture for FolderFixture {
    type Vendor = Folder;

    async fn new() -> Self {
        let place = tempfile::tempdir().expect("a place");
        fs::create_dir(place.path().join("root")).expect("a root");
        Self { place }
    }

    async fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("folders");
        let marks = |path: &PathBuf| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()))
        };
        let before = marks(&path);
        fs::write(&path, bytes).expect("a file");
        // The clock of a file system ticks every few milliseconds; the README says that two
        // changes of one size within a tick are one.
        while before.is_some() && marks(&path) == before {
            fs::write(&path, bytes).expect("a file");
        }
    }

    async fn remove(&self, path: &str) {
        let _ = fs::remove_file(self.path(path));
    }

    async fn put_folder(&self, path: &str) -> bool {
        fs::create_dir_all(self.path(path)).expect("a folder");
        true
    }

    async fn remove_folder(&self, path: &str) {
        fs::remove_dir(self.path(path)).expect("an empty folder");
    }

    async fn rename(&self, from: &str, to: &str) -> bool {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
        true
    }

    async fn put_outside(&self) -> Vec<String> {
        let outside = self.place.path().join("outside.txt");
        fs::write(&outside, "secret").expect("a file");
        std::os::unix::fs::symlink("..", self.path("inside/up")).expect("a link");
        std::os::unix::fs::symlink(self.place.path(), self.path("inside/out")).expect("a link");
        let absolute = outside.to_str().expect("UTF-8").to_owned();
        ["../outside.txt", "inside/../../outside.txt", "inside/out/outside.txt", "%2E%2E/outside.txt"]
            .map(str::to_owned)
            .into_iter()
            .chain([absolute])
            .collect()
    }

    fn settings(&self) -> Value {
        json!({ "path": self.path("") })
    }
}

conformance!(FolderFixture => browse, download, fingerprints, history);

mod following_links {
    use super::*;

    /// The same with links followed: the ways out must stay closed.
    struct Following(FolderFixture);

    #[async_trait]
    impl Fixture for Following {
        type Vendor = Folder;

        async fn new() -> Self {
            Self(FolderFixture::new().await)
        }

        async fn put(&self, path: &str, bytes: &[u8]) {
            self.0.put(path, bytes).await;
        }

        async fn remove(&self, path: &str) {
            self.0.remove(path).await;
        }

        async fn put_folder(&self, path: &str) -> bool {
            self.0.put_folder(path).await
        }

        async fn remove_folder(&self, path: &str) {
            self.0.remove_folder(path).await;
        }

        async fn rename(&self, from: &str, to: &str) -> bool {
            self.0.rename(from, to).await
        }

        async fn put_outside(&self) -> Vec<String> {
            self.0.put_outside().await
        }

        fn settings(&self) -> Value {
            json!({ "path": self.0.path(""), "follow_links": true })
        }
    }

    conformance!(Following => browse, download, fingerprints, history);
}
