//! Servers that speak SFTP: OpenSSH, and rclone's of another make.

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{program, server};

/// The passphrase of every key that has one.
pub const PASSPHRASE: &str = "its own passphrase";

/// A server that speaks SFTP.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SftpServer {
    /// Where it listens.
    pub address: SocketAddr,
    /// Who may log in.
    pub user: String,
    /// Somebody who may log in with the same keys and is not root: `user`, unless that is root.
    pub limited: String,
    /// The user's password, where the server knows passwords.
    pub password: Option<String>,
    /// The server's public keys in the form of OpenSSH.
    pub host_keys: Vec<String>,
    /// What it serves; below it every test makes a folder of its own.
    pub folder: PathBuf,
    /// The folder as a path at the server.
    pub root: String,
    /// Where the keys are that OpenSSH lets in.
    keys: PathBuf,
}

/// OpenSSH's own server, with keys of every kind and no passwords. Whoever runs the tests logs
/// in, and sees the whole disk.
///
/// # Panics
/// When it is not installed or does not start.
pub fn openssh() -> SftpServer {
    server("openssh", &sshd())
}

/// `rclone serve sftp`, with a password, serving one folder.
///
/// # Panics
/// When it is not installed or does not start.
pub fn rclone_sftp() -> SftpServer {
    server("rclone-sftp", &program("rclone"))
}

impl SftpServer {
    /// A private key as text: `ed25519`, `ecdsa` or `rsa`, each with `-encrypted` behind, and
    /// `rsa-pem`, `rsa-pem-encrypted`, `rsa-pkcs8`, `rsa-pkcs8-encrypted`, `ecdsa-pem`; with
    /// `.pub` behind, the public half.
    ///
    /// # Panics
    /// When there is no such key.
    pub fn key(&self, name: &str) -> String {
        fs::read_to_string(self.keys.join(name)).unwrap_or_else(|error| panic!("no key `{name}`: {error}"))
    }

    /// Where the key is, for programs that want a file.
    pub fn key_file(&self, name: &str) -> PathBuf {
        self.keys.join(name)
    }
}

/// The program, which is in no ordinary user's path.
fn sshd() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(|folder| Path::new(folder).to_owned()))
        .map(|folder| folder.join("sshd"))
        .find(|program| program.exists())
        .unwrap_or_else(|| panic!("OpenSSH's server is not there: on Debian, install the package openssh-server"))
}
