//! The body of an OpenDocument file.

use catchment_core::{BlockKind, Result};

use super::{
    super::{
        out::{Out, Table},
        spreadsheet::decimal,
        xml::{Node, Tag, Xml},
    },
    styles::Styles,
};
use crate::limits::Budget;

/// How often a repeated row or cell that holds something is written out. Real files repeat a few;
/// a bomb repeats a million.
const REPEATS: usize = 1000;

/// Reads `content.xml` into `out`.
pub(super) fn read(content: &str, styles: &Styles, out: &mut Out, budget: &mut Budget) -> Result<()> {
    Body::new(styles, out).read(content, "body", budget)
}

/// Reads headers and footers, each text once, onto the last page.
pub(super) fn margins(shared: &str, styles: &Styles, out: &mut Out, budget: &mut Budget) -> Result<()> {
    let mut found = Out::default();
    Body { margins: true, ..Body::new(styles, &mut found) }.read(shared, "master-styles", budget)?;
    let mut seen = Vec::new();
    for block in found.text.pages.into_iter().flat_map(|page| page.blocks) {
        if !seen.contains(&block.text) {
            out.block(budget, block.kind, &block.text)?;
            seen.push(block.text);
        }
    }
    Ok(())
}

struct Body<'a> {
    styles: &'a Styles,
    out: &'a mut Out,
    /// Reading page styles, where only headers and footers hold text for readers.
    margins: bool,
    in_margin: u32,
    /// The open paragraph, and those around it: notes and text boxes sit inside paragraphs.
    paragraphs: Vec<Paragraph>,
    tables: Vec<OpenTable>,
    lists: u32,
    /// Notes and comments, to follow the paragraph they hang on.
    asides: Vec<String>,
    /// How many notes or comments are open: their paragraphs belong to them.
    noting: Vec<String>,
    new_page: bool,
    in_spreadsheet: bool,
    slide_title: bool,
}

#[derive(Default)]
struct Paragraph {
    text: String,
    heading: Option<u8>,
    page_after: bool,
}

#[derive(Default)]
struct OpenTable {
    table: Table,
    cells: Vec<(String, usize)>,
    row_repeats: usize,
    /// Instead of what is shown: the value of a date or number.
    value: Option<String>,
}

impl<'a> Body<'a> {
    fn new(styles: &'a Styles, out: &'a mut Out) -> Self {
        Self {
            styles,
            out,
            margins: false,
            in_margin: 0,
            paragraphs: Vec::new(),
            tables: Vec::new(),
            lists: 0,
            asides: Vec::new(),
            noting: Vec::new(),
            new_page: false,
            in_spreadsheet: false,
            slide_title: false,
        }
    }

