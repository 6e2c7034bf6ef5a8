//! Content: the bytes of a file, streamed, whole or in part.

use std::fmt;

use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// Which bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ByteRange {
    /// The first byte, counted from 0.
    pub offset: u64,
    /// How many bytes; `None` to the end. A range that reaches past the end gives what is there.
    pub length: Option<u64>,
}

/// The bytes of a file. A body that is not polled is not fetched; dropping it ends the transfer.
pub struct Content {
    /// How many bytes the body will give, if the vendor says.
    pub size: Option<u64>,
    /// The version these bytes belong to: the same mark as [`Entry::fingerprint`](crate::Entry)
    /// where the vendor has one, so that a transfer can be continued on the same version.
    pub version: Option<String>,
    /// The media type the vendor claims.
    pub mime: Option<String>,
    /// The bytes.
    pub body: BoxStream<'static, Result<Bytes>>,
}

impl ByteRange {
    /// From `offset` to the end.
    pub fn from(offset: u64) -> Self {
        Self { offset, length: None }
    }

    /// `length` bytes from `offset`.
    pub fn new(offset: u64, length: u64) -> Self {
        Self { offset, length: Some(length) }
    }

    /// How many bytes this range has in a file of `size` bytes.
    pub fn length_in(&self, size: u64) -> u64 {
        let left = size.saturating_sub(self.offset);
        self.length.map_or(left, |length| length.min(left))
    }
}

impl Content {
    /// Content that is already there.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let size = Some(bytes.len() as u64);
        Self { size, version: None, mime: None, body: futures::stream::once(async { Ok(bytes) }).boxed() }
    }

    /// Makes a body that ends early or runs over its size an error. Whoever reads content wraps
    /// it in this; a connector need not.
    #[must_use]
    pub fn exact(mut self) -> Self {
        let Some(size) = self.size else { return self };
        let mut body = self.body;
        self.body = async_stream::try_stream! {
            let mut seen = 0u64;
            while let Some(chunk) = body.next().await {
                let chunk = chunk?;
                seen += chunk.len() as u64;
                if seen > size {
                    Err(Error::protocol("more bytes came than were announced: the file may be changing, try again")
                        .with("announced", size))?;
                }
                yield chunk;
            }
            if seen < size {
                Err(Error::new(ErrorKind::Unavailable, "the transfer ended early: try again")
                    .with("announced", size)
                    .with("received", seen))?;
            }
        }
        .boxed();
        self
    }

    /// Collects the body, failing once it is over `limit` bytes. For small things and tests.
    pub async fn collect(self, limit: u64) -> Result<Vec<u8>> {
        let mut body = self.exact().body;
        let mut all = Vec::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            if all.len() as u64 + chunk.len() as u64 > limit {
                return Err(Error::new(ErrorKind::TooLarge, "larger than the limit").with("limit", limit));
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("size", &self.size)
            .field("version", &self.version)
            .field("mime", &self.mime)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    fn announced(size: u64) -> Content {
        Content { size: Some(size), ..Content::bytes("four") }
    }

    #[test]
    fn a_truncated_body_is_an_error() {
        let error = block_on(announced(5).collect(100)).expect_err("one byte is missing");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn an_overlong_body_is_an_error() {
        let error = block_on(announced(3).collect(100)).expect_err("one byte too many");
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert_eq!(block_on(announced(4).collect(100)).expect("exact"), b"four");
    }

    #[test]
    fn a_range_ends_where_the_file_ends() {
        assert_eq!(ByteRange::new(2, 10).length_in(5), 3);
        assert_eq!(ByteRange::from(9).length_in(5), 0);
    }
}
