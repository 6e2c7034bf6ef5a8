//! Listing, finding and searching.

use std::collections::HashMap;

use catchment_client::Offset;
use catchment_core::{
    Browse, Entry, EntryId, Error, ErrorKind, Fingerprint, Page, PageRequest, Result, async_trait, page,
};
use futures::TryStreamExt;

use crate::{
    connection::Connection,
    ids::{Place, Project},
    json::Resource,
    paging::Position,
};

/// The longest list of things that come all at once.
const ALL: u32 = 10_000;

#[async_trait]
impl Browse for Connection {
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let place = Place::of(parent)?;
        let path = self.tree.path(&self.wire, self.root().await?, &place).await?;
        self.list(&place, &path, &page).await
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        let root = self.root().await?;
        let mut at = Entry::container(root.id(), "");
        let mut rest = path;
        while !rest.is_empty() {
            let found = self.lead(&at, rest).await?;
            (at, rest) = found.ok_or_else(|| Error::not_found(path))?;
        }
        Ok(at)
    }

    /// The vendor's own search: below a folder, for a person, by names as they are written. It may
    /// lag behind.
    async fn search(&self, query: &str, under: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let Place::Folder(project, folder) = Place::of(under)? else {
            return Err(Error::unsupported("Autodesk searches below a folder only"));
        };
        if self.wire.access().app.is_some() {
            return Err(Error::unsupported("Autodesk lets no app search by itself"));
        }
        let root = self.root().await?;
        self.tree.path(&self.wire, root, &Place::Folder(project.clone(), folder.clone())).await?;
        let found = self.wire.search(&project, &folder, query, &page).await?;
        let next = self.wire.next(&found.links, &page)?;
        let items: HashMap<&str, &Resource> = found.included.iter().map(|item| (item.id.as_str(), item)).collect();
        let mut entries = Vec::new();
        for version in found.data.iter().filter(|version| !version.is_deleted()) {
            let Some(item) = version.related("item").and_then(|id| items.get(id)) else { continue };
            let Some(parent) = item.related("parent").filter(|_| !item.is_deleted()) else { continue };
            let parent = Place::Folder(project.clone(), parent.to_owned());
            match self.tree.path(&self.wire, root, &parent).await {
                Ok(path) => entries.push(file(&project, item, Some(version), &path)),
                // Moved away since the search's index was made.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Page { items: entries, next })
    }
}

impl Connection {
    /// What a path goes on with in a container, and the rest of the path. Names may hold slashes.
    async fn lead<'a>(&self, container: &Entry, path: &'a str) -> Result<Option<(Entry, &'a str)>> {
        let place = &Place::of(&container.id)?;
        let listed =
            page::items(
                PageRequest::first(),
                |request| async move { self.list(place, &container.path, &request).await },
            );
        let mut listed = std::pin::pin!(listed);
        while let Some(entry) = listed.try_next().await? {
            match path.strip_prefix(&entry.name) {
                Some("") => return Ok(Some((entry, ""))),
                Some(rest) if entry.is_container() && rest.len() > 1 && rest.starts_with('/') => {
                    return Ok(Some((entry, &rest[1..])));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// One page of what is in a container, of which the path is known.
    pub(crate) async fn list(&self, place: &Place, path: &str, page: &PageRequest) -> Result<Page<Entry>> {
        let there = |one: &&Resource| !one.is_deleted();
        Ok(match place {
            Place::All => {
                let hubs = self.tree.ask_hubs(&self.wire, true).await?;
                part(
                    hubs.iter().filter(there).map(|hub| folder(&Place::Hub(hub.id.clone()), hub, path)).collect(),
                    page,
                )?
            }
            Place::Hub(hub) => {
                let position = Position::of(page)?;
                let found = self.wire.projects(hub, &position.here).await?;
                if let Some(before) = position.before() {
                    position.stands(&self.wire.projects(hub, before).await?.data)?;
                }
                self.tree.seen(place, &found.data);
                let at = |id: &str| Place::Project(Project { hub: hub.clone(), id: id.to_owned() });
                let items = found.data.iter().map(|project| folder(&at(&project.id), project, path)).collect();
                Page { items, next: position.next(&found.data, self.wire.next(&found.links, page)?) }
            }
            Place::Project(project) => {
                let found = self.wire.top_folders(project).await?.data;
                self.tree.keep_tops(project, &found);
                let at = |id: &str| Place::Folder(project.clone(), id.to_owned());
                part(found.iter().filter(there).map(|top| folder(&at(&top.id), top, path)).collect(), page)?
            }
            Place::Folder(project, id) => {
                let position = Position::of(page)?;
                let found = self.wire.contents(project, id, &position.here).await?;
                if let Some(before) = position.before() {
                    position.stands(&self.wire.contents(project, id, before).await?.data)?;
                }
                self.tree.seen(place, &found.data);
                let tips: HashMap<&str, &Resource> = found.included.iter().map(|tip| (tip.id.as_str(), tip)).collect();
                let entry = |one: &Resource| match one.kind.as_str() {
                    "folders" => folder(&Place::Folder(project.clone(), one.id.clone()), one, path),
                    _ => file(project, one, one.related("tip").and_then(|tip| tips.get(tip)).copied(), path),
                };
                let is_gone = |one: &Resource| {
                    one.is_deleted()
                        || one.related("tip").and_then(|tip| tips.get(tip)).is_some_and(|tip| tip.is_deleted())
                };
                let items = found.data.iter().filter(|one| !is_gone(one)).map(entry).collect();
                Page { items, next: position.next(&found.data, self.wire.next(&found.links, page)?) }
            }
            Place::Item(..) => return Err(Error::unsupported("a file has no children")),
        })
    }
}

/// The part of a whole list that a page is.
fn part(all: Vec<Entry>, page: &PageRequest) -> Result<Page<Entry>> {
    let offset = Offset::of(page, ALL, ALL)?;
    let total = all.len() as u64;
    let start = usize::try_from(offset.offset).unwrap_or(usize::MAX);
    Ok(offset.page(all.into_iter().skip(start).take(offset.limit as usize).collect(), Some(total)))
}

/// A hub, project or folder.
fn folder(place: &Place, one: &Resource, parent: &str) -> Entry {
    let name = one.shown();
    let mut entry = Entry::container(place.id(), join(parent, &name));
    entry.name = name;
    entry.modified = one.attributes.last_modified_time;
    entry.created = one.attributes.create_time;
    entry.web_url = one.page();
    entry
}

/// An item, as its tip version is.
fn file(project: &Project, item: &Resource, tip: Option<&Resource>, parent: &str) -> Entry {
    let name = tip.unwrap_or(item).shown();
    let (id, path) = (Place::Item(project.clone(), item.id.clone()).id(), join(parent, &name));
    let mut entry = match tip {
        _ if item.kind != "items" => Entry::special(id, path, "of a kind that this connector does not know"),
        Some(tip) if tip.related("storage").is_none() => Entry::special(id, path, NO_CONTENT),
        _ => Entry::file(id, path),
    };
    entry.name = name;
    entry.created = item.attributes.create_time;
    entry.fingerprint = tip.map(|tip| tip.id.as_str()).or(item.related("tip")).map(Fingerprint::new);
    let attributes = &tip.unwrap_or(item).attributes;
    entry.modified = attributes.last_modified_time;
    entry.size = attributes.storage_size;
    entry.mime = attributes.mime_type.clone().filter(|mime| !mime.is_empty() && mime != "application/octet-stream");
    entry.web_url = tip.and_then(Resource::page).or_else(|| item.page());
    entry
}

/// Why there is nothing to read.
pub(crate) const NO_CONTENT: &str =
    "Autodesk holds no file for this version: publish the model, or convert it in its own program";

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") }
}
