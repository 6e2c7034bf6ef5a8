//! The tree: which entry is in which container, and what a change of a feed does to it.

use std::collections::{HashMap, HashSet};

use catchment_core::{Change, Entry, EntryId, Known, Result, Run, Told, Unseen};
use serde_json::{Value as Json, json};

use super::entries::{read, stamped};
use crate::{
    db::{Sql, Tx, Value, over_page, page, values},
    time,
};

/// A table `below`: containers of the page `$1` in the integration `$2`, and all that are in them,
/// however deep. `UNION` ends it where two containers are in each other, as they may be between two
/// changes.
macro_rules! over_containers {
    ($then:expr $(,)?) => {
        over_containers!(sqlite: $then, postgres: $then)
    };
    // Of what is in one of them: by the index, see `by_index`.
    ($before:expr, by: $index:literal, $after:expr $(,)?) => {
        over_containers!(
            sqlite: concat!($before, " INDEXED BY ", $index, " ", $after),
            postgres: concat!($before, " ", $after)
        )
    };
    (sqlite: $sqlite:expr, postgres: $postgres:expr $(,)?) => {
        over_page!(
            "WITH RECURSIVE below (entry) AS (SELECT page.entry FROM",
            sqlite: concat!(over_containers!(), $sqlite),
            postgres: concat!(over_containers!(), $postgres),
        )
    };
    () => {
        "UNION SELECT x.entry FROM below JOIN containers AS x ON x.integration = $2 AND x.parent = below.entry) "
    };
}

/// A container that a walk met, which lists it as well; only for the run that has the feed, or
/// another one would take what this one has yet to list for listed.
pub(super) const WALKED: Sql = over_page!(
    "INSERT INTO containers (integration, entry, parent, leaf, path, seen_run, listed)
     SELECT $2, page.value ->> 0, page.value ->> 1, page.value ->> 2, page.value ->> 3, $3, true FROM",
    "WHERE EXISTS (SELECT 1 FROM feeds WHERE feeds.integration = $2 AND feeds.run = $3)
     ON CONFLICT (integration, entry) DO UPDATE SET
         parent = excluded.parent, leaf = excluded.leaf, path = excluded.path,
         seen_run = excluded.seen_run, listed = true
     WHERE containers.seen_run < excluded.seen_run",
);

const ADD: &str = "INSERT INTO containers (integration, entry, parent, leaf, path, seen_run, listed)
     VALUES ($1, $2, $3, $4, $5, $6, false)";

const MOVE: &str = "UPDATE containers SET parent = $3, leaf = $4, path = $5, seen_run = $6
     WHERE integration = $1 AND entry = $2";

const FIND: &str = "SELECT path FROM containers WHERE integration = $1 AND entry = $2";

/// Everything below the container `$2`, with the path that follows from its own. Between two changes
/// it may lie below itself.
macro_rules! follow {
    ($update:literal, sqlite: $by:literal, $rest:literal $(,)?) => {
        Sql {
            sqlite: concat!(follow!(" INDEXED BY containers_by_parent "), $update, $by, $rest),
            postgres: concat!(follow!(" "), $update, " ", $rest),
        }
    };
    ($by:literal) => {
        concat!(
            "WITH RECURSIVE below (entry, path) AS (
                 SELECT entry, path FROM containers WHERE integration = $1 AND entry = $2
                 UNION ALL
                 SELECT x.entry, CASE below.path WHEN '' THEN x.leaf ELSE below.path || '/' || x.leaf END
                 FROM below JOIN containers AS x",
            $by,
            "ON x.integration = $1 AND x.parent = below.entry AND x.entry <> $2) "
        )
    };
}

pub(super) const FOLLOW_CONTAINERS: Sql = follow!(
    "UPDATE containers",
    sqlite: " ",
    "SET path = below.path FROM below
     WHERE containers.integration = $1 AND containers.entry = below.entry",
);

/// Their documents carry the old paths.
pub(super) const FOLLOW_ENTRIES: Sql = follow!(
    "UPDATE entries",
    sqlite: " INDEXED BY entries_by_parent ",
    "SET path = below.path || '/' || entries.leaf, digest = NULL, fingerprint = NULL, content_hash = NULL FROM below
     WHERE entries.integration = $1 AND entries.parent = below.entry
     AND entries.path <> below.path || '/' || entries.leaf",
);

