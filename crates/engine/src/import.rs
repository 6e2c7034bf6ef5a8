//! Imports: the listing and the files on their way, side by side, inside one stream.

use std::{collections::VecDeque, sync::Arc};

use catchment_core::{
    Complete, Connector, Entry, Error, ErrorKind, IntegrationId, Known, Result, Run, RunOutcome, Tenant,
};
use chrono::Utc;
use futures::{
    Stream, StreamExt,
    future::BoxFuture,
    stream::{BoxStream, FuturesUnordered},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::Instant,
};

use crate::{
    engine::Engine,
    event::{Event, Failure, FileResult, Summary},
    file::{self, Done},
    follow,
    listing::{self, Found},
    record::Recorder,
    removal,
};

/// What to import.
#[derive(Debug, Clone)]
pub struct Import {
    /// Where from.
    pub connector: Arc<dyn Connector>,
    /// On whose behalf, and under which integration.
    pub source: Source,
    /// Which paths below the integration's root, files and containers; "" is everything.
    pub paths: Vec<String>,
    /// The portfolio the documents go into, if any.
    pub portfolio: Option<String>,
    /// Ingest every file again, whatever its fingerprint says and whether it failed before.
    pub full: bool,
    /// Remove what is gone even where it is more than the [`Breaker`](crate::Breaker) allows.
    pub approve_removals: bool,
}

/// Where documents come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The integration; the ledger must know it.
    pub integration: IntegrationId,
    /// Whose documents they are.
    pub tenant: Tenant,
    /// The vendor's id, for example `s3`.
    pub vendor: String,
}

/// What a step of the driver gives.
enum Turn {
    Event(Event),
    Recorded(Result<Vec<FileResult>>),
    File(Result<Box<Done>>),
    Page(Option<Result<Found>>),
    Permit(OwnedSemaphorePermit),
}

/// How a root was listed: the proof, and how many files there were.
type Listed = Vec<(Complete, u64)>;

impl Import {
    /// An import of everything.
    pub fn new(connector: Arc<dyn Connector>, source: Source) -> Self {
        Self { connector, source, paths: vec![String::new()], portfolio: None, full: false, approve_removals: false }
    }
}

/// An import on its way.
struct Course {
    run: Run,
    summary: Summary,
    /// Why the feed could not be followed to its end.
    unfollowed: Option<Error>,
    /// Whether every entry of the listing named the container it is in.
    placed: bool,
}

pub(crate) fn run(engine: Engine, import: Import) -> BoxStream<'static, Result<Event>> {
    let import = Arc::new(import);
    async_stream::try_stream! {
        let started = Instant::now();
        // Before a run begins: a connector that cannot do either has nothing to import.
        import.connector.need_browse()?;
        import.connector.need_download()?;
        let roots = listing::roots(&import.paths);
        let run = engine.ledger.begin(import.source.integration, &roots).await?;
        let summary = Summary { complete: true, ..Summary::default() };
        let mut course = Course { run, summary, unfollowed: None, placed: true };
        let failed = {
            let mut events = Box::pin(whole(&engine, &import, &roots, &mut course));
            loop {
                match events.next().await {
                    Some(Ok(event)) => yield event,
                    Some(Err(error)) => break Some(error),
                    None => break None,
                }
            }
        };
        if let Some(error) = failed {
            // The error that ended the import is the one to tell, also where the ledger that
            // caused it cannot write this either.
            drop(engine.ledger.finish(&course.run, RunOutcome::Aborted).await);
            Err(error)?;
        }
        let mut summary = course.summary;
        summary.elapsed = started.elapsed();
        yield Event::Done(summary);
    }
    .boxed()
}

