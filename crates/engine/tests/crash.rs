//! `kill -9` in the middle of an import.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use catchment_core::{
    Document, DocumentKey, EntryId, Held, Ingested, Ingestor, IntegrationId, Result, Tenant, async_trait,
};
use catchment_engine::{Engine, Import, Options, Source, Status, Summary};
use catchment_store::Store;
use futures::{StreamExt, TryStreamExt};
use support::{Folder, Parser};

/// Says to the child where to work, and at which round.
const DIRECTORY: &str = "CATCHMENT_TEST_CRASH_DIRECTORY";
const ROUND: &str = "CATCHMENT_TEST_CRASH_ROUND";

const FILES: u32 = 240;

/// What the source holds in a round: each file changes in some rounds, and is gone in others.
fn source(round: u32) -> BTreeMap<String, String> {
    let there = |file: &u32| !(file + round).is_multiple_of(7);
    let text =
        |file: u32| (format!("dir{}/f{file:03}", file % 5), format!("file {file} of {}", (round + file % 3) / 3));
    (0..FILES).filter(there).map(text).collect()
}

/// A document a file, replaced in one step.
struct Files(PathBuf);

impl Files {
    fn path(&self, entry: &EntryId) -> PathBuf {
        self.0.join(hex::encode(entry.as_str()))
    }

    fn all(&self) -> BTreeMap<EntryId, Document> {
        let documents = fs::read_dir(&self.0).unwrap().map(|file| file.unwrap().path());
        let whole = documents.filter(|path| path.extension().is_none());
        whole
            .map(|path| serde_json::from_slice::<Document>(&fs::read(path).unwrap()).expect("no half document"))
            .map(|document| (document.key.entry.clone(), document))
            .collect()
    }
}

#[async_trait]
impl Ingestor for Files {
    async fn upsert(&self, document: Document) -> Result<Ingested> {
        let path = self.path(&document.key.entry);
        let new = path.with_extension("new");
        fs::write(&new, serde_json::to_vec(&document).unwrap()).unwrap();
        fs::rename(new, path).unwrap();
        tokio::task::yield_now().await;
        Ok(Ingested { chunks: 1 })
    }

    async fn remove(&self, keys: &[DocumentKey]) -> Result<()> {
        for key in keys {
            drop(fs::remove_file(self.path(&key.entry)));
        }
        Ok(())
    }

    async fn audit(&self, _: IntegrationId, after: Option<&EntryId>, limit: u32) -> Result<Vec<Held>> {
        let behind = self.all().into_iter().filter(|(entry, _)| after.is_none_or(|after| entry > after));
        let held =
            |(entry, document): (EntryId, Document)| Held { entry, content_hash: document.content_hash, chunks: 1 };
        Ok(behind.take(limit as usize).map(held).collect())
    }
}

/// The engine and its import in `directory`, at a round.
async fn at(directory: &Path, round: u32) -> (Engine, Import) {
    let tenant = Tenant::local();
    let store = Store::open(directory.join("catchment.db")).await.expect("the file opens").scoped(&tenant);
    let integration = store.find_or_create("folder", "here", &serde_json::json!({})).await.unwrap().id;
    let folder = Folder::default();
    for (path, text) in source(round) {
        folder.put(&path, &text);
        // The same for the same text, in every process.
        folder.change(&path, |entry| entry.fingerprint = Some(catchment_core::Fingerprint::new(text)));
    }
    let files = Files(directory.join("documents"));
    let options = Options { concurrency: 4, ..Options::default() };
    let engine = Engine::new(Arc::new(store), Arc::new(files), Parser::default(), options);
    let source = Source { integration, tenant, vendor: "folder".into() };
    (engine, Import { approve_removals: true, ..Import::new(Arc::new(folder), source) })
}

/// Not a test of its own: the process that is killed.
#[tokio::test]
async fn child() {
    let (Some(directory), Ok(round)) = (env::var_os(DIRECTORY), env::var(ROUND)) else { return };
    let (engine, import) = at(Path::new(&directory), round.parse().unwrap()).await;
    let mut events = engine.import(import);
    while let Some(event) = events.next().await {
        event.unwrap();
        writeln!(std::io::stderr(), "event").unwrap();
    }
}

/// Imports in another process, and kills it once it has told so many events. Whether it was
/// still at work.
fn killed_after(directory: &Path, round: u32, events: usize) -> bool {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(ROUND, round.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(child.stderr.take().unwrap()).lines().map_while(std::io::Result::ok);
    let told = told.filter(|line| line == "event").take(events).count();
    // SIGKILL, on Unix.
    child.kill().unwrap();
    assert!(told == events || child.wait().unwrap().success(), "the child failed by itself");
    !child.wait().unwrap().success()
}

async fn finished(directory: &Path, round: u32) -> Summary {
    let (engine, import) = at(directory, round).await;
    let mut summary = Summary::default();
    let mut events = engine.import(import);
    while let Some(event) = events.try_next().await.unwrap() {
        match event {
            catchment_engine::Event::Finished(result) => {
                assert!(matches!(result.status, Status::Ingested | Status::Unchanged), "{result:?}");
            }
            catchment_engine::Event::Done(done) => summary = done,
            _ => {}
        }
    }
    summary
}

#[tokio::test]
async fn a_killed_import_leaves_nothing_to_repair_and_the_next_one_finishes_it() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    fs::create_dir(directory.join("documents")).unwrap();
    let (mut killed, mut unsettled) = (0, 0);
    for round in 0..4 {
        for events in [0, 1, 30, 110, 230, 330, 430] {
            killed += u32::from(killed_after(directory, round, events));
            let (engine, import) = at(directory, round).await;
            let report = engine.verify(import.source.integration, false).await.unwrap();
            assert!(report.is_clean(), "round {round}, killed after {events} events: {report:?}");
            unsettled += report.unsettled;
        }
        let summary = finished(directory, round).await;
        assert!(summary.complete);
        assert_eq!(summary.files(), source(round).len() as u64);

        // Each file once, as it is at the source, and nothing else.
        let held = Files(directory.join("documents")).all();
        let held: BTreeMap<String, String> =
            held.into_values().map(|document| (document.path, document.text.plain().trim().into())).collect();
        assert_eq!(held, source(round));
        let (engine, import) = at(directory, round).await;
        let report = engine.verify(import.source.integration, false).await.unwrap();
        assert!(report.is_clean() && report.unsettled == 0, "{report:?}");
        assert_eq!(report.checked, source(round).len() as u64);
        assert_eq!(finished(directory, round).await.unchanged, source(round).len() as u64);
    }
    assert!(killed >= 12, "only {killed} were killed at work");
    eprintln!("{killed} killed at work, {unsettled} documents left unsettled by them");
}
