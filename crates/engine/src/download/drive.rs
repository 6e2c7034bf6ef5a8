//! The driver: the listing and the files on their way, side by side.

use std::{collections::VecDeque, path::PathBuf, sync::Arc};

use catchment_core::{Complete, Connector, Entry, EntryKind, Error, ErrorKind, PageRequest, Result, Retry, Step};
use futures::{Stream, StreamExt, stream::BoxStream};
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet, spawn_blocking},
    time::Instant,
};

use super::{
    DownloadEvent, DownloadStatus, DownloadSummary, DownloadedFile, FolderDownload,
    folder::{Folder, There, place},
    write::File,
};
use crate::{
    ahead::walk_ahead,
    engine::Options,
    event::Failure,
    fetch::{Sink, Way},
    file::Fault,
    import::down,
    listing::fatal,
};

/// A file that is done. The error is one that passes: many of them in a row mean that the source is down.
type Done = (DownloadedFile, Option<Error>);

enum Turn {
    Event(DownloadEvent),
    File(Option<Result<Result<Done>, JoinError>>),
    Step(Option<Step>),
}

pub(super) fn run(download: FolderDownload, options: Arc<Options>) -> BoxStream<'static, Result<DownloadEvent>> {
    async_stream::try_stream! {
        let started = Instant::now();
        let FolderDownload { connector, path, folder } = download;
        connector.need_download()?;
        let root = connector.need_browse()?.lookup(&path).await?;
        let folder = spawn_blocking(move || Folder::open(folder)).await.map_err(panicked)??;
        let job = Job { connector, folder: Arc::new(folder), below: above_of(&root), options };
        let mut summary = DownloadSummary { complete: true, ..DownloadSummary::default() };
        {
            let events = job.drive(root, &mut summary);
            futures::pin_mut!(events);
            while let Some(event) = events.next().await {
                yield event?;
            }
        }
        summary.elapsed = started.elapsed();
        yield DownloadEvent::Done(summary);
    }
    .boxed()
}

/// What all files of a download have in common.
#[derive(Clone)]
struct Job {
    connector: Arc<dyn Connector>,
    folder: Arc<Folder>,
    /// How much of a path at the source is above what was asked for.
    below: usize,
    options: Arc<Options>,
}

