//! An index with a few documents, threads in memory, and a language model that follows a script.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use catchment_ask::{Ask, Question};
use catchment_core::{
    Block, Document, DocumentKey, Error, ErrorKind, Ingestor, IntegrationId, LanguageModel, Message, Prompt, Readers,
    Result, Tenant, Text, TextPage, ThreadId, Threads, async_trait,
};
use catchment_index::{Filter, Index, IndexOptions, SqliteBackend};
use futures::{StreamExt, stream::BoxStream};
use tempfile::TempDir;

pub(crate) struct Fixture {
    pub(crate) threads: Arc<Memory>,
    index: Arc<Index>,
    _folder: TempDir,
}

/// A question of the local tenant over all of its documents.
pub(crate) fn question(text: &str) -> Question {
    let tenant = Tenant::local();
    Question { text: text.into(), filter: Filter::owner(&tenant), tenant, top_k: 8, thread: None }
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let backend = SqliteBackend::open(folder.path().join("catchment.db")).await.expect("a new database");
        let index = Index::open(Arc::new(backend), IndexOptions::default()).await.expect("an index");
        for (path, pages) in [
            (
                "handbook.pdf",
                [
                    ("Contents", "This handbook is about pumps. Read it before you start one."),
                    ("Warranty", "Keep the receipt. The warranty of the pump is 42 months from delivery. Seals wear."),
                ],
            ),
            (
                "valves.pdf",
                [
                    ("Valves", "Valves are opened by hand."),
                    ("Terms", "The warranty of the valve is 12 months. It covers the seat."),
                ],
            ),
        ] {
            index.upsert(document(path, &pages)).await.expect("an upsert");
        }
        Self { threads: Arc::default(), index: Arc::new(index), _folder: folder }
    }

    pub(crate) fn ask(&self) -> Ask {
        Ask::new(self.index.clone(), self.threads.clone())
    }
}

fn document(path: &str, pages: &[(&str, &str)]) -> Document {
    let pages = (1..)
        .zip(pages)
        .map(|(number, (heading, text))| TextPage {
            number,
            label: None,
            blocks: vec![Block::heading(1, *heading), Block::paragraph(*text)],
        })
        .collect();
    Document {
        key: DocumentKey { integration: IntegrationId(1), entry: path.into() },
        tenant: Tenant::local(),
        portfolio: None,
        vendor: "folder".into(),
        name: path.into(),
        path: path.into(),
        mime: "application/pdf".into(),
        web_url: None,
        modified: None,
        content_hash: "0".repeat(64),
        readers: Readers::Unknown,
        text: Text { pages, ..Text::default() },
    }
}

#[derive(Default)]
pub(crate) struct Memory(Mutex<HashMap<ThreadId, (Tenant, Vec<Message>)>>);

impl Memory {
    pub(crate) fn messages(&self, thread: &ThreadId) -> Vec<Message> {
        self.0.lock().expect("no panic").get(thread).map(|(_, messages)| messages.clone()).unwrap_or_default()
    }
}

#[async_trait]
impl Threads for Memory {
    async fn create(&self, tenant: &Tenant) -> Result<ThreadId> {
        let mut all = self.0.lock().expect("no panic");
        let id = ThreadId(format!("t{}", all.len()));
        all.insert(id.clone(), (tenant.clone(), Vec::new()));
        Ok(id)
    }

    async fn append(&self, tenant: &Tenant, thread: &ThreadId, messages: &[Message]) -> Result<()> {
        match self.0.lock().expect("no panic").get_mut(thread) {
            Some((owner, kept)) if owner == tenant => kept.extend_from_slice(messages),
            _ => return Err(Error::not_found(thread)),
        }
        Ok(())
    }

    async fn load(&self, tenant: &Tenant, thread: &ThreadId, limit: u32) -> Result<Vec<Message>> {
        match self.0.lock().expect("no panic").get(thread) {
            Some((owner, kept)) if owner == tenant => Ok(kept[kept.len().saturating_sub(limit as usize)..].to_vec()),
            _ => Err(Error::not_found(thread)),
        }
    }
}

/// A language model that says what it was told to say.
#[derive(Debug)]
pub(crate) struct Scripted {
    words: Vec<String>,
    down: bool,
    cut: bool,
    told: Mutex<Option<Prompt>>,
}

impl Scripted {
    fn new(words: &[&str], down: bool, cut: bool) -> Arc<Self> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Arc::new(Self { words, down, cut, told: Mutex::default() })
    }

    pub(crate) fn says(words: &[&str]) -> Arc<Self> {
        Self::new(words, false, false)
    }

    pub(crate) fn down() -> Arc<Self> {
        Self::new(&[], true, false)
    }

    pub(crate) fn cut(words: &[&str]) -> Arc<Self> {
        Self::new(words, false, true)
    }

    pub(crate) fn was_asked(&self) -> bool {
        self.told.lock().expect("no panic").is_some()
    }

    pub(crate) fn told(&self) -> Prompt {
        self.told.lock().expect("no panic").clone().expect("it was asked")
    }
}

#[async_trait]
impl LanguageModel for Scripted {
    fn id(&self) -> &str {
        "scripted"
    }

    async fn generate(&self, prompt: Prompt) -> Result<BoxStream<'static, Result<String>>> {
        *self.told.lock().expect("no panic") = Some(prompt);
        let gone = || Error::new(ErrorKind::Unavailable, "the model went away");
        if self.down {
            return Err(gone());
        }
        let mut words: Vec<Result<String>> = self.words.iter().cloned().map(Ok).collect();
        if self.cut {
            words.push(Err(gone()));
        }
        Ok(futures::stream::iter(words).boxed())
    }
}
