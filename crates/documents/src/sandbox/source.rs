//! Reading the file itself, always in the parent: a worker may open none.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use bytes::Bytes;
use catchment_core::{Error, ErrorKind, Result};

use super::protocol::CHUNK;
use crate::{Source, limits};

/// A file that is open, with its first piece.
pub(crate) struct Opened {
    pub(crate) first: Bytes,
    /// What follows the first piece, if it was not all.
    pub(crate) rest: Option<File>,
}

/// Opens `path` and reads the first piece. Blocks.
pub(crate) fn open(path: &Path, largest: u64) -> Result<Opened> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Error::not_found(path.display()).source(error),
        io::ErrorKind::PermissionDenied => {
            Error::new(ErrorKind::Forbidden, "may not be read: give this user permission to read it")
                .with("path", path.display())
                .source(error)
        }
        _ => Error::new(ErrorKind::Unavailable, "cannot be read: check the disk")
            .with("path", path.display())
            .source(error),
    };
    let found = std::fs::metadata(path).map_err(failed)?;
    if !found.is_file() {
        // Also a named pipe, on which opening would wait for ever.
        return Err(
            Error::new(ErrorKind::Unreadable, "not a file: give the path of a file").with("path", path.display())
        );
    }
    if found.len() > largest {
        return Err(limits::file_too_large(largest));
    }
    let mut file = File::open(path).map_err(failed)?;
    let mut first = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(CHUNK).min(CHUNK) + 1);
    let length = (&mut file).take(CHUNK as u64).read_to_end(&mut first).map_err(failed)?;
    Ok(Opened { first: first.into(), rest: (length == CHUNK).then_some(file) })
}

/// The next piece of a file; empty at its end. Blocks.
pub(crate) fn next(file: &mut File) -> Result<Bytes> {
    let mut piece = Vec::with_capacity(CHUNK);
    file.take(CHUNK as u64).read_to_end(&mut piece).map_err(|error| {
        Error::new(ErrorKind::Unavailable, "cannot be read to its end: check the disk").source(error)
    })?;
    Ok(piece.into())
}

/// The whole file, for a parse in this process. Blocks.
pub(crate) fn read_all(source: &Source, largest: u64) -> Result<Bytes> {
    let path = match source {
        Source::Bytes(bytes) if bytes.len() as u64 > largest => return Err(limits::file_too_large(largest)),
        Source::Bytes(bytes) => return Ok(bytes.clone()),
        Source::Path(path) => path,
    };
    let Opened { first, rest } = open(path, largest)?;
    let Some(mut file) = rest else {
        return Ok(first);
    };
    let mut all = first.to_vec();
    loop {
        let piece = next(&mut file)?;
        if piece.is_empty() {
            return Ok(all.into());
        }
        all.extend_from_slice(&piece);
        // It may grow while it is read.
        if all.len() as u64 > largest {
            return Err(limits::file_too_large(largest));
        }
    }
}
