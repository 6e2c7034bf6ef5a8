//! Download: a file's bytes, a chunk at a time, and only as long as it stays the same file.

use std::{
    io::{Read, Seek, SeekFrom},
    sync::Arc,
};

use bytes::Bytes;
use cap_std::fs::File;
use catchment_core::{ByteRange, Content, Download, Entry, Error, ErrorKind, Fingerprint, Result, async_trait};
use futures::StreamExt;

use crate::{blocking::blocking, entries::fingerprint, errors, folder::LocalFolder, names::Place};

/// Large enough that going to the pool for it costs little.
const CHUNK: u64 = 512 * 1024;

#[async_trait]
impl Download for LocalFolder {
    async fn open(&self, entry: &Entry, range: Option<ByteRange>) -> Result<Content> {
        let (tree, id, path) = (Arc::clone(&self.tree), entry.id.clone(), entry.path.clone());
        let listed = entry.fingerprint.clone();
        let reading = blocking(move |_| {
            let place = Place::of_id(&id)?;
            if !tree.filter.takes_all(&place, false) {
                return Err(Error::not_found(place.display()));
            }
            let (mut file, metadata) = tree.open_file(&place)?;
            let mark = fingerprint(&metadata);
            if listed.is_some_and(|listed| listed != mark) {
                return Err(changed(&path));
            }
            let range = range.unwrap_or(ByteRange::from(0));
            let left = range.length_in(metadata.len());
            if range.offset > 0 && left > 0 {
                file.seek(SeekFrom::Start(range.offset)).map_err(|error| errors::of_item(error, &path))?;
            }
            Ok(Reading { file, mark, left, path })
        })
        .await?;
        let (size, version) = (Some(reading.left), Some(reading.mark.as_str().to_owned()));
        Ok(Content { size, version, mime: None, body: body(reading).boxed() })
    }
}

struct Reading {
    file: File,
    mark: Fingerprint,
    left: u64,
    path: String,
}

fn body(mut reading: Reading) -> impl futures::Stream<Item = Result<Bytes>> + Send {
    async_stream::try_stream! {
        while reading.left > 0 {
            let (chunk, back) = blocking(move |_| {
                let chunk = reading.next()?;
                Ok((chunk, reading))
            })
            .await?;
            reading = back;
            yield chunk;
        }
    }
}

impl Reading {
    /// The next chunk. The last one is given away only if the file is still the one that was
    /// opened: bytes of two versions never pass for one file.
    fn next(&mut self) -> Result<Bytes> {
        let of_item = |error| errors::of_item(error, &self.path);
        let want = self.left.min(CHUNK);
        let mut chunk = Vec::with_capacity(want as usize);
        (&mut self.file).take(want).read_to_end(&mut chunk).map_err(of_item)?;
        self.left -= chunk.len() as u64;
        let short = (chunk.len() as u64) < want;
        if short || (self.left == 0 && fingerprint(&self.file.metadata().map_err(of_item)?) != self.mark) {
            return Err(changed(&self.path));
        }
        Ok(chunk.into())
    }
}

fn changed(path: &str) -> Error {
    Error::new(ErrorKind::Conflict, "the file has changed since it was listed: list it again, then read it")
        .with("path", path)
}
