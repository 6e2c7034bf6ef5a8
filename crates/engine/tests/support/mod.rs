//! A source, an index, a parser and a ledger that fail when they are told to.

#![allow(dead_code, reason = "each test uses its part")]

mod drive;
mod ledger;
mod source;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use catchment_core::{
    Block, Document, DocumentKey, EntryId, Error, ErrorKind, Held, Ingested, Ingestor, IntegrationId, Result, Tenant,
    Text, TextPage, async_trait,
};
use catchment_documents::{Input, Parsed, Source as Bytes};
use catchment_engine::{Engine, Event, FileResult, Import, MemoryLedger, Options, Parse, Source, Status, Summary};
use futures::{StreamExt, TryStreamExt};

#[allow(unused_imports, reason = "each test uses its part")]
pub(crate) use catchment_testkit::world::feed::{Style, id as drive_id};
#[allow(unused_imports, reason = "each test uses its part")]
pub(crate) use drive::Followed;
pub(crate) use ledger::Spy;
#[allow(unused_imports, reason = "each test uses its part")]
pub(crate) use source::{Fault, Folder};

pub(crate) const INTEGRATION: IntegrationId = IntegrationId(1);

/// What happened, in order: "upsert a", "record a".
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// Everything an import needs.
pub(crate) struct World {
    pub(crate) folder: Arc<Folder>,
    pub(crate) index: Arc<Index>,
    pub(crate) ledger: Arc<Spy>,
    pub(crate) parser: Parser,
    pub(crate) log: Log,
    pub(crate) options: Options,
}

/// What an import told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) events: Vec<Event>,
    pub(crate) summary: Summary,
}

impl World {
    /// With these files, each holding its own path.
    pub(crate) fn new(paths: &[&str]) -> Self {
        let log = Log::default();
        let folder = Arc::new(Folder::default());
        for path in paths {
            folder.put(path, path);
        }
        Self {
            folder,
            index: Arc::new(Index { log: Arc::clone(&log), ..Index::default() }),
            ledger: Arc::new(Spy::new(Arc::new(MemoryLedger::new()), Arc::clone(&log))),
            parser: Parser::default(),
            log,
            options: Options::default(),
        }
    }

    pub(crate) fn engine(&self) -> Engine {
        let (ledger, index) = (self.ledger.clone(), self.index.clone());
        Engine::new(ledger, index, self.parser.clone(), self.options.clone())
    }

    pub(crate) fn everything(&self) -> Import {
        let source = Source { integration: INTEGRATION, tenant: Tenant::local(), vendor: "folder".into() };
        Import::new(self.folder.clone(), source)
    }

    pub(crate) fn below(&self, paths: &[&str]) -> Import {
        Import { paths: paths.iter().map(|path| (*path).to_owned()).collect(), ..self.everything() }
    }

    pub(crate) async fn import(&self) -> Told {
        self.run(self.everything()).await.expect("the import ends well")
    }

    pub(crate) async fn run(&self, import: Import) -> Result<Told> {
        let mut events: Vec<Event> = self.engine().import(import).try_collect().await?;
        match events.pop() {
            Some(Event::Done(summary)) => Ok(Told { events, summary }),
            other => panic!("the last event is {other:?}"),
        }
    }

    /// The error that ends an import, and that nothing comes after it.
    pub(crate) async fn refused(&self, import: Import) -> Error {
        let items: Vec<_> = self.engine().import(import).collect().await;
        let (last, before) = items.into_iter().rev().fold((None, Vec::new()), |(last, mut before), item| {
            if last.is_none() {
                (Some(item), before)
            } else {
                before.push(item);
                (last, before)
            }
        });
        assert!(before.iter().all(Result::is_ok), "one error, and at the end");
        last.expect("something").expect_err("the import is refused")
    }

    pub(crate) fn logged(&self, what: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|line| line.starts_with(what)).count()
    }
}

impl Told {
    pub(crate) fn files(&self) -> impl Iterator<Item = &FileResult> {
        self.events.iter().filter_map(|event| match event {
            Event::Finished(result) => Some(result),
            _ => None,
        })
    }

