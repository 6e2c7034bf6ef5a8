//! A drive with a feed: a world that changes, told in every way that the contract permits.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use catchment_core::{
    Account, Browse, ByteRange, ChangePage, Changes, Connector, Content, Cursor, Download, Entry, EntryId, Error,
    ErrorKind, Flat, Ledger, Page, PageRequest, Result, async_trait,
};
use catchment_engine::{Engine, Event, Import, MemoryLedger, Options, Retries, Source, Summary};
use catchment_testkit::world::{
    Key, Op, World,
    feed::{Feed, Style, entry, id, key},
};
use futures::{StreamExt, TryStreamExt, stream};

use super::{INTEGRATION, Index, Log, Parser, Spy, Told};

/// Something that happens to the world.
pub(crate) struct Happens(pub(crate) Box<dyn FnOnce(&mut World) + Send>);

impl std::fmt::Debug for Happens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Happens")
    }
}

/// The vendor and its connector.
#[derive(Debug)]
pub(crate) struct Drive {
    pub(crate) world: Mutex<World>,
    feed: Feed,
    /// Cursors from before this event are not honoured any more.
    pub(crate) forgotten: Mutex<u64>,
    /// What listing these folders, and reading these files, ends in.
    pub(crate) refused: Mutex<HashMap<Key, ErrorKind>>,
    /// Ids that are told with the same cursor for ever.
    pub(crate) stuck: Mutex<bool>,
    /// Whether everything can be listed at once.
    pub(crate) flat: AtomicBool,
    /// Whether the folders are shown as well then.
    pub(crate) shows_folders: AtomicBool,
    pub(crate) children: AtomicUsize,
    pub(crate) opened: AtomicUsize,
    pub(crate) pages: AtomicUsize,
    /// Happens once, when the feed is asked for the next time.
    pub(crate) before_page: Mutex<Option<Happens>>,
}

/// An import of a drive, and where it goes.
pub(crate) struct Followed {
    pub(crate) drive: Arc<Drive>,
    pub(crate) index: Arc<Index>,
    pub(crate) ledger: Arc<Spy>,
    pub(crate) options: Options,
}

