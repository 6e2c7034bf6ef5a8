//! Imports as jobs: of some paths, or of everything (`sync`).

use async_trait::async_trait;
use catchment_core::{Error, ErrorKind, IntegrationId, Result};
use catchment_engine::{self as engine, Event, Source, Summary};
use catchment_store::{Failure, JobFile, Scoped, Status, Success};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::{
    files,
    kind::{JobKind, Task},
};

/// An import of some paths.
pub(crate) const IMPORT: &str = "import";
/// An import of everything.
pub(crate) const SYNC: &str = "sync";

/// What to import, as it stands in the database.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Files and folders; "" is everything.
    pub(crate) paths: Vec<String>,
    /// The portfolio the documents go into.
    #[serde(default)]
    pub(crate) portfolio: Option<String>,
    /// Whether every file is ingested again.
    #[serde(default)]
    pub(crate) full: bool,
}

/// How an import went, as it stands in the database.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Outcome {
    pub(crate) total_files: u64,
    pub(crate) successful: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
    pub(crate) ingested: u64,
    pub(crate) unchanged: u64,
    pub(crate) chunks_added: u64,
    pub(crate) bytes: u64,
    pub(crate) removed: u64,
    pub(crate) parked: u64,
    pub(crate) complete: bool,
    /// How many changes the vendor's feed told of, where it was followed instead of a listing.
    pub(crate) followed: Option<u64>,
    pub(crate) elapsed_ms: u64,
}

/// The kind of job, under one of its names.
pub(super) struct Import(pub(super) &'static str);

#[async_trait]
impl JobKind for Import {
    fn name(&self) -> &'static str {
        self.0
    }

    async fn run(&self, task: &Task) -> Result<Value> {
        let order: Order = task.payload()?;
        let (scoped, integration) = place(task)?;
        let integration = scoped.integration(integration).await?;
        let connector = task.app.connect(&scoped, &integration).await?;
        let source =
            Source { integration: integration.id, tenant: integration.tenant.clone(), vendor: integration.vendor };
        let mut import = engine::Import::new(connector, source);
        import.paths.clone_from(&order.paths);
        import.portfolio = order.portfolio;
        import.full = order.full;
        let events = task.app.engine(scoped.clone()).import(import);
        let (send, receive) = unbounded_channel();
        let read = async { Ok::<_, Error>(read(task, events, send).await) };
        let (ended, ()) = tokio::try_join!(read, files::record(task, receive))?;
        let (summary, success) = match ended {
            Ok(summary) => (summary, if self.0 == SYNC { Success::Synced } else { Success::Used }),
            // Each path that was asked for has its result, and nothing else was wrong.
            Err(error) if self.0 == IMPORT && only_the_paths(task, &error) => {
                files::record(task, missing(task, &order.paths, &error)).await?;
                (Summary::default(), Success::Used)
            }
            Err(error) => return Err(error),
        };
        task.progress.ended();
        scoped.succeeded(integration.id, success).await?;
        serde_json::to_value(outcome(task, &summary))
            .map_err(|error| Error::internal("the outcome of an import cannot be written down").source(error))
    }

    async fn failed(&self, task: &Task, error: &Error) {
        // Disconnected, or changed at the same moment: a person did that, and knows.
        if error.kind() == ErrorKind::Conflict {
            return;
        }
        let Ok((scoped, integration)) = place(task) else { return };
        if let Err(error) = scoped.failed(integration, Status::Error, &error.to_string()).await {
            tracing::warn!(error = ?error, "the failure cannot be noted with the integration");
        }
    }
}

/// On whose behalf, and on what.
fn place(task: &Task) -> Result<(Scoped, IntegrationId)> {
    let job = task.job();
    let integration = job.integration.ok_or_else(|| Error::internal("an import without an integration"))?;
    Ok((task.app.store.scoped(&job.tenant), integration))
}

/// Follows the events of an import to the end.
async fn read(
    task: &Task,
    mut events: impl StreamExt<Item = Result<Event>> + Unpin,
    results: UnboundedSender<JobFile>,
) -> Result<Summary> {
    while let Some(event) = events.next().await {
        let event = event?;
        task.progress.count(&event);
        let row = match event {
            Event::Finished(file) => files::row(file),
            Event::Unlisted { path, error } => {
                task.progress.unlisted();
                files::unlisted(path, Failure { kind: error.kind, message: error.message })
            }
            Event::Done(summary) => return Ok(summary),
            _ => continue,
        };
        // Who records lives as long as this does.
        let _ = results.send(row);
    }
    Err(Error::internal("an import ended without its end"))
}

/// Whether an import failed because none of the paths can be reached: the error of the last one
/// is then the import's.
fn only_the_paths(task: &Task, error: &Error) -> bool {
    let counts = task.progress.counts();
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Forbidden)
        && counts.listed == 0
        && counts.finished == counts.failed
}

/// The result of the only path: several have theirs already.
fn missing(task: &Task, paths: &[String], error: &Error) -> tokio::sync::mpsc::UnboundedReceiver<JobFile> {
    let (send, receive) = unbounded_channel();
    if task.progress.counts().finished == 0
        && let Some(path) = paths.first()
    {
        task.progress.unlisted();
        // The receiver is there.
        let _ = send.send(files::unlisted(path.clone(), Failure { kind: error.kind(), message: error.to_string() }));
    }
    receive
}

fn outcome(task: &Task, summary: &Summary) -> Outcome {
    let counts = task.progress.counts();
    Outcome {
        total_files: counts.finished,
        successful: counts.ingested + counts.unchanged,
        failed: counts.failed,
        skipped: counts.skipped,
        ingested: counts.ingested,
        unchanged: counts.unchanged,
        chunks_added: counts.chunks_added,
        bytes: counts.bytes,
        removed: counts.removed,
        parked: counts.parked,
        complete: summary.complete,
        followed: summary.followed,
        elapsed_ms: u64::try_from(summary.elapsed.as_millis()).unwrap_or(u64::MAX),
    }
}
