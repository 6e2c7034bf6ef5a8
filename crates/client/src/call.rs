//! One call: what to send, and how much care to take.

use std::{
    fmt,
    ops::{Bound, RangeBounds},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use catchment_core::{ByteRange, Error, Result, Secret};
use http::{HeaderMap, HeaderValue, Method, header};
use serde::Serialize;
use url::Url;

use crate::{
    body::{Download, Window},
    budget::{Budget, Meter},
    client::{self, Client},
    response::Response,
    send::{self, Answer},
};

/// A call to be sent. Nothing happens before [`Call::send`] or [`Call::stream`].
#[must_use]
pub struct Call {
    pub(crate) client: Client,
    pub(crate) method: Method,
    pub(crate) url: Result<Url>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) cost: u32,
    pub(crate) meter: Arc<Meter>,
    pub(crate) window: Window,
    pub(crate) deadline: Duration,
    pub(crate) cap: usize,
    pub(crate) anonymous: bool,
    pub(crate) decoded: bool,
    pub(crate) no_html: bool,
    idempotent: Option<bool>,
}

impl Call {
    pub(crate) fn new(client: Client, method: Method, url: Result<Url>) -> Self {
        let inner = &client.inner;
        let (meter, deadline, cap) = (Arc::clone(&inner.meter), inner.patience.deadline, inner.cap);
        Self {
            client,
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            cost: 1,
            meter,
            window: Window::default(),
            deadline,
            cap,
            anonymous: false,
            decoded: false,
            no_html: false,
            idempotent: None,
        }
    }

