//! A drive with a feed: a world that changes, told in every way that the contract permits.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use catchment_core::{
    Account, Browse, ByteRange, Change, ChangePage, Changes, Connector, Content, Cursor, Download, Entry, EntryId,
    Error, ErrorKind, Fingerprint, Flat, Ledger, Page, PageRequest, PageToken, Result, async_trait,
};
use catchment_engine::{Engine, Event, Import, MemoryLedger, Options, Retries, Source, Summary};
use catchment_testkit::world::{Key, Node, Op, World};
use futures::{StreamExt, TryStreamExt, stream};

use super::{INTEGRATION, Index, Log, Parser, Spy, Told};

/// In which of the permitted ways a feed tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Style {
    /// Each event as it was, in order, parents named.
    Events,
    /// Each event as it was, in order, parents by path.
    Paths,
    /// The latest of each entry, in the order of the last events.
    Latest,
    /// The latest of each entry, in no order.
    Shuffled,
}

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
    style: Style,
    /// How many changes a page of the feed holds.
    page: usize,
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
            style,
            page,
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

    fn change(&self, world: &World, key: Key, path: Option<String>) -> Option<Change> {
        let node = world.get(key).or_else(|| world.gone(key))?;
        match path {
            Some(path) => Some(Change::Upsert(Box::new(entry(node, path, self.style != Style::Paths)))),
            None => Some(Change::Remove(id(key))),
        }
    }

    /// An entry and all below it, parents first.
    fn with_all_below(&self, world: &World, key: Key, changes: &mut Vec<Change>) {
        changes.extend(self.change(world, key, world.path(key)));
        for node in world.children(key) {
            self.with_all_below(world, node.key, changes);
        }
    }

    fn page(&self, world: &World, since: u64, offset: usize) -> ChangePage {
        let mut changes = Vec::new();
        if matches!(self.style, Style::Events | Style::Paths) {
            let events = world.since(since);
            for event in &events[..events.len().min(self.page)] {
                let (before, past) = (world.at(event.number - 1), world.at(event.number));
                let Some(key) = event.key else { continue };
                match (before.path(key), past.path(key)) {
                    (None, None) => {}
                    // The listing of what came in may have run ahead of this.
                    (None, Some(_)) => self.with_all_below(&past, key, &mut changes),
                    (_, path) => changes.extend(self.change(&past, key, path)),
                }
            }
            let next = since + events.len().min(self.page) as u64;
            return ChangePage { changes, cursor: cursor(next, 0), more: events.len() > self.page };
        }
        let mut keys = world.touched_since(since);
        if self.style == Style::Shuffled {
            keys.sort_by_key(|key| key.0.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        let left = keys.get(offset..).unwrap_or_default();
        for key in &left[..left.len().min(self.page)] {
            changes.extend(self.change(world, *key, world.path(*key)));
        }
        let more = left.len() > self.page;
        let next = if more { cursor(since, offset + self.page) } else { cursor(world.version(), 0) };
        ChangePage { changes, cursor: next, more }
    }
}

fn cursor(since: u64, offset: usize) -> Cursor {
    Cursor::new(format!("{since}.{offset}"))
}

pub(crate) fn id(key: Key) -> EntryId {
    format!("id-{key}").into()
}

fn key(id: &EntryId) -> Key {
    Key(id.as_str()[3..].parse().expect("an id"))
}

fn entry(node: &Node, path: String, parent: bool) -> Entry {
    let mut entry =
        if node.is_folder() { Entry::container(id(node.key), path) } else { Entry::file(id(node.key), path) };
    entry.parent = node.parent.filter(|_| parent).map(id);
    entry.size = node.content.as_ref().map(|content| content.len() as u64);
    entry.fingerprint = (!node.is_folder()).then(|| Fingerprint::new(node.edition.to_string()));
    entry
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
        let parent = key(parent);
        self.refusal(parent)?;
        let world = self.world();
        if world.path(parent).is_none() {
            return Err(Error::not_found(parent));
        }
        let after = page.token.map_or(0, |token| token.as_str().parse().expect("a token"));
        let left: Vec<_> = world.children(parent).filter(|node| node.key.0 > after).take(3).collect();
        let next = (left.len() == 3).then(|| PageToken::new(left[2].key.to_string()));
        let items = left.iter().map(|node| entry(node, world.path(node.key).expect("inside"), true)).collect();
        Ok(Page { items, next })
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
        Ok(cursor(self.world().version(), 0))
    }

    async fn changes(&self, since: &Cursor) -> Result<ChangePage> {
        tokio::task::yield_now().await;
        self.pages.fetch_add(1, Ordering::SeqCst);
        let mut world = self.world();
        if let Some(Happens(before)) = self.before_page.lock().unwrap().take() {
            before(&mut world);
        }
        let (number, offset) = since.as_str().split_once('.').expect("a cursor");
        let (number, offset) = (number.parse().expect("a number"), offset.parse().expect("an offset"));
        if number < *self.forgotten.lock().unwrap() {
            return Err(Error::new(ErrorKind::CursorExpired, "too old: begin anew"));
        }
        let page = self.page(&world, number, offset);
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
