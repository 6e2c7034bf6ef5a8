//! A source of files that fails when it is told to.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use catchment_core::{
    Account, Browse, ByteRange, Connector, Content, Download, Entry, EntryId, EntryKind, Error, ErrorKind, Fingerprint,
    Page, PageRequest, PageToken, Result, async_trait,
};
use futures::{StreamExt, stream};

/// Files by path; an entry's id is its path unless told otherwise.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    state: Mutex<State>,
    /// Bodies and calls that live.
    pub(crate) alive: Arc<AtomicUsize>,
    /// The most of them that ever lived at once.
    pub(crate) most_alive: Arc<AtomicUsize>,
    /// Bytes that were given out.
    pub(crate) given: Arc<AtomicUsize>,
    /// Opens whatever there is, without a look at the fingerprint that is asked for.
    pub(crate) careless: AtomicBool,
    /// Pages that were listed.
    pub(crate) pages: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Entry>,
    bytes: HashMap<String, Bytes>,
    unlisted: HashMap<String, ErrorKind>,
    faults: HashMap<String, VecDeque<Fault>>,
    ranges: Vec<(String, Option<ByteRange>)>,
    versions: u64,
}

/// What goes wrong with a download.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// It is refused.
    Refused(fn() -> Error),
    /// The body breaks after so many bytes.
    Cut(usize),
    /// The body stops for ever after so many bytes.
    Stall(usize),
    /// The body ends after so many bytes, as if it were all.
    Short(usize),
    /// The file is replaced, with these bytes, before it is opened.
    Changed(&'static str),
    /// As `Cut`, and then the file is replaced with these bytes.
    CutAndChanged(usize, &'static str),
    /// The file is deleted before it is opened.
    Gone,
}

/// Counts what lives.
struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Folder {
    /// Puts a file; its fingerprint changes each time.
    pub(crate) fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        let text = Bytes::copy_from_slice(text.as_ref());
        let mut state = self.state.lock().unwrap();
        state.versions += 1;
        let mut entry = Entry::file(path, path);
        entry.size = Some(text.len() as u64);
        entry.fingerprint = Some(Fingerprint::new(format!("v{}", state.versions)));
        state.files.insert(path.into(), entry);
        state.bytes.insert(path.into(), text);
    }

    /// Changes the entry of a file.
    pub(crate) fn change(&self, path: &str, change: impl FnOnce(&mut Entry)) {
        change(self.state.lock().unwrap().files.get_mut(path).expect("is there"));
    }

    /// Renames a file that keeps its id.
    pub(crate) fn rename(&self, from: &str, to: &str) {
        let mut state = self.state.lock().unwrap();
        let mut entry = state.files.remove(from).expect("is there");
        let bytes = state.bytes.remove(from).expect("is there");
        entry.name = to.rsplit('/').next().unwrap_or(to).into();
        entry.path = to.into();
        state.files.insert(to.into(), entry);
        state.bytes.insert(to.into(), bytes);
    }

    pub(crate) fn special(&self, path: &str, reason: &str) {
        self.state.lock().unwrap().files.insert(path.into(), Entry::special(path, path, reason));
    }

    pub(crate) fn delete(&self, path: &str) {
        let mut state = self.state.lock().unwrap();
        state.files.remove(path).expect("is there");
        state.bytes.remove(path);
    }

    /// Listing this container fails from now on; `None` mends it.
    pub(crate) fn unlisted(&self, path: &str, kind: impl Into<Option<ErrorKind>>) {
        let mut state = self.state.lock().unwrap();
        match kind.into() {
            Some(kind) => drop(state.unlisted.insert(path.into(), kind)),
            None => drop(state.unlisted.remove(path)),
        }
    }

    /// The next downloads of a file go wrong, one after the other.
    pub(crate) fn faults(&self, path: &str, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().faults.entry(path.into()).or_default().extend(faults);
    }

    /// Which parts of a file were asked for.
    pub(crate) fn ranges(&self, path: &str) -> Vec<Option<ByteRange>> {
        let state = self.state.lock().unwrap();
        state.ranges.iter().filter(|(of, _)| of == path).map(|(_, range)| *range).collect()
    }

    fn live(&self) -> Alive {
        let alive = self.alive.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_alive.fetch_max(alive, Ordering::SeqCst);
        Alive(Arc::clone(&self.alive))
    }
}

#[async_trait]
impl Connector for Folder {
    async fn check(&self) -> Result<Account> {
        Ok(Account::default())
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }
}

