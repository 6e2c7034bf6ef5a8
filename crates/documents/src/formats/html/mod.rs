//! HTML: web pages, the bodies of messages, the chapters of books.

mod tables;
mod tags;

use catchment_core::{BlockKind, Result, Text};
use html5gum::{DefaultEmitter, EndTag, StartTag, State, Token, Tokenizer};

use self::{tables::Tables, tags::Role};
use super::{charset, dates, out::Out, text};
use crate::{hint::Hint, limits::Budget};

/// Headings, paragraphs, lists, tables and preformatted text; title, author and dates from the
/// head. Scripts, styles and navigation are left out.
///
/// The file is read as a stream of tags and never becomes a tree: text needs none, and so there is
/// no depth that could overflow and no markup that costs more than its length.
pub(crate) fn parse(bytes: &[u8], budget: &mut Budget, _hint: &Hint<'_>) -> Result<Text> {
    let label = declared(bytes);
    let html = charset::decode(bytes, label.as_deref())?;
    let mut out = Out::default();
    blocks(&html, &mut out, budget)?;
    out.finish(budget)
}

/// Adds the blocks of `html` to the open page, and what its head says unless it is known already.
pub(crate) fn blocks(html: &str, out: &mut Out, budget: &mut Budget) -> Result<()> {
    let start: String = html.chars().take(1_000).collect();
    let mut reader = Reader {
        out,
        xml: start.contains("<?xml") || start.contains("http://www.w3.org/1999/xhtml"),
        inline: String::new(),
        heading: None,
        preformatted: 0,
        lists: Vec::new(),
        tables: Tables::default(),
        skipping: None,
        navigation: None,
        title: None,
    };
    let mut tokens = Tokenizer::new_with_emitter(html, DefaultEmitter::default());
    while let Some(Ok(token)) = tokens.next() {
        budget.tick()?;
        match token {
            Token::StartTag(tag) => {
                if let Some(state) = reader.start(&tag, budget)? {
                    tokens.set_state(state);
                }
            }
            Token::EndTag(tag) => reader.end(&tag, budget)?,
            Token::String(text) => reader.text(&String::from_utf8_lossy(&text)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    reader.tables.close(reader.out, &mut reader.inline, budget)?;
    reader.flush(budget)
}

/// The label of a `<meta charset>` or its older form, looked for where browsers do.
fn declared(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]).to_ascii_lowercase();
    let value = head.split_once("charset")?.1.trim_start().strip_prefix('=')?;
    let value = value.trim_start().trim_start_matches(['"', '\'']);
    Some(value.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | ':' | '.')).next()?.to_owned())
}

struct Reader<'o> {
    out: &'o mut Out,
    /// XHTML: `<title/>` is an empty element, where HTML would swallow the rest of the file.
    xml: bool,
    inline: String,
    heading: Option<u8>,
    preformatted: u32,
    /// The open lists, and whether an item of each is open.
    lists: Vec<bool>,
    tables: Tables,
    /// The element that is left out, and how many of its name are open.
    skipping: Option<(Vec<u8>, u32)>,
    /// Where the open navigation began. It goes only once it is closed: an unclosed one must not
    /// take the page with it.
    navigation: Option<(usize, usize)>,
    /// The title while it is read.
    title: Option<String>,
}

