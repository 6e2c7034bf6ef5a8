//! The database of these tests: one on Postgres, with a role of its own.

use std::{path::Path, process::Command};

use catchment_core::Secret;
use catchment_store::{Options, Store};
use catchment_testkit::backends::{self, PostgresDatabase};

pub(crate) struct Database(PostgresDatabase);

impl Database {
    pub(crate) async fn new(_: &Path) -> Self {
        // It runs a program, and waits for it.
        Self(tokio::task::spawn_blocking(|| backends::postgres().database()).await.unwrap())
    }

    pub(crate) async fn open(&self) -> Store {
        // Many tests share the server.
        let options = Options { max_connections: 5, ..Options::default() };
        Store::connect(&Secret::new(&self.0.url), options).await.unwrap()
    }

    /// Everything that is stored, as the superuser sees it.
    pub(crate) fn dump(&self) -> Vec<u8> {
        let program = backends::postgres_programs().join("pg_dump");
        let out = Command::new(program).args(["--inserts", &self.0.admin_url]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let text = String::from_utf8_lossy(&out.stdout);
        assert!(text.contains("CREATE TABLE public.integrations"), "the dump is of this database: {text}");
        out.stdout
    }
}
