//! Whereabouts: the paths of items that do not say them.
//!
//! Search results and feeds of changes leave the path out, and say only which folder an item is in.

use std::collections::HashMap;

use catchment_client::segment;
use catchment_core::{Error, ErrorKind, Result};

use crate::{
    connection::Connection,
    item::Item,
    place::{Library, joined},
};

/// The folders of one library that were met on one page.
pub(crate) struct Whereabouts<'a> {
    connection: &'a Connection,
    library: &'a Library,
    /// Paths from the top of the drive, by id; `None` for a folder that is gone.
    known: HashMap<String, Option<String>>,
    /// Folders as the page itself tells of them: name, and the folder they are in.
    told: HashMap<String, (String, String)>,
}

impl<'a> Whereabouts<'a> {
    pub(crate) fn new(connection: &'a Connection, library: &'a Library) -> Self {
        let top = (library.top.clone(), Some(library.prefix.clone()));
        Self { connection, library, known: HashMap::from([top]), told: HashMap::new() }
    }

    /// Takes in what a page tells of folders, the last word last.
    pub(crate) fn tell(&mut self, items: &[Item]) {
        for item in items.iter().filter(|item| item.is_folder() && item.id != self.library.top) {
            self.told.remove(&item.id);
            self.known.remove(&item.id);
            if item.is_deleted() {
                self.known.insert(item.id.clone(), None);
            } else if item.is_root() {
                self.known.insert(item.id.clone(), Some(String::new()));
            } else if let Some(parent) = &item.parent_reference.id {
                self.told.insert(item.id.clone(), (item.name.clone(), parent.clone()));
            }
        }
    }

    /// The path of an item from the integration's root; `None` for what is outside it, or gone. Costs a call
    /// for each folder that neither the item nor the page says the path of.
    pub(crate) async fn path(&mut self, item: &Item) -> Result<Option<String>> {
        let folder = match item.folder_path() {
            Some(path) => Some(path),
            None => match &item.parent_reference.id {
                Some(parent) => self.folder(parent).await?,
                None => None,
            },
        };
        Ok(folder.and_then(|folder| self.library.relative(&joined(&folder, &item.name))))
    }

    /// The path of a folder from the top of the drive.
    async fn folder(&mut self, id: &str) -> Result<Option<String>> {
        let mut below: Vec<(String, String)> = Vec::new();
        let mut at = id.to_owned();
        let mut path = loop {
            if let Some(known) = self.known.get(&at) {
                break known.clone();
            }
            match self.told.get(&at) {
                // A page may tell of a folder as it was, and of the one it is in as it is: then they can lie in
                // each other, and only Graph knows better.
                Some((name, parent)) if below.iter().all(|(seen, _)| *seen != at) => {
                    let above = parent.clone();
                    below.push((std::mem::replace(&mut at, above), name.clone()));
                }
                _ => {
                    let path = self.ask(&at).await?;
                    self.known.insert(at, path.clone());
                    break path;
                }
            }
        };
        for (id, name) in below.into_iter().rev() {
            path = path.map(|above| joined(&above, &name));
            self.known.insert(id, path.clone());
        }
        Ok(path)
    }

    async fn ask(&self, id: &str) -> Result<Option<String>> {
        let graph = &self.connection.graph;
        let path = format!("drives/{}/items/{}", segment(&self.library.drive), segment(id));
        let call = graph.get(path).query("$select", "id,name,folder,parentReference,root");
        let folder: Item = match graph.one(call).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            folder => folder?,
        };
        if folder.is_root() {
            return Ok(Some(String::new()));
        }
        let above = folder.folder_path();
        let above = above.ok_or_else(|| Error::protocol("Microsoft Graph does not say where a folder is"))?;
        Ok(Some(joined(&above, &folder.name)))
    }
}
