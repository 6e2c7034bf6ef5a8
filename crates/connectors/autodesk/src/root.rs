//! The root of a connection: from the words that a person gave to a place.

use catchment_core::{Error, ErrorKind, Page, Result};

use crate::{
    ids::{Place, Project},
    json::Resource,
    tree::{Tree, all},
    wire::Wire,
};

/// The place that `hub/project/folder/..` is, each part a name or an id.
///
/// # Errors
/// `Config`, naming `folder_path` and the part that is not there.
pub(crate) async fn find(wire: &Wire, tree: &Tree, path: &str) -> Result<Place> {
    let mut rest = path.trim().trim_matches('/');
    if rest.is_empty() {
        return Ok(Place::All);
    }
    let hubs = tree.hubs(wire).await?;
    let hub = take(&mut rest, &hubs).ok_or_else(|| missing("there is no hub of this name or id", rest))?.id.clone();
    if rest.is_empty() {
        return Ok(Place::Hub(hub));
    }
    let projects = all(|request| {
        let hub = hub.as_str();
        async move {
            let page = wire.projects(hub, &request).await?;
            Ok(Page { next: wire.next(&page.links, &request)?, items: page.data })
        }
    });
    let projects = projects.await?;
    let project =
        take(&mut rest, &projects).ok_or_else(|| missing("the hub has no project of this name or id", rest))?;
    let project = Project { hub, id: project.id.clone() };
    if rest.is_empty() {
        return Ok(Place::Project(project));
    }
    let mut at = match rest.split('/').next().filter(|part| part.starts_with("urn:")) {
        // An id may be that of any folder, the project's own root included.
        Some(id) => {
            let found = wire.folder(&project, id).await.map_err(|error| match error.kind() {
                ErrorKind::NotFound => missing("the project has no folder of this id", id),
                _ => error,
            })?;
            rest = rest[id.len()..].trim_start_matches('/');
            found.data.id
        }
        None => {
            let tops = wire.top_folders(&project).await?.data;
            take(&mut rest, &tops)
                .ok_or_else(|| missing("the project has no folder of this name at the top", rest))?
                .id
                .clone()
        }
    };
    while !rest.is_empty() {
        let (project, folder) = (&project, at.as_str());
        let children = all(|request| async move {
            let page = wire.contents(project, folder, &request).await?;
            Ok(Page { next: wire.next(&page.links, &request)?, items: page.data })
        });
        let children = children.await?;
        let child = take(&mut rest, &children).ok_or_else(|| missing("there is no folder of this name", rest))?;
        if child.kind != "folders" {
            return Err(Error::config("folder_path", "this is a file: give the folder it is in"));
        }
        at = child.id.clone();
    }
    Ok(Place::Folder(project, at))
}

/// The thing that the path begins with, taken off the path. Names are the same whatever the case, as
/// they are at Autodesk, but one that is the same to the letter comes first.
fn take<'a>(rest: &mut &str, among: &'a [Resource]) -> Option<&'a Resource> {
    let begins = |one: &Resource, name: &str, exact: bool| {
        let same = match rest.get(..name.len()) {
            Some(start) if exact => start == name,
            Some(start) => start.to_lowercase() == name.to_lowercase(),
            None => false,
        };
        // Names may hold slashes; what follows one is another part.
        (same && !name.is_empty() && !one.is_deleted() && matches!(rest.as_bytes().get(name.len()), None | Some(b'/')))
            .then_some(name.len())
    };
    let find = |exact: bool| {
        among
            .iter()
            .find_map(|one| Some((one, begins(one, &one.id, true).or_else(|| begins(one, &one.shown(), exact))?)))
    };
    let (found, length) = find(true).or_else(|| find(false))?;
    *rest = rest[length..].trim_start_matches('/');
    Some(found)
}

fn missing(message: &'static str, rest: &str) -> Error {
    let error = Error::config("folder_path", message);
    error.with("at", rest.split('/').next().unwrap_or_default())
}
