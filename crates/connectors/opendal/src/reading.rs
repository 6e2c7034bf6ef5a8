//! Download: a file's bytes, and only as long as it stays the same file.
//!
//! Where the service compares an entity tag itself, it is asked to. Where it does not, or its answer
//! does not say which version it is, the file is looked at before and once more before the last bytes
//! are given away.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use catchment_core::{ByteRange, Content, Download, Entry, Error, ErrorKind, Fingerprint, Result, async_trait};
use futures::{Stream, StreamExt};
use md5::{Digest, Md5};
use opendal::{BufferStream, Metadata, options::ReaderOptions};

use crate::{errors, look::Look, metadata, storage::Storage};

/// A file that is being read.
struct Reading {
    look: Look,
    patience: Option<std::time::Duration>,
    full: String,
    path: String,
    stream: BufferStream,
    /// Bytes still to come that were not asked for.
    skip: u64,
    /// Bytes still to come after them.
    left: u64,
    /// The mark the file has to have, as long as nobody has said that it has it.
    unproven: Option<Fingerprint>,
    /// The hash the whole has to have, and what has come.
    hash: Option<(Vec<u8>, Md5)>,
}

#[async_trait]
impl Download for Storage {
    async fn open(&self, entry: &Entry, range: Option<ByteRange>) -> Result<Content> {
        let (id, path) = (entry.id.as_str(), entry.path.as_str());
        if id.is_empty() || id.ends_with('/') {
            return Err(Error::unsupported("a folder has no content of its own: read the files in it"));
        }
        let full = self.root.full(id)?;
        let part = range.unwrap_or(ByteRange::from(0));
        let pinned = entry.fingerprint.as_ref().and_then(|mark| metadata::pin(mark, &self.capability));
        let mut known = entry.clone();
        let mut mark = entry.fingerprint.clone();
        // A tag that the service compares itself needs no look before, unless nothing is read.
        if pinned.is_none() || self.sum_is_tag || entry.size.is_none_or(|size| part.length_in(size) == 0) {
            let found = self.stat(&full, path).await?;
            if found.is_dir() {
                return Err(Error::unsupported("a folder has no content of its own: read the files in it"));
            }
            self.is_listed(entry, &found, path)?;
            known = metadata::entry(id, &full, &found);
            if self.sum_is_tag {
                known.hash = metadata::sum_of(&found);
                mark = known.fingerprint.clone();
            }
            known.fingerprint = entry.fingerprint.clone().or(known.fingerprint);
            mark = mark.or_else(|| known.fingerprint.clone());
        }
        let size = known.size.unwrap_or_default();
        let length = part.length_in(size);
        let content = |body| Content {
            size: Some(length),
            version: known.fingerprint.as_ref().map(|mark| mark.as_str().to_owned()),
            mime: known.mime.clone(),
            body,
        };
        if length == 0 {
            return Ok(content(futures::stream::empty().boxed()));
        }
        let mut options = ReaderOptions { content_length_hint: Some(size), ..ReaderOptions::default() };
        let pinned = mark.as_ref().and_then(|mark| metadata::pin(mark, &self.capability));
        options.if_match = pinned.map(str::to_owned);
        // Where a range cannot be relied on, everything in front of it is read, too.
        let first = if self.from_start { 0 } else { part.offset };
        let end = part.offset + length;
        let opened = async {
            let reader = self.operator.reader_options(&full, options).await?;
            let mut stream = reader.into_stream(first..end).await?;
            // Sends the request. Not every service says anything about the file with it.
            let said = match stream.metadata().await {
                Ok(said) => Some(said),
                Err(error) if error.kind() == opendal::ErrorKind::Unsupported => None,
                Err(error) => return Err(error),
            };
            Ok((stream, said))
        };
        let opened = errors::within(self.patience, path, opened).await;
        let (stream, said) = opened.map_err(|error| match error.kind() {
            ErrorKind::Conflict => errors::changed(path),
            _ => error,
        })?;
        let mut unproven = mark.clone();
        if let (Some(mark), Some(said)) = (&mark, &said) {
            match metadata::is_tagged(mark, said) {
                Some(false) => return Err(errors::changed(path)),
                Some(true) => unproven = None,
                None => {}
            }
        }
        let whole = part.offset == 0 && length == size;
        let hash = known.hash.as_ref().filter(|_| whole).and_then(md5_of).map(|hash| (hash, Md5::new()));
        let reading = Reading {
            look: self.look(),
            patience: self.patience,
            full,
            path: path.to_owned(),
            stream,
            skip: part.offset - first,
            left: length,
            unproven,
            hash,
        };
        Ok(content(body(reading).boxed()))
    }
}

