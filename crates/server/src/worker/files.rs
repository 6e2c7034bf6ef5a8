//! Results of files on their way into the database, many in one call.

use std::time::Duration;

use catchment_core::Result;
use catchment_engine::{FileResult, Status};
use catchment_store::{Failure, JobFile};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant, timeout_at},
};

use super::kind::Task;

/// So many results go at once, or fewer after so much time.
const ENOUGH: usize = 500;
const MOMENT: Duration = Duration::from_millis(500);

/// Records what comes until nothing more can. It runs beside the import and never holds it up:
/// an import that is not polled may be in the middle of a transaction, which this would wait for.
pub(super) async fn record(task: &Task, mut results: UnboundedReceiver<JobFile>) -> Result<()> {
    let mut gathered = Vec::new();
    loop {
        if results.recv_many(&mut gathered, ENOUGH).await == 0 {
            return Ok(());
        }
        let due = Instant::now() + MOMENT;
        let mut more = true;
        while more && gathered.len() < ENOUGH {
            let room = ENOUGH - gathered.len();
            more = timeout_at(due, results.recv_many(&mut gathered, room)).await.is_ok_and(|come| come > 0);
        }
        task.app.store.record_files(&task.claim, &gathered).await?;
        gathered.clear();
    }
}

/// A result as it is recorded.
pub(super) fn row(file: FileResult) -> JobFile {
    let status = match file.status {
        Status::Ingested => "ingested",
        Status::Unchanged => "unchanged",
        Status::Failed => "failed",
        Status::Skipped => "skipped",
        Status::Quarantined => "quarantined",
    };
    JobFile {
        number: 0,
        entry: file.entry.to_string(),
        path: file.path,
        status: status.to_owned(),
        chunks: file.chunks,
        bytes: file.bytes,
        error: file.error.map(|error| Failure { kind: error.kind, message: error.message }),
    }
}

/// A path that could not be listed, as it is recorded. It has no entry of its own.
pub(super) fn unlisted(path: String, error: Failure) -> JobFile {
    let (number, chunks, bytes) = (0, 0, 0);
    JobFile {
        number,
        entry: format!("path:{path}"),
        path,
        status: "failed".to_owned(),
        chunks,
        bytes,
        error: Some(error),
    }
}
