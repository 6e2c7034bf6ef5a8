//! The reference consumer of changes: what a program ends up with that does what the contract says.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use catchment_core::{Browse, Change, ChangePage, Changes, Connector, Cursor, Entry, EntryId, ErrorKind, PageRequest};

use crate::verdict::{Verdict, ensure};

/// More pages than any feed or listing of a test has.
const ENOUGH: usize = 10_000;

/// Everything below a root, kept up to date by a feed.
#[derive(Debug, Clone)]
pub struct Mirror {
    root: EntryId,
    entries: HashMap<EntryId, Known>,
    /// Counts what was told, so that the latest of two containers at one path is known.
    told: u64,
    cursor: Cursor,
}

#[derive(Debug, Clone)]
struct Known {
    entry: Entry,
    parent: EntryId,
    told: u64,
}

impl Mirror {
    /// Takes the cursor of now, and then walks everything.
    pub async fn new(connector: &dyn Connector) -> Verdict<Self> {
        let (browse, changes) = both(connector)?;
        let cursor = changes.now().await?;
        Self::walked(browse, cursor).await
    }

    /// Walks everything; `cursor` was taken before.
    pub async fn walked(browse: &dyn Browse, cursor: Cursor) -> Verdict<Self> {
        let root = browse.lookup("").await?.id;
        let mut mirror = Self { root: root.clone(), entries: HashMap::new(), told: 0, cursor };
        mirror.walk(browse, root).await?;
        Ok(mirror)
    }

    /// Up to where the feed was followed.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Follows the feed until there is no more at once, and gives how many changes there were.
    /// Where the cursor is no longer honoured, everything is walked anew.
    pub async fn follow(&mut self, connector: &dyn Connector) -> Verdict<usize> {
        let (browse, changes) = both(connector)?;
        let mut count = 0;
        for _ in 0..ENOUGH {
            let page = match changes.changes(&self.cursor).await {
                Err(error) if error.kind() == ErrorKind::CursorExpired => {
                    *self = Self::new(connector).await?;
                    return Ok(count);
                }
                page => page?,
            };
            count += page.changes.len();
            let more = page.more;
            self.apply(page, browse).await?;
            if !more {
                return Ok(count);
            }
        }
        Err("the feed does not end".into())
    }

    /// Applies a page, and walks every container that it brings and that was not known.
    pub async fn apply(&mut self, page: ChangePage, browse: &dyn Browse) -> Verdict {
        ensure!(!page.more || page.cursor != self.cursor, "there is more, and the cursor did not move");
        for change in page.changes {
            match change {
                Change::Remove(id) => self.remove(&id),
                Change::Upsert(entry) => {
                    ensure!(entry.id != self.root, "the feed tells of the root as of something below it");
                    if !entry.is_container() {
                        // It may have taken the place of a container, with the same id.
                        self.remove(&entry.id);
                    }
                    let unknown = entry.is_container() && !self.entries.contains_key(&entry.id);
                    let id = entry.id.clone();
                    let parent = match &entry.parent {
                        Some(parent) => parent.clone(),
                        None => self.parent_by_path(&entry)?,
                    };
                    self.set(*entry, parent);
                    if unknown {
                        self.walk(browse, id).await?;
                    }
                }
            }
        }
        self.cursor = page.cursor;
        Ok(())
    }

    /// Everything, by path from the root. A path that two entries have comes twice. What lies in a
    /// container that is not known is not below the root.
    pub fn entries(&self) -> Verdict<Vec<(String, &Entry)>> {
        let mut all = Vec::new();
        for known in self.entries.values() {
            all.extend(self.path(&known.entry.id)?.map(|path| (path, &known.entry)));
        }
        all.sort_by(|one, other| (&one.0, &one.1.id).cmp(&(&other.0, &other.1.id)));
        Ok(all)
    }

