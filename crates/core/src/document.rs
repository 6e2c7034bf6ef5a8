//! Documents: what an entry's bytes become on their way into an index.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    entry::EntryId,
    permissions::Readers,
    tenant::{IntegrationId, Tenant},
};

/// The identity of a document: which entry of which integration it came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DocumentKey {
    /// The integration it was read through.
    pub integration: IntegrationId,
    /// The vendor's stable id of the entry.
    pub entry: EntryId,
}

/// A document on its way into an index: where it came from, who may read it, and its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Its identity; an upsert under the same key replaces what was there.
    pub key: DocumentKey,
    /// Whose document it is.
    pub tenant: Tenant,
    /// The portfolio it was imported into, if any: a label that a question can be narrowed to.
    pub portfolio: Option<String>,
    /// The vendor it came from, for example `s3`.
    pub vendor: String,
    /// The name a person sees.
    pub name: String,
    /// The path below the integration's root, for citations.
    pub path: String,
    /// The media type that was found in the content, not the one that was claimed.
    pub mime: String,
    /// Where a person can open it.
    pub web_url: Option<String>,
    /// When the vendor says it last changed.
    pub modified: Option<DateTime<Utc>>,
    /// SHA-256 of the bytes, lower-case hexadecimal.
    pub content_hash: String,
    /// Who may read it at the vendor.
    pub readers: Readers,
    /// The text, by page.
    pub text: Text,
}

/// The text of a document by page, with what the file says about itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Text {
    /// The title the file carries (not its name).
    pub title: Option<String>,
    /// The author the file carries.
    pub author: Option<String>,
    /// When the file says it was made.
    pub created: Option<DateTime<Utc>>,
    /// When the file says it was last changed.
    pub modified: Option<DateTime<Utc>>,
    /// The pages in order. A format without pages has one, numbered 1.
    pub pages: Vec<TextPage>,
    /// What was left out and why, for the person: "page 3 holds no text", "embedded video skipped".
    pub warnings: Vec<String>,
}

/// One page, slide or sheet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TextPage {
    /// Counted from 1 in the order of the file.
    pub number: u32,
    /// What the file calls it: a printed page number (`iv`), a sheet's or slide's name.
    pub label: Option<String>,
    /// The blocks in reading order.
    pub blocks: Vec<Block>,
}

/// A piece of text that belongs together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// What it is on the page.
    pub kind: BlockKind,
    /// Its text; never empty, no control characters but `\n` and `\t`.
    pub text: String,
}

/// What a block is on its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// A heading of this level, 1 being the highest.
    Heading(u8),
    /// Running text.
    Paragraph,
    /// One item of a list.
    ListItem,
    /// A table, one row a line, cells separated by tabs.
    Table,
    /// Program text or other preformatted lines.
    Code,
}

impl Text {
    /// How many bytes of text there are in all.
    pub fn len(&self) -> usize {
        self.pages.iter().flat_map(|page| &page.blocks).map(|block| block.text.len()).sum()
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.pages.iter().all(|page| page.blocks.is_empty())
    }

    /// All text, blocks separated by a line feed, pages by a form feed.
    pub fn plain(&self) -> String {
        let mut out = String::with_capacity(self.len() + 64);
        for (index, page) in self.pages.iter().enumerate() {
            if index > 0 {
                out.push('\u{c}');
            }
            for block in &page.blocks {
                out.push_str(&block.text);
                out.push('\n');
            }
        }
        out
    }
}

impl Block {
    /// A block of `kind`.
    pub fn new(kind: BlockKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// Running text.
    pub fn paragraph(text: impl Into<String>) -> Self {
        Self::new(BlockKind::Paragraph, text)
    }

    /// A heading; 1 is the highest level.
    pub fn heading(level: u8, text: impl Into<String>) -> Self {
        Self::new(BlockKind::Heading(level), text)
    }
}