impl Job {
    fn drive<'a>(
        self,
        root: Entry,
        summary: &'a mut DownloadSummary,
    ) -> impl Stream<Item = Result<DownloadEvent>> + Send + 'a {
        async_stream::try_stream! {
            let page = PageRequest::first().limit(self.options.page.get());
            let steps = walk_ahead(Arc::clone(&self.connector), root, page);
            futures::pin_mut!(steps);
            // On all processors; it stops what is in it when it is dropped.
            let mut files: JoinSet<Result<Done>> = JoinSet::new();
            let (tell, mut told) = mpsc::unbounded_channel();
            let mut waiting: VecDeque<Entry> = VecDeque::new();
            let (mut ended, mut found, mut passing) = (None::<Option<Complete>>, 0, 0);
            loop {
                while files.len() < self.options.concurrency.max(1)
                    && let Some(entry) = waiting.pop_front()
                {
                    files.spawn(self.clone().one(entry, tell.clone()));
                }
                if ended.is_some() && waiting.is_empty() && files.is_empty() {
                    break;
                }
                let turn = tokio::select! {
                    biased;
                    Some(event) = told.recv() => Turn::Event(event),
                    done = files.join_next(), if !files.is_empty() => Turn::File(done),
                    step = steps.next(), if ended.is_none() && waiting.is_empty() => Turn::Step(step),
                };
                match turn {
                    Turn::Event(event) => yield event,
                    Turn::File(None) => {}
                    Turn::File(Some(done)) => {
                        let (file, error) = done.map_err(panicked)??;
                        // How far it was is told before what became of it.
                        while let Ok(event) = told.try_recv() {
                            yield event;
                        }
                        summary.count(&file);
                        yield DownloadEvent::File(file);
                        passing = if error.is_some() { passing + 1 } else { 0 };
                        if passing >= self.options.give_up_after.max(1) && let Some(error) = error {
                            Err(down(error))?;
                        }
                    }
                    Turn::Step(Some(Step::Entries(mut entries))) => {
                        entries.retain(|entry| !entry.is_container());
                        found += entries.len() as u64;
                        waiting.extend(entries);
                        yield DownloadEvent::Listed { found };
                    }
                    Turn::Step(Some(Step::Unlisted { error, .. })) if fatal(&error) => Err(error)?,
                    Turn::Step(Some(Step::Unlisted { container, error })) => {
                        yield DownloadEvent::Unlisted { path: container.path, error: Failure::from(&error) };
                    }
                    Turn::Step(Some(Step::End(proof))) => ended = Some(proof),
                    // The listing ended without its last step: it panicked.
                    Turn::Step(None) => Err(Error::internal("the listing did not come to its end"))?,
                }
            }
            summary.complete = ended.flatten().is_some();
        }
    }

    /// Downloads one file. Only what ends the download is an error.
    async fn one(self, entry: Entry, tell: mpsc::UnboundedSender<DownloadEvent>) -> Result<Done> {
        let started = Instant::now();
        let mut file = DownloadedFile {
            path: entry.path.clone(),
            to: PathBuf::new(),
            status: DownloadStatus::Failed,
            bytes: 0,
            sha256: None,
            error: None,
            duration: started.elapsed(),
        };
        let mut passing = None;
        match self.fetch(entry, &mut file, tell).await {
            Ok(()) => {}
            Err(Fault::Abort(error)) => return Err(error),
            Err(Fault::Item(error)) if fatal(&error) => return Err(error),
            Err(Fault::Item(error)) => {
                file.error = Some(Failure::from(&error));
                passing = (error.retry() != Retry::Never).then_some(error);
            }
        }
        file.duration = started.elapsed();
        Ok((file, passing))
    }

    async fn fetch(
        &self,
        entry: Entry,
        file: &mut DownloadedFile,
        tell: mpsc::UnboundedSender<DownloadEvent>,
    ) -> Result<(), Fault> {
        if let EntryKind::Special(reason) = &entry.kind {
            file.status = DownloadStatus::Skipped;
            file.error = Some(Failure { kind: ErrorKind::Unsupported, message: reason.clone() });
            return Ok(());
        }
        let place = place(entry.path.get(self.below..).unwrap_or(&entry.path)).map_err(Fault::Item)?;
        file.to.clone_from(&place);
        // Two files of one path: the one that comes first is kept, and the other is told.
        let _claim = self.folder.claim(&place).ok_or_else(|| Fault::Item(taken()))?;
        let (folder, at) = (Arc::clone(&self.folder), place.clone());
        let (size, modified) = (entry.size, entry.modified);
        let there = spawn_blocking(move || folder.look(&at, size, modified)).await;
        match there.map_err(|error| Fault::Abort(panicked(error)))?? {
            There::Other => {}
            There::Same => {
                file.status = DownloadStatus::Unchanged;
                return Ok(());
            }
            There::Taken => return Err(Fault::Item(taken())),
        }
        let path = entry.path.clone();
        // Nobody listens once the download is dropped, and then this is too.
        let progress = move |bytes| drop(tell.send(DownloadEvent::Progress { path: path.clone(), bytes }));
        let largest = self.options.max_bytes.unwrap_or(u64::MAX);
        let way = Way { connector: &*self.connector, retries: &self.options.retries, largest, progress: &progress };
        let mut sink = File::new(Arc::clone(&self.folder), place);
        let fetched = way.fetch(entry, &mut sink).await?;
        let bytes = sink.length();
        file.sha256 = Some(sink.keep(fetched.entry.modified).await?);
        file.status = DownloadStatus::Downloaded;
        file.bytes = bytes;
        Ok(())
    }
}

/// How much of the paths below an entry does not belong to their place in the folder.
fn above_of(root: &Entry) -> usize {
    match root.path.rfind('/') {
        _ if root.is_container() && root.path.is_empty() => 0,
        _ if root.is_container() => root.path.len() + 1,
        slash => slash.map_or(0, |slash| slash + 1),
    }
}

fn taken() -> Error {
    let text = "another file of this path was downloaded just now: rename one of them at the source";
    Error::new(ErrorKind::Unsupported, text)
}

fn panicked(error: JoinError) -> Error {
    Error::internal("a download panicked").source(error)
}
