//! Fixtures: what a connector's tests bring, so that the suite can try the connector.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use catchment_core::{Browse, Connector, Context, Download, Entry, Principal, Registry, Result, Vendor, async_trait};
use serde_json::Value;

use crate::{
    stage,
    verdict::{Verdict, ensure},
    world::{Event, Expected, Node, Rules, World},
};

/// A source of files that belongs to one test, and the settings that lead to it.
///
/// What a fixture does itself may panic: a source that cannot be made is a failed test.
#[async_trait]
pub trait Fixture: Send + Sync + Sized + 'static {
    /// The vendor under test.
    type Vendor: Vendor;

    /// A source with nothing in it.
    async fn new() -> Self;

    /// Makes or replaces a file. Folders on the way are made as needed.
    async fn put(&self, path: &str, bytes: &[u8]);

    /// Removes a file.
    async fn remove(&self, path: &str);

    /// Makes an empty folder. `false`: this vendor has no such thing.
    async fn put_folder(&self, path: &str) -> bool;

    /// Puts a file next to the source's root, not below it, and gives the paths by which a
    /// careless connector would reach it.
    async fn put_outside(&self) -> Vec<String>;

    /// The settings that lead to the source.
    fn settings(&self) -> Value;

    /// The same settings, each time with one wrong credential: the name of what is wrong, and
    /// the settings. Nothing for a vendor without credentials.
    fn wrong_credentials(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// Where the server is, and the settings that lead to another address instead. `None` for a
    /// vendor that is reached without a network.
    fn server(&self) -> Option<SocketAddr> {
        None
    }

    /// Whether the server speaks FTP, which has connections of its own for data.
    fn is_ftp(&self) -> bool {
        false
    }

    /// The settings that lead to `address`.
    fn settings_at(&self, address: SocketAddr) -> Value {
        let _ = address;
        self.settings()
    }

    /// Whether the source can hold a file of this name.
    fn can_store(&self, name: &str) -> bool {
        !name.contains('/')
    }

    /// The body with which this vendor says that it is asked too often.
    fn slow_down(&self) -> (u16, String) {
        (429, String::new())
    }

    /// Another source with nothing in it, for a check that needs several.
    async fn another(&self) -> Self {
        Self::new().await
    }

    /// What may happen in a random history: the names the source can store; whether it has empty
    /// folders, an outside that things move to and from, and grants.
    fn rules(&self) -> Rules {
        Rules::default().only(|name| self.can_store(name))
    }

    /// Does to the source what was done to `world` by `event`, which is its last. A stand-in that
    /// serves a [`World`] of its own applies [`Event::op`] to it; a store of paths needs
    /// [`rename`](Self::rename) and [`remove_folder`](Self::remove_folder) at the most.
    async fn play(&self, world: &World, event: &Event) {
        stage::play_by_paths(self, world, event).await;
    }

    /// Removes an empty folder, of a source that has such a thing.
    async fn remove_folder(&self, path: &str) {
        let _ = path;
    }

    /// Renames or moves a file or folder. `false`: the source cannot, and it is written anew.
    async fn rename(&self, from: &str, to: &str) -> bool {
        let _ = (from, to);
        false
    }

    /// What the connector should say of something in the world beyond path, kind and size.
    fn expected(&self, world: &World, node: &Node) -> Expected {
        let _ = (world, node);
        Expected::default()
    }

    /// Makes the source forget every cursor it has given. `false`: it cannot be made to.
    fn expire_cursors(&self) -> bool {
        false
    }

    /// Settings that lead elsewhere, each with what is different: another root, another account.
    /// Their cursors are good cursors there.
    fn elsewhere(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// Who may read everything whatever is shared, as the vendor tells it: owners.
    fn owners(&self) -> BTreeSet<Principal> {
        BTreeSet::new()
    }

    /// From now on every body of a file breaks off after so many bytes; `None`: no longer. `false`:
    /// the source cannot be made to, and a proxy is put before [`server`](Self::server) instead.
    /// Needed where content comes from another host than the answers.
    fn cut_bodies(&self, after: Option<u64>) -> bool {
        let _ = after;
        false
    }

    /// Makes every link to content that was given so far lead nowhere. `false`: there are no such
    /// links.
    fn expire_links(&self) -> bool {
        false
    }

    /// Why this source (a server used in tests, not the connector) breaks a promise. The test
    /// then demands that it does break it.
    fn excuse(promise: &str) -> Option<&'static str> {
        let _ = promise;
        None
    }

    /// For whom the connector works.
    fn context(&self) -> Context {
        Context::local()
    }

    /// Makes a connector.
    fn connect(&self, settings: Value) -> Result<Arc<dyn Connector>> {
        Registry::new().with::<Self::Vendor>().connect(Self::Vendor::ID, settings, self.context())
    }

    /// The schema of the settings.
    fn schema(&self) -> Value {
        let schema = catchment_core::config::schema::<<Self::Vendor as Vendor>::Config>();
        serde_json::to_value(schema).unwrap_or_default()
    }
}

/// What the checks need of every fixture.
pub(crate) trait Connected: Fixture {
    /// A connector to the source as it is.
    fn connector(&self) -> Verdict<Arc<dyn Connector>> {
        Ok(self.connect(self.settings())?)
    }

    /// Where the server is; a check about the network makes no sense without one.
    fn server_address(&self) -> Verdict<SocketAddr> {
        let address = self.server();
        ensure!(address.is_some(), "the fixture names no server: leave `network` out, or name one");
        Ok(address.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0))))
    }
}

impl<F: Fixture> Connected for F {}

/// The root's entry.
pub(crate) async fn root(browse: &dyn Browse) -> Verdict<Entry> {
    Ok(browse.lookup("").await?)
}

/// The entry of a file, as it is listed.
pub(crate) async fn listed(browse: &dyn Browse, path: &str) -> Verdict<Entry> {
    let all = crate::listing::tree(browse).await?;
    let found = all.into_iter().find(|entry| entry.path == path);
    found.ok_or_else(|| format!("`{path}` was put and is not listed").into())
}

/// The whole content of an entry, as long as it is small.
pub(crate) async fn read(download: &dyn Download, entry: &Entry) -> Verdict<Vec<u8>> {
    Ok(download.open(entry, None).await?.collect(128 << 20).await?)
}

/// Bytes that differ from place to place and hold no line ends.
pub(crate) fn bytes(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|at| ((at * 7 + at / 251 * 3 + seed * 13) % 251) as u8 | u8::from(at % 2 == 0) << 4).collect()
}
