//! Download: an object's bytes as they are stored, of the version that was listed.

use catchment_core::{ByteRange, Content, Download, Entry, Error, ErrorKind, Fingerprint, Result, async_trait};
use chrono::{DateTime, Utc};
use futures::StreamExt;

use crate::{bucket::S3Bucket, xml::quoted};

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
        let download = match self.wire.get(key, etag, range.offset, until).await {
            Ok(download) => download,
            // The range begins behind the end, or the object is empty.
            Err(error) if is_past_the_end(&error) && entry.size.is_none_or(|size| range.offset >= size) => {
                return Ok(empty(listed));
            }
            Err(error) => return Err(error),
        };
        let tag = download.etag.as_deref().and_then(quoted);
        if let (Some(etag), Some(tag)) = (etag, &tag)
            && etag != tag
        {
            // Not every store knows If-Match.
            return Err(Error::new(
                ErrorKind::Conflict,
                "the object has changed since it was listed: list it again, then read it",
            ));
        }
        let modified = download.head.header("last-modified").and_then(|text| httpdate::parse_http_date(text).ok());
        if let (None, Some(_), Some(listed), Some(modified)) = (etag, listed, entry.modified, modified)
            && listed.timestamp() != DateTime::<Utc>::from(modified).timestamp()
        {
            return Err(Error::new(
                ErrorKind::Conflict,
                "the object has changed since it was listed: list it again, then read it",
            ));
        }
        if nothing {
            return Ok(Content { version: tag, ..empty(listed) });
        }
        let mime = download.head.header("content-type").map(str::to_owned);
        Ok(Content {
            size: download.size,
            version: tag.or_else(|| listed.map(str::to_owned)),
            // What uploaders write that do not know either.
            mime: mime.filter(|mime| !matches!(mime.as_str(), "binary/octet-stream" | "application/octet-stream")),
            body: download.body.boxed(),
        })
    }
}

fn is_past_the_end(error: &Error) -> bool {
    error.get("code") == Some("InvalidRange") || error.get("status") == Some("416")
}

fn empty(version: Option<&str>) -> Content {
    Content { size: Some(0), version: version.map(str::to_owned), mime: None, body: futures::stream::empty().boxed() }
}
