//! Following in memory.

use std::collections::{BTreeSet, HashMap, HashSet};

use async_trait::async_trait;
use catchment_core::{
    Change, Cursor, Due, Entry, EntryId, Error, ErrorKind, Feed, Following, IntegrationId, Known, Result, Run, Told,
    Unseen,
};
use chrono::Utc;

use super::{MemoryLedger, State};

/// A container.
#[derive(Debug, Default)]
pub(super) struct Container {
    parent: Option<EntryId>,
    leaf: String,
    path: String,
    seen_run: i64,
    listed: bool,
}

/// Who has taken a feed, and where it stands.
#[derive(Debug, Default)]
pub(super) struct Taken {
    run: i64,
    feed: Option<Feed>,
}

#[async_trait]
impl Following for MemoryLedger {
    async fn take_feed(&self, run: &Run) -> Result<Option<Feed>> {
        let mut state = self.state();
        let taken = state.feeds.entry(run.integration).or_default();
        if taken.run > run.number {
            return Err(held());
        }
        taken.run = run.number;
        Ok(taken.feed.clone())
    }

    async fn drop_feed(&self, run: &Run) -> Result<()> {
        self.state().taken(run)?.feed = None;
        Ok(())
    }

    async fn start_feed(&self, run: &Run, feed: &Feed) -> Result<()> {
        let mut state = self.state();
        state.taken(run)?.feed = Some(feed.clone());
        state.containers.retain(|(of, _), container| *of != run.integration || container.seen_run >= run.number);
        Ok(())
    }

    async fn move_feed(&self, run: &Run, cursor: &Cursor) -> Result<()> {
        if let Some(feed) = &mut self.state().taken(run)?.feed {
            feed.cursor.clone_from(cursor);
        }
        Ok(())
    }

    async fn doomed(&self, run: &Run, changes: &[Change]) -> Result<Unseen> {
        let mut state = self.state();
        state.taken(run)?;
        let (mut gone, mut above) = (HashSet::new(), HashSet::new());
        for change in changes {
            match change {
                Change::Remove(id) => {
                    gone.insert(id.clone());
                    above.insert(id.clone());
                }
                Change::Upsert(entry) if !entry.is_container() => drop(above.insert(entry.id.clone())),
                Change::Upsert(_) => {}
            }
        }
        let above = state.below(run.integration, above);
        let (mut living, mut unseen) = (0, 0);
        for (id, row) in state.of(run.integration).filter(|(_, row)| row.buried.is_none()) {
            living += 1;
            let is_below = row.parent.as_ref().is_some_and(|parent| above.contains(parent));
            unseen += u64::from(is_below || gone.contains(id));
        }
        Ok(if unseen == 0 { Unseen::default() } else { Unseen { living, unseen } })
    }

    async fn told(&self, run: &Run, changes: &[Change]) -> Result<Told> {
        let mut state = self.state();
        state.taken(run)?;
        Ok(state.told(run, changes))
    }

    async fn leave_feed(&self, run: &Run) -> Result<()> {
        let mut state = self.state();
        state.taken(run)?.feed = None;
        for (_, row) in state.of(run.integration).filter(|(_, row)| row.buried_run == run.number) {
            row.buried = None;
        }
        Ok(())
    }

    async fn unlisted(&self, run: &Run, limit: u32) -> Result<Vec<Entry>> {
        let state = self.state();
        let unlisted = state.containers.iter().filter(|((of, _), at)| *of == run.integration && !at.listed);
        let entries = unlisted.map(|((_, id), at)| Entry::container(id.as_str(), at.path.as_str()));
        Ok(entries.take(limit as usize).collect())
    }

