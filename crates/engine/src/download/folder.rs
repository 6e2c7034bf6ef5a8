//! The folder that files go into. Every step goes through its handle, so that no name and no link leads out.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use cap_std::{
    ambient_authority,
    fs::{Dir, File, Metadata},
};
use cap_tempfile::TempFile;
use catchment_core::{Error, ErrorKind, Result};
use chrono::{DateTime, Utc};

use crate::file::Fault;

/// A folder, and when this download began in it.
#[derive(Debug)]
pub(super) struct Folder {
    dir: Dir,
    path: PathBuf,
    began: Stamp,
    /// Where files are on their way to.
    claimed: Mutex<HashSet<PathBuf>>,
}

/// A place that one file is on its way to. Free again when this is dropped.
#[derive(Debug)]
pub(super) struct Claim {
    folder: Arc<Folder>,
    place: PathBuf,
}

/// What is where a file is to go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum There {
    /// Nothing, or another version.
    Other,
    /// The same version.
    Same,
    /// What this download put there.
    Taken,
}

/// When an inode last changed, by the clock of its file system; unlike the time of modification nobody can set it.
#[cfg(unix)]
type Stamp = (i64, i64);
#[cfg(not(unix))]
type Stamp = Option<SystemTime>;

impl Folder {
    /// Opens the folder; makes it if it is not there. Blocks.
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let opened = || {
            Dir::create_ambient_dir_all(&path, ambient_authority())?;
            let dir = Dir::open_ambient_dir(&path, ambient_authority())?;
            let began = began(&dir)?;
            Ok((dir, began))
        };
        let (dir, began) = opened().map_err(|error: io::Error| of_folder(error, &path))?;
        Ok(Self { dir, path, began, claimed: Mutex::default() })
    }

    /// Claims a place; `None` if another file is on its way to it.
    pub(super) fn claim(self: &Arc<Self>, place: &Path) -> Option<Claim> {
        let claim = || Claim { folder: Arc::clone(self), place: place.to_owned() };
        self.claimed().insert(place.to_owned()).then(claim)
    }

    fn claimed(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at what is where a file is to go. What is the same counts as put there by this download. Blocks.
    pub(super) fn look(
        &self,
        place: &Path,
        size: Option<u64>,
        modified: Option<DateTime<Utc>>,
    ) -> Result<There, Fault> {
        let metadata = match self.dir.symlink_metadata(place) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(There::Other),
            Err(error) => return Err(self.fault(error, place)),
        };
        if !metadata.is_file() {
            return Ok(There::Other);
        }
        if stamp(&metadata) > self.began {
            return Ok(There::Taken);
        }
        let Some(modified) = modified.map(SystemTime::from) else { return Ok(There::Other) };
        let same_time =
            metadata.modified().is_ok_and(|time| apart(time.into_std(), modified) < Duration::from_millis(1));
        if size != Some(metadata.len()) || !same_time {
            return Ok(There::Other);
        }
        // Setting the time marks the inode, so that another file of this path is told apart.
        let marked = self.dir.open(place).and_then(|file| set_modified(&file, modified));
        Ok(if marked.is_ok() { There::Same } else { There::Other })
    }

    /// The folder that a file goes into, made if it is not there. Blocks.
    pub(super) fn above(&self, place: &Path) -> Result<Dir, Fault> {
        let above = place.parent().unwrap_or(Path::new(""));
        let opened = if above.as_os_str().is_empty() {
            self.dir.try_clone()
        } else {
            self.dir.open_dir(above).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => self.dir.create_dir_all(above).and_then(|()| self.dir.open_dir(above)),
                _ => Err(error),
            })
        };
        opened.map_err(|error| self.fault(error, place))
    }

    /// What an error means: something about one file, or about the whole folder.
    pub(super) fn fault(&self, error: io::Error, place: &Path) -> Fault {
        use io::ErrorKind as Io;
        let text = match error.kind() {
            Io::NotADirectory | Io::AlreadyExists => "a file is where a folder has to be: move it away",
            Io::IsADirectory => "a folder is where the file has to be: move it away",
            Io::InvalidFilename | Io::InvalidInput => "the file's name cannot be used here: rename it at the source",
            Io::FileTooLarge => "the file is too large for this file system: choose another folder",
            // How a link that leads out of the folder is refused.
            Io::PermissionDenied if error.raw_os_error().is_none() => {
                "a link that leads out of the folder is in the way: remove it"
            }
            _ => return Fault::Abort(of_folder(error, &self.path)),
        };
        let error = Error::new(ErrorKind::Unsupported, text).with("to", place.display()).source(error);
        Fault::Item(error)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.folder.claimed().remove(&self.place);
    }
}

/// Where a file of this path goes: a relative path of plain names.
pub(super) fn place(path: &str) -> Result<PathBuf> {
    let plain = |name: &&str| {
        let odd = name.is_empty() || *name == "." || *name == ".." || name.contains('\0');
        let windows = |sign: char| sign.is_control() || r#"<>:"\|?*"#.contains(sign);
        !odd && !(cfg!(windows) && (name.contains(windows) || name.ends_with(['.', ' '])))
    };
    if path.split('/').all(|name| plain(&name)) {
        return Ok(path.split('/').collect());
    }
    let text = "the file's path has a name that no file here can have: rename it at the source";
    Err(Error::new(ErrorKind::Unsupported, text).with("path", path))
}

/// Sets when a file last changed.
pub(super) fn set_modified(file: &File, modified: SystemTime) -> io::Result<()> {
    file.try_clone()?.into_std().set_modified(modified)
}

/// A moment that is behind everything in the folder, and before everything that will be.
fn began(dir: &Dir) -> io::Result<Stamp> {
    let marker = TempFile::new(dir)?;
    let first = stamp(&marker.as_file().metadata()?);
    // The clock of inodes ticks every few milliseconds.
    for _ in 0..1_000 {
        set_modified(marker.as_file(), SystemTime::now())?;
        if cfg!(not(unix)) || stamp(&marker.as_file().metadata()?) > first {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(first)
}

#[cfg(unix)]
fn stamp(metadata: &Metadata) -> Stamp {
    use cap_std::fs::MetadataExt;
    (metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn stamp(metadata: &Metadata) -> Stamp {
    metadata.created().ok().map(cap_std::time::SystemTime::into_std)
}

fn apart(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).unwrap_or_else(|error| error.duration())
}

fn of_folder(error: io::Error, path: &Path) -> Error {
    let text = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "there is no room in the folder: make some",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "the folder cannot be written: choose another, or get the right to write there"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "there is a file where the folder should be: choose another"
        }
        _ => "the folder cannot be written: choose another",
    };
    Error::config("folder", text).with("path", path.display()).source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_plain_names_has_a_place_and_no_other_has() {
        assert_eq!(place("a/b c/d#%+.txt").expect("plain"), Path::new("a/b c/d#%+.txt"));
        for path in ["", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\0b"] {
            assert_eq!(place(path).expect_err(path).kind(), ErrorKind::Unsupported);
        }
    }
}
