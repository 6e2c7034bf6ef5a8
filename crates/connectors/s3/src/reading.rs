//! Download: an object's bytes as they are stored, of the version that was listed.

use std::sync::Arc;

use catchment_client::resumed;
use catchment_core::{ByteRange, Content, Download, Entry, Error, ErrorKind, Fingerprint, Result, async_trait};
use catchment_object_store::{Hash, changed, empty, is_past_the_end, quoted, unchanged};
use chrono::{DateTime, Utc};

use crate::{bucket::S3Bucket, wire::Version};

#[async_trait]
impl Download for S3Bucket {
    async fn open(&self, entry: &Entry, range: Option<ByteRange>) -> Result<Content> {
        self.read(entry, range.unwrap_or(ByteRange::from(0))).await.map_err(|error| match error.get("path") {
            Some(_) => error,
            None => error.with("path", &entry.path),
        })
    }
}

impl S3Bucket {
    async fn read(&self, entry: &Entry, range: ByteRange) -> Result<Content> {
        let key = entry.id.as_str();
        if !key.starts_with(self.prefix.as_str()) {
            return Err(Error::not_found(&entry.path));
        }
        if entry.is_container() || key.is_empty() {
            return Err(Error::unsupported("a folder has no content of its own: read the files in it"));
        }
        let listed = entry.fingerprint.as_ref().map(Fingerprint::as_str);
        let etag = listed.filter(|mark| mark.ends_with('"'));
        // A range of nothing cannot be asked for; one byte is, to see that the object is there.
        let nothing = range.length == Some(0);
        let until = range.length.map(|length| range.offset.saturating_add(length.max(1)));
        let download = match self.wire.get(key, Version { etag, id: None }, range.offset, until).await {
            Ok(download) => download,
            // The range begins behind the end, or the object is empty.
            Err(error) if is_past_the_end(&error) && entry.size.is_none_or(|size| range.offset >= size) => {
                return Ok(empty(listed));
            }
            // What the store says to whoever brings no key for an object that wants one (SSE-C).
            Err(error) if error.get("code") == Some("InvalidRequest") => {
                return Err(Error::new(
                    ErrorKind::Unreadable,
                    "the store does not read this object as it was asked to: if it is encrypted with a key of your \
                     own, give that as customer_key, and leave it out where objects are not",
                )
                .source(error));
            }
            Err(error) => return Err(error),
        };
        let tag = download.etag.as_deref().and_then(quoted);
        unchanged(etag, tag.as_deref())?;
        let modified = download.head.header("last-modified").and_then(|text| httpdate::parse_http_date(text).ok());
        if let (None, Some(_), Some(listed), Some(modified)) = (etag, listed, entry.modified, modified)
            && listed.timestamp() != DateTime::<Utc>::from(modified).timestamp()
        {
            return Err(changed());
        }
        if nothing {
            return Ok(Content { version: tag, ..empty(listed) });
        }
        let header = |name: &str| download.head.header(name).map(str::to_owned);
        let mime = header("content-type");
        // The version can be read to its end even when another takes its place; "null" is not one.
        let version = header("x-amz-version-id").filter(|id| id != "null");
        let size = download.size;
        let hash = (range == ByteRange::from(0)).then(|| Hash::of_s3(&download.head.headers, tag.as_deref())).flatten();
        let body = match (&tag, size.map(|size| range.offset.saturating_add(size))) {
            (Some(tag), Some(end)) => {
                let (wire, key, tag) = (Arc::clone(&self.wire), key.to_owned(), tag.clone());
                resumed(download.body, range.offset, end, move |at| {
                    let (wire, key, tag, version) = (Arc::clone(&wire), key.clone(), tag.clone(), version.clone());
                    async move {
                        let same = Version { etag: Some(&tag), id: version.as_deref() };
                        let rest = match wire.get(&key, same, at, Some(end)).await {
                            // Reading a version by its id is a right of its own (s3:GetObjectVersion).
                            Err(error) if error.kind() == ErrorKind::Forbidden && same.id.is_some() => {
                                wire.get(&key, Version { id: None, ..same }, at, Some(end)).await?
                            }
                            rest => rest?,
                        };
                        unchanged(Some(&tag), rest.etag.as_deref().and_then(quoted).as_deref())?;
                        Ok(rest.body)
                    }
                })
            }
            // Without a mark of the version the rest may be another's.
            _ => download.body,
        };
        Ok(Content {
            size,
            version: tag.or_else(|| listed.map(str::to_owned)),
            // What uploaders write that do not know either.
            mime: mime.filter(|mime| !matches!(mime.as_str(), "binary/octet-stream" | "application/octet-stream")),
            body: match hash {
                Some(hash) => hash.holds(body),
                None => body,
            },
        })
    }
}
