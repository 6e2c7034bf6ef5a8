//! The model's connector.

use std::{
    collections::{BTreeSet, HashSet},
    io,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use catchment_core::{
    Account, Browse, ByteRange, Connector, Content, Download, Entry, EntryId, Error, ErrorKind, Fingerprint, Flat,
    Page, PageRequest, Permissions, Principal, Result, Retry, async_trait,
};
use futures::{Stream, StreamExt};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::mpsc,
};

use crate::{
    http1::Head,
    model::{Settings, server::Ask},
};

/// Marks an answer that broke off.
const CUT: &str = "cut";

/// How long the head of an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

static CLIENTS: AtomicU64 = AtomicU64::new(0);

pub(crate) struct Client {
    settings: Settings,
    number: u64,
    /// The page tokens this connector has given away.
    given: Mutex<HashSet<String>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown =
            if self.breaks("a_secret_is_in_no_debug_output_and_no_error") { self.settings.token.expose() } else { "" };
        f.debug_struct("Client").field("address", &self.settings.address).field("token", &shown).finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, number: CLIENTS.fetch_add(1, Ordering::Relaxed), given: Mutex::default() }
    }

    fn breaks(&self, promise: &str) -> bool {
        self.settings.breaks.as_deref() == Some(promise)
    }

    /// One promise under the names it has on HTTP and on any connection.
    fn breaks_either(&self, one: &str, other: &str) -> bool {
        self.breaks(one) || self.breaks(other)
    }

    /// Sends a call, again after a pause if the server asks for a short one.
    async fn call(&self, operation: &str, ask: &Ask) -> Result<(Head, BufReader<TcpStream>)> {
        match self.once(operation, ask).await {
            Err(error) => match error.retry() {
                Retry::After(wait) if wait < Duration::from_secs(5) => {
                    let at_once = self
                        .breaks_either("a_throttled_call_is_repeated_when_it_may_be", "a_throttled_check_is_repeated");
                    if !at_once {
                        tokio::time::sleep(wait).await;
                    }
                    self.once(operation, ask).await
                }
                _ => Err(error),
            },
            answer => answer,
        }
    }

    async fn once(&self, operation: &str, ask: &Ask) -> Result<(Head, BufReader<TcpStream>)> {
        let gone = |error: io::Error| {
            Error::new(ErrorKind::Unavailable, "the server does not answer: is it running").source(error)
        };
        let mut stream = TcpStream::connect(self.settings.address).await.map_err(|error| {
            let hides =
                self.breaks_either("a_server_that_is_down_is_unavailable", "a_server_that_went_away_is_unavailable");
            if hides { Error::internal("something went wrong").source(error) } else { gone(error) }
        })?;
        let query = serde_json::to_string(ask).map_err(|error| Error::internal("no JSON").source(error))?;
        let query = utf8_percent_encode(&query, NON_ALPHANUMERIC);
        let token = self.settings.token.expose();
        let request = format!("GET /{operation}?{query} HTTP/1.1\r\nhost: model\r\nauthorization: {token}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.map_err(gone)?;
        let mut stream = BufReader::with_capacity(64 * 1024, stream);
        let head = tokio::time::timeout(PATIENCE, Head::read(&mut stream)).await.map_err(|_| {
            let hides = self.breaks("a_silent_server_is_given_up");
            let kind = if hides { ErrorKind::Internal } else { ErrorKind::Timeout };
            Error::new(kind, "no answer came: try again")
        })?;
        let head = head.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => Error::protocol("that was not HTTP"),
            _ => gone(error),
        })?;
        let head = head.ok_or_else(|| gone(io::ErrorKind::UnexpectedEof.into()))?;
        let wait = head.get("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let error = match head.status() {
            200 => return Ok((head, stream)),
            401 => Error::new(ErrorKind::Unauthenticated, "the token is wrong: correct it"),
            403 => Error::new(ErrorKind::Forbidden, "the token may not do this"),
            404 => Error::not_found(&ask.id),
            409 => Error::new(ErrorKind::Conflict, "the file has changed: list it again"),
            429 | 503 => {
                let error = Error::new(ErrorKind::RateLimited, "too many calls: wait");
                let hides =
                    self.breaks_either("a_long_throttle_is_handed_on", "a_long_throttle_of_a_check_is_handed_on");
                match wait.filter(|wait| !hides || wait.as_secs() < 60) {
                    Some(wait) => error.retry_after(wait),
                    None => error,
                }
            }
            _ => Error::protocol("an answer that nobody knows"),
        };
        Err(error)
    }

    async fn json<T: DeserializeOwned>(&self, operation: &str, ask: &Ask) -> Result<T> {
        let (head, mut stream) = self.call(operation, ask).await?;
        let mut body = vec![0; head.length().unwrap_or_default() as usize];
        let read = stream.read_exact(&mut body).await;
        read.map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the answer broke off: try again").with(CUT, true).source(error)
        })?;
        serde_json::from_slice(&body).map_err(|_| Error::protocol("the answer is not the JSON it should be"))
    }

    async fn page(&self, operation: &str, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let token = page.token.map(|token| token.as_str().to_owned());
        if self.breaks("a_page_token_resumes_on_a_fresh_connector")
            && token.as_ref().is_some_and(|token| !self.given().contains(token))
        {
            return Err(Error::protocol("not a token of this session"));
        }
        let limit = page.limit.map(|limit| limit.get() as usize);
        let ask = Ask { id: parent.to_string(), token, limit, ..Ask::default() };
        let mut page: Page<Entry> = match self.json(operation, &ask).await {
            Err(error) if self.swallows(&error) => return Ok(Page::last(Vec::new())),
            page => page?,
        };
        page.items.iter_mut().for_each(|entry| self.mark(entry));
        if let Some(next) = &page.next {
            self.given().insert(next.as_str().to_owned());
            if self.breaks("one_page_is_one_call") {
                let ask = Ask { token: Some(next.as_str().to_owned()), ..ask };
                let _: Page<Entry> = self.json(operation, &ask).await?;
            }
        }
        Ok(page)
    }

    /// Errors that are taken for an empty list.
    fn swallows(&self, error: &Error) -> bool {
        match error.kind() {
            ErrorKind::Unauthenticated | ErrorKind::Forbidden => self.breaks("a_refusal_is_never_an_empty_list"),
            ErrorKind::Protocol => self.breaks_either("garbage_is_an_error", "what_is_no_protocol_is_an_error"),
            ErrorKind::Unavailable => {
                error.get(CUT).is_some()
                    && self.breaks_either("a_truncated_list_is_an_error", "a_cut_listing_is_never_shorter")
            }
            _ => false,
        }
    }

    /// Errors that are taken for an account.
    fn pretends(&self, error: &Error) -> bool {
        match error.kind() {
            ErrorKind::Forbidden => self.breaks("a_refusal_is_no_account"),
            ErrorKind::Protocol => self.breaks("garbage_is_no_account"),
            ErrorKind::Unavailable => error.get(CUT).is_some() && self.breaks("a_truncated_account_is_an_error"),
            _ => false,
        }
    }

    fn mark(&self, entry: &mut Entry) {
        if self.breaks("an_unchanged_file_keeps_its_fingerprint")
            && let Some(mark) = &mut entry.fingerprint
        {
            *mark = Fingerprint::new(format!("{}#{}", mark.as_str(), self.number));
        }
    }

    fn given(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Connector for Client {
    async fn check(&self) -> Result<Account> {
        let answer: Result<Map<String, Value>> = self.json("check", &Ask::default()).await;
        match answer {
            Err(error) if error.kind() == ErrorKind::Unauthenticated => {
                let hides =
                    self.breaks_either("a_wrong_credential_is_unauthenticated", "a_wrong_credential_is_refused");
                return Err(if hides { Error::new(ErrorKind::Forbidden, "something is not allowed") } else { error });
            }
            Err(error) if !self.pretends(&error) => return Err(error),
            Ok(answer) if answer.is_empty() && !self.breaks("garbage_is_no_account") => {
                return Err(Error::protocol("the answer names no account"));
            }
            _ => {}
        }
        let id = if self.breaks("check_names_the_account") { "" } else { "model" };
        Ok(Account { id: id.to_owned(), name: "Model".to_owned(), ..Account::default() })
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }

    fn permissions(&self) -> Option<&dyn Permissions> {
        self.breaks("the_manifest_says_what_the_connector_can").then_some(self as &dyn Permissions)
    }
}

#[async_trait]
impl Permissions for Client {
    async fn grants(&self, _: &Entry) -> Result<BTreeSet<Principal>> {
        Ok(BTreeSet::new())
    }

    async fn members(&self, _: &str, _: PageRequest) -> Result<Page<Principal>> {
        Ok(Page::last(Vec::new()))
    }
}

#[async_trait]
impl Browse for Client {
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        self.page("children", parent, page).await
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        let mut entry = self.json("lookup", &Ask { id: path.to_owned(), ..Ask::default() }).await?;
        self.mark(&mut entry);
        Ok(entry)
    }

    fn flat(&self) -> Option<&dyn Flat> {
        Some(self)
    }
}

