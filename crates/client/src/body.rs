//! Bodies: buffered under a cap, or streamed with the length and the pace checked.

use std::{fmt, time::Duration};

use bytes::{Bytes, BytesMut};
use catchment_core::{Content, Error, ErrorKind, Result};
use futures::stream::BoxStream;
use http::{StatusCode, header};
use url::Url;

use crate::{pool, response::ResponseHead, retry::Failure};

/// The bytes of an answer on their way in.
pub struct Download {
    /// Status, headers and final address.
    pub head: ResponseHead,
    /// How many bytes the stream gives, if the vendor says.
    pub size: Option<u64>,
    /// The entity tag, quotes included.
    pub etag: Option<String>,
    /// The bytes. Ends with an error when fewer or more come than `size` says, and when the
    /// server pauses for longer than the client's idle time.
    pub body: BoxStream<'static, Result<Bytes>>,
}

/// Which bytes were asked for, and how many are expected.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Window {
    pub(crate) start: u64,
    /// The first byte not wanted.
    pub(crate) end: Option<u64>,
    pub(crate) expected: Option<u64>,
}

impl Download {
    pub(crate) fn new(head: ResponseHead, response: reqwest::Response, window: Window, idle: Duration) -> Result<Self> {
        let length = length(&head);
        let mut skip = 0;
        let mut size = window.expected.or(length);
        let asked = window.start > 0 || window.end.is_some();
        // rclone's S3 server sends the range and says 200: what the body is, Content-Range knows.
        let named = asked && head.header(header::CONTENT_RANGE.as_str()).is_some();
        let partial = named || head.status == StatusCode::PARTIAL_CONTENT;
        if partial {
            let (first, last) = content_range(&head)?;
            if first != window.start || window.end.is_some_and(|end| last >= end) {
                return Err(Error::protocol("the vendor sent other bytes than the range asked for"));
            }
            size = Some(window.expected.unwrap_or(last - first + 1));
        } else if asked {
            // The server ignored the range and sends everything: cut it out here.
            skip = window.start;
            let end = match (window.end, length) {
                (Some(end), Some(length)) => Some(end.min(length)),
                (end, length) => end.or(length),
            };
            size = window.expected.or(end.map(|end| end.saturating_sub(skip)));
        }
        let cut = !partial && window.end.is_some();
        let etag = head.header(header::ETAG.as_str()).map(str::to_owned);
        let body = Box::pin(checked(response, head.url.clone(), skip, size, cut, idle));
        Ok(Self { head, size, etag, body })
    }

    /// As core's [`Content`], the entity tag being the version.
    pub fn into_content(self) -> Content {
        let mime = self.head.header(header::CONTENT_TYPE.as_str()).map(str::to_owned);
        Content { size: self.size, version: self.etag, mime, body: self.body }
    }

    /// Reads the rest into memory, unless it is more than `cap` bytes.
    ///
    /// # Errors
    /// `TooLarge` over the cap; the stream's own errors.
    pub async fn bytes(mut self, cap: usize) -> Result<Bytes> {
        use futures::TryStreamExt;
        let mut out = BytesMut::new();
        while let Some(chunk) = self.body.try_next().await? {
            if out.len() + chunk.len() > cap {
                return Err(too_large(cap));
            }
            out.extend_from_slice(&chunk);
        }
        Ok(out.freeze())
    }
}

/// The chunks, with `skip` bytes left out in front and exactly `size` given, if a size is known.
/// With `cut`, what follows is not wanted; without, it is an error.
fn checked(
    mut response: reqwest::Response,
    url: Url,
    mut skip: u64,
    size: Option<u64>,
    cut: bool,
    idle: Duration,
) -> impl futures::Stream<Item = Result<Bytes>> + Send {
    async_stream::try_stream! {
        let mut given = 0u64;
        loop {
            if cut && size == Some(given) {
                break;
            }
            let Some(mut chunk) = next(&mut response, &url, idle).await.map_err(|failure| failure.error)? else {
                if size.is_some_and(|size| given < size) {
                    Err(mismatch("the content ends before it is complete: try again", size, given))?;
                }
                break;
            };
            let skipped = skip.min(chunk.len() as u64);
            skip -= skipped;
            // At most a chunk's length, which is a usize.
            chunk = chunk.split_off(skipped as usize);
            let left = size.map_or(u64::MAX, |size| size - given);
            if chunk.len() as u64 > left {
                if !cut {
                    Err(mismatch("more content comes than the vendor announced: list it again, it may have changed", size, given))?;
                }
                chunk.truncate(left as usize);
            }
            if !chunk.is_empty() {
                given += chunk.len() as u64;
                yield chunk;
            }
        }
    }
}

fn mismatch(message: &'static str, size: Option<u64>, given: u64) -> Error {
    Error::new(ErrorKind::Unavailable, message)
        .with("expected bytes", size.unwrap_or_default())
        .with("received bytes", given)
}

/// The whole body, unless it is larger than the cap. Errors are kept from being too clever: the
/// request was carried out, only the answer is lost.
pub(crate) async fn whole(
    mut response: reqwest::Response,
    head: &ResponseHead,
    cap: usize,
    idle: Duration,
) -> std::result::Result<Bytes, Failure> {
    if length(head).is_some_and(|length| length > cap as u64) && head.status != StatusCode::NOT_MODIFIED {
        return Err(Failure::unclear(too_large(cap)));
    }
    let mut out = BytesMut::new();
    while let Some(chunk) = next(&mut response, &head.url, idle).await? {
        if out.len() + chunk.len() > cap {
            return Err(Failure::unclear(too_large(cap)));
        }
        out.extend_from_slice(&chunk);
    }
    Ok(out.freeze())
}

/// The next chunk. The clock runs only while somebody waits for it.
async fn next(
    response: &mut reqwest::Response,
    url: &Url,
    idle: Duration,
) -> std::result::Result<Option<Bytes>, Failure> {
    match tokio::time::timeout(idle, response.chunk()).await {
        Ok(Ok(chunk)) => Ok(chunk),
        Ok(Err(error)) => Err(pool::failure(error, url)),
        Err(_) => Err(Failure::unclear(
            Error::new(ErrorKind::Timeout, "the server stopped in the middle of the answer: try again")
                .with("host", url.host_str().unwrap_or_default()),
        )),
    }
}

fn too_large(cap: usize) -> Error {
    Error::new(ErrorKind::TooLarge, "the answer is larger than is read into memory").with("limit bytes", cap)
}

/// The announced length. hyper has taken it out already where the body was decoded.
fn length(head: &ResponseHead) -> Option<u64> {
    head.header(header::CONTENT_LENGTH.as_str())?.trim().parse().ok()
}

/// First and last byte of `bytes 0-99/1234`.
fn content_range(head: &ResponseHead) -> Result<(u64, u64)> {
    let read = || {
        let range = head.header(header::CONTENT_RANGE.as_str())?.trim().strip_prefix("bytes ")?;
        let (first, last) = range.split_once('/')?.0.split_once('-')?;
        let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        (first <= last && last < u64::MAX).then_some((first, last))
    };
    read().ok_or_else(|| Error::protocol("the vendor does not say which part of the content it sends"))
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("head", &self.head).field("size", &self.size).finish_non_exhaustive()
    }
}