    /// Where two mirrors of one source differ, in sentences: entries, paths, kinds, sizes,
    /// fingerprints of files.
    pub fn differences(&self, other: &Self) -> Verdict<Vec<String>> {
        let shape = |all: Vec<(String, &Entry)>| -> BTreeMap<EntryId, String> {
            let file = |entry: &Entry| {
                let mark = entry.fingerprint.as_ref().map(|mark| mark.as_str().to_owned());
                format!("{:?} bytes, fingerprint {mark:?}", entry.size)
            };
            all.into_iter()
                .map(|(path, entry)| {
                    let what = if entry.is_container() { "folder".to_owned() } else { file(entry) };
                    (entry.id.clone(), format!("{path:?}: {what}"))
                })
                .collect()
        };
        let (ours, theirs) = (shape(self.entries()?), shape(other.entries()?));
        let ids: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        let differ = ids.into_iter().filter(|id| ours.get(*id) != theirs.get(*id));
        Ok(differ
            .map(|id| match (ours.get(id), theirs.get(id)) {
                (Some(one), Some(other)) => format!("{id} is {one}, and should be {other}"),
                (Some(one), None) => format!("{id} is {one}, and should not be there"),
                (None, other) => format!("{id} is missing: {}", other.map_or("", String::as_str)),
            })
            .collect())
    }

    /// Lists a container and all below it. What is gone by now is left to the feed, and so is what was
    /// known before: the listing may run ahead of what the feed will tell of it.
    async fn walk(&mut self, browse: &dyn Browse, top: EntryId) -> Verdict {
        let (mut left, mut seen, begun) = (vec![top], HashSet::new(), self.told);
        while let Some(container) = left.pop() {
            // What moves while it is walked is met twice, or not at all; the feed has it either way.
            if !seen.insert(container.clone()) {
                continue;
            }
            let mut request = PageRequest::first();
            for turn in 0.. {
                ensure!(turn < ENOUGH, "the listing of {container} does not end");
                let page = match browse.children(&container, request.clone()).await {
                    Err(error) if error.kind() == ErrorKind::NotFound && container != self.root => break,
                    page => page?,
                };
                for entry in page.items {
                    if self.entries.get(&entry.id).is_some_and(|known| known.told <= begun) {
                        continue;
                    }
                    if entry.is_container() {
                        left.push(entry.id.clone());
                    }
                    self.set(entry, container.clone());
                }
                match page.next {
                    None => break,
                    Some(next) => request.token = Some(next),
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, entry: Entry, parent: EntryId) {
        self.told += 1;
        self.entries.insert(entry.id.clone(), Known { entry, parent, told: self.told });
    }

    fn remove(&mut self, id: &EntryId) {
        let mut left = vec![id.clone()];
        while let Some(id) = left.pop() {
            // What lies in it goes as well, if only that was told of.
            self.entries.remove(&id);
            left.extend(self.entries.values().filter(|known| known.parent == id).map(|known| known.entry.id.clone()));
        }
    }

    /// The container that was told last to be at the path above an entry.
    fn parent_by_path(&self, entry: &Entry) -> Verdict<EntryId> {
        let Some((above, _)) = entry.path.rsplit_once('/') else { return Ok(self.root.clone()) };
        let there = self.entries.values().filter(|known| {
            known.entry.is_container() && self.path(&known.entry.id).is_ok_and(|path| path.as_deref() == Some(above))
        });
        match there.max_by_key(|known| known.told) {
            Some(known) => Ok(known.entry.id.clone()),
            None => Err(format!("{:?} names no parent, and no container was told of at {above:?}", entry.path).into()),
        }
    }

    fn path(&self, id: &EntryId) -> Verdict<Option<String>> {
        let mut names = Vec::new();
        let mut at = id;
        while *at != self.root {
            let Some(known) = self.entries.get(at) else { return Ok(None) };
            ensure!(names.len() < 1000, "{id} lies below itself");
            names.push(known.entry.name.as_str());
            at = &known.parent;
        }
        names.reverse();
        Ok(Some(names.join("/")))
    }
}

/// Both are needed: a feed tells what to list.
fn both(connector: &dyn Connector) -> Verdict<(&dyn Browse, &dyn Changes)> {
    let Some(changes) = connector.changes() else { return Err("the connector has no feed of changes".into()) };
    Ok((connector.need_browse()?, changes))
}
