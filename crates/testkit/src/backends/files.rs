//! Servers of files by WebDAV, FTP, OpenStack Swift and the protocol of Google Cloud Storage.

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{installed, program, server, server_with};

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

/// A server that gives out the files of a folder, and shows a certificate for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TlsFileServer {
    /// The server. It signs nobody in without TLS, and sends nothing.
    #[serde(flatten)]
    pub files: FileServer,
    /// The file with its certificate, in PEM. It has signed it itself.
    pub certificate: PathBuf,
}

/// OpenStack Swift, with TempAuth.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SwiftServer {
    /// Where it listens, without TLS; `/auth/v1.0` gives tokens.
    pub address: SocketAddr,
    /// Who may sign in, and do everything.
    pub user: String,
    /// The user's key.
    pub key: String,
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

/// pyftpdlib, another FTP server, without TLS. Anybody may sign in as `anonymous`, too.
///
/// # Panics
/// When it is not installed or does not start.
pub fn pyftpdlib() -> FileServer {
    server_with("pyftpdlib-ftp", &installed("files/bin/python"), &[("CATCHMENT_SCRIPT", include_str!("ftp.py"))])
}

/// The same, but a folder that is not there is listed as an empty one, as other servers do.
///
/// # Panics
/// When it is not installed or does not start.
pub fn pyftpdlib_lenient() -> FileServer {
    server_with("pyftpdlib-lenient", &installed("files/bin/python"), &[("CATCHMENT_SCRIPT", include_str!("ftp.py"))])
}

/// The same as the first with explicit TLS, without which it does nothing.
///
/// # Panics
/// When it is not installed or does not start.
pub fn pyftpdlib_tls() -> TlsFileServer {
    server_with("pyftpdlib-ftps", &installed("files/bin/python"), &[("CATCHMENT_SCRIPT", include_str!("ftp.py"))])
}

/// WsgiDAV, another WebDAV server, with a password.
///
/// # Panics
/// When it is not installed or does not start.
pub fn wsgidav() -> FileServer {
    server_with("wsgidav", &installed("files/bin/python"), &[("CATCHMENT_SCRIPT", include_str!("webdav.py"))])
}

/// OpenStack Swift: its proxy and the servers behind it, on one disk. An object put into it is listed at
/// once.
///
/// # Panics
/// When it is not installed or does not start.
pub fn swift() -> SwiftServer {
    server_with("swift", &installed("swift/bin/python"), &[("CATCHMENT_SCRIPT", include_str!("swift.py"))])
}
