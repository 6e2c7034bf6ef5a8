//! Imports that follow Dropbox's feed, through the engine.

mod fake;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use catchment_core::{
    Document, DocumentKey, EntryId, Held, Ingested, Ingestor, IntegrationId, Result, Tenant, async_trait,
};
use catchment_documents::{Limits, Parser};
use catchment_engine::{Engine, Event, Import, MemoryLedger, Options, Source, Summary};
use catchment_testkit::world::{Key, Op, Rules};
use fake::Fake;
use futures::TryStreamExt;

#[derive(Default)]
struct Index(Mutex<BTreeMap<EntryId, Document>>);

#[async_trait]
impl Ingestor for Index {
    async fn upsert(&self, document: Document) -> Result<Ingested> {
        self.0.lock().expect("whole").insert(document.key.entry.clone(), document);
        Ok(Ingested { chunks: 1 })
    }

    async fn remove(&self, keys: &[DocumentKey]) -> Result<()> {
        self.0.lock().expect("whole").retain(|entry, _| !keys.iter().any(|key| key.entry == *entry));
        Ok(())
    }

    async fn audit(&self, _: IntegrationId, _: Option<&EntryId>, _: u32) -> Result<Vec<Held>> {
        Ok(Vec::new())
    }
}

/// An account, and where it is imported to.
struct Imported {
    fake: Fake,
    index: Arc<Index>,
    engine: Engine,
}

impl Imported {
    async fn new() -> Self {
        let index = Arc::new(Index::default());
        let parser = Parser::in_process(Limits::default());
        let engine = Engine::new(Arc::new(MemoryLedger::new()), index.clone(), parser, Options::default());
        Self { fake: Fake::new().await, index, engine }
    }

    /// What the import told, and how often folders were listed for it.
    async fn import(&self) -> (Summary, usize) {
        let source = Source { integration: IntegrationId(1), tenant: Tenant::local(), vendor: "dropbox".into() };
        let before = self.fake.count("files/list_folder");
        let import = Import { approve_removals: true, ..Import::new(self.fake.connector(), source) };
        let events: Vec<Event> = self.engine.import(import).try_collect().await.expect("imported");
        let Some(Event::Done(summary)) = events.last() else { panic!("{events:?}") };
        assert!(summary.complete, "{events:?}");
        (summary.clone(), self.fake.count("files/list_folder") - before)
    }

    fn put(&self, path: &str, text: String) {
        self.fake.account().drive.world.put(Key::ROOT, path, text).expect("put");
    }

    /// Paths and texts of the index.
    fn held(&self) -> BTreeMap<String, String> {
        let documents = self.index.0.lock().expect("whole");
        documents.values().map(|document| (document.path.clone(), document.text.plain().trim().to_owned())).collect()
    }

    /// Paths and texts of the account, below the root.
    fn there(&self) -> BTreeMap<String, String> {
        let account = self.fake.account();
        let world = &account.drive.world;
        let files = world.below(Key::ROOT).into_iter().filter_map(|key| Some((world.path(key)?, world.content(key)?)));
        files.map(|(path, text)| (path, String::from_utf8_lossy(text).trim().to_owned())).collect()
    }
}

#[tokio::test]
async fn the_second_import_lists_nothing() {
    let imported = Imported::new().await;
    for n in 0..5 {
        imported.put(&format!("folder{n}/deep/file.txt"), format!("text of file {n}"));
    }
    let (summary, listings) = imported.import().await;
    assert_eq!((summary.followed, summary.ingested), (None, 5));
    assert!(listings > 0);
    let (summary, listings) = imported.import().await;
    assert_eq!((summary.followed, summary.files(), listings), (Some(0), 0, 0));

    imported.put("folder1/deep/file.txt", "another text".to_owned());
    imported.put("folder1/new.txt", "a new text".to_owned());
    let key = imported.fake.account().drive.world.find(Key::ROOT, "folder2").expect("a folder");
    imported.fake.account().drive.world.apply(Op::Delete { key }).expect("deleted");
    let (summary, listings) = imported.import().await;
    assert_eq!((summary.ingested, summary.removed, listings), (2, 1, 0), "{summary:?}");
    assert!(summary.followed.is_some());
    assert_eq!(imported.held(), imported.there());
}

#[tokio::test]
async fn whatever_happens_the_index_holds_what_is_there() {
    for seed in 0..6 {
        let imported = Imported::new().await;
        let rules = Rules::default().without_cases().with_outside();
        let history = rules.seeded(&imported.fake.account().drive.world, seed, 40);
        let mut followed = 0;
        for ops in history.chunks(8) {
            for op in ops {
                // Texts that a parser reads, and that are different.
                let op = match op.clone() {
                    Op::Create { parent, name, content } => {
                        let content = content.map(|content| text(&content));
                        Op::Create { parent, name: format!("{name}.txt"), content }
                    }
                    Op::Write { key, content } => Op::Write { key, content: text(&content) },
                    Op::Rename { key, name } => Op::Rename { key, name: format!("{name}.txt") },
                    op => op,
                };
                imported.fake.account().drive.world.apply(op).expect("possible");
            }
            let (summary, _) = imported.import().await;
            followed += summary.followed.unwrap_or_default();
            assert_eq!(imported.held(), imported.there(), "history {seed}");
        }
        assert!(followed > 0, "history {seed} was never followed");
    }
}

/// Something that is text.
fn text(content: &[u8]) -> bytes::Bytes {
    format!("text {}", content.iter().map(|byte| u64::from(*byte)).sum::<u64>()).into()
}