    async fn found(&self, run: &Run, container: &EntryId, entries: &[Entry]) -> Result<Vec<(Entry, Known)>> {
        let mut state = self.state();
        state.taken(run)?;
        let mut new = Vec::new();
        for entry in entries {
            let key = (run.integration, entry.id.clone());
            let is_there = state.rows.get(&key).is_some_and(|row| row.buried.is_none());
            if !is_there && !state.containers.contains_key(&key) {
                let mut entry = entry.clone();
                entry.parent = Some(container.clone());
                new.push(Change::Upsert(Box::new(entry)));
            }
        }
        Ok(state.told(run, &new).files)
    }

    async fn listed(&self, run: &Run, container: &EntryId) -> Result<()> {
        let mut state = self.state();
        state.taken(run)?;
        if let Some(container) = state.containers.get_mut(&(run.integration, container.clone())) {
            container.listed = true;
        }
        Ok(())
    }

    async fn due(&self, run: &Run, after: Option<&EntryId>, limit: u32) -> Result<Vec<Due>> {
        let now = Utc::now();
        let mut state = self.state();
        let due = state.of(run.integration).filter(|(id, row)| {
            let work = match &row.failure {
                Some(failure) => failure.until.is_some_and(|until| until <= now),
                None => row.settled.is_none(),
            };
            work && row.buried.is_none() && !row.special && after.is_none_or(|after| *id > after)
        });
        let due = due.map(|(id, row)| Due { entry: id.clone(), path: row.path.clone() });
        Ok(due.take(limit as usize).collect())
    }
}

impl State {
    /// Where the feed stands, for the run that follows it.
    fn taken(&mut self, run: &Run) -> Result<&mut Taken> {
        self.feeds.get_mut(&run.integration).filter(|taken| taken.run == run.number).ok_or_else(held)
    }

    /// A container that a walk met, which lists it as well; only for the run that has the feed, or
    /// another one would take what this one has yet to list for listed.
    pub(super) fn walked(&mut self, run: &Run, entry: &Entry) -> Known {
        if self.taken(run).is_err() {
            return Known::default();
        }
        let container = self.containers.entry((run.integration, entry.id.clone())).or_default();
        if container.seen_run < run.number {
            *container = Container { seen_run: run.number, listed: true, ..Container::of(entry) };
        }
        Known::default()
    }

    fn told(&mut self, run: &Run, changes: &[Change]) -> Told {
        let mut told = Told::default();
        let mut files: HashMap<&EntryId, &Entry> = HashMap::new();
        let mut gone = HashSet::new();
        for change in changes {
            if let Change::Remove(id) = change {
                gone.insert(id.clone());
                continue;
            }
            told.buried += self.bury(run, std::mem::take(&mut gone), true);
            match change {
                Change::Remove(_) => {}
                Change::Upsert(entry) if entry.is_container() => told.buried += self.container(run, entry),
                Change::Upsert(entry) => {
                    if self.containers.contains_key(&(run.integration, entry.id.clone())) {
                        told.buried += self.bury(run, HashSet::from([entry.id.clone()]), false);
                    }
                    self.file(run, entry);
                    files.insert(&entry.id, entry);
                }
            }
        }
        told.buried += self.bury(run, gone, true);
        for entry in files.into_values() {
            let row = self.rows.get(&(run.integration, entry.id.clone())).filter(|row| row.buried.is_none());
            if let Some(row) = row {
                let mut entry = entry.clone();
                entry.path.clone_from(&row.path);
                let known = row.known(&entry);
                told.files.push((entry, known));
            }
        }
        told.files.sort_by(|(one, _), (other, _)| one.path.cmp(&other.path));
        told
    }

    fn file(&mut self, run: &Run, entry: &Entry) {
        let entry = self.placed(run, entry);
        let row = self.row(run, &entry);
        if row.path != entry.path {
            row.path.clone_from(&entry.path);
            row.settled = None;
        }
        row.parent.clone_from(&entry.parent);
        row.leaf = entry.leaf().to_owned();
        row.special = !entry.is_file();
        // With another fingerprint it has not failed yet.
        row.failure.take_if(|failure| failure.fingerprint != entry.fingerprint);
        row.seen_run = row.seen_run.max(run.number);
        row.buried = None;
    }

