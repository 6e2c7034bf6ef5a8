//! The connector of the drive.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use catchment_core::{
    Account, Browse, ByteRange, ChangePage, Changes, Connector, Content, Cursor, Download, Entry, EntryId, Error,
    ErrorKind, Page, PageRequest, Permissions, Principal, Result, Retry, async_trait,
};
use futures::StreamExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::{
    http1::Head,
    model::{
        connector::chunks,
        drive::{Ask, DriveSettings},
    },
};

pub(crate) struct Client {
    settings: DriveSettings,
    /// Links that are kept although they expire, by id.
    links: Mutex<HashMap<EntryId, String>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("address", &self.settings.address).finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(settings: DriveSettings) -> Self {
        Self { settings, links: Mutex::default() }
    }

    fn breaks(&self, promise: &str) -> bool {
        self.settings.breaks.as_deref() == Some(promise)
    }

    fn ask(&self, of: impl ToString) -> Ask {
        let Self { settings: DriveSettings { drive, root, .. }, .. } = self;
        Ask { drive: drive.clone(), root: *root, of: of.to_string(), ..Ask::default() }
    }

    fn paged(&self, of: impl ToString, page: PageRequest) -> Ask {
        let token = page.token.map(|token| token.as_str().to_owned());
        Ask { token, limit: page.limit.map(|limit| limit.get() as usize), ..self.ask(of) }
    }

    /// Sends a call, again after a pause if the server asks for a short one.
    async fn call(&self, operation: &str, ask: &Ask) -> Result<(Head, BufReader<TcpStream>)> {
        match self.once(operation, ask).await {
            Err(error) => match error.retry() {
                Retry::After(wait) if wait < Duration::from_secs(5) => {
                    tokio::time::sleep(wait).await;
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
        let mut stream = TcpStream::connect(self.settings.address).await.map_err(gone)?;
        let query = serde_json::to_string(ask).map_err(|error| Error::internal("no JSON").source(error))?;
        let query = utf8_percent_encode(&query, NON_ALPHANUMERIC);
        let token = self.settings.token.expose();
        let request = format!("GET /{operation}?{query} HTTP/1.1\r\nhost: drive\r\nauthorization: {token}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.map_err(gone)?;
        let mut stream = BufReader::with_capacity(64 * 1024, stream);
        let head = Head::read(&mut stream).await.map_err(gone)?;
        let head = head.ok_or_else(|| gone(io::ErrorKind::UnexpectedEof.into()))?;
        let wait = head.get("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        Err(match head.status() {
            200 => return Ok((head, stream)),
            401 => Error::new(ErrorKind::Unauthenticated, "the token is wrong: correct it"),
            403 => Error::new(ErrorKind::Forbidden, "the token may not do this"),
            404 => Error::not_found(&ask.of),
            409 => Error::new(ErrorKind::Conflict, "the file has changed: list it again"),
            410 => Error::new(ErrorKind::CursorExpired, "the cursor is no longer honoured: begin anew"),
            429 | 503 => {
                let error = Error::new(ErrorKind::RateLimited, "too many calls: wait");
                match wait {
                    Some(wait) => error.retry_after(wait),
                    None => error,
                }
            }
            _ => Error::protocol("an answer that nobody knows"),
        })
    }

    async fn json<T: DeserializeOwned>(&self, operation: &str, ask: &Ask) -> Result<T> {
        let (head, mut stream) = self.call(operation, ask).await?;
        let mut body = vec![0; head.length().unwrap_or_default() as usize];
        let read = stream.read_exact(&mut body).await;
        read.map_err(|error| Error::new(ErrorKind::Unavailable, "the answer broke off: try again").source(error))?;
        serde_json::from_slice(&body).map_err(|_| Error::protocol("the answer is not the JSON it should be"))
    }

    /// A link to the content; it is good for a while.
    async fn link(&self, entry: &Entry) -> Result<String> {
        let keeps = self.breaks("a_link_that_expired_is_made_anew");
        let kept = || self.links.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = kept().get(&entry.id).filter(|_| keeps) {
            return Ok(link.clone());
        }
        let link: String = self.json("link", &self.ask(&entry.id)).await?;
        kept().insert(entry.id.clone(), link.clone());
        Ok(link)
    }
}

#[async_trait]
impl Connector for Client {
    async fn check(&self) -> Result<Account> {
        let answer: Value = self.json("check", &self.ask("")).await?;
        let id = answer["id"].as_str().ok_or_else(|| Error::protocol("the answer names no drive"))?;
        Ok(Account { id: id.to_owned(), name: "Model".to_owned(), ..Account::default() })
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }

    fn permissions(&self) -> Option<&dyn Permissions> {
        Some(self)
    }
}

#[async_trait]
impl Browse for Client {
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        self.json("children", &self.paged(parent, page)).await
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        self.json("lookup", &self.ask(path)).await
    }
}

#[async_trait]
impl Download for Client {
    async fn open(&self, entry: &Entry, range: Option<ByteRange>) -> Result<Content> {
        let link = self.link(entry).await?;
        let part = range.is_some();
        let mut range = range.unwrap_or(ByteRange::from(0));
        if self.breaks("a_body_that_breaks_off_goes_on") && range.offset > 1 << 16 {
            range.offset = 0;
        }
        let mark = entry.fingerprint.as_ref().map(|mark| mark.as_str().to_owned());
        let mixes = part && self.breaks("what_goes_on_is_the_version_it_began_with");
        let ask = Ask {
            fingerprint: mark.clone().filter(|_| !mixes),
            offset: range.offset,
            length: range.length,
            ..self.ask(link)
        };
        let (head, stream) = self.call("content", &ask).await?;
        let length = head.length().unwrap_or_default();
        let version = if mixes { mark } else { head.get("version").map(str::to_owned) };
        Ok(Content { size: Some(length), version, mime: None, body: chunks(stream, length, false).boxed() })
    }
}

#[async_trait]
impl Changes for Client {
    async fn now(&self) -> Result<Cursor> {
        self.json("now", &self.ask("")).await
    }

    async fn changes(&self, since: &Cursor) -> Result<ChangePage> {
        let page: Result<ChangePage> = self.json("changes", &self.ask(since.as_str())).await;
        let page = match page {
            Err(error) if error.kind() == ErrorKind::Forbidden && self.breaks("a_refused_feed_is_an_error") => {
                return Ok(ChangePage { changes: Vec::new(), cursor: since.clone(), more: false });
            }
            page => page?,
        };
        if page.more && page.cursor == *since && !self.breaks("a_feed_that_stands_still_is_caught") {
            return Err(Error::protocol("the vendor gave the same cursor twice, so the feed would never end"));
        }
        Ok(page)
    }
}

#[async_trait]
impl Permissions for Client {
    async fn grants(&self, entry: &Entry) -> Result<BTreeSet<Principal>> {
        match self.json("grants", &self.ask(&entry.id)).await {
            Err(error) if error.kind() == ErrorKind::Forbidden && self.breaks("a_refused_question_is_an_error") => {
                Ok(BTreeSet::new())
            }
            grants => grants,
        }
    }

    async fn members(&self, group: &str, page: PageRequest) -> Result<Page<Principal>> {
        self.json("members", &self.paged(group, page)).await
    }
}
