//! The model's server: files in memory behind as little HTTP as it takes.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use catchment_core::{Entry, Fingerprint, Page, PageToken};
use serde::{Deserialize, Serialize};

use crate::model::http::{Answer, Http};

/// The model's server. It ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    http: Http,
    files: Arc<Mutex<Files>>,
}

#[derive(Debug, Default)]
struct Files {
    /// Content and version by path.
    files: BTreeMap<String, (Arc<Vec<u8>>, u64)>,
    folders: BTreeSet<String>,
    removed: BTreeSet<String>,
    changes: u64,
    breaks: Option<&'static str>,
}

/// What the connector asks, as JSON in the query.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) id: String,
    pub(crate) token: Option<String>,
    pub(crate) limit: Option<usize>,
    pub(crate) fingerprint: Option<String>,
    pub(crate) offset: u64,
    pub(crate) length: Option<u64>,
}

impl Server {
    pub(crate) async fn start(breaks: Option<&'static str>) -> Self {
        let files = Arc::new(Mutex::new(Files { breaks, ..Files::default() }));
        let shared = Arc::clone(&files);
        Self { http: Http::start(move |target| lock(&shared).answer(target)).await, files }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.http.address()
    }

    pub(crate) fn put(&self, path: &str, bytes: &[u8]) {
        let mut files = lock(&self.files);
        files.changes += 1;
        let version = files.changes;
        files.files.insert(path.to_owned(), (Arc::new(bytes.to_vec()), version));
    }

    pub(crate) fn remove(&self, path: &str) {
        let mut files = lock(&self.files);
        files.changes += 1;
        files.files.remove(path);
        files.removed.insert(path.to_owned());
    }

    pub(crate) fn remove_folder(&self, path: &str) {
        lock(&self.files).folders.remove(path);
    }

    pub(crate) fn put_folder(&self, path: &str) {
        lock(&self.files).folders.insert(path.to_owned());
    }
}