#[async_trait]
impl Flat for Client {
    async fn descendants(&self, under: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        self.page("flat", under, page).await
    }
}

#[async_trait]
impl Download for Client {
    async fn open(&self, entry: &Entry, range: Option<ByteRange>) -> Result<Content> {
        let range = range.unwrap_or(ByteRange::from(0));
        let mark = entry.fingerprint.as_ref().map(|mark| mark.as_str());
        let pin = mark.and_then(|mark| mark.split('#').next()).map(str::to_owned);
        let ask = Ask {
            id: entry.id.to_string(),
            fingerprint: pin,
            offset: range.offset,
            length: range.length,
            ..Ask::default()
        };
        let (head, stream) = self.call("open", &ask).await?;
        let mut version = head.get("version").map(str::to_owned);
        if self.breaks("the_version_is_the_fingerprint") {
            version = None;
        } else if self.breaks("a_changed_file_is_not_passed_off_as_the_listed_one")
            || self.breaks("an_unchanged_file_keeps_its_fingerprint")
        {
            version = mark.map(str::to_owned);
        }
        let length = head.length().unwrap_or_default();
        let pads = self.breaks_either("a_truncated_body_is_an_error", "a_cut_body_is_never_shorter");
        let body = if self.breaks_either("nothing_is_read_ahead_of_need", "nothing_flows_ahead_of_need") {
            // More than the whole file has, however small the pieces come.
            detached(chunks(stream, length, pads), 1 << 16, true)
        } else if self.breaks_either("dropping_a_body_stops_the_transfer", "a_dropped_body_stops_flowing") {
            detached(chunks(stream, length, pads), 1, false)
        } else {
            chunks(stream, length, pads).boxed()
        };
        let size = (!self.breaks("the_size_is_announced")).then_some(length);
        Ok(Content { size, version, mime: None, body })
    }
}