impl Storage {
    fn is_listed(&self, entry: &Entry, found: &Metadata, path: &str) -> Result<()> {
        let Some(wanted) = &entry.fingerprint else { return Ok(()) };
        let is_it = metadata::marks(found).any(|mark| metadata::is_same(&mark, wanted))
            || self.sum_is_tag && metadata::is_listed_in_parts(entry, found);
        if is_it { Ok(()) } else { Err(errors::changed(path)) }
    }
}

fn body(mut reading: Reading) -> impl Stream<Item = Result<Bytes>> + Send {
    async_stream::try_stream! {
        while reading.left > 0 {
            let chunk = reading.next().await?;
            if !chunk.is_empty() {
                yield chunk;
            }
        }
    }
}

impl Reading {
    /// The next bytes. The last are given away only if the file is still the one that was meant and
    /// the whole has its hash.
    async fn next(&mut self) -> Result<Bytes> {
        let chunk = async { self.stream.next().await.transpose() };
        let chunk = errors::within(self.patience, &self.path, chunk).await;
        let chunk = match chunk {
            Ok(Some(chunk)) => self.wanted(chunk.to_bytes()),
            // That less came than was announced is told by OpenDAL, without a kind of its own.
            Ok(None) => return Err(self.cut()),
            Err(error) if error.kind() == ErrorKind::Protocol && error.get("opendal").is_some() => {
                return Err(self.cut());
            }
            Err(error) => return Err(error),
        };
        let came = chunk.len() as u64;
        if came > self.left {
            return Err(Error::protocol("more bytes came than were asked for").with("path", &self.path));
        }
        self.left -= came;
        if let Some((_, sum)) = &mut self.hash {
            sum.update(&chunk);
        }
        if self.left == 0 {
            self.prove().await?;
        }
        Ok(chunk)
    }

    /// Without what was not asked for.
    fn wanted(&mut self, mut chunk: Bytes) -> Bytes {
        // At most a chunk's length, which is a usize.
        let skipped = self.skip.min(chunk.len() as u64) as usize;
        self.skip -= skipped as u64;
        chunk.split_off(skipped)
    }

    async fn prove(&mut self) -> Result<()> {
        if let Some(mark) = self.unproven.take() {
            let now = self.look.at(&self.full, &self.path).await?;
            if !metadata::marks(&now).any(|other| metadata::is_same(&other, &mark)) {
                return Err(errors::changed(&self.path));
            }
        }
        if let Some((wanted, sum)) = self.hash.take()
            && sum.finalize()[..] != wanted[..]
        {
            return Err(Error::new(
                ErrorKind::Unreadable,
                "the content is not what its MD5 says: it was damaged on the way, or stored with a wrong one; import \
                 again, and if that does not help store the file again",
            )
            .with("path", &self.path));
        }
        Ok(())
    }

    fn cut(&self) -> Error {
        Error::new(ErrorKind::Unavailable, "the transfer ended early: try again")
            .with("path", &self.path)
            .with("missing bytes", self.left)
    }
}

/// The bytes of an MD5 as services write it: in hexadecimal or base64.
fn md5_of(hash: &catchment_core::ContentHash) -> Option<Vec<u8>> {
    let text = hash.value.trim();
    let hexadecimal = || -> Option<Vec<u8>> {
        let digits = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
        digits.collect()
    };
    let bytes = if text.len() == 32 { hexadecimal() } else { BASE64_STANDARD.decode(text).ok() };
    bytes.filter(|bytes| bytes.len() == 16)
}

#[cfg(test)]
mod tests {
    use catchment_core::ContentHash;

    use super::*;

    #[test]
    fn an_md5_is_read_in_both_forms_and_anything_else_left_alone() {
        let of = |value: &str| md5_of(&ContentHash { algorithm: "md5".to_owned(), value: value.to_owned() });
        let empty = Md5::digest(b"").to_vec();
        assert_eq!(of("d41d8cd98f00b204e9800998ecf8427e"), Some(empty.clone()));
        assert_eq!(of("1B2M2Y8AsgTpgAmY7PhCfg=="), Some(empty));
        for other in ["", "none", "d41d8cd98f00b204e9800998ecf8427", "zz1d8cd98f00b204e9800998ecf8427e", "ä"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
