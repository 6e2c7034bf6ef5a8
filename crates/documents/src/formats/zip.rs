//! Reads parts of a zip archive within the budget. Names never reach a file system.

use std::{
    collections::HashMap,
    io::{Cursor, Read},
};

use catchment_core::{Error, Result};
use zip::{ZipArchive, result::ZipError};

use super::failure::{damaged, protected};
use crate::limits::Budget;

/// Bytes that are decompressed before the budget is asked again.
const CHUNK: usize = 64 << 10;

/// An open archive.
#[derive(Debug)]
pub(crate) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// Names as office formats compare them: without case, with forward slashes.
    names: HashMap<String, usize>,
}

impl<'a> Archive<'a> {
    /// Reads the central directory, and refuses archives that say two things at once: parts that
    /// share bytes, or two parts of one name, of which different programs would read different ones.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self> {
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(error, "archive"))?;
        if zip.has_overlapping_files().map_err(|error| broken(error, "archive"))? {
            return Err(damaged("archive with overlapping parts"));
        }
        if declared_entries(bytes).is_some_and(|count| count != zip.len()) {
            return Err(damaged("archive with two parts of one name"));
        }
        let mut names = HashMap::with_capacity(zip.len());
        for index in 0..zip.len() {
            let name = zip.name_for_index(index).transpose().map_err(|error| broken(error, "archive"))?;
            if names.insert(key(&name.unwrap_or_default()), index).is_some() {
                return Err(damaged("archive with two parts of one name"));
            }
        }
        Ok(Self { zip, names })
    }

    /// Whether there is a part of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains_key(&key(name))
    }

    /// The names of all parts, in lower case.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// The decompressed bytes of the part, or nothing if there is none of this name.
    pub(crate) fn read(&mut self, name: &str, budget: &mut Budget) -> Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        let found = self.each_chunk(name, budget, |chunk| bytes.extend_from_slice(chunk))?;
        Ok(found.then_some(bytes))
    }

    /// The decompressed bytes of a part that has to be there.
    pub(crate) fn require(&mut self, name: &str, what: &'static str, budget: &mut Budget) -> Result<Vec<u8>> {
        self.read(name, budget)?.ok_or_else(|| damaged(what))
    }

    /// Decompresses the part without keeping it: for a library that reads it again on its own and
    /// knows no limits.
    pub(crate) fn check(&mut self, name: &str, budget: &mut Budget) -> Result<()> {
        self.each_chunk(name, budget, |_| {}).map(drop)
    }

    fn each_chunk(&mut self, name: &str, budget: &mut Budget, mut keep: impl FnMut(&[u8])) -> Result<bool> {
        let Some(&index) = self.names.get(&key(name)) else {
            return Ok(false);
        };
        let mut part = self.zip.by_index(index).map_err(|error| broken(error, "archive"))?;
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = part.read(&mut chunk).map_err(|error| damaged("compressed part").source(error))?;
            if read == 0 {
                return Ok(true);
            }
            budget.decompressed(read as u64)?;
            keep(&chunk[..read]);
        }
    }
}

fn key(name: &str) -> String {
    name.trim_start_matches('/').replace('\\', "/").to_lowercase()
}

fn broken(error: ZipError, part: &'static str) -> Error {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => protected(),
        error => damaged(part).source(error),
    }
}

/// How many entries the end of the central directory promises. The zip crate keeps the last of
/// several entries of one name, silently; the difference gives them away.
fn declared_entries(bytes: &[u8]) -> Option<usize> {
    let tail = &bytes[bytes.len().saturating_sub(22 + 0xffff)..];
    let end = tail.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let count = tail.get(end + 10..end + 12)?;
    match u16::from_le_bytes([count[0], count[1]]) {
        u16::MAX => None, // The count stands in the zip64 record; no office file has that many parts.
        count => Some(count.into()),
    }
}