fn lock(files: &Mutex<Files>) -> MutexGuard<'_, Files> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Files {
    fn breaks(&self, promise: &str) -> bool {
        self.breaks == Some(promise)
    }

    fn answer(&self, target: &str) -> Answer {
        let (operation, query) = target.split_once('?').unwrap_or((target, ""));
        let query = percent_encoding::percent_decode_str(query).decode_utf8().map_err(|_| 400_u16)?;
        let ask: Ask = serde_json::from_str(&query).map_err(|_| 400_u16)?;
        let json = |value: serde_json::Result<Vec<u8>>| Ok((value.map_err(|_| 500_u16)?, None));
        match operation {
            "/check" => Ok((br#"{"id":"model"}"#.to_vec(), None)),
            "/lookup" => json(serde_json::to_vec(&self.lookup(&ask.id)?)),
            "/children" => json(serde_json::to_vec(&self.children(&ask)?)),
            "/flat" => json(serde_json::to_vec(&self.flat(&ask)?)),
            "/open" => self.open(&ask),
            _ => Err(404),
        }
    }

    /// The path that an id stands for.
    fn path<'a>(&self, id: &'a str) -> Result<&'a str, u16> {
        id.strip_prefix("id:").ok_or(404)
    }

    fn is_folder(&self, path: &str) -> bool {
        let below = format!("{path}/");
        path.is_empty()
            || self.folders.contains(path)
            || self.files.range(below.clone()..).next().is_some_and(|(file, _)| file.starts_with(&below))
    }

    fn folder(&self, path: &str) -> Entry {
        Entry::container(format!("id:{path}"), path)
    }

    fn file(&self, path: &str) -> Option<Entry> {
        let (content, version) = self.files.get(path)?;
        let mut entry = Entry::file(format!("id:{path}"), path);
        entry.name = path.rsplit('/').next().unwrap_or_default().to_owned();
        entry.size = Some(content.len() as u64);
        let mark = if self.breaks("a_changed_file_gets_another_fingerprint") {
            format!("{:?}", &content[..content.len().min(4)])
        } else if self.breaks("a_change_of_the_same_size_is_noticed") {
            content.len().to_string()
        } else {
            version.to_string()
        };
        let missing = self.breaks("every_file_has_a_fingerprint") && content.is_empty();
        entry.fingerprint = (!missing).then(|| Fingerprint::new(mark));
        Some(entry)
    }

    fn lookup(&self, path: &str) -> Result<Entry, u16> {
        if path.is_empty() {
            let mut root = self.folder("");
            if self.breaks("the_empty_path_is_the_root") {
                root.path = "/".to_owned();
            }
            return Ok(root);
        }
        if self.breaks("no_path_leads_out_of_the_root") && path.starts_with("../") {
            return Ok(Entry::file("id:outside", path));
        }
        if let Some(mut file) = self.file(path) {
            if self.breaks("lookup_gives_what_was_listed") {
                file.size = None;
            }
            return Ok(file);
        }
        if self.is_folder(path) {
            return Ok(self.folder(path));
        }
        if self.breaks("a_missing_path_is_not_found")
            && let Some((longer, _)) = self.files.range(path.to_owned()..).next()
            && longer.starts_with(path)
        {
            return self.file(longer).ok_or(404);
        }
        Err(404)
    }

    fn children(&self, ask: &Ask) -> Result<Page<Entry>, u16> {
        let parent = self.path(&ask.id)?;
        if self.files.contains_key(parent) && self.breaks("a_file_has_no_children") {
            return Ok(Page::last(self.file(parent).into_iter().collect()));
        }
        if !self.is_folder(parent) {
            return Err(404);
        }
        let prefix = if parent.is_empty() { String::new() } else { format!("{parent}/") };
        let name = |path: &String| path.strip_prefix(&prefix)?.split('/').next().map(str::to_owned);
        let names: BTreeSet<_> = self.files.keys().chain(&self.folders).filter_map(name).collect();
        let mut all: Vec<_> = names
            .iter()
            .map(|name| format!("{prefix}{name}"))
            .flat_map(|path| [self.file(&path), self.is_folder(&path).then(|| self.folder(&path))])
            .flatten()
            .collect();
        if all.is_empty() && self.breaks("an_empty_folder_is_an_empty_page") {
            return Err(404);
        }
        if parent.matches('/').count() > 32 && self.breaks("deep_folders_are_reached") {
            all.clear();
        }
        if self.breaks("odd_names_come_back_as_they_are") {
            all.iter_mut().for_each(|entry| entry.name = entry.name.replace('+', " "));
        }
        let mut page = self.page(all, ask)?;
        if page.next.is_some() && self.breaks("a_listing_is_complete_and_unique") {
            page.items.pop();
        }
        Ok(page)
    }

    fn flat(&self, ask: &Ask) -> Result<Page<Entry>, u16> {
        let parent = self.path(&ask.id)?;
        let prefix = if parent.is_empty() { String::new() } else { format!("{parent}/") };
        let paths = self.files.keys().filter(|path| path.starts_with(&prefix));
        let mut page = self.page(paths.filter_map(|path| self.file(path)).collect(), ask)?;
        let forgets = match page.next {
            Some(_) => self.breaks("a_flat_listing_equals_the_walk"),
            None => ask.limit.is_none() && self.breaks("a_walk_meets_every_file_once"),
        };
        if forgets {
            page.items.pop();
        }
        Ok(page)
    }

    /// The entries behind the token, which is a path and the number of changes until then.
    fn page(&self, all: Vec<Entry>, ask: &Ask) -> Result<Page<Entry>, u16> {
        let after = match &ask.token {
            None => None,
            Some(token) => Some(token.split_once('@').ok_or(400_u16)?),
        };
        let restarts = self.breaks("a_listing_under_change_ends");
        let after = after.filter(|(changes, _)| !restarts || *changes == self.changes.to_string());
        let mut left = all.into_iter().filter(|entry| after.is_none_or(|(_, after)| entry.id.as_str() > after));
        let mut limit = ask.limit.unwrap_or(1000);
        // The checks that have another purpose list by threes.
        if self.breaks("a_page_holds_no_more_than_was_asked_for") && limit > 3 {
            limit += 1;
        }
        let items: Vec<_> = left.by_ref().take(limit).collect();
        let last = items.last().map(|entry| PageToken::new(format!("{}@{}", self.changes, entry.id)));
        Ok(Page { items, next: left.next().and(last) })
    }

    fn open(&self, ask: &Ask) -> Answer {
        let path = self.path(&ask.id)?;
        let nothing = Ok((Vec::new(), Some("0".to_owned())));
        let Some((content, _)) = self.files.get(path) else {
            let folder = self.is_folder(path) && self.breaks("a_folder_has_no_content");
            let gone = self.removed.contains(path) && self.breaks("a_missing_file_is_not_found");
            return if folder || gone { nothing } else { Err(404) };
        };
        if content.is_empty() && self.breaks("an_empty_file_is_empty") {
            return Err(404);
        }
        let mark = self.file(path).and_then(|entry| entry.fingerprint).map(|mark| mark.as_str().to_owned());
        let pinned = ask.fingerprint.is_some() && !self.breaks("a_changed_file_is_not_passed_off_as_the_listed_one");
        if pinned && ask.fingerprint != mark {
            return Err(409);
        }
        let from = content.len().min(ask.offset as usize);
        let more = u64::from(self.breaks("a_range_gives_exactly_its_bytes") && ask.length.is_some());
        let length = ask.length.map_or(usize::MAX, |length| (length + more) as usize);
        let until = content.len().min(from.saturating_add(length));
        let mut bytes = content[from..until].to_vec();
        if self.breaks("a_file_comes_byte_for_byte") {
            let pairs: Vec<_> = (1..bytes.len()).filter(|at| bytes[at - 1..=*at] == *b"\r\n").collect();
            for at in pairs.into_iter().rev() {
                bytes.remove(at - 1);
            }
        }
        if self.breaks("a_large_file_comes_whole") {
            bytes.truncate(4 << 20);
        }
        Ok((bytes, mark))
    }
}
