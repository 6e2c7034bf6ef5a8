//! Postgres, with a database and a role for each test.

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use serde::{Deserialize, Serialize};

use super::server;

/// A Postgres server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PostgresServer {
    /// Where it listens, without TLS.
    pub address: SocketAddr,
    /// The password of `postgres`, who may do everything.
    pub password: String,
}

/// An empty database, and a role that owns it and is nothing special.
#[derive(Debug, Clone)]
pub struct PostgresDatabase {
    /// Its name, which is the role's name, too.
    pub name: String,
    /// Where it is, for its owner.
    pub url: String,
    /// Where it is, for the superuser.
    pub admin_url: String,
}

/// Postgres from the packages of this machine, with its data in a folder of its own.
///
/// # Panics
/// When it is not installed or does not start.
pub fn postgres() -> PostgresServer {
    server("postgres", &postgres_programs())
}

/// The folder of Postgres' programs: what `PATH` says, or else the newest that Debian has.
///
/// # Panics
/// When it is not installed.
pub fn postgres_programs() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    let version = |folder: &PathBuf| -> Option<u32> { folder.parent()?.file_name()?.to_str()?.parse().ok() };
    folders.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    let complete = |folder: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).exists());
    env::split_paths(&path)
        .chain(folders)
        .find(complete)
        .unwrap_or_else(|| panic!("Postgres is not there: on Debian, install the package postgresql"))
}

impl PostgresServer {
    /// An empty database with a role of its own.
    ///
    /// # Panics
    /// When the server does not make it.
    pub fn database(&self) -> PostgresDatabase {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.run("postgres", &format!("CREATE ROLE {name} LOGIN PASSWORD 'its own'"));
        self.run("postgres", &format!("CREATE DATABASE {name} OWNER {name}"));
        PostgresDatabase {
            url: format!("postgres://{name}:its%20own@{}/{name}", self.address),
            admin_url: format!("postgres://postgres:{}@{}/{name}", self.password, self.address),
            name,
        }
    }

    /// Runs a statement as the superuser.
    ///
    /// # Panics
    /// When it fails.
    pub fn run(&self, database: &str, sql: &str) {
        let mut psql = Command::new(postgres_programs().join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--username", "postgres"]);
        psql.args(["--host", &self.address.ip().to_string(), "--port", &self.address.port().to_string()]);
        psql.args(["--dbname", database, "--command", sql]).env("PGPASSWORD", &self.password);
        // Without a folder of its own it would read the person's settings.
        psql.env("PGPASSFILE", "/dev/null").env("PGSERVICEFILE", "/dev/null").current_dir(Path::new("/"));
        let out = psql.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("psql cannot be started: {error}"));
        assert!(out.status.success(), "{sql}: {}", String::from_utf8_lossy(&out.stderr));
    }
}
