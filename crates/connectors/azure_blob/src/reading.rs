//! Download: a blob's bytes as they are stored, of the version that was listed.

use std::sync::Arc;

use catchment_client::resumed;
use catchment_core::{ByteRange, Content, Download, Entry, Error, ErrorKind, Fingerprint, Result, async_trait};
use catchment_object_store::{Hash, empty, is_past_the_end, quoted, unchanged};

use crate::{
    container::Container,
    names::{can_be_addressed, is_unsaid},
};

#[async_trait]
impl Download for Container {
    async fn open(&self, entry: &Entry, range: Option<ByteRange>) -> Result<Content> {
        self.read(entry, range.unwrap_or(ByteRange::from(0))).await.map_err(|error| match error.get("path") {
            Some(_) => error,
            None => error.with("path", &entry.path),
        })
    }
}

impl Container {
    async fn read(&self, entry: &Entry, range: ByteRange) -> Result<Content> {
        let name = entry.id.as_str();
        if !name.starts_with(self.prefix.as_str()) || !can_be_addressed(name) || name.contains('\\') {
            return Err(Error::not_found(&entry.path));
        }
        if entry.is_container() || name.is_empty() || name.ends_with('/') {
            return Err(Error::unsupported("a folder has no content of its own: read the files in it"));
        }
        let listed = entry.fingerprint.as_ref().map(Fingerprint::as_str);
        let etag = listed.filter(|mark| mark.ends_with('"'));
        // A range of nothing cannot be asked for; but whether the blob is there can.
        if range.length == Some(0) || entry.size.is_some_and(|size| range.length_in(size) == 0) {
            let blob = self.wire.head(name).await?;
            unchanged(etag, blob.etag.as_deref())?;
            if range.length == Some(0) || blob.size.is_none_or(|size| range.offset >= size) {
                return Ok(empty(blob.etag.as_deref().or(listed)));
            }
        }
        let until = range.length.map(|length| range.offset.saturating_add(length));
        let download = match self.wire.get(name, etag, range.offset, until).await {
            Ok(download) => download,
            // The range begins behind the end, or the blob is empty.
            Err(error) if is_past_the_end(&error) && entry.size.is_none_or(|size| range.offset >= size) => {
                return Ok(empty(listed));
            }
            // What is gone is not the version that was asked for, either.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                return Err(self.wire.head(name).await.err().filter(Error::is_item).unwrap_or(error));
            }
            Err(error) => return Err(error),
        };
        let tag = download.etag.as_deref().and_then(quoted);
        unchanged(etag, tag.as_deref())?;
        let header = |name: &str| download.head.header(name).map(str::to_owned);
        let mime = header("content-type").filter(|mime| !is_unsaid(mime));
        // Beside a part of a blob it would be the part's, or the whole's.
        let hash = header("content-md5").filter(|_| range == ByteRange::from(0));
        let hash = hash.as_deref().and_then(Hash::of_content_md5);
        let size = download.size;
        let end = size.map(|size| range.offset.saturating_add(size));
        let bytes = match (&tag, end) {
            (Some(tag), Some(end)) => {
                let (wire, name, tag) = (Arc::clone(&self.wire), name.to_owned(), tag.clone());
                resumed(download.body, range.offset, end, move |at| {
                    let (wire, name, tag) = (Arc::clone(&wire), name.clone(), tag.clone());
                    async move { Ok(wire.get(&name, Some(&tag), at, Some(end)).await?.body) }
                })
            }
            // Without a mark of the version the rest may be another's.
            _ => download.body,
        };
        let body = match hash {
            Some(hash) => hash.holds(bytes),
            None => bytes,
        };
        Ok(Content { size, version: tag.or_else(|| listed.map(str::to_owned)), mime, body })
    }
}