impl Drive {
    pub(crate) fn new(world: World, style: Style, page: usize) -> Self {
        Self {
            world: Mutex::new(world),
            feed: Feed { style, page },
            forgotten: Mutex::default(),
            refused: Mutex::default(),
            stuck: Mutex::default(),
            flat: AtomicBool::default(),
            shows_folders: AtomicBool::default(),
            children: AtomicUsize::default(),
            opened: AtomicUsize::default(),
            pages: AtomicUsize::default(),
            before_page: Mutex::default(),
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn refusal(&self, key: Key) -> Result<()> {
        match self.refused.lock().unwrap().get(&key) {
            Some(kind) => Err(Error::new(*kind, "not now")),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Connector for Drive {
    async fn check(&self) -> Result<Account> {
        Ok(Account::default())
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }
}

#[async_trait]
impl Browse for Drive {
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        tokio::task::yield_now().await;
        self.children.fetch_add(1, Ordering::SeqCst);
        self.refusal(key(parent))?;
        self.feed.children(&self.world(), parent, &page)
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        tokio::task::yield_now().await;
        let world = self.world();
        let found = world.find(Key::ROOT, path).and_then(|key| world.get(key));
        let node = found.ok_or_else(|| Error::not_found(path))?;
        Ok(entry(node, path.to_owned(), true))
    }

    fn flat(&self) -> Option<&dyn Flat> {
        self.flat.load(Ordering::SeqCst).then_some(self as &dyn Flat)
    }
}

#[async_trait]
impl Flat for Drive {
    async fn descendants(&self, under: &EntryId, _: PageRequest) -> Result<Page<Entry>> {
        let world = self.world();
        let below = world.below(key(under)).into_iter().filter_map(|key| Some((world.get(key)?, world.path(key)?)));
        let shown = below.filter(|(node, _)| self.shows_containers() || !node.is_folder());
        Ok(Page::last(shown.map(|(node, path)| entry(node, path, true)).collect()))
    }

    fn shows_containers(&self) -> bool {
        self.shows_folders.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Download for Drive {
    async fn open(&self, entry: &Entry, _: Option<ByteRange>) -> Result<Content> {
        tokio::task::yield_now().await;
        self.opened.fetch_add(1, Ordering::SeqCst);
        let key = key(&entry.id);
        self.refusal(key)?;
        let world = self.world();
        let node = world.path(key).and_then(|_| world.get(key)).ok_or_else(|| Error::not_found(&entry.path))?;
        let version = node.edition.to_string();
        if entry.fingerprint.as_ref().is_some_and(|mark| mark.as_str() != version) {
            return Err(Error::new(ErrorKind::Conflict, "it has changed"));
        }
        let bytes = node.content.clone().expect("a file");
        let (size, body) = (Some(bytes.len() as u64), stream::iter([Ok(bytes)]).boxed());
        Ok(Content { size, version: Some(version), mime: None, body })
    }
}

#[async_trait]
impl Changes for Drive {
    async fn now(&self) -> Result<Cursor> {
        tokio::task::yield_now().await;
        Ok(self.feed.now(&self.world()))
    }

    async fn changes(&self, since: &Cursor) -> Result<ChangePage> {
        tokio::task::yield_now().await;
        self.pages.fetch_add(1, Ordering::SeqCst);
        let mut world = self.world();
        if let Some(Happens(before)) = self.before_page.lock().unwrap().take() {
            before(&mut world);
        }
        let page = self.feed.changes(&world, since, *self.forgotten.lock().unwrap())?;
        let stuck = *self.stuck.lock().unwrap();
        Ok(if stuck { ChangePage { cursor: since.clone(), more: true, ..page } } else { page })
    }
}

impl Followed {
    pub(crate) fn new(world: World, style: Style, page: usize) -> Self {
        Self::with(world, style, page, Arc::new(MemoryLedger::new()))
    }

    pub(crate) fn with(world: World, style: Style, page: usize, ledger: Arc<dyn Ledger>) -> Self {
        let log = Log::default();
        let retries = Retries { times: 0, ..Retries::default() };
        Self {
            drive: Arc::new(Drive::new(world, style, page)),
            index: Arc::new(Index { log: Arc::clone(&log), ..Index::default() }),
            ledger: Arc::new(Spy::new(ledger, log)),
            options: Options { concurrency: 3, retries, ..Options::default() },
        }
    }

    /// A drive with files that hold their own paths, in the folders of these.
    pub(crate) fn of(paths: &[&str]) -> Self {
        let mut world = World::new();
        for path in paths {
            world.put(Key::ROOT, path, path.to_string()).unwrap();
        }
        Self::new(world, Style::Latest, 100)
    }

    pub(crate) fn engine(&self) -> Engine {
        Engine::new(self.ledger.clone(), self.index.clone(), Parser::default(), self.options.clone())
    }

    pub(crate) fn everything(&self) -> Import {
        let source =
            Source { integration: INTEGRATION, tenant: catchment_core::Tenant::local(), vendor: "drive".into() };
        Import::new(self.drive.clone(), source)
    }

    pub(crate) async fn run(&self, import: Import) -> Result<Told> {
        let mut events: Vec<Event> = self.engine().import(import).try_collect().await?;
        match events.pop() {
            Some(Event::Done(summary)) => Ok(Told { events, summary }),
            other => panic!("the last event is {other:?}"),
        }
    }

    pub(crate) async fn import(&self) -> Summary {
        self.run(self.everything()).await.expect("the import ends well").summary
    }

    pub(crate) fn apply(&self, op: Op) {
        self.drive.world().apply(op).expect("a valid history");
    }

    pub(crate) fn key(&self, path: &str) -> Key {
        self.drive.world().find(Key::ROOT, path).expect("is there")
    }

    pub(crate) fn put(&self, path: &str, text: &str) -> Key {
        self.drive.world().put(Key::ROOT, path, text.to_owned()).unwrap()
    }

    /// How often folders were listed since it was asked last.
    pub(crate) fn listings(&self) -> usize {
        self.drive.children.swap(0, Ordering::SeqCst)
    }

    /// Where ledger and index differ from the drive, in sentences.
    pub(crate) async fn differences(&self) -> Vec<String> {
        let mut differ = Vec::new();
        let (mut files, mut documents, mut empty) = (BTreeSet::new(), BTreeMap::new(), HashSet::new());
        {
            let world = self.drive.world();
            for node in world.below(Key::ROOT).into_iter().filter_map(|key| world.get(key)) {
                let (Some(content), Some(path)) = (&node.content, world.path(node.key)) else { continue };
                files.insert((id(node.key), path.clone()));
                if content.is_empty() {
                    // Nothing can be read from it, and what was read of it before stays.
                    empty.insert(id(node.key));
                } else {
                    documents.insert(id(node.key), (path, hash(content)));
                }
            }
        }
        let rows = self.ledger.entries(INTEGRATION, None, 100_000).await.unwrap();
        let rows: BTreeSet<_> = rows.into_iter().map(|row| (row.entry, row.path)).collect();
        differ.extend(files.difference(&rows).map(|row| format!("not in the ledger: {row:?}")));
        differ.extend(rows.difference(&files).map(|row| format!("only in the ledger: {row:?}")));
        let held = self.index.documents.lock().unwrap().clone();
        let held: BTreeMap<_, _> =
            held.into_iter().map(|(id, document)| (id, (document.path, document.content_hash))).collect();
        let ids: HashSet<_> = held.keys().chain(documents.keys()).cloned().collect();
        for id in ids.into_iter().filter(|id| !empty.contains(id)) {
            if held.get(&id) != documents.get(&id) {
                differ.push(format!("{id} is {:?} in the index, not {:?}", held.get(&id), documents.get(&id)));
            }
        }
        let report = self.engine().verify(INTEGRATION, false).await.unwrap();
        if !report.is_clean() || report.unsettled > empty.len() as u64 {
            differ.push(format!("{report:?}"));
        }
        differ.sort();
        differ
    }
}

fn hash(content: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(content))
}