pub(super) const BURY: Sql = over_page!(
    "UPDATE entries SET buried_at = $3, buried_run = $4 WHERE integration = $2 AND buried_at IS NULL AND entry IN (SELECT page.entry FROM",
    ")",
);

pub(super) const BURY_BELOW: Sql = over_containers!(
    "UPDATE entries",
    by: "entries_by_parent",
    "SET buried_at = $3, buried_run = $4 WHERE integration = $2 AND buried_at IS NULL
     AND parent IN (SELECT entry FROM below)",
);

pub(super) const DROP_BELOW: Sql =
    over_containers!("DELETE FROM containers WHERE integration = $2 AND entry IN (SELECT entry FROM below)",);

pub(super) const DOOMED: Sql = over_page!(
    "SELECT entry FROM entries WHERE integration = $2 AND buried_at IS NULL AND entry IN (SELECT page.entry FROM",
    "WHERE page.value ->> 1 = 'gone')",
);

pub(super) const DOOMED_BELOW: Sql = over_containers!(
    "SELECT count(*) FROM entries",
    by: "entries_by_parent",
    "WHERE integration = $2 AND buried_at IS NULL AND parent IN (SELECT entry FROM below)",
);

const LIVING: &str = "SELECT count(*) FROM entries WHERE integration = $1 AND buried_at IS NULL";

/// As it was told last: a feed comes to an end, and its last word holds. With another fingerprint it
/// has not failed yet.
pub(super) const STAMP: Sql = over_page!(
    "INSERT INTO entries (integration, entry, path, added_run, seen_run, size, mime, modified, created, web_url,
                          parent, leaf, special, failed_fingerprint)
     SELECT $2, page.value ->> 0, page.value ->> 1, $3, $3, CAST(page.value ->> 2 AS BIGINT), page.value ->> 3,
            CAST(page.value ->> 4 AS BIGINT), CAST(page.value ->> 5 AS BIGINT), page.value ->> 6,
            page.value ->> 7, page.value ->> 8, CAST(page.value ->> 9 AS BIGINT) = 1, page.value ->> 10 FROM",
    "WHERE true
     ON CONFLICT (integration, entry) DO UPDATE SET
         path = excluded.path,
         fingerprint = CASE WHEN entries.path = excluded.path THEN entries.fingerprint END,
         content_hash = CASE WHEN entries.path = excluded.path THEN entries.content_hash END,
         size = excluded.size, mime = excluded.mime, modified = excluded.modified, created = excluded.created,
         web_url = excluded.web_url, parent = excluded.parent, leaf = excluded.leaf, special = excluded.special,
         digest = NULL,
         failures = CASE WHEN entries.failed_fingerprint IS NOT DISTINCT FROM excluded.failed_fingerprint
                         THEN entries.failures ELSE 0 END,
         seen_run = CASE WHEN entries.seen_run < $3 THEN $3 ELSE entries.seen_run END,
         buried_at = NULL",
);

pub(super) const LOOK_UP: Sql = over_page!(
    "SELECT page.key, x.path, x.seen_run, x.fingerprint, x.content_hash, x.chunks, x.portfolio,
            x.failures, x.failed_fingerprint, x.failed_until, x.failed_kind, x.failed_message
     FROM",
    "CROSS JOIN entries AS x WHERE x.integration = $2 AND x.entry = page.entry AND x.buried_at IS NULL",
);

pub(super) const KNOWN: Sql = over_page!(
    "SELECT page.key FROM",
    "WHERE EXISTS (SELECT 1 FROM containers AS x WHERE x.integration = $2 AND x.entry = page.entry)
     OR EXISTS (SELECT 1 FROM entries AS x WHERE x.integration = $2 AND x.entry = page.entry AND x.buried_at IS NULL)",
);

/// What is written of a container that was met.
pub(super) fn container(entry: &Entry) -> Json {
    let path = entry.path.trim_end_matches('/');
    json!([entry.id.as_str(), entry.parent.as_ref().map(EntryId::as_str), entry.leaf(), path])
}

