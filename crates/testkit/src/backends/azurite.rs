//! azurite: the vendor's own stand-in for Azure Blob Storage.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{installed, server};

/// A server that speaks Azure Blob Storage. It checks signatures, and knows no bearer tokens
/// without TLS.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AzureServer {
    /// Where it listens, without TLS.
    pub address: SocketAddr,
    /// The account, which stands first in every path.
    pub account: String,
    /// The account's key.
    pub key: String,
}

/// azurite with signatures and shared access signatures enforced.
///
/// # Panics
/// When it, or node, is not installed, or when it does not start.
pub fn azurite() -> AzureServer {
    server("azurite", &installed("node/node_modules/azurite/package.json"))
}
