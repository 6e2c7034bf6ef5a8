//! A listing or a mirror, held against the world.

use std::collections::BTreeMap;

use catchment_core::{Entry, EntryId, Fingerprint};

use crate::{
    verdict::Verdict,
    world::{Key, Mirror, Node, World},
};

/// What a connector should say of something in the world, beyond path, kind and size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Its id, where it follows from the key.
    pub id: Option<EntryId>,
    /// Its fingerprint, where it follows from the world.
    pub fingerprint: Option<Fingerprint>,
}

/// Which folders of a world have to be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folders {
    /// All of them.
    All,
    /// Those that hold a file, however far below: of stores whose folders are parts of paths.
    Filled,
    /// None: the listing is of files.
    None,
}

impl World {
    /// Where entries with their paths from the root differ from what is below the root, in
    /// sentences.
    pub fn differences(
        &self,
        entries: &[(String, &Entry)],
        folders: Folders,
        expected: impl Fn(&Node) -> Expected,
    ) -> Vec<String> {
        let mut there: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for (path, entry) in entries {
            there.entry(path).or_default().push(entry);
        }
        let mut differ = Vec::new();
        let below = self.below(Key::ROOT);
        let holds_files = |key: Key| below.iter().any(|at| self.content(*at).is_some() && self.is_within(*at, key));
        for (node, path) in below.iter().filter_map(|key| Some((self.get(*key)?, self.path(*key)?))) {
            let wanted = expected(node);
            let met = there.get_mut(path.as_str());
            let fits = |entry: &&Entry| wanted.id.as_ref().is_none_or(|id| *id == entry.id);
            let at = met.as_ref().and_then(|met| met.iter().position(fits));
            let entry = met.zip(at).map(|(met, at)| met.swap_remove(at));
            match entry {
                Some(entry) => differ.extend(difference(node, entry, &wanted).map(|how| format!("{path:?} {how}"))),
                None if node.is_folder() && folders == Folders::None => {}
                None if node.is_folder() && folders == Folders::Filled && !holds_files(node.key) => {}
                None => {
                    let id = wanted.id.map(|id| format!(", with the id {id}")).unwrap_or_default();
                    let what = if node.is_folder() { "folder" } else { "file" };
                    differ.push(format!("the {what} {path:?} is missing{id}"));
                }
            }
        }
        let left = there.into_iter().flat_map(|(path, met)| met.into_iter().map(move |entry| (path, entry)));
        differ.extend(left.map(|(path, entry)| format!("{path:?} with the id {} should not be there", entry.id)));
        differ
    }
}

impl Mirror {
    /// Where it differs from a world; see [`World::differences`].
    pub fn differences_from(
        &self,
        world: &World,
        folders: Folders,
        expected: impl Fn(&Node) -> Expected,
    ) -> Verdict<Vec<String>> {
        Ok(world.differences(&self.entries()?, folders, expected))
    }
}

fn difference(node: &Node, entry: &Entry, wanted: &Expected) -> Option<String> {
    if entry.is_container() != node.is_folder() {
        return Some(format!("is {:?}", entry.kind));
    }
    if entry.name != node.name {
        return Some(format!("is named {:?}", entry.name));
    }
    if node.is_folder() {
        return None;
    }
    if entry.size.is_some_and(|size| size != node.size()) {
        return Some(format!("has {:?} bytes instead of {}", entry.size, node.size()));
    }
    if wanted.fingerprint.is_some() && wanted.fingerprint != entry.fingerprint {
        return Some(format!("has the fingerprint {:?} instead of {:?}", entry.fingerprint, wanted.fingerprint));
    }
    None
}
