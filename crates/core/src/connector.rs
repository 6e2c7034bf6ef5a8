//! Connectors: what a vendor can be asked, one capability a trait.

use std::fmt;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    actions::Actions,
    changes::Changes,
    content::{ByteRange, Content},
    entry::{Entry, EntryId},
    error::{Error, Result},
    page::{Page, PageRequest},
    permissions::Permissions,
    records::Records,
};

/// A connection to one account of one vendor.
///
/// Every future is cancel-safe: dropping it leaves nothing running. What a connector can do is
/// found by asking it: an accessor that gives `None` is a capability it lacks.
#[async_trait]
pub trait Connector: fmt::Debug + Send + Sync + 'static {
    /// The cheapest authenticated call that proves settings, credential, network and permission;
    /// the error says which of them is wrong.
    async fn check(&self) -> Result<Account>;

    /// Listing and finding entries.
    fn browse(&self) -> Option<&dyn Browse> {
        None
    }

    /// Reading the content of files.
    fn download(&self) -> Option<&dyn Download> {
        None
    }

    /// A feed of changes. Without one, changes are derived from fingerprints.
    fn changes(&self) -> Option<&dyn Changes> {
        None
    }

    /// Who may read what.
    fn permissions(&self) -> Option<&dyn Permissions> {
        None
    }

    /// Business records, read and written.
    fn records(&self) -> Option<&dyn Records> {
        None
    }

    /// Other things that can be done at the vendor.
    fn actions(&self) -> Option<&dyn Actions> {
        None
    }
}

/// The account a connection speaks for, as [`Connector::check`] found it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The vendor's stable id of the account, bucket, drive or folder.
    pub id: String,
    /// What a person would call it.
    pub name: String,
    /// The e-mail address of the account, if there is one.
    pub email: Option<String>,
    /// A picture of the account, if there is one.
    pub avatar_url: Option<String>,
    /// What else helps a person to see that it is the right one: region, endpoint, plan.
    pub details: Vec<(String, String)>,
}

/// The capability to list and find entries.
#[async_trait]
pub trait Browse: Send + Sync {
    /// One page of the children of a container, in the vendor's order. A missing right is
    /// [`Forbidden`](crate::ErrorKind::Forbidden), never an empty page.
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>>;

    /// The entry at a path below the root; "" is the root itself.
    async fn lookup(&self, path: &str) -> Result<Entry>;

    /// One page of the entries that match `query` below a container, as the vendor's own search
    /// finds them. Where the vendor has none this is `Unsupported`, and
    /// [`walk::search`](crate::walk::search) does it by listing.
    async fn search(&self, query: &str, under: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let _ = (query, under, page);
        Err(Error::unsupported("this vendor has no search of its own"))
    }

    /// Listing a whole tree in one flat listing, where the vendor can.
    fn flat(&self) -> Option<&dyn Flat> {
        None
    }
}

/// The capability to list everything below a container without visiting each container.
#[async_trait]
pub trait Flat: Send + Sync {
    /// One page of the files and special entries anywhere below `under`, and of the containers where
    /// it [shows](Self::shows_containers) them.
    async fn descendants(&self, under: &EntryId, page: PageRequest) -> Result<Page<Entry>>;

    /// Whether the listing shows the containers below `under` as well: every one, also where nothing is
    /// in it, and each entry names the container it is in. Else it shows none, and then nobody knows
    /// what a container takes along that moves or goes: no feed is followed from such a listing.
    fn shows_containers(&self) -> bool {
        false
    }
}

/// The capability to read the content of files.
#[async_trait]
pub trait Download: Send + Sync {
    /// Opens a file, whole or in part. With a fingerprint in `entry`, only that version is
    /// opened: [`Conflict`](crate::ErrorKind::Conflict) if the file has changed since.
    async fn open(&self, entry: &Entry, range: Option<ByteRange>) -> Result<Content>;
}

/// What a connector can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Capabilities {
    /// [`Connector::browse`].
    pub browse: bool,
    /// [`Connector::download`].
    pub download: bool,
    /// [`Connector::changes`].
    pub changes: bool,
    /// [`Connector::permissions`].
    pub permissions: bool,
    /// [`Connector::records`].
    pub records: bool,
    /// [`Connector::actions`].
    pub actions: bool,
}

impl Capabilities {
    /// None at all; the start for a vendor's list.
    pub const NONE: Self =
        Self { browse: false, download: false, changes: false, permissions: false, records: false, actions: false };

    /// A plain store of files: browse and download.
    pub const FILES: Self = Self { browse: true, download: true, ..Self::NONE };

    /// Asks a connector.
    pub fn of(connector: &dyn Connector) -> Self {
        Self {
            browse: connector.browse().is_some(),
            download: connector.download().is_some(),
            changes: connector.changes().is_some(),
            permissions: connector.permissions().is_some(),
            records: connector.records().is_some(),
            actions: connector.actions().is_some(),
        }
    }

    /// The names of the capabilities that are there.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        [
            ("browse", self.browse),
            ("download", self.download),
            ("changes", self.changes),
            ("permissions", self.permissions),
            ("records", self.records),
            ("actions", self.actions),
        ]
        .into_iter()
        .filter_map(|(name, there)| there.then_some(name))
    }
}

impl dyn Connector + '_ {
    /// [`Connector::browse`], or an error that says the connector cannot.
    pub fn need_browse(&self) -> Result<&dyn Browse> {
        self.browse().ok_or_else(|| Error::unsupported("this connector cannot list entries"))
    }

    /// [`Connector::download`], or an error that says the connector cannot.
    pub fn need_download(&self) -> Result<&dyn Download> {
        self.download().ok_or_else(|| Error::unsupported("this connector cannot read files"))
    }
}
