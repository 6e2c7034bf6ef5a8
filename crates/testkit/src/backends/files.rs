//! Servers of files by WebDAV, FTP and the protocol of Google Cloud Storage.

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{installed, program, server};

/// A server that gives out the files of a folder of this machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileServer {
    /// Where it listens, without TLS.
    pub address: SocketAddr,
    /// Who may sign in.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// What it serves; below it every test makes a folder of its own.
    pub folder: PathBuf,
}

/// A server that speaks as Google Cloud Storage does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GcsServer {
    /// Where it listens, without TLS.
    pub address: SocketAddr,
}

/// `rclone serve webdav`, with a password.
///
/// # Panics
/// When it is not installed or does not start.
pub fn rclone_webdav() -> FileServer {
    server("rclone-webdav", &program("rclone"))
}

/// `rclone serve ftp`, with a password and without TLS. Its times are in minutes.
///
/// # Panics
/// When it is not installed or does not start.
pub fn rclone_ftp() -> FileServer {
    server("rclone-ftp", &program("rclone"))
}

/// fake-gcs-server. It accepts every token, and none.
///
/// # Panics
/// When it is not installed or does not start.
pub fn fake_gcs() -> GcsServer {
    server("fake-gcs", &installed("gcs/bin/python"))
}