#[async_trait]
impl Browse for Folder {
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let _alive = self.live();
        tokio::task::yield_now().await;
        self.pages.fetch_add(1, Ordering::SeqCst);
        let state = self.state.lock().unwrap();
        let parent = parent.as_str();
        if let Some(kind) = state.unlisted.get(parent) {
            return Err(Error::new(*kind, "cannot be listed"));
        }
        let prefix = if parent.is_empty() { String::new() } else { format!("{parent}/") };
        let below = state.files.iter().filter_map(|(path, entry)| Some((path.strip_prefix(&prefix)?, entry)));
        let mut containers = BTreeSet::new();
        let mut children = Vec::new();
        for (rest, entry) in below {
            match rest.split_once('/') {
                None => children.push(entry.clone()),
                Some((name, _)) => {
                    let path = format!("{prefix}{name}");
                    if containers.insert(path.clone()) {
                        children.push(Entry::container(path.clone(), path));
                    }
                }
            }
        }
        let from: usize = page.token.as_ref().map_or(0, |token| token.as_str().parse().unwrap());
        let to = (from + page.limit_or(100, 1_000) as usize).min(children.len());
        let next = (to < children.len()).then(|| PageToken::new(to.to_string()));
        Ok(Page { items: children[from..to].to_vec(), next })
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        let path = path.trim_end_matches('/');
        let state = self.state.lock().unwrap();
        if let Some(kind) = state.unlisted.get(&format!("lookup {path}")) {
            return Err(Error::new(*kind, "cannot be looked up"));
        }
        let inside = |other: &String| other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        match state.files.get(path) {
            Some(entry) => Ok(entry.clone()),
            None if path.is_empty() || state.files.keys().any(inside) => Ok(Entry::container(path, path)),
            None => Err(Error::not_found(path)),
        }
    }
}

#[async_trait]
impl Download for Folder {
    async fn open(&self, entry: &Entry, range: Option<ByteRange>) -> Result<Content> {
        let alive = self.live();
        tokio::task::yield_now().await;
        let fault = {
            let mut state = self.state.lock().unwrap();
            state.ranges.push((entry.path.clone(), range));
            state.faults.get_mut(&entry.path).and_then(VecDeque::pop_front)
        };
        let mut end = None;
        match fault {
            None => {}
            Some(Fault::Refused(error)) => return Err(error()),
            Some(Fault::Changed(text)) => self.put(&entry.path, text),
            Some(Fault::Gone) => self.delete(&entry.path),
            Some(Fault::Cut(at)) => end = Some((at, true, true)),
            Some(Fault::Short(at)) => end = Some((at, false, true)),
            Some(Fault::Stall(at)) => end = Some((at, false, false)),
            Some(Fault::CutAndChanged(at, _)) => end = Some((at, true, true)),
        }
        let state = self.state.lock().unwrap();
        let found = state.files.get(&entry.path).ok_or_else(|| Error::not_found(&entry.path))?;
        assert_eq!(found.kind, EntryKind::File);
        let careless = self.careless.load(Ordering::SeqCst);
        if !careless && entry.fingerprint.is_some() && entry.fingerprint != found.fingerprint {
            return Err(Error::new(ErrorKind::Conflict, "it has changed"));
        }
        let version = found.fingerprint.as_ref().map(|mark| mark.as_str().to_owned());
        let mut bytes = state.bytes[&entry.path].clone();
        drop(state);
        if let Some(Fault::CutAndChanged(_, text)) = fault {
            self.put(&entry.path, text);
        }
        if let Some(range) = range {
            bytes = bytes.slice(range.offset as usize..);
        }
        let size = Some(bytes.len() as u64);
        let (given, ends_in_error, ends) = match end {
            Some((at, error, ends)) => (bytes.slice(..at.min(bytes.len())), error, ends),
            None => (bytes, false, true),
        };
        let counter = Arc::clone(&self.given);
        let pieces: Vec<Bytes> =
            given.chunks((given.len() / 8).clamp(1, 64 << 10)).map(|piece| given.slice_ref(piece)).collect();
        let body = stream::iter(pieces).then(move |piece| {
            counter.fetch_add(piece.len(), Ordering::SeqCst);
            async move {
                tokio::task::yield_now().await;
                Ok(piece)
            }
        });
        let error = ends_in_error.then(|| Err(Error::new(ErrorKind::Unavailable, "the connection broke")));
        let body = body.chain(stream::iter(error));
        let body = if ends { body.boxed() } else { body.chain(stream::pending()).boxed() };
        let body = body.map(move |item| {
            let _lives_as_long_as_the_body = &alive;
            item
        });
        Ok(Content { size, version, mime: None, body: body.boxed() })
    }
}
