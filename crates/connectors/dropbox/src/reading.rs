//! Download: a file's bytes, of the revision that was listed, or what a document is exported to.

use std::sync::Arc;

use bytes::Bytes;
use catchment_client::resumed;
use catchment_core::{ByteRange, Content, Download, Entry, Error, ErrorKind, Result, async_trait};
use futures::{StreamExt, stream::BoxStream};
use serde_json::json;

use crate::{
    connection::Connection,
    content_hash::ContentHash,
    export, header,
    model::{Exported, File, Metadata},
    place::{self, Place},
    wire::{PathRoot, Wire},
};

const DOWNLOAD: &str = "files/download";

#[async_trait]
impl Download for Connection {
    async fn open(&self, entry: &Entry, range: Option<ByteRange>) -> Result<Content> {
        let range = range.unwrap_or(ByteRange::from(0));
        let place = self.place().await?;
        let mut opened = self.read(&place, entry, range).await;
        if opened.as_ref().is_err_and(place::has_moved) {
            self.leave(&place).await;
            opened = self.read(&*self.place().await?, entry, range).await;
        }
        opened.map_err(|error| match error.get("path") {
            Some(_) => error,
            None => error.with("path", &entry.path),
        })
    }
}

impl Connection {
    async fn read(&self, place: &Place, entry: &Entry, range: ByteRange) -> Result<Content> {
        let path = place.root.path(&entry.id)?;
        if entry.is_container() || path.is_empty() {
            return Err(Error::unsupported("a folder has no content of its own: read the files in it"));
        }
        match entry.fingerprint.as_ref().map(export::parts) {
            Some((rev, Some(format))) => self.exported(place, path, Some(rev), format, range).await,
            Some((rev, None)) => self.stored(place, path, Some(rev), entry.size, range).await,
            // Nothing says yet whether it has bytes of its own.
            None => {
                let file = self.file(place, path).await?;
                match export::format(&file).filter(|_| !file.is_downloadable) {
                    Some(format) => self.exported(place, path, None, &format, range).await,
                    None => self.stored(place, path, None, Some(file.size), range).await,
                }
            }
        }
    }

    /// The bytes of a file as they are stored.
    async fn stored(
        &self,
        place: &Place,
        path: &str,
        rev: Option<&str>,
        size: Option<u64>,
        range: ByteRange,
    ) -> Result<Content> {
        // A range of nothing cannot be asked for; but whether the file is there can.
        if range.length == Some(0) || size.is_some_and(|size| range.length_in(size) == 0) {
            let file = self.file(place, path).await?;
            unchanged(rev, &file.rev)?;
            if range.length_in(file.size) == 0 {
                return Ok(Content { version: Some(file.rev), ..Content::bytes(Bytes::new()) });
            }
        }
        let until = range.length.map(|length| range.offset.saturating_add(length));
        // Not by the revision: an old one can be had after the file was changed or deleted.
        let argument = json!({ "path": path });
        let download = self.wire.content(DOWNLOAD, &argument, &place.path_root, range.offset, until).await?;
        let file: File = header::result(&download.head)?;
        unchanged(rev, &file.rev)?;
        let length = range.length_in(file.size);
        if download.size.is_some_and(|size| size != length) {
            return Err(Error::protocol("the content has another length than Dropbox says: try again later"));
        }
        let rest = Arc::new(Rest {
            wire: Arc::clone(&self.wire),
            path_root: place.path_root.clone(),
            rev: file.rev.clone(),
            end: range.offset.saturating_add(length),
        });
        let mut body = resumed(download.body, range.offset, rest.end, move |at| {
            let rest = Arc::clone(&rest);
            async move { rest.from(at).await }
        });
        if length == file.size
            && let Some(hash) = file.content_hash
        {
            body = whole(body, hash);
        }
        let mime = download.head.header("content-type").filter(|mime| !is_unsaid(mime)).map(str::to_owned);
        Ok(Content { size: Some(length), version: Some(file.rev), mime, body })
    }

