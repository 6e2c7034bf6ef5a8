//! Documents to chunks: pieces of a page that fit an embedder, cut where the text itself pauses.
//!
//! A chunk never straddles two pages. It ends at a heading when it has said enough, else at the
//! end of a sentence, else between words, and inside a word only when the word alone is too long.
//! Rows of a table stay whole as long as they fit, and each further piece of a table begins with
//! its first row.

mod pieces;
mod tokens;

use std::sync::Arc;

use catchment_core::{BlockKind, Text, TextPage};
use pieces::{Piece, rows, sentences};
pub use tokens::{CountTokens, Estimate};

/// The longest heading that is kept as a part of the path, in characters.
const LONGEST_HEADING: usize = 200;

/// How documents are cut.
#[derive(Debug, Clone)]
pub struct Chunking {
    /// The most tokens of a chunk; at least 8.
    pub max_tokens: usize,
    /// The most bytes of a chunk, because a word of 16,000 letters is one token; at least 64.
    pub max_bytes: usize,
    /// The most tokens a chunk repeats of the one before: a sentence or so. 0: nothing.
    pub overlap_tokens: usize,
    /// How tokens are counted.
    pub tokens: Arc<dyn CountTokens>,
}

/// A piece of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The page, counted from 1.
    pub page: u32,
    /// What the file calls the page.
    pub page_label: Option<String>,
    /// The headings above it, highest first.
    pub headings: Vec<String>,
    /// The text; never empty.
    pub text: String,
}

impl Default for Chunking {
    /// 256 tokens, 2,000 bytes, 48 tokens of overlap, estimated.
    fn default() -> Self {
        Self { max_tokens: 256, max_bytes: 2_000, overlap_tokens: 48, tokens: Arc::new(Estimate) }
    }
}

/// Cuts a document. Everything but white space is in some chunk.
pub fn cut(text: &Text, chunking: &Chunking) -> Vec<Chunk> {
    let limits = Limits {
        tokens: chunking.max_tokens.max(8),
        bytes: chunking.max_bytes.max(64),
        count: chunking.tokens.as_ref(),
    };
    let overlap = chunking.overlap_tokens.min(limits.tokens / 2);
    let mut cutter = Cutter { limits, overlap, path: Vec::new(), out: Vec::new(), open: Open::default() };
    for page in &text.pages {
        cutter.page(page);
    }
    cutter.out
}

/// What a chunk may hold.
#[derive(Clone, Copy)]
pub(crate) struct Limits<'a> {
    pub(crate) tokens: usize,
    pub(crate) bytes: usize,
    pub(crate) count: &'a dyn CountTokens,
}

struct Cutter<'a> {
    limits: Limits<'a>,
    overlap: usize,
    /// The headings above the place that is read, with their levels.
    path: Vec<(u8, String)>,
    out: Vec<Chunk>,
    open: Open<'a>,
}

/// The chunk that is being filled.
#[derive(Default)]
struct Open<'a> {
    pieces: Vec<Piece<'a>>,
    /// How many pieces at the front were in the chunk before.
    repeated: usize,
    tokens: usize,
    bytes: usize,
    /// The headings above all of its words that are not a heading themselves.
    headings: Option<Vec<String>>,
}

impl<'a> Cutter<'a> {
    fn page(&mut self, page: &'a TextPage) {
        for block in &page.blocks {
            if let BlockKind::Heading(level) = block.kind {
                // A new section is a new chunk, unless the one before is too short to stand alone.
                if self.open.headings.is_some() && self.open.tokens >= self.limits.tokens / 4 {
                    self.close(page);
                }
                self.path.retain(|(above, _)| *above < level);
                self.path.push((level, block.text.trim().chars().take(LONGEST_HEADING).collect()));
            }
            match block.kind {
                BlockKind::Table => self.table(page, &block.text),
                BlockKind::Code => rows(&block.text, self.limits, |piece| self.add(page, piece, None)),
                kind => sentences(&block.text, self.limits, |mut piece| {
                    piece.heading = matches!(kind, BlockKind::Heading(_));
                    self.add(page, piece, None);
                }),
            }
        }
        self.close(page);
    }

    fn table(&mut self, page: &TextPage, text: &'a str) {
        let mut header = None;
        rows(text, self.limits, |piece| {
            self.add(page, piece, header);
            if header.is_none() {
                header = Some(piece);
            }
        });
    }