impl Reader<'_> {
    fn start(&mut self, tag: &StartTag<()>, budget: &mut Budget) -> Result<Option<State>> {
        let name: &[u8] = &tag.name;
        let closed = self.xml && tag.self_closing;
        if let Some((skipped, depth)) = &mut self.skipping {
            if skipped == name && !closed {
                *depth += 1;
            } else if skipped == b"svg"
                && matches!(tags::role(name), Role::Block | Role::Paragraph | Role::Heading(_) | Role::Table)
            {
                // HTML inside of SVG ends it, as in browsers.
                self.skipping = None;
            }
            if self.skipping.is_some() {
                return Ok(None);
            }
        }
        let role = tags::role(name);
        match role {
            Role::Skipped if !closed => self.skipping = Some((name.to_vec(), 1)),
            Role::Title if !closed => self.title = Some(String::new()),
            Role::Meta => self.meta(tag),
            Role::Break => self.inline.push('\n'),
            Role::Heading(level) => {
                self.boundary(budget, true)?;
                self.heading = Some(level);
            }
            Role::List => {
                self.boundary(budget, true)?;
                self.lists.push(false);
            }
            Role::Item => {
                self.boundary(budget, false)?;
                match self.lists.last_mut() {
                    Some(item) => *item = true,
                    None => self.lists.push(true),
                }
            }
            Role::Preformatted => {
                self.boundary(budget, true)?;
                self.preformatted += 1;
            }
            Role::Navigation => {
                self.boundary(budget, true)?;
                if self.navigation.is_none() {
                    self.navigation = Some(self.position());
                }
            }
            Role::Paragraph => {
                let second = self.tables.second_paragraph();
                self.boundary(budget, second)?;
            }
            Role::Block => self.boundary(budget, false)?,
            Role::Table => {
                self.boundary(budget, true)?;
                let layout =
                    tag.attributes.get(&b"role"[..]).is_some_and(|role| matches!(&role[..], b"presentation" | b"none"));
                self.tables.open(layout);
            }
            Role::Row | Role::Cell => {
                let columns = tag
                    .attributes
                    .get(&b"colspan"[..])
                    .and_then(|span| std::str::from_utf8(span).ok()?.trim().parse().ok());
                self.tables.boundary(self.out, &mut self.inline, budget)?;
                self.tables.start(role == Role::Cell, columns.unwrap_or(1), self.out, budget)?;
            }
            Role::Skipped | Role::Title | Role::Inline => {}
        }
        Ok(if closed { None } else { tags::raw_text(name) })
    }

    fn end(&mut self, tag: &EndTag<()>, budget: &mut Budget) -> Result<()> {
        let name: &[u8] = &tag.name;
        if let Some((skipped, depth)) = &mut self.skipping {
            if skipped == name {
                *depth -= 1;
                if *depth == 0 {
                    self.skipping = None;
                }
            }
            return Ok(());
        }
        match tags::role(name) {
            Role::Title => {
                let title = self.title.take().and_then(|title| text::label(&title));
                let known = &mut self.out.text.title;
                *known = known.take().or(title);
            }
            Role::Break if name == b"br" => self.inline.push('\n'),
            Role::Heading(_) => self.boundary(budget, false)?,
            Role::List => {
                self.boundary(budget, false)?;
                self.lists.pop();
            }
            Role::Item => {
                self.boundary(budget, false)?;
                if let Some(item) = self.lists.last_mut() {
                    *item = false;
                }
            }
            Role::Preformatted => {
                self.boundary(budget, false)?;
                self.preformatted = self.preformatted.saturating_sub(1);
            }
            Role::Navigation => {
                self.boundary(budget, false)?;
                if let Some((pages, blocks)) = self.navigation.take()
                    && self.out.text.pages.len() == pages
                    && let Some(page) = self.out.text.pages.last_mut()
                {
                    page.blocks.truncate(blocks);
                }
            }
            Role::Paragraph | Role::Block => self.boundary(budget, false)?,
            Role::Table => {
                self.tables.boundary(self.out, &mut self.inline, budget)?;
                self.tables.end(self.out, budget)?;
                self.flush(budget)?;
            }
            Role::Row | Role::Cell => self.tables.boundary(self.out, &mut self.inline, budget)?,
            Role::Skipped | Role::Meta | Role::Inline | Role::Break => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.skipping.is_some() {
            return;
        }
        if let Some(title) = &mut self.title {
            title.push_str(text);
        } else if self.preformatted > 0 {
            self.inline.push_str(text);
        } else {
            // Line breaks of the source are blanks; only `<br>` and blocks break lines.
            self.inline.extend(text.chars().map(|c| if matches!(c, '\n' | '\r' | '\u{c}') { ' ' } else { c }));
        }
    }

    /// The border of a block. Inside a cell it is only a line break, unless what follows shows that
    /// the table arranges a page instead of holding data.
    fn boundary(&mut self, budget: &mut Budget, arranges: bool) -> Result<()> {
        if self.tables.in_cell() {
            if !arranges {
                self.inline.push('\n');
                return Ok(());
            }
            self.tables.arrange(self.out, budget)?;
        }
        self.flush(budget)
    }

    fn flush(&mut self, budget: &mut Budget) -> Result<()> {
        let kind = match self.heading.take() {
            Some(level) => BlockKind::Heading(level),
            None if self.preformatted > 0 => BlockKind::Code,
            None if self.lists.last().is_some_and(|item| *item) => BlockKind::ListItem,
            None => BlockKind::Paragraph,
        };
        self.out.block(budget, kind, &self.inline)?;
        self.inline.clear();
        Ok(())
    }

    fn position(&self) -> (usize, usize) {
        (self.out.text.pages.len().max(1), self.out.text.pages.last().map_or(0, |page| page.blocks.len()))
    }

    fn meta(&mut self, tag: &StartTag<()>) {
        let get = |name: &[u8]| tag.attributes.get(name).map(|value| String::from_utf8_lossy(value).into_owned());
        let (Some(name), Some(content)) = (get(b"name").or_else(|| get(b"property")), get(b"content")) else {
            return;
        };
        let text = &mut self.out.text;
        match name.to_ascii_lowercase().as_str() {
            "author" | "dc.creator" | "dcterms.creator" | "article:author" if text.author.is_none() => {
                text.author = text::label(&content);
            }
            "article:published_time" | "date" | "dc.date" | "dcterms.created" | "dc.date.created" | "created" => {
                text.created = text.created.or(dates::iso(&content));
            }
            "article:modified_time" | "last-modified" | "dcterms.modified" | "og:updated_time" | "changed" => {
                text.modified = text.modified.or(dates::iso(&content));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