    /// Adds a parameter to the query.
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        if let Ok(url) = &mut self.url {
            url.query_pairs_mut().append_pair(name, &value.to_string());
        }
        self
    }

    /// Adds a header.
    pub fn header(self, name: &str, value: impl AsRef<str>) -> Self {
        self.put(name, value.as_ref(), false)
    }

    /// Adds a header with a secret value: it is shown nowhere and does not follow a redirect to
    /// another host.
    pub fn secret_header(self, name: &str, value: &Secret) -> Self {
        self.put(name, value.expose(), true)
    }

    /// Sends this token as `Authorization: Bearer`, to whichever host the call names, instead of
    /// what the client would send.
    pub fn bearer(self, token: &Secret) -> Self {
        let value = Secret::new(format!("Bearer {}", token.expose()));
        self.secret_header(header::AUTHORIZATION.as_str(), &value)
    }

    /// Sends no credential of the client, for addresses that carry their own signature.
    pub fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// The body as JSON.
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body("application/json", bytes),
            Err(_) => self.fault(Error::internal("the request cannot be written as JSON")),
        }
    }

    /// The body as a form.
    pub fn form<'a>(self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.body("application/x-www-form-urlencoded", form.finish())
    }

    /// The body as it is.
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self.put(header::CONTENT_TYPE.as_str(), content_type, false)
    }

    /// How many units of the budget it costs; 1 unless given.
    pub fn cost(mut self, units: u32) -> Self {
        self.cost = units;
        self
    }

    /// Draws on this budget instead of the client's. Give it a [`Budget::lane`].
    pub fn budget(mut self, budget: Budget) -> Self {
        self.meter = Meter::shared(&self.client.inner.vendor, &self.client.inner.tenant, &budget);
        self
    }

    /// Whether it may be sent twice. Without a word, GET, HEAD, PUT, DELETE and OPTIONS may, and
    /// anything that carries an `Idempotency-Key`.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// Another deadline than the client's.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Another cap for the buffered body than the client's, in bytes.
    pub fn cap(mut self, bytes: usize) -> Self {
        self.cap = bytes;
        self
    }

    /// Only these bytes. A server that ignores it costs bandwidth, but the stream is right.
    pub fn range(mut self, range: impl RangeBounds<u64>) -> Self {
        let start = match range.start_bound() {
            Bound::Included(start) => *start,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(last) => Some(last.saturating_add(1)),
            Bound::Excluded(end) => Some(*end),
            Bound::Unbounded => None,
        };
        if end.is_some_and(|end| end <= start) {
            return self.fault(Error::internal("an empty range cannot be asked for"));
        }
        self.window.start = start;
        self.window.end = end;
        match (start, end) {
            (0, None) => self,
            (start, None) => self.header(header::RANGE.as_str(), format!("bytes={start}-")),
            (start, Some(end)) => self.header(header::RANGE.as_str(), format!("bytes={start}-{}", end - 1)),
        }
    }

    /// Only this part, if one is given. See [`Call::range`].
    pub fn part(self, part: Option<ByteRange>) -> Self {
        match part {
            None => self,
            Some(ByteRange { offset, length: None }) => self.range(offset..),
            Some(ByteRange { offset, length: Some(length) }) => self.range(offset..offset.saturating_add(length)),
        }
    }

    /// The stream must hold exactly this many bytes: the size a listing gave.
    pub fn expect_size(mut self, bytes: u64) -> Self {
        self.window.expected = Some(bytes);
        self
    }

    /// Undoes gzip in a stream. Without it the bytes come as they are stored, which is what
    /// sizes, ranges and hashes speak of.
    pub fn decoded(mut self) -> Self {
        self.decoded = true;
        self
    }

    /// A web page instead of content is an error: some vendors answer a lost credential with 200
    /// and a sign-in page.
    pub fn reject_html(mut self) -> Self {
        self.no_html = true;
        self
    }

    /// Sends it and reads the whole answer. Cancel-safe: dropping it leaves nothing running,
    /// though a request already on its way may still be carried out.
    ///
    /// # Errors
    /// What the classifier or the status says; `Timeout`, `Unavailable` or `RateLimited` when the
    /// deadline leaves no time for another attempt; `TooLarge` over the cap. A write that may
    /// have been carried out is marked: see [`outcome_is_unknown`](crate::outcome_is_unknown).
    pub async fn send(self) -> Result<Response> {
        match send::run(self, false).await? {
            Answer::Whole(response) => Ok(response),
            Answer::Open(..) => Err(Error::internal("a buffered call gave a stream")),
        }
    }

    /// Sends it and streams the answer's body; a body that is not polled is not fetched.
    /// Cancel-safe. A body that breaks off is an error in the stream, which is not resumed.
    ///
    /// # Errors
    /// Before the stream begins, as [`Call::send`].
    pub async fn stream(self) -> Result<Download> {
        let (window, idle) = (self.window, self.client.inner.patience.idle);
        match send::run(self, true).await? {
            Answer::Open(head, response) => Download::new(head, *response, window, idle),
            Answer::Whole(_) => Err(Error::internal("a streaming call gave a whole answer")),
        }
    }

    pub(crate) fn is_idempotent(&self) -> bool {
        self.idempotent.unwrap_or_else(|| self.method.is_idempotent() || self.headers.contains_key("idempotency-key"))
    }

    fn put(mut self, name: &str, value: &str, secret: bool) -> Self {
        match client::header(name, value, secret) {
            Ok((name, value)) => {
                self.headers.insert(name, value);
                self
            }
            Err(error) => self.fault(error),
        }
    }

    /// The first fault is kept and comes out when the call is sent.
    pub(crate) fn fault(mut self, error: Error) -> Self {
        if self.url.is_ok() {
            self.url = Err(error);
        }
        self
    }

    /// The headers of every attempt, but for the credential.
    pub(crate) fn assembled(&self, trusted: bool, streaming: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.client.inner.headers {
            if trusted && !self.anonymous || !value.is_sensitive() {
                headers.insert(name, value.clone());
            }
        }
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        if !headers.contains_key(header::ACCEPT) {
            let accept = if streaming { "*/*" } else { "application/json" };
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        }
        headers
    }
}

/// Neither query nor headers nor body are shown.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.as_ref().ok();
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("host", &url.and_then(Url::host_str))
            .field("path", &url.map(|url| crate::redact::path(url, &self.client.inner.secrets)))
            .finish_non_exhaustive()
    }
}
