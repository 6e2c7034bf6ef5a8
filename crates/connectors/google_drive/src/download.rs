//! Download: the bytes of a file as they are stored, or one of Google's own documents exported.

use std::sync::Arc;

use catchment_core::{ByteRange, Content, Download, Entry, Error, ErrorKind, Fingerprint, Result, async_trait};
use futures::StreamExt;

use crate::{
    connector::Connection,
    entries::{Target, mark},
    formats::{Native, native},
    places::{Memory, Node},
    query::is_id,
    transfer::{Transfer, unchanged, whole},
    types::File,
    wire::{Keyed, Part},
};

#[async_trait]
impl Download for Connection {
    async fn open(&self, entry: &Entry, range: Option<ByteRange>) -> Result<Content> {
        self.read(entry, range.unwrap_or(ByteRange::from(0))).await.map_err(|error| match error.get("path") {
            Some(_) => error,
            None => error.with("path", &entry.path),
        })
    }
}

impl Connection {
    async fn read(&self, entry: &Entry, range: ByteRange) -> Result<Content> {
        let id = entry.id.as_str();
        if !is_id(id) {
            return Err(Error::not_found(&entry.path));
        }
        let mut file = self.wire.exportable(self.keyed(id)).await?;
        let place = self.place(&mut Memory::Lately, id, Node::of(&file).into()).await?;
        if place.is_none_or(|place| place.ids.is_empty()) && !file.is_folder() {
            return Err(Error::not_found(&entry.path));
        }
        if let Some(shortcut) = file.shortcut().cloned() {
            file = match self.target(&shortcut).await? {
                Target::File(target) => *target,
                Target::Nothing(reason) => return Err(Error::unsupported(reason)),
            };
            file.resource_key = file.resource_key.or(shortcut.target_resource_key);
        }
        if file.is_folder() {
            return Err(Error::unsupported("a folder has no content of its own: read the files in it"));
        }
        let listed = entry.fingerprint.as_ref().map(Fingerprint::as_str);
        unchanged(listed, mark(&file, self.export_as).as_deref())?;
        match native(&file.mime_type, self.export_as) {
            Some(Native::Export(formats)) => self.exported(&file, formats, range).await,
            Some(Native::Nothing(reason)) => Err(Error::unsupported(reason)),
            None => self.stored(&file, range).await,
        }
    }

    /// A file that has bytes.
    async fn stored(&self, file: &File, range: ByteRange) -> Result<Content> {
        let version = mark(file, self.export_as);
        let size = file.bytes();
        let length = size.map(|size| range.length_in(size));
        // A range of nothing cannot be asked for.
        if range.length == Some(0) || length == Some(0) {
            return Ok(Content { version, mime: Some(file.mime_type.clone()), ..Content::bytes("") });
        }
        let until = range.length.map(|length| range.offset.saturating_add(length));
        let until = until.map(|until| size.map_or(until, |size| until.min(size)));
        let may_be_html = file.mime_type.contains("html");
        let part = Part { from: range.offset, until, expected: length, may_be_html };
        let keyed = Keyed { id: &file.id, key: file.resource_key.as_deref() };
        let (download, insist) = match self.wire.media(keyed, part, false).await {
            Err(error) if self.insists && catchment_google::reason(&error) == Some("cannotDownloadAbusiveFile") => {
                (self.wire.media(keyed, part, true).await?, true)
            }
            opened => (opened?, false),
        };
        let hash = file.md5_checksum.clone().filter(|_| range == ByteRange::from(0));
        if hash.is_none() {
            // Nothing will tell at the end. What is sent is no later version than the one named now.
            self.still(keyed, version.as_deref()).await?;
        }
        let transfer = Transfer {
            wire: Arc::clone(&self.wire),
            id: file.id.clone(),
            key: file.resource_key.clone(),
            mark: version.clone(),
            insist,
            at: range.offset,
            end: download.size.map(|size| range.offset.saturating_add(size)),
            may_be_html,
        };
        let size = download.size;
        let body = transfer.bytes(download.body);
        let body = match hash {
            Some(hash) => whole(body, hash),
            None => body,
        };
        Ok(Content { size, version, mime: Some(file.mime_type.clone()), body })
    }

    /// A document in the first format that it is not too large for.
    async fn exported(&self, file: &File, formats: &[&'static str], range: ByteRange) -> Result<Content> {
        if range.offset > 0 {
            let message = "a document is exported anew each time, in other bytes: read it from the start";
            return Err(Error::unsupported(message));
        }
        let version = mark(file, self.export_as);
        if range.length == Some(0) {
            return Ok(Content { version, ..Content::bytes("") });
        }
        let part = Part { from: 0, until: range.length, expected: None, may_be_html: false };
        let mut refused = Error::unsupported("there is no format to export this document to");
        for format in formats {
            refused = match self.wire.export(&file.id, format, part).await {
                Ok(download) => return self.document(file, version, format, download).await,
                Err(error) => error,
            };
            if refused.kind() != ErrorKind::TooLarge {
                return Err(refused);
            }
            // The page of the document exports more than the API does.
            let Some(link) = file.export_links.get(*format) else { continue };
            match self.wire.linked(link, part).await {
                Some(Ok(download)) => return self.document(file, version, format, download).await,
                Some(Err(error)) if error.retry() != catchment_core::Retry::Never => return Err(error),
                Some(Err(_)) | None => {}
            }
        }
        Err(refused)
    }

    async fn document(
        &self,
        file: &File,
        version: Option<String>,
        format: &str,
        download: catchment_client::Download,
    ) -> Result<Content> {
        self.still(Keyed { id: &file.id, key: None }, version.as_deref()).await?;
        Ok(Content { size: download.size, version, mime: Some(format.to_owned()), body: download.body.boxed() })
    }

    /// That a file is still the version whose bytes are on their way.
    async fn still(&self, file: Keyed<'_>, version: Option<&str>) -> Result<()> {
        unchanged(version, mark(&self.wire.file(file).await?, self.export_as).as_deref())
    }
}