/// What changes mean, within one transaction.
pub(super) struct Tree<'a> {
    pub(super) tx: &'a mut Tx,
    pub(super) run: Run,
}

impl Tree<'_> {
    pub(super) async fn doomed(&mut self, changes: &[Change]) -> Result<Unseen> {
        let ids = page::page(changes.iter().filter_map(|change| match change {
            Change::Remove(id) => Some(json!([id.as_str(), "gone"])),
            Change::Upsert(entry) if !entry.is_container() => Some(json!([entry.id.as_str(), "there"])),
            Change::Upsert(_) => None,
        }));
        let integration = self.run.integration;
        let gone = self.tx.all(DOOMED, [ids.value(self.tx), integration.into()]).await?.len() as u64;
        let below = self.tx.one(DOOMED_BELOW, [ids.value(self.tx), integration.into()]).await?.large_count(0)?;
        if gone + below == 0 {
            return Ok(Unseen::default());
        }
        let living = self.tx.one(LIVING, values![integration]).await?.large_count(0)?;
        // What is removed by itself and with its container counts once.
        Ok(Unseen { living, unseen: (gone + below).min(living) })
    }

    /// Changes of one kind in a row are one statement; containers go one by one.
    pub(super) async fn told(&mut self, changes: &[Change]) -> Result<Told> {
        let mut told = Told::default();
        let mut files: HashMap<&EntryId, &Entry> = HashMap::new();
        let mut rest = changes;
        while let Some(first) = rest.first() {
            let kind = self::kind(first);
            let many = rest.iter().take_while(|next| self::kind(next) == kind).count();
            let (some, more) = rest.split_at(many);
            match kind {
                Kind::Gone => {
                    let ids: Vec<_> = some.iter().filter_map(removed).collect();
                    told.buried += self.bury(&ids).await?;
                }
                Kind::File => {
                    let some: Vec<_> = some.iter().filter_map(upserted).collect();
                    files.extend(some.iter().map(|entry| (&entry.id, *entry)));
                    told.buried += self.files(&some).await?;
                }
                Kind::Container => {
                    for entry in some.iter().filter_map(upserted) {
                        told.buried += self.container(entry).await?;
                    }
                }
            }
            rest = more;
        }
        told.files = self.look_up(files.into_values()).await?;
        Ok(told)
    }

    /// What the listing of a container shows and nobody knew.
    pub(super) async fn found(&mut self, container: &EntryId, entries: &[Entry]) -> Result<Vec<(Entry, Known)>> {
        let ids = page::page(entries.iter().map(|entry| json!([entry.id.as_str()])));
        let rows = self.tx.all(KNOWN, [ids.value(self.tx), self.run.integration.into()]).await?;
        let known = rows.iter().map(|row| row.int(0)).collect::<Result<HashSet<_>>>()?;
        let new = (0_i64..).zip(entries).filter(|(at, _)| !known.contains(at)).map(|(_, entry)| {
            let mut entry = entry.clone();
            entry.parent = Some(container.clone());
            Change::Upsert(Box::new(entry))
        });
        let new: Vec<Change> = new.collect();
        Ok(self.told(&new).await?.files)
    }

    async fn files(&mut self, entries: &[&Entry]) -> Result<u64> {
        let ids: Vec<_> = entries.iter().map(|entry| &entry.id).collect();
        let buried = self.bury_below(&ids).await?;
        // The last word on each, in one statement.
        let mut met = HashSet::new();
        let mut places: HashMap<EntryId, Option<String>> = HashMap::new();
        let mut rows = Vec::with_capacity(entries.len());
        for entry in entries.iter().rev().filter(|entry| met.insert(&entry.id)) {
            if let Some(parent) = entry.parent.as_ref().filter(|parent| !places.contains_key(*parent)) {
                let path = self.path(parent).await?;
                places.insert(parent.clone(), path);
            }
            let mut placed = (*entry).clone();
            if let Some(above) = entry.parent.as_ref().and_then(|parent| places.get(parent)?.as_deref()) {
                placed.path = below(above, entry.leaf());
            }
            rows.push(stamped(&placed));
        }
        let rows = page::page(rows.into_iter());
        self.tx.run(STAMP, [rows.value(self.tx), self.run.integration.into(), self.run.number.into()]).await?;
        Ok(buried)
    }

    async fn container(&mut self, entry: &Entry) -> Result<u64> {
        // What had its id was a file.
        let buried = self.bury_entries(&[&entry.id]).await?;
        let mut entry = entry.clone();
        if let Some(parent) = &entry.parent
            && let Some(above) = self.path(parent).await?
        {
            entry.path = below(&above, entry.leaf());
        }
        let Run { integration, number } = self.run;
        let known = self.path(&entry.id).await?;
        let parent = entry.parent.as_ref().map(EntryId::as_str);
        let place = values![integration, &entry.id, parent, entry.leaf(), entry.path.trim_end_matches('/'), number];
        self.tx.run(if known.is_some() { MOVE } else { ADD }, place).await?;
        if known.as_deref() != Some(entry.path.trim_end_matches('/')) {
            self.tx.run(FOLLOW_CONTAINERS, values![integration, &entry.id]).await?;
            self.tx.run(FOLLOW_ENTRIES, values![integration, &entry.id]).await?;
        }
        Ok(buried)
    }

    async fn path(&mut self, container: &EntryId) -> Result<Option<String>> {
        let row = self.tx.maybe(FIND, values![self.run.integration, container]).await?;
        row.map(|row| row.text(0)).transpose()
    }

    /// Everything of these ids, and what is below them.
    async fn bury(&mut self, ids: &[&EntryId]) -> Result<u64> {
        Ok(self.bury_entries(ids).await? + self.bury_below(ids).await?)
    }

    async fn bury_entries(&mut self, ids: &[&EntryId]) -> Result<u64> {
        let values = self.over(ids, &[time::now(), self.run.number]);
        self.tx.run(BURY, values).await
    }

    async fn bury_below(&mut self, ids: &[&EntryId]) -> Result<u64> {
        let values = self.over(ids, &[time::now(), self.run.number]);
        let buried = self.tx.run(BURY_BELOW, values).await?;
        let values = self.over(ids, &[]);
        self.tx.run(DROP_BELOW, values).await?;
        Ok(buried)
    }

    fn over(&self, ids: &[&EntryId], more: &[i64]) -> Vec<Value<'static>> {
        let ids = page::page(ids.iter().map(|id| json!([id.as_str()]))).value(self.tx);
        [ids, self.run.integration.into()].into_iter().chain(more.iter().map(|value| Value::from(*value))).collect()
    }

    /// Those that are there, each with its path by now and what is known of it.
    async fn look_up(&mut self, entries: impl Iterator<Item = &Entry>) -> Result<Vec<(Entry, Known)>> {
        let mut entries: Vec<Entry> = entries.cloned().collect();
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        let ids = page::page(entries.iter().map(|entry| json!([entry.id.as_str()])));
        let rows = self.tx.all(LOOK_UP, [ids.value(self.tx), self.run.integration.into()]).await?;
        let mut there = Vec::with_capacity(rows.len());
        for row in rows {
            let at = usize::try_from(row.int(0)?).unwrap_or(usize::MAX);
            let Some(entry) = entries.get(at) else { continue };
            let mut entry = entry.clone();
            entry.path = row.text(1)?;
            let known = Known { again: false, ..read(&row, &self.run, &entry)? };
            there.push((entry, known));
        }
        Ok(there)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gone,
    File,
    Container,
}

fn kind(change: &Change) -> Kind {
    match change {
        Change::Remove(_) => Kind::Gone,
        Change::Upsert(entry) if entry.is_container() => Kind::Container,
        Change::Upsert(_) => Kind::File,
    }
}

fn removed(change: &Change) -> Option<&EntryId> {
    match change {
        Change::Remove(id) => Some(id),
        Change::Upsert(_) => None,
    }
}

fn upserted(change: &Change) -> Option<&Entry> {
    match change {
        Change::Upsert(entry) => Some(entry),
        Change::Remove(_) => None,
    }
}

fn below(above: &str, leaf: &str) -> String {
    if above.is_empty() { leaf.to_owned() } else { format!("{above}/{leaf}") }
}