    fn container(&mut self, run: &Run, entry: &Entry) -> u64 {
        // What had its id was a file.
        let buried = self.bury_if(run, |id, _| *id == entry.id);
        let entry = self.placed(run, entry);
        let key = (run.integration, entry.id.clone());
        let known = self.containers.get(&key).map(|known| (known.path.clone(), known.listed));
        let now = Container::of(&entry);
        let stays = known.as_ref().is_some_and(|(path, _)| *path == now.path);
        let listed = known.is_some_and(|(_, listed)| listed);
        self.containers.insert(key, Container { seen_run: run.number, listed, ..now });
        if !stays {
            self.follow(run.integration, &entry.id);
        }
        buried
    }

    /// With the path that follows from its container, where that is known.
    fn placed(&self, run: &Run, entry: &Entry) -> Entry {
        let mut entry = entry.clone();
        let parent = entry.parent.as_ref().and_then(|parent| self.containers.get(&(run.integration, parent.clone())));
        if let Some(above) = parent {
            entry.path = below(&above.path, entry.leaf());
        }
        entry
    }

    /// Everything below a container follows it.
    fn follow(&mut self, integration: IntegrationId, top: &EntryId) {
        let mut left = vec![top.clone()];
        while let Some(id) = left.pop() {
            let Some(path) = self.containers.get(&(integration, id.clone())).map(|at| at.path.clone()) else {
                continue;
            };
            for ((of, child), at) in &mut self.containers {
                // Between two changes a container may lie below itself.
                if *of == integration && at.parent.as_ref() == Some(&id) && child != top {
                    at.path = below(&path, &at.leaf);
                    left.push(child.clone());
                }
            }
            for (_, row) in self.of(integration).filter(|(_, row)| row.parent.as_ref() == Some(&id)) {
                let path = below(&path, &row.leaf);
                if row.path != path {
                    row.path = path;
                    row.settled = None;
                }
            }
        }
    }

    /// Buries what is below these, and what has their ids if that is meant too.
    fn bury(&mut self, run: &Run, ids: HashSet<EntryId>, themselves: bool) -> u64 {
        if ids.is_empty() {
            return 0;
        }
        let integration = run.integration;
        let above = self.below(integration, ids.clone());
        self.containers.retain(|(of, at), _| *of != integration || !above.contains(at));
        let is_below = |parent: &Option<EntryId>| parent.as_ref().is_some_and(|parent| above.contains(parent));
        self.bury_if(run, |at, parent| is_below(parent) || (themselves && ids.contains(at)))
    }

    fn bury_if(&mut self, run: &Run, is_gone: impl Fn(&EntryId, &Option<EntryId>) -> bool) -> u64 {
        let now = Utc::now();
        let gone = self.of(run.integration).filter(|(id, row)| row.buried.is_none() && is_gone(id, &row.parent));
        gone.map(|(_, row)| (row.buried, row.buried_run) = (Some(now), run.number)).count() as u64
    }

    /// These and all containers below them.
    fn below(&self, integration: IntegrationId, mut all: HashSet<EntryId>) -> HashSet<EntryId> {
        loop {
            let more: BTreeSet<EntryId> = self
                .containers
                .iter()
                .filter(|((of, id), at)| {
                    *of == integration && !all.contains(id) && at.parent.as_ref().is_some_and(|id| all.contains(id))
                })
                .map(|((_, id), _)| id.clone())
                .collect();
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }
}

impl Container {
    fn of(entry: &Entry) -> Self {
        Self {
            parent: entry.parent.clone(),
            leaf: entry.leaf().to_owned(),
            path: entry.path.trim_end_matches('/').to_owned(),
            ..Self::default()
        }
    }
}

fn below(above: &str, leaf: &str) -> String {
    if above.is_empty() { leaf.to_owned() } else { format!("{above}/{leaf}") }
}

fn held() -> Error {
    Error::new(ErrorKind::Conflict, "a newer import follows the feed of this integration: wait for it to end")
}
