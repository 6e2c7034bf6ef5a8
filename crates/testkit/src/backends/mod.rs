//! Backends: servers that nobody here wrote, for connectors to be tested against.
//!
//! `cargo xtask backends install` puts them into `$CATCHMENT_BACKENDS`, or else into
//! `~/.cache/catchment/backends`. A backend that is not there is a failed test, never a skipped one.
//!
//! The tests of one run share a server. The first that needs it starts it on a free port and
//! waits until it has answered a real call; the others find it through a file. A guard that knows
//! the process of the run (nextest, or the test program itself) ends the server with it, so that
//! nothing is left behind even after `kill -9`.

use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpStream},
    os::unix::process::{CommandExt, parent_id},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

mod azurite;
mod files;
mod oidc;
mod openssh;
mod postgres;

pub use azurite::{AzureServer, azurite};
pub use files::{
    FileServer, GcsServer, SwiftServer, TlsFileServer, fake_gcs, pyftpdlib, pyftpdlib_lenient, pyftpdlib_tls,
    rclone_ftp, rclone_webdav, swift, wsgidav,
};
pub use oidc::{OidcServer, oidc};
pub use openssh::{PASSPHRASE, SftpServer, openssh, rclone_sftp};
pub use postgres::{PostgresDatabase, PostgresServer, postgres, postgres_programs};

/// The guard starts a server, says where it is, and ends it when the run is over.
const GUARD: &str = include_str!("guard.py");

/// A server that speaks S3.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct S3Server {
    /// Where it listens, without TLS.
    pub address: SocketAddr,
    /// May do everything.
    pub admin: Keys,
    /// May list everything and read only keys that begin with `open/`, where the server knows
    /// rights.
    pub limited: Option<Keys>,
}

/// An access key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Keys {
    /// The access key id.
    pub id: String,
    /// The secret access key.
    pub secret: String,
}

/// moto with signatures and rights enforced: knows nearly all of S3.
///
/// # Panics
/// When it is not installed or does not start.
pub fn moto() -> S3Server {
    server("moto-auth", &program("moto_server"))
}

/// moto without any check of who asks: knows public buckets.
///
/// # Panics
/// When it is not installed or does not start.
pub fn moto_open() -> S3Server {
    server("moto-open", &program("moto_server"))
}

/// `rclone serve s3` with signatures enforced: another implementation, without conditional
/// requests.
///
/// # Panics
/// When it is not installed or does not start.
pub fn rclone() -> S3Server {
    server("rclone", &program("rclone"))
}

/// The folder the backends are in.
pub fn folder() -> PathBuf {
    match env::var_os("CATCHMENT_BACKENDS") {
        Some(folder) if !folder.is_empty() => folder.into(),
        _ => Path::new(&env::var_os("HOME").unwrap_or_default()).join(".cache/catchment/backends"),
    }
}

/// A program of the backends, for peers that are measured.
///
/// # Panics
/// When it is not installed.
pub fn program(name: &str) -> PathBuf {
    installed(&format!("py/bin/{name}"))
}

/// schemathesis, which calls every route of a server as its description says, and otherwise.
///
/// # Panics
/// When it is not installed.
pub fn schemathesis() -> PathBuf {
    installed("schemathesis/bin/schemathesis")
}

/// A file of the backends.
fn installed(path: &str) -> PathBuf {
    let path = folder().join(path);
    assert!(path.exists(), "{} is not there: run `cargo xtask backends install`", path.display());
    path
}

/// Where a server is, whatever else there is to say about it.
#[derive(Deserialize)]
struct Listening {
    address: SocketAddr,
}

/// The server of this kind that the tests of this run share. `program` is what the guard starts.
fn server<T: DeserializeOwned>(kind: &str, program: &Path) -> T {
    server_with(kind, program, &[])
}

/// The same, with variables for the guard.
fn server_with<T: DeserializeOwned>(kind: &str, program: &Path, variables: &[(&str, &str)]) -> T {
    let python = installed("py/bin/python");
    let failed = |what: &str, error: std::io::Error| -> ! { panic!("{kind}: {what}: {error}") };
    // nextest gives each test its own process, all with the same parent and run.
    let (run, owner) = match env::var("NEXTEST_RUN_ID") {
        Ok(run) => (run, parent_id()),
        Err(_) => (format!("process-{}", std::process::id()), std::process::id()),
    };
    let place = env::temp_dir().join("catchment-backends").join(run);
    fs::create_dir_all(&place).unwrap_or_else(|error| failed("no folder for it", error));
    let lock = File::create(place.join(format!("{kind}.lock"))).unwrap_or_else(|error| failed("no lock", error));
    lock.lock().unwrap_or_else(|error| failed("no lock", error));
    let ready = place.join(format!("{kind}.json"));
    if let Ok(text) = fs::read(&ready)
        && let Ok(Listening { address }) = serde_json::from_slice(&text)
        && TcpStream::connect_timeout(&address, Duration::from_secs(5)).is_ok()
        && let Ok(server) = serde_json::from_slice(&text)
    {
        return server;
    }
    let log = place.join(format!("{kind}.log"));
    let stderr = File::create(&log).unwrap_or_else(|error| failed("no log", error));
    let mut guard = Command::new(python);
    guard.args(["-c", GUARD, kind, &owner.to_string()]).arg(&place).arg(program);
    // An inherited bundle of certificates breaks some clients; keys of the person are no business of a test.
    for name in ["AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        guard.env_remove(name);
    }
    guard.envs(variables.iter().copied());
    // A group of its own: a test that is stopped must not stop the others' server.
    guard.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).process_group(0);
    #[expect(clippy::zombie_processes, reason = "it outlives this process, and ends by itself")]
    let mut guard = guard.spawn().unwrap_or_else(|error| failed("cannot be started", error));
    let mut line = String::new();
    if let Some(out) = guard.stdout.take() {
        let _ = BufReader::new(out).read_line(&mut line);
    }
    let Ok(server) = serde_json::from_str(&line) else {
        let log = fs::read_to_string(&log).unwrap_or_default();
        let tail: Vec<_> = log.lines().rev().take(20).collect();
        panic!("{kind} did not start: {}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
    };
    fs::write(&ready, line).unwrap_or_else(|error| failed("cannot be announced", error));
    server
}