    /// Adds a piece, which fits an empty chunk. A table gives the row each of its chunks begins
    /// with.
    fn add(&mut self, page: &TextPage, piece: Piece<'a>, header: Option<Piece<'a>>) {
        if !self.open.fits(&piece, self.limits) {
            let next = self.carried(&piece, header);
            self.close(page);
            self.open.repeat(next);
        }
        if !piece.heading {
            let mut above: Vec<String> = self.path.iter().map(|(_, heading)| heading.clone()).collect();
            if let Some(before) = &self.open.headings {
                // Short sections share a chunk; only what stands above all of them is true of it.
                let shared = above.iter().zip(before).take_while(|(here, there)| here == there).count();
                above.truncate(shared);
            }
            self.open.headings = Some(above);
        }
        self.open.push(piece);
    }

    /// What the next chunk begins with besides `piece`: headings that would be left behind alone,
    /// or the first row of the table, or the last sentence or two.
    fn carried(&mut self, piece: &Piece<'a>, header: Option<Piece<'a>>) -> Carried<'a> {
        let mut room = Open::default();
        room.push(*piece);
        let body = self.open.pieces.iter().rposition(|piece| !piece.heading).map_or(0, |last| last + 1);
        if body > self.open.repeated && body < self.open.pieces.len() {
            let headings: Vec<_> = self.open.pieces[body..].iter().map(Piece::on_a_line).collect();
            if headings.iter().all(|heading| room.push_if(heading, self.limits)) {
                self.open.pieces.truncate(body);
                return Carried { pieces: headings, moved: true };
            }
        }
        if let Some(header) = header.as_ref().map(Piece::on_a_line) {
            let small = header.tokens <= self.limits.tokens / 4 && header.text.len() <= self.limits.bytes / 4;
            let pieces = if small && room.push_if(&header, self.limits) { vec![header] } else { Vec::new() };
            return Carried { pieces, moved: false };
        }
        let mut pieces = Vec::new();
        let mut tokens = 0;
        // Never the whole chunk, or it would be there twice.
        for last in self.open.pieces.iter().skip(self.open.repeated + 1).rev() {
            tokens += last.tokens;
            let last = last.on_a_line();
            if tokens > self.overlap || last.heading || !room.push_if(&last, self.limits) {
                break;
            }
            pieces.insert(0, last);
        }
        Carried { pieces, moved: false }
    }

    fn close(&mut self, page: &TextPage) {
        let open = std::mem::take(&mut self.open);
        if open.pieces.len() == open.repeated {
            return;
        }
        let text = open.text();
        if text.is_empty() {
            return;
        }
        self.out.push(Chunk {
            page: page.number,
            page_label: page.label.clone(),
            headings: open.headings.unwrap_or_else(|| self.path.iter().map(|(_, heading)| heading.clone()).collect()),
            text,
        });
    }
}

struct Carried<'a> {
    pieces: Vec<Piece<'a>>,
    /// Whether they left the chunk before, or are repeated.
    moved: bool,
}

impl<'a> Open<'a> {
    fn fits(&self, piece: &Piece<'_>, limits: Limits<'_>) -> bool {
        // One byte more for the line feed between blocks.
        self.tokens + piece.tokens <= limits.tokens && self.bytes + piece.text.len() < limits.bytes
            || self.pieces.is_empty()
    }

    fn push(&mut self, piece: Piece<'a>) {
        self.tokens += piece.tokens;
        self.bytes += piece.text.len() + usize::from(piece.first);
        self.pieces.push(piece);
    }

    fn push_if(&mut self, piece: &Piece<'a>, limits: Limits<'_>) -> bool {
        let fits = self.fits(piece, limits);
        if fits {
            self.push(*piece);
        }
        fits
    }

    fn repeat(&mut self, carried: Carried<'a>) {
        for piece in carried.pieces {
            self.push(piece);
        }
        self.repeated = if carried.moved { 0 } else { self.pieces.len() };
    }

    fn text(&self) -> String {
        let mut text = String::with_capacity(self.bytes);
        for piece in &self.pieces {
            if piece.first && !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(piece.text);
        }
        let trimmed = text.trim();
        if trimmed.len() == text.len() { text } else { trimmed.to_owned() }
    }
}

#[cfg(test)]
mod tests;
