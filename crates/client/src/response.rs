//! Answers: the head that classifiers and paging look at, and the buffered whole.

use std::fmt;

use bytes::Bytes;
use catchment_core::{Error, Result};
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use url::Url;

use crate::limits::Limits;

/// Status, headers and final address of an answer.
#[derive(Clone)]
#[non_exhaustive]
pub struct ResponseHead {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The address that answered, after redirects.
    pub url: Url,
}

/// A whole answer, no larger than the call's cap.
#[derive(Clone)]
pub struct Response {
    head: ResponseHead,
    body: Bytes,
    wrote: bool,
}

impl ResponseHead {
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, url: Url) -> Self {
        Self { status, headers, url }
    }

    /// A header as text, if there is one and it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the vendor says about its limits.
    pub fn limits(&self) -> Limits {
        Limits::of(&self.headers)
    }

    /// Whether the answer says that it is a web page.
    pub fn is_html(&self) -> bool {
        let media = self.header("content-type").unwrap_or_default().trim_start().to_ascii_lowercase();
        media.starts_with("text/html") || media.starts_with("application/xhtml")
    }

    /// The id under which the vendor's support finds this call.
    pub(crate) fn request_id(&self) -> Option<&str> {
        const NAMES: [&str; 9] = [
            "request-id",
            "x-request-id",
            "x-ms-request-id",
            "x-dropbox-request-id",
            "intuit_tid",
            "x-amz-request-id",
            "x-github-request-id",
            "xero-correlation-id",
            "x-correlation-id",
        ];
        let plain = |id: &&str| id.len() <= 128 && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic());
        NAMES.iter().find_map(|name| self.header(name).filter(plain))
    }
}

impl Response {
    pub(crate) fn new(head: ResponseHead, body: Bytes, wrote: bool) -> Self {
        Self { head, body, wrote }
    }

    /// Status, headers and final address.
    pub fn head(&self) -> &ResponseHead {
        &self.head
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The body as it came.
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// `Protocol`, naming the place but nothing of the content, when it is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let mut input = serde_json::Deserializer::from_slice(&self.body);
        let parsed = serde_path_to_error::deserialize(&mut input);
        let failed = match parsed {
            Ok(value) => match input.end() {
                Ok(()) => return Ok(value),
                Err(error) => self.not_json(&error, String::new()),
            },
            Err(error) => {
                let path = error.path().to_string();
                self.not_json(error.inner(), path)
            }
        };
        Err(if self.wrote { failed.with(crate::retry::OUTCOME, crate::retry::UNKNOWN) } else { failed })
    }

    /// serde's own messages quote the content, so only the place goes into the error.
    fn not_json(&self, error: &serde_json::Error, path: String) -> Error {
        let start = self.body.iter().find(|byte| !byte.is_ascii_whitespace());
        let out = if self.head.is_html() || start == Some(&b'<') {
            Error::protocol(
                "a web page came where data was expected: check the address, a sign-in page or a proxy may have answered",
            )
        } else if self.body.is_empty() {
            Error::protocol("an empty answer came where data was expected")
        } else if error.classify() == serde_json::error::Category::Data {
            Error::protocol("the answer has another shape than the vendor documents").with("at", path)
        } else {
            Error::protocol("the answer is not valid JSON").with("line", error.line()).with("column", error.column())
        };
        let out = out.with("host", self.head.url.host_str().unwrap_or_default()).with("status", self.status().as_u16());
        match self.head.request_id() {
            Some(id) => out.with("request id", id),
            None => out,
        }
    }
}

/// Headers and address may hold secrets: neither is shown.
impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("host", &self.url.host_str())
            .field("content_type", &self.headers.get(header::CONTENT_TYPE))
            .finish_non_exhaustive()
    }
}

/// The body may hold anything: only its length is shown.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("head", &self.head).field("length", &self.body.len()).finish()
    }
}
