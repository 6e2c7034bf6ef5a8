//! Places: Drive has no paths, so they are put together from each folder's name and parent.

use std::{collections::HashMap, sync::Arc, time::Duration};

use catchment_core::{EntryId, Error, ErrorKind, Result};
use moka::sync::Cache;

use crate::{
    connector::Connection,
    query::{is_id, part},
    root::Root,
    types::{File, SharedDrive},
    wire::Keyed,
};

/// Folders that are remembered, and for how long: each saves a call for each of its children.
const FOLDERS: u64 = 20_000;
const REMEMBERED: Duration = Duration::from_secs(600);

/// Google allows 100 folders in each other.
const DEEPEST: usize = 200;

/// What is known of a folder, or of what a way up begins with.
#[derive(Debug)]
pub(crate) struct Node {
    name: String,
    parent: Option<String>,
    pub(crate) is_folder: bool,
    /// It shows nothing of what is in it.
    is_closed: bool,
    trashed: bool,
    /// Others shared it with the account by itself.
    shared: bool,
    /// It is the top of a shared drive.
    is_drive: bool,
}

/// Where something is: what is above it, from below the root down to itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) ids: Vec<String>,
}

/// Where an entry is, for the entry itself.
#[derive(Debug, Clone)]
pub(crate) struct At {
    pub(crate) path: String,
    pub(crate) parent: EntryId,
}

/// The folders that were met.
pub(crate) type Folders = Cache<String, Arc<Node>>;

pub(crate) fn folders() -> Folders {
    Cache::builder().max_capacity(FOLDERS).time_to_live(REMEMBERED).build()
}

/// What a way up may lean on.
#[derive(Debug)]
pub(crate) enum Memory {
    /// Whatever was met in the last minutes.
    Lately,
    /// What was met since this began: changes must not be told by a tree of yesterday.
    Fresh(HashMap<String, Arc<Node>>),
}

impl Node {
    pub(crate) fn of(file: &File) -> Self {
        Self {
            name: file.name.clone(),
            parent: file.parents.first().cloned(),
            is_folder: file.is_folder(),
            is_closed: file.is_closed(),
            trashed: file.trashed,
            shared: file.shared_with_me_time.is_some(),
            is_drive: file.is_drive(),
        }
    }

    pub(crate) fn of_drive(drive: &SharedDrive) -> Self {
        let name = drive.name.clone();
        Self { name, parent: None, is_folder: true, is_closed: false, trashed: false, shared: false, is_drive: true }
    }
}

impl Place {
    /// Where a child of the folder at this place is.
    pub(crate) fn child(&self, folder: &str, name: &str) -> At {
        let path = if self.path.is_empty() { part(name) } else { format!("{}/{}", self.path, part(name)) };
        At { path, parent: folder.into() }
    }

    /// Where the thing at this place is, below the root of this id.
    pub(crate) fn at(&self, root: &str) -> At {
        let above = self.ids.len().checked_sub(2).and_then(|above| self.ids.get(above));
        At { path: self.path.clone(), parent: above.map_or(root, String::as_str).into() }
    }
}

impl Memory {
    pub(crate) fn fresh() -> Self {
        Self::Fresh(HashMap::new())
    }
}

impl Connection {
    /// Keeps what is known of a folder now.
    pub(crate) fn remember(&self, memory: &mut Memory, id: &str, node: Node) -> Arc<Node> {
        let node = Arc::new(node);
        if node.is_folder {
            self.folders.insert(id.to_owned(), Arc::clone(&node));
        }
        if let Memory::Fresh(met) = memory {
            met.insert(id.to_owned(), Arc::clone(&node));
        }
        node
    }

    /// Forgets a folder that is gone.
    pub(crate) fn forget(&self, memory: &mut Memory, id: &str) {
        self.folders.invalidate(id);
        if let Memory::Fresh(met) = memory {
            met.remove(id);
        }
    }

    /// What is known of something, asked for where it is not.
    pub(crate) async fn node(&self, memory: &mut Memory, id: &str) -> Result<Arc<Node>> {
        let known = match memory {
            Memory::Lately => self.folders.get(id),
            Memory::Fresh(met) => met.get(id).cloned(),
        };
        if let Some(node) = known {
            return Ok(node);
        }
        if !is_id(id) {
            return Err(Error::not_found(id));
        }
        let mut file = self.wire.file(Keyed { id, key: None }).await?;
        if file.is_drive() {
            file.name = self.wire.drive(id).await?.name;
        }
        Ok(self.remember(memory, id, Node::of(&file)))
    }

    /// Where something is below the root, by way of its parents; `None` when it is elsewhere, or in
    /// the trash.
    pub(crate) async fn place(&self, memory: &mut Memory, id: &str, node: Arc<Node>) -> Result<Option<Place>> {
        let root = self.root().await?;
        let mut way = vec![(id.to_owned(), node)];
        let mut inside = id == root.id();
        if inside {
            way.clear();
        }
        while let Some((_, node)) = way.last() {
            if node.trashed {
                return Ok(None);
            }
            let Some(parent) = node.parent.clone() else { break };
            if parent == root.id() {
                inside = true;
                break;
            }
            if way.len() > DEEPEST {
                return Err(Error::protocol("the folders of this file lie in each other in a circle"));
            }
            match self.node(memory, &parent).await {
                Ok(node) => way.push((parent, node)),
                // Somebody shared what is in it, and not the folder.
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(error) => return Err(error),
            }
        }
        match root {
            Root::Folder { .. } if inside => {}
            Root::Folder { .. } => return Ok(None),
            // What is shared by itself inside something shared is found there, and only there.
            Root::Shared => match way.iter().rposition(|(_, node)| node.shared) {
                Some(top) => way.truncate(top + 1),
                None => return Ok(None),
            },
            Root::Drives if way.last().is_some_and(|(_, node)| node.is_drive) => {}
            Root::Drives => return Ok(None),
        }
        way.reverse();
        let names: Vec<_> = way.iter().map(|(_, node)| part(&node.name)).collect();
        Ok(Some(Place { path: names.join("/"), ids: way.into_iter().map(|(id, _)| id).collect() }))
    }

    /// The place of a container that is to be listed.
    ///
    /// # Errors
    /// `Forbidden` when it shows nothing of what is in it: that is not known, and not nothing.
    pub(crate) async fn container(&self, id: &str) -> Result<Place> {
        if id == self.root().await?.id() {
            return Ok(Place::default());
        }
        let mut memory = Memory::Lately;
        let node = self.node(&mut memory, id).await.map_err(|error| error.with("id", id))?;
        let (is_folder, is_closed) = (node.is_folder, node.is_closed);
        let place = self.place(&mut memory, id, node).await?.ok_or_else(|| Error::not_found(id))?;
        if !is_folder {
            return Err(Error::unsupported("this is a file: it has no children"));
        }
        if is_closed {
            return Err(closed().with("path", &place.path));
        }
        Ok(place)
    }
}

/// A folder of limited access, which the account may see and not look into.
pub(crate) fn closed() -> Error {
    let remedy = "the account may not see what is in this folder: have it let in, or give another folder";
    Error::new(ErrorKind::Forbidden, remedy)
}
