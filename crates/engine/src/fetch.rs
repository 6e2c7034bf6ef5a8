//! Fetching: the bytes of one file from the source to where they are wanted, through errors that pass.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use bytes::Bytes;
use catchment_core::{ByteRange, Connector, Entry, Error, ErrorKind, Result, Retry};
use futures::StreamExt;
use tokio::time::{Instant, sleep, timeout};

use crate::{engine::Retries, file::Fault};

/// Where bytes go.
pub(crate) trait Sink: Send {
    /// How many bytes it has.
    fn length(&self) -> u64;

    /// Takes the bytes that come next.
    fn write(&mut self, bytes: Bytes) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Forgets what it has: the file begins anew.
    fn restart(&mut self);
}

/// A file that has come whole.
pub(crate) struct Fetched {
    /// The entry it came from: listed anew if the file changed in between.
    pub(crate) entry: Entry,
    /// The media type the vendor claims.
    pub(crate) mime: Option<String>,
}

/// How often a file that changes while it is read is looked up again.
const CHANGES: u32 = 2;

/// After how many bytes progress is told.
const TELL: u64 = 256 << 10;

/// How a file is fetched.
pub(crate) struct Way<'a> {
    pub(crate) connector: &'a dyn Connector,
    pub(crate) retries: &'a Retries,
    /// The largest file, in bytes.
    pub(crate) largest: u64,
    /// Told how many bytes there are by now.
    pub(crate) progress: &'a (dyn Fn(u64) + Send + Sync),
}

/// What is known of what has come so far.
#[derive(Default)]
struct Partial {
    version: Option<String>,
    mime: Option<String>,
}

impl Way<'_> {
    /// Fetches a file. An error that passes is met with growing, jittered pauses; the transfer goes
    /// on where it stopped if the version is the same, else it starts over.
    pub(crate) async fn fetch(&self, mut entry: Entry, sink: &mut impl Sink) -> Result<Fetched, Fault> {
        let deadline = Instant::now() + self.retries.deadline;
        let mut pauses = pauses(self.retries);
        let mut changes = 0;
        let mut partial = Partial::default();
        loop {
            match self.attempt(&entry, &mut partial, sink).await {
                Ok(()) => {
                    let mime = partial.mime.or_else(|| entry.mime.clone());
                    return Ok(Fetched { entry, mime });
                }
                Err(Fault::Item(error)) if error.kind() == ErrorKind::Conflict && changes < CHANGES => {
                    changes += 1;
                    entry = look_again(self.connector, &entry).await.map_err(Fault::Item)?;
                    partial = Partial::default();
                    sink.restart();
                }
                Err(Fault::Item(error)) => match pause(&error, &mut pauses, self.retries.longest) {
                    Some(pause) if Instant::now() + pause < deadline => sleep(pause).await,
                    _ => return Err(Fault::Item(error)),
                },
                Err(abort) => return Err(abort),
            }
        }
    }

    async fn attempt(&self, entry: &Entry, partial: &mut Partial, sink: &mut impl Sink) -> Result<(), Fault> {
        let stall = self.retries.stall;
        let download = self.connector.need_download().map_err(Fault::Abort)?;
        let stalled = |_| {
            let error = Error::new(ErrorKind::Timeout, "no bytes came for too long: try again");
            Fault::Item(error.with("seconds", stall.as_secs()))
        };
        // Without a mark of the version nobody can tell whether the rest belongs to the beginning.
        if entry.fingerprint.is_none() && partial.version.is_none() {
            *partial = Partial::default();
            sink.restart();
        }
        let offset = sink.length();
        let range = (offset > 0).then(|| ByteRange::from(offset));
        let mut content = timeout(stall, download.open(entry, range)).await.map_err(stalled)?.map_err(Fault::Item)?;
        if range.is_some() {
            let left = entry.size.map(|size| size.saturating_sub(offset));
            let other_length = content.size.is_some() && left.is_some() && content.size != left;
            if content.version != partial.version || other_length {
                *partial = Partial::default();
                sink.restart();
                content = timeout(stall, download.open(entry, None)).await.map_err(stalled)?.map_err(Fault::Item)?;
            }
        }
        if content.size.is_some_and(|size| sink.length().saturating_add(size) > self.largest) {
            return Err(Fault::Item(too_large(self.largest)));
        }
        partial.version = content.version.take();
        partial.mime = content.mime.take();
        let mut body = content.exact().body;
        let mut told = sink.length();
        while let Some(bytes) = timeout(stall, body.next()).await.map_err(stalled)? {
            let bytes = bytes.map_err(Fault::Item)?;
            if sink.length() + bytes.len() as u64 > self.largest {
                return Err(Fault::Item(too_large(self.largest)));
            }
            sink.write(bytes).await?;
            if sink.length() - told >= TELL {
                told = sink.length();
                (self.progress)(told);
            }
        }
        Ok(())
    }
}

/// The entry as it is now, if it still is the same file.
async fn look_again(connector: &dyn Connector, entry: &Entry) -> Result<Entry> {
    let found = connector.need_browse()?.lookup(&entry.path).await?;
    if found.id == entry.id && found.is_file() { Ok(found) } else { Err(Error::not_found(&entry.path)) }
}

pub(crate) fn too_large(limit: u64) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        "the file is larger than the limit: raise the limit on bytes, or leave the file out",
    )
    .with("limit", limit)
}

fn pauses(retries: &Retries) -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(retries.pause)
        .with_max_delay(retries.longest)
        .with_max_times(retries.times)
        .with_jitter()
        .build()
}

fn pause(error: &Error, pauses: &mut ExponentialBackoff, longest: Duration) -> Option<Duration> {
    match error.retry() {
        Retry::Never => None,
        Retry::Backoff => pauses.next(),
        Retry::After(asked) if asked > longest => None,
        Retry::After(asked) => pauses.next().map(|pause| pause.max(asked)),
    }
}
