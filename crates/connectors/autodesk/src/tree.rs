//! Where folders are: paths are found from below, since ids say nothing of them.
//!
//! What a listing tells of folders is kept for a while, so that a walk asks for no folder twice; what
//! nobody has listed is asked for, parent by parent. The same way up shows that a place is below the
//! connection's root.

use std::{collections::HashMap, sync::Arc, time::Duration};

use catchment_core::{Error, ErrorKind, PageRequest, Result};
use moka::sync::Cache;

use crate::{
    errors,
    ids::{Place, Project},
    json::Resource,
    wire::Wire,
};

/// How long a name is believed. A folder that is renamed shows its old one no longer than this.
const BELIEVED: Duration = Duration::from_secs(5 * 60);

/// Folders that are remembered: some 200 bytes each.
const FOLDERS: u64 = 50_000;

/// Deeper than folders can be nested, which is 25 levels.
const DEEPEST: usize = 200;

#[derive(Debug)]
pub(crate) struct Tree {
    folders: Cache<(Project, String), Known>,
    tops: Cache<Project, Arc<HashMap<String, String>>>,
    projects: Cache<Project, String>,
    hubs: Cache<(), Arc<Vec<Resource>>>,
}

#[derive(Debug, Clone)]
struct Known {
    name: String,
    parent: Option<String>,
}

impl Tree {
    pub(crate) fn new() -> Self {
        fn cache<K: std::hash::Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static>(
            most: u64,
        ) -> Cache<K, V> {
            Cache::builder().max_capacity(most).time_to_live(BELIEVED).build()
        }
        Self { folders: cache(FOLDERS), tops: cache(1_000), projects: cache(10_000), hubs: cache(1) }
    }

    /// Remembers the folders and projects that a listing showed.
    pub(crate) fn seen(&self, parent: &Place, children: &[Resource]) {
        for child in children {
            match (parent, child.kind.as_str()) {
                (Place::Hub(hub), "projects") => {
                    self.projects.insert(Project { hub: hub.clone(), id: child.id.clone() }, child.shown());
                }
                (Place::Folder(project, folder), "folders") => {
                    let known = Known { name: child.shown(), parent: Some(folder.clone()) };
                    self.folders.insert((project.clone(), child.id.clone()), known);
                }
                _ => {}
            }
        }
    }

    /// The hubs, asked for anew; `all` where it has to be all there are.
    ///
    /// # Errors
    /// With `all`: `Unavailable` when a region has trouble, whose hubs would seem to be gone; `Forbidden`
    /// when no account lets the app in.
    pub(crate) async fn ask_hubs(&self, wire: &Wire, all: bool) -> Result<Arc<Vec<Resource>>> {
        let answer = wire.hubs().await?;
        if all && answer.meta.warnings.iter().any(|warning| !warning.is_refusal()) {
            let message = "a region of Autodesk does not answer, and its hubs are not known: list them again later";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        if all && answer.data.is_empty() {
            return Err(errors::not_added(wire.access().app.as_deref()));
        }
        let hubs = Arc::new(answer.data);
        self.hubs.insert((), Arc::clone(&hubs));
        Ok(hubs)
    }

    pub(crate) async fn hubs(&self, wire: &Wire) -> Result<Arc<Vec<Resource>>> {
        match self.hubs.get(&()) {
            Some(hubs) => Ok(hubs),
            None => self.ask_hubs(wire, false).await,
        }
    }

    /// The path of a container below the root.
    ///
    /// # Errors
    /// `NotFound` when it is not below the root, or is gone.
    pub(crate) async fn path(&self, wire: &Wire, root: &Place, place: &Place) -> Result<String> {
        let mut names = Vec::new();
        let mut at = place.clone();
        while at != *root {
            at = match at {
                Place::Folder(project, folder) => {
                    let known = self.folder(wire, root, &project, &folder).await?;
                    names.push(known.name);
                    match known.parent {
                        Some(parent) => Place::Folder(project, parent),
                        None => Place::Project(project),
                    }
                }
                Place::Project(project) => {
                    names.push(self.project(wire, &project).await?);
                    Place::Hub(project.hub)
                }
                Place::Hub(hub) => {
                    let hubs = self.hubs(wire).await?;
                    let found = hubs.iter().find(|one| one.id == hub).ok_or_else(|| Error::not_found(&hub))?;
                    names.push(found.shown());
                    Place::All
                }
                Place::All | Place::Item(..) => return Err(Error::not_found(place.id())),
            };
            if names.len() > DEEPEST {
                return Err(Error::protocol("a folder is its own parent, says the vendor"));
            }
        }
        names.reverse();
        Ok(names.join("/"))
    }

    async fn project(&self, wire: &Wire, project: &Project) -> Result<String> {
        if let Some(name) = self.projects.get(project) {
            return Ok(name);
        }
        let name = wire.project(project).await?.data.shown();
        self.projects.insert(project.clone(), name.clone());
        Ok(name)
    }

    async fn folder(&self, wire: &Wire, root: &Place, project: &Project, folder: &str) -> Result<Known> {
        let key = (project.clone(), folder.to_owned());
        if let Some(known) = self.folders.get(&key) {
            return Ok(known);
        }
        // The uppermost folder that somebody may see need not be one of the project's own: what is
        // above it is refused. A root that is a folder is met before that.
        if !matches!(root, Place::Folder(..))
            && let Some(name) = self.tops(wire, project).await?.get(folder)
        {
            return Ok(Known { name: name.clone(), parent: None });
        }
        let found = match wire.folder(project, folder).await {
            Ok(found) => found.data,
            // Above the root of the connection: the way up does not lead through it.
            Err(error) if matches!(root, Place::Folder(..)) && error.kind() == ErrorKind::Forbidden => {
                return Err(Error::not_found(folder).source(error));
            }
            Err(error) => return Err(error),
        };
        let parent = found.related("parent").map(str::to_owned);
        // A folder without a parent that is no top folder is the project's own root, which nobody
        // lists.
        let (false, Some(parent)) = (found.is_deleted(), parent) else { return Err(Error::not_found(folder)) };
        let known = Known { name: found.shown(), parent: Some(parent) };
        self.folders.insert(key, known.clone());
        Ok(known)
    }

    /// The names of the uppermost folders of a project, by their ids.
    async fn tops(&self, wire: &Wire, project: &Project) -> Result<Arc<HashMap<String, String>>> {
        match self.tops.get(project) {
            Some(tops) => Ok(tops),
            None => Ok(self.keep_tops(project, &wire.top_folders(project).await?.data)),
        }
    }

    /// Remembers the uppermost folders of a project.
    pub(crate) fn keep_tops(&self, project: &Project, folders: &[Resource]) -> Arc<HashMap<String, String>> {
        let tops: Arc<HashMap<_, _>> = Arc::new(folders.iter().map(|one| (one.id.clone(), one.shown())).collect());
        self.tops.insert(project.clone(), Arc::clone(&tops));
        tops
    }

    /// Where the data of a hub is kept.
    pub(crate) async fn region(&self, wire: &Wire, hub: &str) -> Result<Option<String>> {
        let hubs = self.hubs(wire).await?;
        Ok(hubs.iter().find(|one| one.id == hub).and_then(|one| one.attributes.region.clone()))
    }
}

/// Every page of a list.
pub(crate) async fn all<F, Fut>(mut fetch: F) -> Result<Vec<Resource>>
where
    F: FnMut(PageRequest) -> Fut,
    Fut: Future<Output = Result<catchment_core::Page<Resource>>>,
{
    use futures::TryStreamExt;
    catchment_core::page::items(PageRequest::first(), &mut fetch).try_collect().await
}