/// Follows the feed where there is one that can be trusted, else lists everything.
fn whole<'a>(
    engine: &'a Engine,
    import: &'a Arc<Import>,
    roots: &'a [String],
    course: &'a mut Course,
) -> impl Stream<Item = Result<Event>> + Send + 'a {
    async_stream::try_stream! {
        let ledger = &*engine.ledger;
        let browse = import.connector.need_browse()?;
        // A feed tells of everything, and so it is followed for everything or not at all.
        let changes = import.connector.changes().filter(|_| matches!(roots, [root] if root.is_empty()));
        let feed = match changes {
            Some(changes) => follow::trusted(engine, import, &course.run).await?.map(|feed| (changes, feed)),
            None => None,
        };
        if let Some((changes, feed)) = feed {
            course.summary.followed = Some(0);
            let following = follow::follow(engine, import, browse, changes, course.run, feed.cursor);
            for await event in drive(engine, import, following, course) {
                yield event?;
            }
            let Some(error) = course.unfollowed.take() else {
                ledger.finish(&course.run, RunOutcome::Complete).await?;
                return;
            };
            // What it removed counts with what the listing finds gone: it is for the breaker as well.
            if follow::unless_taken(ledger.leave_feed(&course.run).await)?.is_some() {
                course.summary.gone = 0;
            }
            course.summary.followed = None;
            yield Event::Unfollowed { error: Failure::from(&error) };
            ledger.finish(&course.run, RunOutcome::Partial).await?;
            course.run = ledger.begin(course.run.integration, roots).await?;
        }
        // Before the walk: what changes while it goes on is told as well.
        let start = match changes {
            Some(changes) => follow::start(engine, import, changes, &course.run).await?,
            None => None,
        };
        let run = course.run;
        let listing = listing::listing(browse, ledger, run, roots, engine.options.page.get(), start.is_some());
        for await event in drive(engine, import, listing, course) {
            yield event?;
        }
        let Course { summary, placed, .. } = course;
        let outcome = if summary.complete { RunOutcome::Complete } else { RunOutcome::Partial };
        ledger.finish(&run, outcome).await?;
        // What is parked no feed tells again.
        if let Some(feed) = start.filter(|_| summary.complete && summary.parked == 0 && *placed) {
            follow::unless_taken(ledger.start_feed(&run, &feed).await)?;
        }
    }
}

