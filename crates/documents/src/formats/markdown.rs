//! Markdown: CommonMark with tables, and the front matter that site generators write.

use catchment_core::{BlockKind, Result, Text};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, MetadataBlockKind, Options, Parser, Tag, TagEnd};

use super::{
    charset, dates, html,
    out::{Out, Table},
    text,
};
use crate::{hint::Hint, limits::Budget};

/// Headings, paragraphs, list items, tables and code; title, author and date from front matter.
pub(crate) fn parse(bytes: &[u8], budget: &mut Budget, _hint: &Hint<'_>) -> Result<Text> {
    let source = charset::decode(bytes, None)?;
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
    let mut reader = Reader::default();
    for event in Parser::new_ext(&source, options) {
        reader.event(event, budget)?;
    }
    reader.flush(budget)?;
    reader.out.finish(budget)
}

#[derive(Default)]
struct Reader {
    out: Out,
    inline: String,
    /// HTML between Markdown, read as HTML once it ends.
    html: String,
    heading: Option<u8>,
    code: bool,
    items: u32,
    depth: u32,
    table: Option<Table>,
    metadata: Option<MetadataBlockKind>,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, budget: &mut Budget) -> Result<()> {
        budget.tick()?;
        match event {
            Event::Start(tag) => {
                self.depth += 1;
                budget.depth(self.depth)?;
                self.start(&tag, budget)
            }
            Event::End(tag) => {
                self.depth = self.depth.saturating_sub(1);
                self.end(tag, budget)
            }
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.inline.push_str(&text);
                Ok(())
            }
            Event::SoftBreak => {
                self.inline.push(' ');
                Ok(())
            }
            Event::HardBreak | Event::Rule => {
                self.inline.push('\n');
                Ok(())
            }
            Event::Html(html) => {
                self.html.push_str(&html);
                Ok(())
            }
            // Tags inside a line carry no text; what they enclose comes as text.
            Event::InlineHtml(tag) => {
                if tag.to_ascii_lowercase().starts_with("<br") {
                    self.inline.push('\n');
                }
                Ok(())
            }
            Event::FootnoteReference(_) | Event::TaskListMarker(_) => Ok(()),
        }
    }

    fn start(&mut self, tag: &Tag<'_>, budget: &mut Budget) -> Result<()> {
        match tag {
            Tag::Paragraph | Tag::List(_) | Tag::BlockQuote(_) | Tag::HtmlBlock => self.flush(budget)?,
            Tag::Item => {
                self.flush(budget)?;
                self.items += 1;
            }
            Tag::Heading { level, .. } => {
                self.flush(budget)?;
                self.heading = Some(number(*level));
            }
            Tag::CodeBlock(kind) => {
                self.flush(budget)?;
                self.code = true;
                // Fenced front matter of other dialects stays code: its language says so.
                if let CodeBlockKind::Fenced(_) = kind {
                    self.inline.clear();
                }
            }
            Tag::Table(_) => {
                self.flush(budget)?;
                self.table = Some(Table::default());
            }
            Tag::MetadataBlock(kind) => self.metadata = Some(*kind),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, tag: TagEnd, budget: &mut Budget) -> Result<()> {
        match tag {
            TagEnd::TableCell => {
                if let Some(table) = &mut self.table {
                    table.cell(&self.inline);
                }
                self.inline.clear();
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                if let Some(table) = &mut self.table {
                    self.out.row(budget, table)?;
                }
            }
            TagEnd::Table => {
                if let Some(mut table) = self.table.take() {
                    self.out.table(budget, &mut table)?;
                }
            }
            TagEnd::MetadataBlock(_) => {
                self.metadata = None;
                let source = std::mem::take(&mut self.inline);
                front_matter(&source, &mut self.out.text);
            }
            TagEnd::Item => {
                self.flush(budget)?;
                self.items = self.items.saturating_sub(1);
            }
            TagEnd::HtmlBlock => {
                let html = std::mem::take(&mut self.html);
                html::blocks(&html, &mut self.out, budget)?;
            }
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::FootnoteDefinition => {
                self.flush(budget)?
            }
            _ => {}
        }
        Ok(())
    }

    fn flush(&mut self, budget: &mut Budget) -> Result<()> {
        let kind = match self.heading.take() {
            Some(level) => BlockKind::Heading(level),
            None if self.code => BlockKind::Code,
            None if self.items > 0 => BlockKind::ListItem,
            None => BlockKind::Paragraph,
        };
        self.code = false;
        self.out.block(budget, kind, &self.inline)?;
        self.inline.clear();
        Ok(())
    }
}

fn number(level: HeadingLevel) -> u8 {
    level as u8
}

/// The few fields that say what a document is, in YAML or TOML. The rest of the language is not
/// needed for a line that reads `title: ...`.
fn front_matter(source: &str, out: &mut Text) {
    for row in source.lines() {
        let Some((key, value)) = row.split_once([':', '=']) else { continue };
        let value = value.trim().trim_matches(['"', '\'', '[', ']']).trim_matches(['"', '\'']);
        match key.trim().to_ascii_lowercase().as_str() {
            "title" if !key.starts_with([' ', '\t']) => out.title = text::label(value),
            "author" | "authors" if !value.is_empty() => out.author = text::label(value),
            "date" | "created" => out.created = dates::iso(value).or(out.created),
            "updated" | "modified" | "lastmod" => out.modified = dates::iso(value).or(out.modified),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn read(source: &str) -> Text {
        parse(source.as_bytes(), &mut Budget::new(&Limits::default(), 0).unwrap(), &Hint::default()).unwrap()
    }

    #[test]
    fn structure_becomes_blocks() {
        let text = read(
            "---\ntitle: \"The plan\"\nauthor: Ada\ndate: 2024-05-06\n---\n# One\n\nA *line*\nand more `x`.\n\n\
             - first\n- second\n  continued\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```rust\nfn a() {\n    b\n}\n```\n\n<p>Raw <b>html</b></p>\n",
        );
        assert_eq!((text.title.as_deref(), text.author.as_deref()), (Some("The plan"), Some("Ada")));
        assert_eq!(text.created.map(|date| date.timestamp()), Some(1_714_953_600));
        let blocks: Vec<_> = text.pages[0].blocks.iter().map(|block| (block.kind, block.text.as_str())).collect();
        assert_eq!(
            blocks,
            [
                (BlockKind::Heading(1), "One"),
                (BlockKind::Paragraph, "A line and more x."),
                (BlockKind::ListItem, "first"),
                (BlockKind::ListItem, "second continued"),
                (BlockKind::Table, "a\tb\n1\t2"),
                (BlockKind::Code, "fn a() {\n    b\n}"),
                (BlockKind::Paragraph, "Raw html"),
            ]
        );
    }
}
