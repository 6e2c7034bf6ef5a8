//! The key file: made once, read by its owner alone, replaced in one step.

use std::{
    fs::File,
    io::{self, ErrorKind as Io, Read},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use catchment_core::{Error, ErrorKind, Result};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::{Loaded, add as insert, key::Key};
use crate::durable::{beside, sync_folder};

/// More than any ring has.
const LARGEST: u64 = 1 << 20;

const HEAD: &str = "\
# Catchment's encryption keys. Whoever has this file can read every stored credential; without it
# nobody can. Keep a copy, apart from the database. The first key seals; the others open what was
# sealed before.
";

/// What a file looks like from outside; another one means that it was replaced or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    file: (u64, u64),
    length: u64,
    changed: (i64, i64),
}

pub(crate) fn stamp(path: &Path) -> Option<Stamp> {
    std::fs::metadata(path).ok().map(|metadata| Stamp::of(&metadata))
}

impl Stamp {
    fn of(metadata: &std::fs::Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// The keys in a file; `None` if there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<Loaded>> {
    Ok(open(path)?.map(|file| content(&file, path)).transpose()?.map(|(_, loaded)| loaded))
}

/// Makes a file with a new key, unless somebody else has made one.
pub(crate) fn create(path: &Path) -> Result<()> {
    let (_, line) = Key::generate()?;
    let made = write(path, HEAD, &[&line]).and_then(|file| match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != Io::AlreadyExists => Err(error.error),
        _ => sync_folder(path),
    });
    made.map_err(|error| unavailable("cannot be made", path).source(error))
}

/// Puts a new key in front of those in the file; gives its id.
pub(crate) fn add(path: &Path) -> Result<String> {
    let failed = |error: io::Error| unavailable("cannot be replaced", path).source(error);
    loop {
        let nothing = || Error::config("file", "there is no key file: start the server once, it makes one");
        let file = open(path)?.ok_or_else(|| nothing().with("file", path.display()))?;
        // Two who add at once must not lose a key. The lock belongs to the file that was opened,
        // so whoever waited looks whether it still is the one with this name.
        file.lock().map_err(failed)?;
        let (text, loaded) = content(&file, path)?;
        if stamp(path) != loaded.stamp {
            continue;
        }
        let (id, line) = Key::generate()?;
        let keys = text.lines().filter(|line| is_key(line));
        let lines: Vec<&str> = std::iter::once(line.as_str()).chain(keys).collect();
        let head: String = text.lines().filter(|line| !is_key(line)).flat_map(|line| [line, "\n"]).collect();
        let next = write(path, &head, &lines).map_err(failed)?;
        next.persist(path).map_err(|error| failed(error.error))?;
        sync_folder(path).map_err(failed)?;
        return Ok(id);
    }
}

pub(crate) fn unavailable(what: &'static str, path: &Path) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("the key file {what}: check the folder, its permissions and the free space"),
    )
    .with("file", path.display())
}

fn open(path: &Path) -> Result<Option<File>> {
    // To open a pipe in the file's place would wait for ever.
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        let error = Error::new(ErrorKind::Config, "this is not a file: give the path of a key file");
        return Err(error.with("file", path.display()));
    }
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == Io::NotFound => Ok(None),
        Err(error) => Err(unavailable("cannot be read", path).source(error)),
    }
}

fn content(file: &File, path: &Path) -> Result<(Zeroizing<String>, Loaded)> {
    let failed = |error: io::Error| unavailable("cannot be read", path).source(error);
    let wrong = |message: String| Error::new(ErrorKind::Config, message).with("file", path.display());
    let metadata = file.metadata().map_err(failed)?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(wrong(format!("others may read the key file: run `chmod 600 {}`", path.display())));
    }
    if metadata.len() > LARGEST {
        return Err(wrong("this is not a key file: it is longer than one can be".into()));
    }
    // The length is known, and a buffer that grows would leave keys behind.
    let mut text = Zeroizing::new(String::with_capacity(metadata.len() as usize + 1));
    let mut limited = file.take(LARGEST);
    limited.read_to_string(&mut text).map_err(|error| match error.kind() {
        Io::InvalidData => wrong("this is not a key file: it is not text".into()),
        _ => failed(error),
    })?;
    let mut keys = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| is_key(line)) {
        let number = index + 1;
        Key::read(line.trim())
            .and_then(|key| insert(&mut keys, key))
            .map_err(|remedy| wrong(format!("line {number} of the key file is wrong: {remedy}")))?;
    }
    if keys.is_empty() {
        let lines = text.lines().count();
        return Err(wrong(format!("the key file ends after line {lines} without a key: restore it from a copy")));
    }
    Ok((text, Loaded { keys, stamp: Some(Stamp::of(&metadata)) }))
}

/// A file beside `path` with these keys.
fn write(path: &Path, head: &str, keys: &[&str]) -> io::Result<NamedTempFile> {
    let keys = keys.iter().flat_map(|key| [key.as_bytes(), b"\n"]);
    beside(path, [head.as_bytes()].into_iter().chain(keys))
}

fn is_key(line: &str) -> bool {
    !line.trim().is_empty() && !line.trim_start().starts_with('#')
}