    /// What a document is exported to. An export is made anew each time, so it is read from its
    /// start and not taken up again where it broke off.
    async fn exported(
        &self,
        place: &Place,
        path: &str,
        rev: Option<&str>,
        format: &str,
        range: ByteRange,
    ) -> Result<Content> {
        let argument = json!({ "path": path, "export_format": format });
        let download = self.wire.content("files/export", &argument, &place.path_root, 0, None).await?;
        let Exported { export_metadata, file_metadata } = header::result(&download.head)?;
        unchanged(rev, &file_metadata.rev)?;
        let mut body = download.body;
        if let Some(hash) = export_metadata.export_hash {
            body = whole(body, hash);
        }
        let length = range.length_in(export_metadata.size);
        if length != export_metadata.size {
            body = part(body, range.offset, length);
        }
        let version = export::mark(&file_metadata.rev, format);
        Ok(Content {
            size: Some(length),
            version: Some(version.as_str().to_owned()),
            mime: export::mime(format).map(str::to_owned),
            body,
        })
    }

    async fn file(&self, place: &Place, path: &str) -> Result<File> {
        match self.wire.rpc("files/get_metadata", &json!({ "path": path }), &place.path_root).await? {
            Metadata::File(file) => Ok(file),
            Metadata::Folder(_) => Err(Error::unsupported("a folder has no content of its own: read the files in it")),
            Metadata::Deleted(_) => Err(Error::not_found(path)),
        }
    }
}

type Body = BoxStream<'static, Result<Bytes>>;

/// The rest of a transfer that broke off, of the revision it began with.
struct Rest {
    wire: Arc<Wire>,
    path_root: PathRoot,
    rev: String,
    /// The first byte not wanted.
    end: u64,
}

impl Rest {
    async fn from(&self, at: u64) -> Result<Body> {
        let argument = json!({ "path": format!("rev:{}", self.rev) });
        let again = self.wire.content(DOWNLOAD, &argument, &self.path_root, at, Some(self.end)).await?;
        let file: File = header::result(&again.head)?;
        unchanged(Some(&self.rev), &file.rev)?;
        Ok(again.body)
    }
}

/// The bytes, and an error behind the last if they are not those of the hash.
fn whole(mut body: Body, expected: String) -> Body {
    let bytes = async_stream::try_stream! {
        let mut hash = ContentHash::default();
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            hash.update(&chunk);
            yield chunk;
        }
        if !hash.finish().eq_ignore_ascii_case(&expected) {
            Err(Error::new(
                ErrorKind::Unreadable,
                "the content is not what its content_hash says: it was damaged on the way, import it again",
            ))?;
        }
    };
    bytes.boxed()
}

/// Some of the bytes. The rest is read, so that what is behind the last byte is found as well.
fn part(mut body: Body, mut skip: u64, mut left: u64) -> Body {
    let bytes = async_stream::try_stream! {
        while let Some(chunk) = body.next().await {
            let mut chunk = chunk?;
            let skipped = skip.min(chunk.len() as u64);
            skip -= skipped;
            // At most a chunk's length, which is a usize.
            chunk = chunk.split_off(skipped as usize);
            chunk.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= chunk.len() as u64;
            if !chunk.is_empty() {
                yield chunk;
            }
        }
    };
    bytes.boxed()
}

fn unchanged(wanted: Option<&str>, found: &str) -> Result<()> {
    match wanted {
        Some(wanted) if wanted != found => Err(Error::new(
            ErrorKind::Conflict,
            "the file has changed since it was listed: list it again, then read it",
        )),
        _ => Ok(()),
    }
}

/// What uploaders write that do not know either.
fn is_unsaid(mime: &str) -> bool {
    matches!(mime, "application/octet-stream" | "application/binary" | "binary/octet-stream")
}
