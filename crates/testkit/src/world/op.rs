//! Operations: what can be done to a world, and what cannot.

use std::fmt;

use bytes::Bytes;
use catchment_core::Principal;

use crate::world::{Event, Key, Node, World};

/// Something that is done to a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Makes a file or, without content, a folder. It gets the next key.
    Create {
        /// The folder it is made in.
        parent: Key,
        /// Its name.
        name: String,
        /// The content of a file.
        content: Option<Bytes>,
    },
    /// Writes the content of a file anew.
    Write {
        /// The file.
        key: Key,
        /// What it holds from now on.
        content: Bytes,
    },
    /// Gives another name.
    Rename {
        /// The file or folder.
        key: Key,
        /// What it is called from now on.
        name: String,
    },
    /// Puts into another folder, with everything below it.
    Move {
        /// The file or folder.
        key: Key,
        /// The folder it is in from now on.
        parent: Key,
    },
    /// Deletes, with everything below it.
    Delete {
        /// The file or folder.
        key: Key,
    },
    /// Lets somebody read.
    Share {
        /// The file or folder, with everything below it that inherits.
        key: Key,
        /// Who may read.
        with: Principal,
    },
    /// Takes back what [`Share`](Self::Share) gave.
    Unshare {
        /// The file or folder.
        key: Key,
        /// Who may no longer read by this grant.
        with: Principal,
    },
    /// Lets the grants of the folders above hold, or no longer.
    Inherit {
        /// The file or folder.
        key: Key,
        /// Whether they hold.
        inherits: bool,
    },
    /// Puts a user or a group into a group, which is made if it is not there.
    Join {
        /// The group.
        group: String,
        /// Its new member.
        member: Principal,
    },
    /// Takes a user or a group out of a group.
    Leave {
        /// The group.
        group: String,
        /// No longer its member.
        member: Principal,
    },
}

/// Why something cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Nothing has this key, or no longer.
    Missing,
    /// One of the three that stay as they are.
    Fixed,
    /// It would be put into a file.
    NotAFolder,
    /// Only files are written.
    NotAFile,
    /// The folder holds something of this name.
    NameTaken,
    /// A folder would be put into itself.
    IntoItself,
    /// A name without a letter, or with a `/`.
    NoName,
}

impl World {
    /// Does it, as one event, or refuses it and changes nothing.
    pub fn apply(&mut self, op: Op) -> Result<&Event, Refused> {
        self.permitted(&op)?;
        let number = self.version() + 1;
        let key = match &op {
            Op::Create { .. } => Some(Key(self.next)),
            Op::Write { key, .. }
            | Op::Rename { key, .. }
            | Op::Move { key, .. }
            | Op::Delete { key }
            | Op::Share { key, .. }
            | Op::Unshare { key, .. }
            | Op::Inherit { key, .. } => Some(*key),
            Op::Join { .. } | Op::Leave { .. } => None,
        };
        let before = key.and_then(|key| self.path_from(Key::DRIVE, key));
        let below = key.map(|key| self.below(key)).unwrap_or_default();
        self.change(&op, number, &below);
        let after = key.and_then(|key| self.path_from(Key::DRIVE, key));
        self.log.push(Event { number, at: Self::time(number), op, key, before, after, below });
        Ok(&self.log[self.log.len() - 1])
    }

    /// Whether an operation could be done now.
    pub fn permitted(&self, op: &Op) -> Result<(), Refused> {
        match op {
            Op::Create { parent, name, .. } => self.fits(*parent, name, None),
            Op::Write { key, .. } => {
                let is_file = self.loose(*key)?.content.is_some();
                if is_file { Ok(()) } else { Err(Refused::NotAFile) }
            }
            Op::Rename { key, name } => {
                let parent = self.loose(*key)?.parent.ok_or(Refused::Fixed)?;
                self.fits(parent, name, Some(*key))
            }
            Op::Move { key, parent } => {
                let name = &self.loose(*key)?.name;
                self.fits(*parent, name, Some(*key))?;
                if self.is_within(*parent, *key) { Err(Refused::IntoItself) } else { Ok(()) }
            }
            Op::Delete { key } | Op::Inherit { key, .. } => self.loose(*key).map(|_| ()),
            Op::Share { key, .. } | Op::Unshare { key, .. } => self.get(*key).map(|_| ()).ok_or(Refused::Missing),
            Op::Join { .. } | Op::Leave { .. } => Ok(()),
        }
    }

    fn loose(&self, key: Key) -> Result<&Node, Refused> {
        if key.is_fixed() { Err(Refused::Fixed) } else { self.get(key).ok_or(Refused::Missing) }
    }

    fn fits(&self, parent: Key, name: &str, but: Option<Key>) -> Result<(), Refused> {
        if name.is_empty() || name.contains('/') {
            return Err(Refused::NoName);
        }
        if !self.get(parent).ok_or(Refused::Missing)?.is_folder() {
            return Err(Refused::NotAFolder);
        }
        let taken = !self.twins && self.children(parent).any(|node| node.name == name && Some(node.key) != but);
        if taken { Err(Refused::NameTaken) } else { Ok(()) }
    }

    fn change(&mut self, op: &Op, number: u64, below: &[Key]) {
        match op {
            Op::Create { parent, name, content } => {
                let key = Key(self.next);
                self.next += 1;
                self.nodes.insert(key, Node::new(key, Some(*parent), name.clone(), content.clone(), number));
            }
            Op::Write { key, content } => self.touch(*key, number, |node| {
                node.content = Some(content.clone());
                node.modified = Self::time(number);
                node.edition = number;
            }),
            Op::Rename { key, name } => self.touch(*key, number, |node| node.name.clone_from(name)),
            Op::Move { key, parent } => self.touch(*key, number, |node| node.parent = Some(*parent)),
            Op::Delete { key } => {
                for key in below.iter().chain([key]) {
                    let Some(mut node) = self.nodes.remove(key) else { continue };
                    node.version = number;
                    self.gone.insert(*key, node);
                }
            }
            Op::Share { key, with } => self.touch(*key, number, |node| {
                node.shared.insert(with.clone());
            }),
            Op::Unshare { key, with } => self.touch(*key, number, |node| {
                node.shared.remove(with);
            }),
            Op::Inherit { key, inherits } => self.touch(*key, number, |node| node.inherits = *inherits),
            Op::Join { group, member } => {
                self.groups.entry(group.clone()).or_default().insert(member.clone());
            }
            Op::Leave { group, member } => {
                self.groups.entry(group.clone()).or_default().remove(member);
            }
        }
    }

    fn touch(&mut self, key: Key, number: u64, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(&key) {
            node.version = number;
            change(node);
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "nothing has this key",
            Self::Fixed => "what every world begins with stays as it is",
            Self::NotAFolder => "only a folder holds things",
            Self::NotAFile => "only a file has content",
            Self::NameTaken => "the folder holds something of this name",
            Self::IntoItself => "a folder cannot be put into itself",
            Self::NoName => "a name is neither empty nor holds a slash",
        })
    }
}

impl std::error::Error for Refused {}
