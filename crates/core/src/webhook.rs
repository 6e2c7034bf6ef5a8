//! Webhooks: a doorbell. Verified over the raw bytes, turned into hints, and then looked up.

use chrono::{DateTime, Utc};

use crate::{entry::EntryId, error::Result, secret::Secret};

/// A vendor's webhooks. Both calls are pure: bytes in, verdict out.
pub trait Webhooks: Send + Sync {
    /// The answer to the vendor's handshake, if this request is one.
    fn handshake(&self, request: &RawRequest<'_>, secret: &Secret) -> Result<Option<RawResponse>>;

    /// Checks the signature in constant time and inside the replay window, and only then reads
    /// the body. A bad signature is [`Unauthenticated`](crate::ErrorKind::Unauthenticated).
    fn verify(&self, request: &RawRequest<'_>, secret: &Secret, now: DateTime<Utc>) -> Result<Vec<Hint>>;
}

/// A request as it came in.
#[derive(Debug, Clone, Copy)]
pub struct RawRequest<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// The query string as it came, without `?`.
    pub query: &'a str,
    /// Names in lower case, values as they came.
    pub headers: &'a [(String, String)],
    /// The bytes that were signed.
    pub body: &'a [u8],
}

/// What the vendor wants to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawResponse {
    /// The HTTP status.
    pub status: u16,
    /// The media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// "Look here again."
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Hint {
    /// At this entry.
    Entry(EntryId),
    /// At records of this kind.
    Records(String),
    /// At everything that changed.
    Everything,
}
