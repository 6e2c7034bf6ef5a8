//! Who may read an entry, and who is in a group.
//!
//! Permissions fail closed. [`grants`](Permissions::grants) gives everyone the vendor names, by a grant
//! of the entry's own or of a container above it, or fails: where the vendor refuses to say, that is
//! [`Forbidden`](crate::ErrorKind::Forbidden), never an empty or a shorter set. Groups are given as
//! groups; [`members`](Permissions::members) opens one, and groups within it come as groups again, so
//! whoever opens them keeps track of which were opened. A grant that reads nothing (a right to be
//! listed, a link that has expired, one that is not for everybody who has it) is not in the set; what
//! cannot be told is left out, because too few readers is a complaint and too many is a leak.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    entry::Entry,
    error::Result,
    page::{Page, PageRequest},
};

/// The capability to tell who may read what.
#[async_trait]
pub trait Permissions: Send + Sync {
    /// Everyone who may read `entry`, inherited grants included. Cancel-safe.
    async fn grants(&self, entry: &Entry) -> Result<BTreeSet<Principal>>;

    /// The members of a group, users and groups. Cancel-safe.
    async fn members(&self, group: &str, page: PageRequest) -> Result<Page<Principal>>;
}

/// Somebody, or many, who may read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Principal {
    /// Everybody, without signing in.
    Anyone,
    /// Everybody of a mail domain, lower case.
    Domain(String),
    /// A group, by the vendor's id.
    Group(String),
    /// A user, by e-mail address in lower case, or by the vendor's id where there is none.
    User(String),
}

/// Who may read a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readers {
    /// The source was not asked. Visible to the tenant, and to nobody once a search asks for
    /// permissions: missing permissions mean nobody.
    #[default]
    Unknown,
    /// The source was asked, and these may read.
    Only(BTreeSet<Principal>),
}
