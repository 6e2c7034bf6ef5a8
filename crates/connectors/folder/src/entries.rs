//! Entries: what stands in a folder, as the contract names it.

use std::ffi::OsString;

use cap_std::fs::{Dir, FileTypeExt, Metadata, MetadataExt};
use catchment_core::{Entry, Fingerprint, Result};
use chrono::{DateTime, Utc};

use crate::{
    names::Place,
    tree::{Target, Tree},
};

impl Tree {
    /// The entry called `name` in `dir`, which stands at `above`. `None` if it is not part of the
    /// source or has gone in the meantime.
    pub(crate) fn entry(&self, dir: &Dir, above: &Place, name: OsString) -> Result<Option<Entry>> {
        let place = above.join(name);
        let name = &place.names()[place.names().len() - 1];
        let metadata = match dir.symlink_metadata(name) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(_) => return Ok(self.filter.takes(&place, true).then(|| unseen(&place))),
        };
        let entry = if metadata.is_symlink() {
            match self.follow(&place)? {
                Target::There(target) => entry_of(&place, &target),
                Target::Unseen => unseen(&place),
                Target::Closed(reason) => special(&place, reason),
            }
        } else {
            entry_of(&place, &metadata)
        };
        Ok(self.filter.takes(&place, entry.is_container()).then_some(entry))
    }
}

/// The root as an entry.
pub(crate) fn root_entry() -> Entry {
    Entry::container("", "")
}

fn entry_of(place: &Place, metadata: &Metadata) -> Entry {
    let (id, path) = (place.id(), place.display());
    let mut entry = if metadata.is_dir() {
        Entry::container(id, path)
    } else if metadata.is_file() {
        let mut file = Entry::file(id, path);
        file.size = Some(metadata.len());
        file.fingerprint = Some(fingerprint(metadata));
        file
    } else {
        return special(place, reason(metadata));
    };
    entry.modified = metadata.modified().ok().map(|time| time.into_std().into());
    entry.created = metadata.created().ok().map(|time| time.into_std().into());
    entry
}

/// What is there and could not be looked at. It may be a folder, and what was known below it must
/// not pass for gone; so it is one until it is listed, which says what is wrong with it. The others
/// beside it are not hidden by it.
fn unseen(place: &Place) -> Entry {
    Entry::container(place.id(), place.display())
}

fn special(place: &Place, reason: &str) -> Entry {
    Entry::special(place.id(), place.display(), reason)
}

fn reason(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    if kind.is_fifo() {
        "a named pipe: it has no content to read"
    } else if kind.is_socket() {
        "a socket: it has no content to read"
    } else {
        "a device: it has no content to read"
    }
}

/// Size, time of the last change of the content, time of the last change of anything.
///
/// The last is the one that cannot be set back: a file written to with its size and time kept is
/// noticed by it. It also moves when only the rights or the name change; that costs reading the
/// file again, no more. The inode is left out, since network mounts make them up.
pub(crate) fn fingerprint(metadata: &Metadata) -> Fingerprint {
    let modified: Option<DateTime<Utc>> = DateTime::from_timestamp(metadata.mtime(), metadata.mtime_nsec() as u32);
    let base = Fingerprint::of_size_and_time(metadata.len(), modified.unwrap_or_default());
    Fingerprint::new(format!("{}@{}.{:09}", base.as_str(), metadata.ctime(), metadata.ctime_nsec()))
}
