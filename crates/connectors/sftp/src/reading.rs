//! Download: a file's bytes with many reads under way, in order, and only as long as it stays the
//! same file. A connection that ends in the middle is made anew, and the reading goes on.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use catchment_core::{ByteRange, Content, Download, Entry, Error, ErrorKind, Result, async_trait};
use futures::{Stream, StreamExt};

use crate::{
    errors,
    names::Place,
    packets::{Attrs, Request},
    pool::{Lease, Pool},
    server::Server,
    session::{Handle, Pending},
    tree::{Tree, regular},
};

/// Bytes that are asked for ahead of what has come.
const WINDOW: u64 = 4 << 20;

/// Connections that may end in a row without a byte having come.
const STALLS: u32 = 4;

/// A file that is open at the server.
struct Opened {
    handle: Handle,
    lease: Lease,
    mark: Attrs,
}

/// A file that is being read.
struct Reading {
    pool: Arc<Pool>,
    tree: Arc<Tree>,
    place: Place,
    shown: String,
    opened: Opened,
    /// Reads under way, in the order of the file: where, how much, and the answer.
    asked: VecDeque<(u64, u32, Pending)>,
    /// The attributes after the last read, asked for together with it.
    after: Option<Pending>,
    /// The next byte to give away.
    at: u64,
    /// The next byte to ask for.
    ahead: u64,
    /// Behind the last byte; beyond all files if the server does not say.
    end: u64,
}

#[async_trait]
impl Download for Server {
    async fn open(&self, entry: &Entry, range: Option<ByteRange>) -> Result<Content> {
        let place = Place::of_id(&entry.id)?;
        let shown = place.display();
        if place.names().is_empty() {
            return Err(Error::unsupported("a folder has no content of its own: read the files in it"));
        }
        let opened = self.pool.call(|lease| open(&self.tree, lease, &place, &shown)).await?;
        let mark = opened.mark.fingerprint();
        if entry.fingerprint.is_some() && entry.fingerprint != mark {
            return Err(errors::changed(&shown));
        }
        let range = range.unwrap_or(ByteRange::from(0));
        let length = opened.mark.size.map(|size| range.length_in(size));
        let end = match length {
            Some(length) => range.offset.saturating_add(length),
            None => range.offset.saturating_add(range.length.unwrap_or(u64::MAX)),
        };
        let reading = Reading {
            pool: Arc::clone(&self.pool),
            tree: Arc::clone(&self.tree),
            place,
            shown,
            opened,
            asked: VecDeque::new(),
            after: None,
            at: range.offset,
            ahead: range.offset,
            end,
        };
        let version = mark.map(|mark| mark.as_str().to_owned());
        Ok(Content { size: length, version, mime: None, body: body(reading).boxed() })
    }
}

/// Opens a file and says which version of it was opened.
async fn open(tree: &Tree, lease: Lease, place: &Place, shown: &str) -> Result<Opened> {
    let (path, looked) = tree.look(&lease, place).await?;
    let handle = lease.open(Request::Open(&path), shown).await?;
    let mark = match lease.send(Request::Fstat(handle.bytes())).attrs(shown).await {
        Ok(attrs) => {
            if attrs.mode.is_some() {
                regular(attrs, shown)?;
            }
            Attrs { size: attrs.size.or(looked.size), mtime: attrs.mtime.or(looked.mtime), ..attrs }
        }
        // Some servers know only paths.
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Unreadable) => looked,
        Err(error) => return Err(error),
    };
    Ok(Opened { handle, lease, mark })
}

fn body(mut reading: Reading) -> impl Stream<Item = Result<Bytes>> + Send {
    async_stream::try_stream! {
        let mut stalls = 0;
        while reading.at < reading.end {
            match reading.next().await {
                Ok(Some(chunk)) => {
                    stalls = 0;
                    yield chunk;
                }
                Ok(None) => break,
                Err(error) if reading.is_cut_off(&error) && stalls < STALLS => {
                    stalls += 1;
                    reading.reopen().await?;
                }
                Err(error) => Err(error)?,
            }
        }
    }
}

impl Reading {
    /// The next bytes; `None` at the end of a file whose size nobody knew. The last ones are given
    /// away only if the file is still the one that was opened: bytes of two versions never pass
    /// for one file.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        self.ask();
        let Some((offset, length, answer)) = self.asked.pop_front() else { return Ok(None) };
        let Some(mut chunk) = answer.data(&self.shown).await? else {
            return if self.opened.mark.size.is_none() { Ok(None) } else { Err(errors::changed(&self.shown)) };
        };
        if chunk.is_empty() || chunk.len() > length as usize {
            return Err(Error::protocol("the server gave another number of bytes than it was asked for")
                .with("path", &self.shown));
        }
        let came = chunk.len() as u32;
        if came < length {
            // A server may give less than it was asked for; that is not the end.
            let (offset, length) = (offset + u64::from(came), length - came);
            self.asked.push_front((offset, length, self.read(offset, length)));
            if self.after.is_some() {
                self.after = Some(self.look());
            }
        }
        let at = self.at + u64::from(came);
        if at == self.end && self.opened.mark.size.is_some() {
            let after = match self.after.take() {
                Some(after) => after,
                None => self.look(),
            };
            match after.attrs(&self.shown).await {
                Ok(attrs) if !attrs.agrees(&self.opened.mark) => return Err(errors::changed(&self.shown)),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Unreadable) => {}
                Err(error) => return Err(error),
            }
        }
        self.at = at;
        // What is given away should not keep alive the buffer of a packet much larger than itself.
        if chunk.len() < 1024 {
            chunk = Bytes::copy_from_slice(&chunk);
        }
        Ok(Some(chunk))
    }

    /// Fills the window.
    fn ask(&mut self) {
        let most = self.opened.lease.read_length();
        loop {
            let under_way = self.ahead - self.at;
            let room = if self.tree.sequential { self.asked.is_empty() } else { under_way < WINDOW };
            if self.ahead >= self.end || !room && !self.asked.is_empty() {
                return;
            }
            let length = u32::try_from(self.end - self.ahead).unwrap_or(u32::MAX).min(most);
            self.asked.push_back((self.ahead, length, self.read(self.ahead, length)));
            self.ahead += u64::from(length);
            if self.ahead >= self.end && !self.tree.sequential {
                self.after = Some(self.look());
            }
        }
    }

    fn read(&self, offset: u64, length: u32) -> Pending {
        let handle = self.opened.handle.bytes();
        self.opened.lease.send(Request::Read { handle, offset, length })
    }

    fn look(&self) -> Pending {
        self.opened.lease.send(Request::Fstat(self.opened.handle.bytes()))
    }

    /// Whether the connection is to blame, and not the file.
    fn is_cut_off(&self, error: &Error) -> bool {
        error.kind() == ErrorKind::Unavailable && self.opened.lease.is_dead()
    }

    /// Opens the same version once more, on another connection.
    async fn reopen(&mut self) -> Result<()> {
        self.asked.clear();
        self.after = None;
        self.ahead = self.at;
        let opened = self.pool.call(|lease| open(&self.tree, lease, &self.place, &self.shown)).await?;
        if !opened.mark.agrees(&self.opened.mark) {
            return Err(errors::changed(&self.shown));
        }
        self.opened = opened;
        Ok(())
    }
}