    /// The result of one file; there must be one only.
    pub(crate) fn file(&self, path: &str) -> &FileResult {
        let found: Vec<_> = self.files().filter(|result| result.path == path).collect();
        assert_eq!(found.len(), 1, "{path} has one result: {:?}", self.events);
        found[0]
    }

    pub(crate) fn status(&self, path: &str) -> Status {
        self.file(path).status
    }

    pub(crate) fn kind(&self, path: &str) -> Option<ErrorKind> {
        self.file(path).error.as_ref().map(|error| error.kind)
    }
}

/// An ingestor in memory.
#[derive(Default)]
pub(crate) struct Index {
    pub(crate) documents: Mutex<BTreeMap<EntryId, Document>>,
    pub(crate) fail: Mutex<HashMap<String, Error>>,
    pub(crate) fail_remove: Mutex<Option<Error>>,
    /// Happens once, just before documents are removed.
    pub(crate) before_remove: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    pub(crate) log: Log,
}

impl Index {
    pub(crate) fn paths(&self) -> Vec<String> {
        self.documents.lock().unwrap().values().map(|document| document.path.clone()).collect()
    }

    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let documents = self.documents.lock().unwrap();
        documents.values().find(|document| document.path == path).map(|document| document.text.plain().trim().into())
    }

    pub(crate) fn fail(&self, path: &str, error: Error) {
        self.fail.lock().unwrap().insert(path.into(), error);
    }
}

#[async_trait]
impl Ingestor for Index {
    async fn upsert(&self, document: Document) -> Result<Ingested> {
        tokio::task::yield_now().await;
        if let Some(error) = self.fail.lock().unwrap().remove(&document.path) {
            return Err(error);
        }
        self.log.lock().unwrap().push(format!("upsert {}", document.path));
        self.documents.lock().unwrap().insert(document.key.entry.clone(), document);
        Ok(Ingested { chunks: 2 })
    }

    async fn remove(&self, keys: &[DocumentKey]) -> Result<()> {
        if let Some(error) = self.fail_remove.lock().unwrap().take() {
            return Err(error);
        }
        let before = self.before_remove.lock().unwrap().take();
        if let Some(before) = before {
            before();
        }
        for key in keys {
            self.log.lock().unwrap().push(format!("remove {}", key.entry));
            self.documents.lock().unwrap().remove(&key.entry);
        }
        Ok(())
    }

    async fn audit(&self, _: IntegrationId, after: Option<&EntryId>, limit: u32) -> Result<Vec<Held>> {
        let documents = self.documents.lock().unwrap();
        let behind = documents.iter().filter(|(entry, _)| after.is_none_or(|after| *entry > after));
        let held = |(entry, document): (&EntryId, &Document)| Held {
            entry: entry.clone(),
            content_hash: document.content_hash.clone(),
            chunks: 2,
        };
        Ok(behind.take(limit as usize).map(held).collect())
    }
}

/// Takes every file for text, but those that say "broken".
#[derive(Clone, Default)]
pub(crate) struct Parser {
    pub(crate) parsed: Arc<AtomicUsize>,
    pub(crate) on_disk: Arc<AtomicUsize>,
}

#[async_trait]
impl Parse for Parser {
    async fn parse(&self, input: Input) -> Result<Parsed> {
        let bytes = match input.source {
            Bytes::Bytes(bytes) => bytes.to_vec(),
            Bytes::Path(path) => {
                self.on_disk.fetch_add(1, Ordering::Relaxed);
                std::fs::read(path).expect("the spool is there")
            }
        };
        tokio::task::yield_now().await;
        self.parsed.fetch_add(1, Ordering::Relaxed);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if text.contains("broken") {
            return Err(Error::new(ErrorKind::Unreadable, "broken: save it anew"));
        }
        let page = TextPage { number: 1, label: None, blocks: vec![Block::paragraph(text)] };
        Ok(Parsed { mime: "text/plain".into(), text: Text { pages: vec![page], ..Text::default() } })
    }

    fn max_bytes(&self) -> u64 {
        8 << 20
    }
}