    fn read(&mut self, part: &str, within: &str, budget: &mut Budget) -> Result<()> {
        let (mut xml, mut inside) = (Xml::new(part), false);
        loop {
            match xml.next(budget)? {
                Node::Start(tag) if tag.name() == within => inside = true,
                Node::Start(tag) if inside => self.start(&tag, &mut xml, budget)?,
                Node::End(tag) if tag.name() == within => inside = false,
                Node::End(tag) if inside => self.end(tag.name(), budget)?,
                Node::Text(text) => self.push(&text),
                Node::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn start(&mut self, tag: &Tag<'_>, xml: &mut Xml<'_>, budget: &mut Budget) -> Result<()> {
        let name = tag.name();
        match name {
            "header" | "footer" | "header-left" | "footer-left" | "header-first" | "footer-first" => {
                self.in_margin += 1
            }
            _ if self.margins && self.in_margin == 0 => {}
            "p" | "h" => self.paragraph_starts(tag),
            // What is deleted, what programs keep for themselves, and what is said twice.
            "tracked-changes"
            | "forms"
            | "note-citation"
            | "creator"
            | "date"
            | "date-string"
            | "ruby-text"
            | "number"
            | "desc"
            | "title"
            | "binary-data"
            | "settings"
            | "event-listeners"
            | "shapes"
            | "meta-creator-initials"
            | "sender-initials"
            | "creator-initials"
            | "content-validations"
            | "database-ranges" => xml.skip(budget)?,
            _ if name.ends_with("-source") => xml.skip(budget)?,
            "s" => {
                let count = tag.attr("c").and_then(|count| count.parse().ok()).unwrap_or(1_usize);
                self.push(if count > 0 { " " } else { "" });
            }
            "tab" => self.push("\t"),
            "line-break" => self.push("\n"),
            "soft-page-break" => self.new_page = true,
            "list" => self.lists += 1,
            "note" | "annotation" => self.noting.push(String::new()),
            "spreadsheet" => self.in_spreadsheet = true,
            "table" => self.table_starts(tag, budget)?,
            "table-row" => {
                if let Some(open) = self.tables.last_mut() {
                    open.row_repeats = repeats(tag, "number-rows-repeated");
                }
            }
            "table-cell" | "covered-table-cell" => {
                if let Some(open) = self.tables.last_mut() {
                    open.cells.push((String::new(), repeats(tag, "number-columns-repeated")));
                    open.value = self.in_spreadsheet.then(|| value(tag)).flatten();
                }
            }
            "page" => {
                let title = tag.attr("name");
                self.out.page(budget, title.as_deref())?;
                if self.styles.hidden(tag.attr("style-name").as_deref()) {
                    self.out.warn(format!("slide {} is hidden in the show", self.out.text.pages.len()));
                }
            }
            "frame" => self.slide_title = tag.attr("class").is_some_and(|class| class == "title"),
            "notes" => self.slide_title = false,
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str, budget: &mut Budget) -> Result<()> {
        match name {
            "header" | "footer" | "header-left" | "footer-left" | "header-first" | "footer-first" => {
                self.in_margin = self.in_margin.saturating_sub(1);
            }
            "p" | "h" => {
                if let Some(paragraph) = self.paragraphs.pop() {
                    self.paragraph(paragraph, budget)?;
                }
            }
            "list" => self.lists = self.lists.saturating_sub(1),
            "note" | "annotation" => self.asides.extend(self.noting.pop()),
            "table-cell" | "covered-table-cell" => {
                if let Some(open) = self.tables.last_mut()
                    && let Some(value) = open.value.take()
                    && let Some((text, _)) = open.cells.last_mut()
                {
                    *text = value;
                }
            }
            "table-row" => self.row(budget)?,
            "table" => self.table(budget)?,
            "frame" => self.slide_title = false,
            _ => {}
        }
        Ok(())
    }

    fn paragraph_starts(&mut self, tag: &Tag<'_>) {
        let style = tag.attr("style-name");
        let style = style.as_deref();
        let heading = match tag.name() {
            "h" => Some(tag.attr("outline-level").and_then(|level| level.parse().ok()).unwrap_or(1).clamp(1, 9)),
            _ if self.slide_title => Some(1),
            _ => self.styles.title(style),
        };
        // Only what stands on the page itself can begin a page.
        if self.paragraphs.is_empty() && self.noting.is_empty() && self.tables.is_empty() {
            self.new_page |= self.styles.page_before(style);
        }
        self.paragraphs.push(Paragraph { text: String::new(), heading, page_after: self.styles.page_after(style) });
    }

    fn push(&mut self, text: &str) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            // Line breaks in the file are blanks; real ones are elements.
            paragraph.text.extend(text.chars().map(|c| if c == '\n' && text.len() > 1 { ' ' } else { c }));
        }
    }

    fn paragraph(&mut self, paragraph: Paragraph, budget: &mut Budget) -> Result<()> {
        if let Some(note) = self.noting.last_mut() {
            note.push_str(&paragraph.text);
            note.push('\n');
            return Ok(());
        }
        if let Some(open) = self.tables.last_mut() {
            if let Some((text, _)) = open.cells.last_mut() {
                text.push_str(&paragraph.text);
                text.push('\n');
            }
            return Ok(());
        }
        let kind = match paragraph.heading {
            Some(level) => BlockKind::Heading(level),
            None if self.lists > 0 => BlockKind::ListItem,
            None => BlockKind::Paragraph,
        };
        if !paragraph.text.trim().is_empty() {
            self.turn(budget)?;
            self.out.block(budget, kind, &paragraph.text)?;
            if self.slide_title
                && let Some(page) = self.out.text.pages.last_mut()
            {
                page.label = super::super::text::label(&paragraph.text).or(page.label.take());
            }
        }
        self.write_asides(budget)?;
        self.new_page |= paragraph.page_after;
        Ok(())
    }

    fn table_starts(&mut self, tag: &Tag<'_>, budget: &mut Budget) -> Result<()> {
        let style = tag.attr("style-name");
        if self.in_spreadsheet && self.tables.is_empty() {
            let name = tag.attr("name").unwrap_or_default();
            self.out.page(budget, Some(&name))?;
            if self.styles.hidden(style.as_deref()) {
                self.out.warn(format!("sheet {name} is hidden"));
            }
        } else if self.tables.is_empty() && self.styles.page_before(style.as_deref()) {
            self.new_page = true;
        }
        self.tables.push(OpenTable::default());
        Ok(())
    }

    fn row(&mut self, budget: &mut Budget) -> Result<()> {
        let outermost = self.tables.len() == 1;
        if outermost {
            self.turn(budget)?;
        }
        let Some(open) = self.tables.last_mut() else { return Ok(()) };
        let cells = std::mem::take(&mut open.cells);
        let empty = cells.iter().all(|(text, _)| text.trim().is_empty());
        let rows = if empty { 0 } else { open.row_repeats.clamp(1, REPEATS) };
        for _ in 0..rows {
            for (text, repeats) in &cells {
                if text.trim().is_empty() {
                    open.table.skip(*repeats);
                } else {
                    (0..(*repeats).clamp(1, REPEATS)).for_each(|_| open.table.cell(text));
                }
            }
            if outermost {
                self.out.row(budget, &mut open.table)?;
            } else {
                open.table.next_row();
                budget.tick()?;
            }
        }
        Ok(())
    }

    fn table(&mut self, budget: &mut Budget) -> Result<()> {
        let Some(mut open) = self.tables.pop() else { return Ok(()) };
        if let Some((text, _)) = self.tables.last_mut().and_then(|around| around.cells.last_mut()) {
            text.push_str(&open.table.into_text());
            text.push('\n');
            return Ok(());
        }
        self.out.table(budget, &mut open.table)?;
        self.write_asides(budget)
    }

    fn write_asides(&mut self, budget: &mut Budget) -> Result<()> {
        for aside in std::mem::take(&mut self.asides) {
            self.out.block(budget, BlockKind::Paragraph, &aside)?;
        }
        Ok(())
    }

    /// Begins the page that is due, unless nothing stands on the open one yet.
    fn turn(&mut self, budget: &mut Budget) -> Result<()> {
        if std::mem::take(&mut self.new_page) && !self.out.text.pages.is_empty() {
            self.out.page(budget, None)?;
        }
        Ok(())
    }
}

fn repeats(tag: &Tag<'_>, name: &str) -> usize {
    tag.attr(name).and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// The value of a spreadsheet cell where it says more than what is shown: dates in ISO, numbers
/// with all their digits, as in the other spreadsheet formats.
fn value(tag: &Tag<'_>) -> Option<String> {
    match tag.attr("value-type")?.as_str() {
        "float" => tag.attr("value")?.parse().ok().map(decimal),
        "date" => tag.attr("date-value").map(|date| date.replacen('T', " ", 1)),
        "boolean" => tag.attr("boolean-value").map(|value| value.to_ascii_uppercase()),
        _ => None,
    }
}
