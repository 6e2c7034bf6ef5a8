//! The engine: what is needed to import, and how it goes about it.

use std::{fmt, num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use catchment_core::{Ingestor, IntegrationId, Ledger, Result};
use futures::stream::BoxStream;
use tokio::sync::Semaphore;

use crate::{
    event::Event,
    import::{self, Import},
    parse::Parse,
    verify::{self, Report},
};

/// Imports from connectors into an ingestor, and remembers in a ledger. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) ingestor: Arc<dyn Ingestor>,
    pub(crate) parser: Arc<dyn Parse>,
    pub(crate) options: Arc<Options>,
}

/// How an engine goes about its imports.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many files are on their way at once. Two a core unless told otherwise: one waits
    /// while the other works.
    pub concurrency: usize,
    /// How many files all imports together have on their way at once, besides one of each that
    /// always goes on: many imports side by side neither fill the memory nor wait for a slow one.
    /// Clones of these options share it. `None`: each import for itself.
    pub budget: Option<Arc<Semaphore>>,
    /// How many entries are asked for, and written to the ledger, at once.
    pub page: NonZeroU32,
    /// The largest file, in bytes, if that is less than what the parser takes.
    pub max_bytes: Option<u64>,
    /// How many bytes of a file are kept in memory. Larger files go through a temporary file.
    pub in_memory: usize,
    /// Where temporary files go.
    pub temporary: PathBuf,
    /// How downloads are tried again.
    pub retries: Retries,
    /// How many files in a row may fail for reasons that pass (no connection, too many calls)
    /// before the import ends: the source is down then, and every other file would fail too.
    pub give_up_after: u32,
    /// How long a removed entry stays in the index under its tombstone. Zero unless told
    /// otherwise: what is gone from the source is not cited any more. An entry that comes back
    /// within the grace was never away; afterwards it is ingested like a new one.
    pub grace: Duration,
    /// When removals wait for a person.
    pub breaker: Breaker,
    /// How long a vendor's feed of changes is followed before everything is listed once more: what
    /// a feed leaves out is missed for so long. Zero: feeds are not followed.
    pub trust_feed: Duration,
}

/// How downloads are tried again after an error that passes.
#[derive(Debug, Clone)]
pub struct Retries {
    /// How often at most.
    pub times: usize,
    /// The first pause; each is about twice the one before.
    pub pause: Duration,
    /// The longest pause. A vendor that asks for a longer one ends the trying.
    pub longest: Duration,
    /// No new try for a file after so much time on it.
    pub deadline: Duration,
    /// How long to wait for the next bytes before that counts as an error.
    pub stall: Duration,
}

/// When removals wait for a person: more entries are gone than *both* limits allow, or the
/// listing was empty where there were entries before, as it is with a disk that is not mounted.
///
/// Both, because a share alone parks two of ten files, and a number alone parks sixty of a
/// hundred thousand: neither is an accident.
#[derive(Debug, Clone, PartialEq)]
pub struct Breaker {
    /// The share of the entries below the root, from 0 to 1.
    pub share: f64,
    /// How many entries.
    pub entries: u64,
}

impl Engine {
    /// An engine.
    pub fn new(
        ledger: Arc<dyn Ledger>,
        ingestor: Arc<dyn Ingestor>,
        parser: impl Parse + 'static,
        options: Options,
    ) -> Self {
        Self { ledger, ingestor, parser: Arc::new(parser), options: Arc::new(options) }
    }

    /// Imports, and tells what happens. Nothing happens until the stream is polled, everything
    /// happens inside its polls, and dropping it stops everything at once. What was done by then
    /// stays done; the next import goes on from there.
    ///
    /// A file that fails is an event. An error ends the stream: the source does not accept the
    /// credential, the path is not there, the ledger or the ingestor cannot write. It is the
    /// last item, after the run was closed as aborted.
    pub fn import(&self, import: Import) -> BoxStream<'static, Result<Event>> {
        import::run(self.clone(), import)
    }

    /// Compares what the ledger vouches for with what the ingestor holds, in constant memory.
    /// With `repair`, takes out of the ingestor what the ledger does not know or vouches for in
    /// another form, and unsettles what is missing or different, so that the next import brings
    /// it back. Harmless beside a running import.
    pub async fn verify(&self, integration: IntegrationId, repair: bool) -> Result<Report> {
        verify::run(self, integration, repair).await
    }

    pub(crate) fn max_bytes(&self) -> u64 {
        self.options.max_bytes.unwrap_or(u64::MAX).min(self.parser.max_bytes())
    }
}

impl Default for Options {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            concurrency: 2 * cores,
            budget: None,
            page: NonZeroU32::new(1_000).unwrap_or(NonZeroU32::MIN),
            max_bytes: None,
            in_memory: 1 << 20,
            temporary: std::env::temp_dir(),
            retries: Retries::default(),
            give_up_after: 25,
            grace: Duration::ZERO,
            breaker: Breaker::default(),
            trust_feed: Duration::from_secs(7 * 24 * 60 * 60),
        }
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            times: 4,
            pause: Duration::from_millis(500),
            longest: Duration::from_secs(20),
            deadline: Duration::from_secs(180),
            stall: Duration::from_secs(120),
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self { share: 0.10, entries: 50 }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("options", &self.options).finish_non_exhaustive()
    }
}