/// The body, or what comes of it.
pub(crate) fn chunks(
    mut stream: BufReader<TcpStream>,
    length: u64,
    pads: bool,
) -> impl Stream<Item = Result<Bytes>> + Send {
    async_stream::try_stream! {
        let mut left = length;
        while left > 0 {
            let mut chunk = vec![0; left.min(64 * 1024) as usize];
            let read = stream.read(&mut chunk).await;
            let read = read.map_err(|error| Error::new(ErrorKind::Unavailable, "the transfer broke: try again").source(error))?;
            if read == 0 && !pads {
                Err(Error::new(ErrorKind::Unavailable, "the transfer ended early: try again"))?;
            }
            if read > 0 {
                chunk.truncate(read);
            }
            left -= chunk.len() as u64;
            yield chunk.into();
        }
    }
}

/// The same, on a task of its own, so many chunks ahead; it stops when nobody listens, or does not.
fn detached(
    chunks: impl Stream<Item = Result<Bytes>> + Send + 'static,
    ahead: usize,
    stops: bool,
) -> futures::stream::BoxStream<'static, Result<Bytes>> {
    let (to, mut from) = mpsc::channel(ahead);
    tokio::spawn(async move {
        let mut chunks = std::pin::pin!(chunks);
        while let Some(chunk) = chunks.next().await {
            if to.send(chunk).await.is_err() && stops {
                break;
            }
        }
    });
    futures::stream::poll_fn(move |cx| from.poll_recv(cx)).boxed()
}
