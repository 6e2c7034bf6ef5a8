//! One file's way: from an entry to an acknowledged document and its row in the ledger.

use catchment_core::{
    Connector, Document, DocumentKey, Entry, EntryKind, EntryResult, Error, ErrorKind, Known, Readers, Result, Retry,
    Run,
};
use catchment_documents::Input;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::{
    engine::Engine,
    event::{Failure, FileResult, Status},
    fetch::{self, Fetched, too_large},
    import::Import,
    listing::fatal,
    pause,
    spool::{Spool, Spooled},
};

/// An error on a file's way.
pub(crate) enum Fault {
    /// About this file: it becomes its result.
    Item(Error),
    /// About everything: the import ends.
    Abort(Error),
}

/// A file that is done, and waits for the ledger to record it.
pub(crate) struct Done {
    /// What to tell.
    pub(crate) result: FileResult,
    /// What to record, and of which entry: listed anew if the file changed meanwhile.
    pub(crate) record: (Entry, EntryResult),
    /// The error, if it is of a kind that passes: many of them in a row mean that the source is
    /// down.
    pub(crate) passing: Option<Error>,
}

/// The result of a file on which no work is needed.
pub(crate) fn at_once(entry: &Entry, known: &Known, import: &Import, now: DateTime<Utc>) -> Option<FileResult> {
    if let EntryKind::Special(reason) = &entry.kind {
        let error = Some(Failure { kind: ErrorKind::Unsupported, message: reason.clone() });
        return Some(FileResult { error, ..FileResult::of(entry, Status::Skipped, known) });
    }
    if import.full {
        return None;
    }
    if entry.fingerprint.is_some() && known.fingerprint == entry.fingerprint && known.portfolio == import.portfolio {
        return Some(FileResult::of(entry, Status::Unchanged, known));
    }
    let quarantine = known.quarantine.as_ref().filter(|quarantine| quarantine.until.is_none_or(|until| until > now))?;
    let error = Some(Failure { kind: quarantine.kind, message: quarantine.message.clone() });
    Some(FileResult { error, ..FileResult::of(entry, Status::Quarantined, known) })
}

/// Takes a file up to the acknowledgement of the ingestor. Only what ends the import is an error.
pub(crate) async fn ingest(
    engine: Engine,
    import: &Import,
    run: Run,
    entry: Entry,
    known: Known,
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<Done> {
    let started = Instant::now();
    let way = Way { engine: &engine, import, run, known: &known };
    let mut result = FileResult::of(&entry, Status::Ingested, &known);
    let (record, passing) = match way.go(entry.clone(), &mut result, progress).await {
        Ok(record) => (record, None),
        Err(Fault::Abort(error)) => return Err(error),
        Err(Fault::Item(error)) if fatal(&error) => return Err(error),
        Err(Fault::Item(error)) => {
            let pause = pause::after(&error, &entry, &known);
            let failed = EntryResult::Failed { kind: error.kind(), message: error.to_string(), pause };
            result.status = Status::Failed;
            result.error = Some(Failure::from(&error));
            ((entry, failed), (error.retry() != Retry::Never).then_some(error))
        }
    };
    result.duration = started.elapsed();
    Ok(Done { result, record, passing })
}

struct Way<'a> {
    engine: &'a Engine,
    import: &'a Import,
    run: Run,
    known: &'a Known,
}

impl Way<'_> {
    async fn go(
        &self,
        entry: Entry,
        result: &mut FileResult,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<(Entry, EntryResult), Fault> {
        if entry.size.is_some_and(|size| size > self.engine.max_bytes()) {
            return Err(Fault::Item(too_large(self.engine.max_bytes())));
        }
        if entry.size == Some(0) {
            return Err(Fault::Item(empty()));
        }
        let options = &*self.engine.options;
        let connector: &dyn Connector = &*self.import.connector;
        let largest = self.engine.max_bytes();
        let mut spool = Spool::new(options);
        let way = fetch::Way { connector, retries: &options.retries, largest, progress };
        let fetched = way.fetch(entry, &mut spool).await?;
        let spooled = spool.finish().await.map_err(Fault::Abort)?;
        result.bytes = spooled.length;
        if spooled.length == 0 {
            return Err(Fault::Item(empty()));
        }
        let same =
            self.known.content_hash.as_ref() == Some(&spooled.hash) && self.known.portfolio == self.import.portfolio;
        let chunks = if same && !self.import.full {
            result.status = Status::Unchanged;
            self.known.chunks
        } else {
            self.put(&fetched, &spooled).await?
        };
        result.chunks = chunks;
        let content_hash = spooled.hash;
        let portfolio = self.import.portfolio.clone();
        Ok((fetched.entry, EntryResult::Ingested { content_hash, chunks, portfolio }))
    }

    /// Parses the bytes and puts the document into the index.
    async fn put(&self, fetched: &Fetched, spooled: &Spooled) -> Result<u32, Fault> {
        let Fetched { entry, mime } = fetched;
        let input =
            Input { name: entry.name.clone(), claimed_mime: mime.clone(), source: spooled.source(), password: None };
        let parsed = self.engine.parser.parse(input).await.map_err(Fault::Item)?;
        let readers = match self.import.connector.permissions() {
            Some(permissions) => Readers::Only(permissions.grants(entry).await.map_err(Fault::Item)?),
            None => Readers::Unknown,
        };
        let source = &self.import.source;
        let document = Document {
            key: DocumentKey { integration: source.integration, entry: entry.id.clone() },
            tenant: source.tenant.clone(),
            portfolio: self.import.portfolio.clone(),
            vendor: source.vendor.clone(),
            name: entry.name.clone(),
            path: entry.path.clone(),
            mime: parsed.mime,
            web_url: entry.web_url.clone(),
            modified: entry.modified,
            content_hash: spooled.hash.clone(),
            readers,
            text: parsed.text,
        };
        // The ledger may vouch for the version before. From here on it must not: a crash after
        // the next line would leave it vouching for what is gone.
        if self.known.content_hash.is_some() {
            self.engine.ledger.unsettle(&self.run, &entry.id).await.map_err(Fault::Abort)?;
        }
        match self.engine.ingestor.upsert(document).await {
            Ok(ingested) => Ok(ingested.chunks),
            Err(error) if sink_is_down(&error) => Err(Fault::Abort(error)),
            Err(error) => Err(Fault::Item(error)),
        }
    }
}

/// Whether the ingestor would refuse every other document too.
fn sink_is_down(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Config | ErrorKind::Unauthenticated | ErrorKind::Forbidden => true,
        // A full disk, say: waiting does not make room.
        ErrorKind::Unavailable => error.retry() == Retry::Never,
        _ => false,
    }
}

fn empty() -> Error {
    Error::new(ErrorKind::Unreadable, "the file is empty: nothing can be read from it")
}
