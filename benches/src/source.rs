//! A source that is computed, and a parser and an index that do nothing: what is left is what an import costs itself.

use catchment_core::{
    Account, Browse, ByteRange, Connector, Content, Document, DocumentKey, Download, Entry, EntryId, Fingerprint, Flat,
    Held, Ingested, Ingestor, IntegrationId, Page, PageRequest, PageToken, Result, Text, async_trait,
};
use catchment_documents::{Input, Parsed};
use catchment_engine::Parse;

/// So many files in one flat listing, of which the first ones have changed and the next ones are gone; as many new ones
/// follow.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    /// How many there are.
    pub entries: usize,
    /// How many of them have changed, are gone, and are new.
    pub changes: usize,
}

impl Bucket {
    /// One of them.
    pub fn entry(self, number: usize) -> Entry {
        let path = format!("reports/{:04}/annual report {number:08}.pdf", number / 5_000);
        let mut entry = Entry::file(path.clone(), path);
        let version = if number < self.changes { "new" } else { "old" };
        entry.fingerprint = Some(Fingerprint::new(format!("\"d41d8cd98f00b204e9800998{version}{number:08}\"")));
        entry.size = Some(4_096);
        entry
    }
}

#[async_trait]
impl Connector for Bucket {
    async fn check(&self) -> Result<Account> {
        Ok(Account::default())
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }
}

#[async_trait]
impl Browse for Bucket {
    async fn children(&self, _: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let from: usize = page.token.as_ref().and_then(|token| token.as_str().parse().ok()).unwrap_or(0);
        let to = (from + page.limit_or(1_000, 1_000) as usize).min(self.entries + self.changes);
        let gone = self.changes..2 * self.changes;
        let items = (from..to).filter(|number| !gone.contains(number)).map(|number| self.entry(number)).collect();
        Ok(Page { items, next: (to < self.entries + self.changes).then(|| PageToken::new(to.to_string())) })
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        Ok(Entry::container("", path))
    }

    fn flat(&self) -> Option<&dyn Flat> {
        Some(self)
    }
}

#[async_trait]
impl Flat for Bucket {
    async fn descendants(&self, under: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        self.children(under, page).await
    }
}

#[async_trait]
impl Download for Bucket {
    async fn open(&self, _: &Entry, _: Option<ByteRange>) -> Result<Content> {
        Ok(Content::bytes(vec![b'x'; 4_096]))
    }
}

/// A parser and an index that do nothing.
#[derive(Debug, Clone, Copy)]
pub struct Nowhere;

#[async_trait]
impl Parse for Nowhere {
    async fn parse(&self, _: Input) -> Result<Parsed> {
        Ok(Parsed { mime: "text/plain".into(), text: Text::default() })
    }

    fn max_bytes(&self) -> u64 {
        u64::MAX
    }
}

#[async_trait]
impl Ingestor for Nowhere {
    async fn upsert(&self, _: Document) -> Result<Ingested> {
        Ok(Ingested { chunks: 1 })
    }

    async fn remove(&self, _: &[DocumentKey]) -> Result<()> {
        Ok(())
    }

    async fn audit(&self, _: IntegrationId, _: Option<&EntryId>, _: u32) -> Result<Vec<Held>> {
        Ok(Vec::new())
    }
}
