//! The tree below the root, and nothing else: every step goes through a handle of the folder
//! above, so that a link swapped in at the wrong moment cannot lead out.

use std::{ffi::OsStr, io, path::PathBuf};

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::{
    ambient_authority,
    fs::{Dir, File, Metadata, MetadataExt, OpenOptions},
};
use catchment_core::{Error, ErrorKind, Result};

use crate::{errors, filter::Filter, names::Place};

/// More links than this on one path are not followed: with links that lead across, the number
/// of paths grows without bound.
const MOST_LINKS: usize = 8;

/// A root and the rules for what is below it.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    pub(crate) follow: bool,
    pub(crate) filter: Filter,
}

/// Where a link leads.
pub(crate) enum Target {
    /// To a file or folder in the tree.
    There(Metadata),
    /// Nowhere that is read; the text says why.
    Closed(&'static str),
    /// Into the tree, to what could not be looked at.
    Unseen,
}

impl Tree {
    /// The root itself, opened anew each time: what is mounted there may change.
    pub(crate) fn open_root(&self) -> Result<Dir> {
        Dir::open_ambient_dir(&self.root, ambient_authority()).map_err(|error| errors::of_root(error, &self.root))
    }

    /// Proves that the root can be listed.
    pub(crate) fn list_root(&self) -> Result<()> {
        let mut names = self.open_root()?.entries().map_err(|error| errors::of_root(error, &self.root))?;
        match names.next() {
            Some(Err(error)) => Err(errors::of_root(error, &self.root)),
            _ => Ok(()),
        }
    }

    /// Opens a folder, step by step: a whole path may be longer than the system takes at once.
    /// Without [`Tree::follow`] no part of the path may be a link.
    pub(crate) fn open_dir(&self, place: &Place) -> Result<Dir> {
        let root = self.open_root()?;
        let of_item = |error| errors::of_item(error, &place.display());
        let mut way = PathBuf::new();
        let mut dir = root.try_clone().map_err(of_item)?;
        for name in place.names() {
            way.push(name);
            dir = match dir.open_dir_nofollow(name) {
                // Where a link leads is found from the root, which it may not leave.
                Err(error)
                    if self.follow && (errors::is_loop(&error) || error.kind() == io::ErrorKind::NotADirectory) =>
                {
                    root.open_dir(&way)
                }
                opened => opened,
            }
            .map_err(of_item)?;
        }
        Ok(dir)
    }

    /// Opens a file for reading. What looks like one and is something else is refused before it
    /// is opened, and cannot block where it was swapped in between.
    pub(crate) fn open_file(&self, place: &Place) -> Result<(File, Metadata)> {
        let path = place.display();
        let of_item = |error| errors::of_item(error, &path);
        let Some((above, name)) = place.split() else { return Err(of_item(io::ErrorKind::IsADirectory.into())) };
        let mut options = OpenOptions::new();
        options.read(true).nonblock(true);
        let dir = self.open_dir(&above)?;
        let looked = dir.symlink_metadata(&name).map_err(of_item)?;
        let opened = if self.follow && looked.is_symlink() {
            let (root, whole) = (self.open_root()?, place.to_path());
            regular(&root.metadata(&whole).map_err(of_item)?, &path)?;
            root.open_with(&whole, &options)
        } else {
            regular(&looked, &path)?;
            dir.open_with(&name, options.follow(FollowSymlinks::No))
        };
        let file = opened.map_err(of_item)?;
        let metadata = file.metadata().map_err(of_item)?;
        regular(&metadata, &path)?;
        Ok((file, metadata))
    }

    /// Follows a link, if that is allowed and leads somewhere in the tree.
    pub(crate) fn follow(&self, place: &Place) -> Result<Target> {
        if !self.follow {
            return Ok(Target::Closed("a symbolic link: set follow_links to read what it leads to"));
        }
        let root = self.open_root()?;
        let path = place.to_path();
        let target = match root.metadata(&path) {
            Ok(target) => target,
            Err(error) => {
                return Ok(match error.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                        Target::Closed("a symbolic link that leads to nothing: correct or remove it")
                    }
                    _ if errors::is_loop(&error) => {
                        Target::Closed("a symbolic link that leads back to itself: correct or remove it")
                    }
                    // The system itself says so; that a way leads out is said by the library.
                    _ if error.raw_os_error().is_some() => Target::Unseen,
                    _ => Target::Closed("a symbolic link that leads out of the folder: connect the place it leads to"),
                });
            }
        };
        if target.is_dir() && self.turns_back(&root, place, &target) {
            return Ok(Target::Closed("a symbolic link to a folder that holds it: what is there is read already"));
        }
        Ok(Target::There(target))
    }

    /// Whether the folder that the link at `place` leads to lies on the way to it, or the way
    /// has become absurd.
    fn turns_back(&self, root: &Dir, place: &Place, target: &Metadata) -> bool {
        let same = |other: &Metadata| (other.dev(), other.ino()) == (target.dev(), target.ino());
        if root.dir_metadata().is_ok_and(|root| same(&root)) {
            return true;
        }
        let mut links = 1;
        let mut way = PathBuf::new();
        let above = place.names().split_last().map_or(&[][..], |(_, above)| above);
        for name in above {
            way.push(name);
            if root.metadata(&way).is_ok_and(|folder| same(&folder)) {
                return true;
            }
            links += usize::from(root.symlink_metadata(&way).is_ok_and(|entry| entry.is_symlink()));
        }
        links > MOST_LINKS
    }

    /// The place a person's path means. Names that are not UTF-8 are shown with U+FFFD; given
    /// like that, they are looked for.
    pub(crate) fn resolve(&self, path: &str) -> Result<Place> {
        let mut place = Place::of_path(path)?;
        if !path.contains(char::REPLACEMENT_CHARACTER) {
            return Ok(place);
        }
        let mut above = Place::default();
        for name in place.names_mut() {
            let shown = name.to_string_lossy().into_owned();
            if shown.contains(char::REPLACEMENT_CHARACTER)
                && let Some(found) = shown_as(&self.open_dir(&above)?, &shown, name)
            {
                *name = found;
            }
            above = above.join(name.clone());
        }
        Ok(place)
    }
}

/// The first name in byte order that is shown as `shown`, unless there is one that is spelled so.
fn shown_as(dir: &Dir, shown: &str, literal: &OsStr) -> Option<std::ffi::OsString> {
    if dir.symlink_metadata(literal).is_ok() {
        return None;
    }
    let names = dir.entries().ok()?.filter_map(|entry| Some(entry.ok()?.file_name()));
    names.filter(|name| name.to_string_lossy() == shown).min()
}

fn regular(metadata: &Metadata, path: &str) -> Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    if metadata.is_dir() {
        return Err(errors::of_item(io::ErrorKind::IsADirectory.into(), path));
    }
    Err(Error::new(ErrorKind::Unreadable, "not a regular file: a link, pipe, socket or device has no content to read")
        .with("path", path))
}
