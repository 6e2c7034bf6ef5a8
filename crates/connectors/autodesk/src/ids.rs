//! Ids of entries: what an entry is, and where to ask for it.
//!
//! The vendor's own ids are good in their project only, and a project is found through its hub. They
//! hold no bar. Ids do not change when something is renamed, or moved within its project.

use catchment_core::{EntryId, Error, Result};

/// What an id stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// Every hub.
    All,
    Hub(String),
    Project(Project),
    Folder(Project, String),
    Item(Project, String),
}

/// A project, and the hub it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Project {
    pub(crate) hub: String,
    pub(crate) id: String,
}

impl Place {
    pub(crate) fn id(&self) -> EntryId {
        match self {
            Self::All => "all".into(),
            Self::Hub(hub) => format!("hub|{hub}").into(),
            Self::Project(project) => format!("project|{}|{}", project.hub, project.id).into(),
            Self::Folder(project, folder) => format!("folder|{}|{}|{folder}", project.hub, project.id).into(),
            Self::Item(project, item) => format!("item|{}|{}|{item}", project.hub, project.id).into(),
        }
    }

    /// # Errors
    /// `NotFound` when the id is not one that was given out here.
    pub(crate) fn of(id: &EntryId) -> Result<Self> {
        let parts: Vec<&str> = id.as_str().split('|').collect();
        if parts.iter().any(|part| part.is_empty() || matches!(*part, "." | "..")) {
            return Err(Error::not_found(id));
        }
        let project = |hub: &str, id: &str| Project { hub: hub.to_owned(), id: id.to_owned() };
        Ok(match parts.as_slice() {
            ["all"] => Self::All,
            ["hub", hub] => Self::Hub((*hub).to_owned()),
            ["project", hub, id] => Self::Project(project(hub, id)),
            ["folder", hub, id, folder] => Self::Folder(project(hub, id), (*folder).to_owned()),
            ["item", hub, id, item] => Self::Item(project(hub, id), (*item).to_owned()),
            _ => return Err(Error::not_found(id)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_back_to_its_place() {
        let project = Project { hub: "b.1".to_owned(), id: "b.2".to_owned() };
        let urn = "urn:adsk.wipprod:fs.folder:co.x?=".to_owned();
        for place in [
            Place::All,
            Place::Hub("a.eA==".to_owned()),
            Place::Project(project.clone()),
            Place::Folder(project.clone(), urn.clone()),
            Place::Item(project, urn),
        ] {
            assert_eq!(Place::of(&place.id()).expect("an id"), place);
        }
    }

    #[test]
    fn what_was_not_given_out_is_not_found() {
        for id in ["", "..", "/", "folder|a|b", "folder|a|b|..", "item|a||c", "hub", "all|x", "folder|a|b|c|d"] {
            assert!(Place::of(&id.into()).is_err(), "{id}");
        }
    }
}