fn drive<'a>(
    engine: &'a Engine,
    import: &'a Arc<Import>,
    listing: impl Stream<Item = Result<Found>> + Send + 'a,
    course: &'a mut Course,
) -> impl Stream<Item = Result<Event>> + Send + 'a {
    async_stream::try_stream! {
        let options = Arc::clone(&engine.options);
        let Course { run, summary, unfollowed, placed: all_placed } = course;
        let run = *run;
        let mut listing = Box::pin(listing);
        let mut settling = false;
        let (send, mut progress) = mpsc::unbounded_channel();
        let mut waiting: VecDeque<(Entry, Known)> = VecDeque::new();
        let mut files: FuturesUnordered<BoxFuture<'static, Result<Done>>> = FuturesUnordered::new();
        let mut recorder = Recorder::new(engine.ledger.clone(), run);
        let mut listed: Listed = Vec::new();
        let mut listing_ended = false;
        let mut found = 0;
        let mut passing_in_a_row = 0;
        let mut failed = None;
        let mut spare = None;
        loop {
            while files.len() < options.concurrency.max(1)
                && recorder.has_room()
                && let Some((entry, known)) = waiting.pop_front()
            {
                if let Some(result) = file::at_once(&entry, &known, import, Utc::now()) {
                    summary.count(&result);
                    yield Event::Finished(result);
                    continue;
                }
                let permit = match permit(options.budget.as_ref(), &mut spare, files.is_empty()) {
                    Permit::Given(permit) => permit,
                    Permit::Wait => {
                        waiting.push_front((entry, known));
                        break;
                    }
                };
                yield Event::Started { entry: entry.id.clone(), path: entry.path.clone(), size: entry.size };
                let file = one(engine.clone(), Arc::clone(import), run, entry, known, send.clone());
                files.push(Box::pin(async move {
                    let _permit = permit;
                    file.await
                }));
            }
            if waiting.is_empty() {
                // Somebody else may have use for it.
                spare = None;
            }
            if listing_ended && waiting.is_empty() && files.is_empty() && recorder.is_idle() {
                break;
            }
            // A page is asked for when there is room for its first file, not before: as long as
            // files of the last one wait, there is none.
            let room = files.len() < options.concurrency.max(1) && recorder.has_room();
            let budget = options.budget.as_ref().filter(|_| room && !waiting.is_empty() && !files.is_empty());
            let settled = files.is_empty() && recorder.is_idle();
            let turn = tokio::select! {
                biased;
                Some(event) = progress.recv() => Turn::Event(event),
                recorded = recorder.recorded(files.is_empty()), if !recorder.is_idle() => Turn::Recorded(recorded),
                Some(done) = files.next(), if !files.is_empty() => Turn::File(done.map(Box::new)),
                Some(permit) = freed(budget), if budget.is_some() => Turn::Permit(permit),
                page = listing.next(), if !listing_ended && room && waiting.is_empty() && (settled || !settling) => {
                    settling = false;
                    Turn::Page(page)
                }
            };
            match turn {
                Turn::Event(event) => yield event,
                Turn::Permit(permit) => spare = Some(permit),
                Turn::Recorded(Ok(recorded)) => {
                    for result in recorded {
                        summary.count(&result);
                        yield Event::Finished(result);
                    }
                }
                Turn::File(Ok(done)) => {
                    // How far it was is told before what became of it.
                    while let Ok(event) = progress.try_recv() {
                        yield event;
                    }
                    let Done { result, record, passing } = *done;
                    recorder.add(result, record);
                    passing_in_a_row = if passing.is_some() { passing_in_a_row + 1 } else { 0 };
                    if passing_in_a_row >= options.give_up_after.max(1) {
                        failed = passing.map(down);
                    }
                }
                Turn::Page(None) => listing_ended = true,
                Turn::Page(Some(Ok(page))) => match page {
                    Found::Files(entries) => {
                        found += entries.len() as u64;
                        waiting.extend(entries);
                        yield Event::Listed { found };
                    }
                    Found::Unlisted { path, error } => {
                        summary.complete = false;
                        yield Event::Unlisted { path, error: Failure::from(&error) };
                    }
                    Found::Listed { proof, found, placed } => {
                        *all_placed &= placed;
                        listed.push((proof, found));
                    }
                    Found::Told { changes, buried } => {
                        summary.gone += buried;
                        let all = summary.followed.get_or_insert_default();
                        *all += changes;
                        yield Event::Followed { changes: *all };
                    }
                    Found::Wait => settling = true,
                    Found::Unfollowed(error) => *unfollowed = Some(error),
                },
                Turn::Recorded(Err(error)) | Turn::File(Err(error)) | Turn::Page(Some(Err(error))) => {
                    failed = Some(error);
                }
            }
            if failed.is_some() {
                break;
            }
        }
        if let Some(error) = failed {
            // What is on its way stops here. What is in the index by now is recorded.
            drop(files);
            for result in recorder.rest().await {
                summary.count(&result);
                yield Event::Finished(result);
            }
            Err(error)?;
        }
        if unfollowed.is_some() {
            return;
        }
        for await event in removal::remove(engine, import, run, listed) {
            let event = event?;
            match &event {
                removal::Step::Event(Event::Removed { .. }) => summary.removed += 1,
                removal::Step::Event(Event::Parked { gone, .. }) => summary.parked += gone,
                removal::Step::Event(_) => {}
                removal::Step::Buried(gone) => summary.gone += gone,
            }
            if let removal::Step::Event(event) = event {
                yield event;
            }
        }
    }
}

/// Whether another file may begin.
enum Permit {
    Given(Option<OwnedSemaphorePermit>),
    Wait,
}

/// The only file of an import needs no permit: no import waits for another one to end.
fn permit(budget: Option<&Arc<Semaphore>>, spare: &mut Option<OwnedSemaphorePermit>, first: bool) -> Permit {
    match budget {
        None => Permit::Given(None),
        Some(_) if spare.is_some() => Permit::Given(spare.take()),
        Some(budget) => match Arc::clone(budget).try_acquire_owned() {
            Ok(permit) => Permit::Given(Some(permit)),
            Err(_) if first => Permit::Given(None),
            Err(_) => Permit::Wait,
        },
    }
}

/// Waits for a permit. `None` if there never is one.
async fn freed(budget: Option<&Arc<Semaphore>>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(budget?).acquire_owned().await.ok()
}

/// One file as a future that owns all it needs.
async fn one(
    engine: Engine,
    import: Arc<Import>,
    run: Run,
    entry: Entry,
    known: Known,
    send: mpsc::UnboundedSender<Event>,
) -> Result<Done> {
    let id = entry.id.clone();
    // Nobody listens once the import is dropped, and then this is too.
    let progress = move |bytes| drop(send.send(Event::Progress { entry: id.clone(), bytes }));
    file::ingest(engine, &import, run, entry, known, &progress).await
}

pub(crate) fn down(error: Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "too many files failed in a row for reasons that pass: the source is down or refuses more calls, try again later",
    )
    .with("last", &error)
    .source(error)
}
