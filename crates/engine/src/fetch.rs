//! Fetching: one file from the source into a spool, through errors that pass.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use catchment_core::{ByteRange, Connector, Entry, Error, ErrorKind, Result, Retry};
use futures::StreamExt;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    engine::{Engine, Retries},
    file::Fault,
    spool::{Spool, Spooled},
};

/// A file that has come whole.
pub(crate) struct Fetched {
    /// The entry it came from: listed anew if the file changed in between.
    pub(crate) entry: Entry,
    /// Its bytes.
    pub(crate) spooled: Spooled,
    /// The media type the vendor claims.
    pub(crate) mime: Option<String>,
}

/// How often a file that changes while it is read is looked up again.
const CHANGES: u32 = 2;

/// After how many bytes progress is told.
const TELL: u64 = 256 << 10;

/// What has come of a file so far.
struct Partial {
    spool: Spool,
    version: Option<String>,
    mime: Option<String>,
}

/// Fetches a file. An error that passes is met with growing, jittered pauses; the transfer goes
/// on where it stopped if the version is the same, else it starts over.
pub(crate) async fn fetch(
    engine: &Engine,
    connector: &dyn Connector,
    mut entry: Entry,
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<Fetched, Fault> {
    let retries = &engine.options.retries;
    let deadline = Instant::now() + retries.deadline;
    let mut pauses = pauses(retries);
    let mut changes = 0;
    let mut partial = Partial::new();
    loop {
        match attempt(engine, connector, &entry, &mut partial, progress).await {
            Ok(()) => {
                let Partial { spool, mime, .. } = partial;
                let spooled = spool.finish(&engine.options.temporary).await.map_err(Fault::Abort)?;
                let mime = mime.or_else(|| entry.mime.clone());
                return Ok(Fetched { entry, spooled, mime });
            }
            Err(Fault::Item(error)) if error.kind() == ErrorKind::Conflict && changes < CHANGES => {
                changes += 1;
                entry = look_again(connector, &entry).await.map_err(Fault::Item)?;
                partial = Partial::new();
            }
            Err(Fault::Item(error)) => match pause(&error, &mut pauses, retries.longest) {
                Some(pause) if Instant::now() + pause < deadline => sleep(pause).await,
                _ => return Err(Fault::Item(error)),
            },
            Err(abort) => return Err(abort),
        }
    }
}

async fn attempt(
    engine: &Engine,
    connector: &dyn Connector,
    entry: &Entry,
    partial: &mut Partial,
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<(), Fault> {
    let options = &engine.options;
    let download = connector.need_download().map_err(Fault::Abort)?;
    let stalled = |_| {
        let seconds = options.retries.stall.as_secs();
        Fault::Item(Error::new(ErrorKind::Timeout, "no bytes came for too long: try again").with("seconds", seconds))
    };
    // Without a mark of the version nobody can tell whether the rest belongs to the beginning.
    if entry.fingerprint.is_none() && partial.version.is_none() {
        *partial = Partial::new();
    }
    let offset = partial.spool.length();
    let range = (offset > 0).then(|| ByteRange::from(offset));
    let mut content =
        timeout(options.retries.stall, download.open(entry, range)).await.map_err(stalled)?.map_err(Fault::Item)?;
    if range.is_some() {
        let left = entry.size.map(|size| size.saturating_sub(offset));
        let other_length = content.size.is_some() && left.is_some() && content.size != left;
        if content.version != partial.version || other_length {
            *partial = Partial::new();
            content = timeout(options.retries.stall, download.open(entry, None))
                .await
                .map_err(stalled)?
                .map_err(Fault::Item)?;
        }
    }
    let largest = engine.max_bytes();
    if content.size.is_some_and(|size| partial.spool.length().saturating_add(size) > largest) {
        return Err(Fault::Item(too_large(largest)));
    }
    partial.version = content.version.take();
    partial.mime = content.mime.take();
    let mut body = content.exact().body;
    let mut told = partial.spool.length();
    while let Some(bytes) = timeout(options.retries.stall, body.next()).await.map_err(stalled)? {
        let bytes = bytes.map_err(Fault::Item)?;
        if partial.spool.length() + bytes.len() as u64 > largest {
            return Err(Fault::Item(too_large(largest)));
        }
        partial.spool.write(&bytes, options.in_memory, &options.temporary).await.map_err(Fault::Abort)?;
        if partial.spool.length() - told >= TELL {
            told = partial.spool.length();
            progress(told);
        }
    }
    Ok(())
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

impl Partial {
    fn new() -> Self {
        Self { spool: Spool::new(), version: None, mime: None }
    }
}
