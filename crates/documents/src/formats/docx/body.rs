//! The body of a Word document: paragraphs, tables, notes where they are referred to, pages.

use std::collections::HashMap;

use catchment_core::{BlockKind, Result};

use super::{
    super::{
        out::{Out, Table},
        xml::{Node, Tag, Xml},
    },
    styles::Styles,
};
use crate::limits::Budget;

/// Text that stands in a part of its own and is referred to by id: notes, comments, charts.
#[derive(Debug, Default)]
pub(super) struct Asides {
    pub(super) footnotes: HashMap<String, String>,
    pub(super) endnotes: HashMap<String, String>,
    pub(super) comments: HashMap<String, String>,
    /// Charts and diagrams, by relation.
    pub(super) drawings: HashMap<String, String>,
}

/// Reads the body into `out`.
pub(super) fn read(xml: &str, styles: &Styles, asides: &Asides, out: &mut Out, budget: &mut Budget) -> Result<()> {
    let mut body = Body {
        out,
        styles,
        asides,
        paragraphs: Vec::new(),
        tables: Vec::new(),
        pending: Vec::new(),
        turns: Turns::default(),
    };
    body.out.page(budget, None)?;
    let (mut xml, mut in_text) = (Xml::new(xml), false);
    loop {
        match xml.next(budget)? {
            Node::Start(tag) => {
                in_text = tag.name() == "t";
                if !in_text {
                    body.start(&tag, &mut xml, budget)?;
                }
            }
            Node::End(tag) => {
                in_text = false;
                body.end(tag.name(), budget)?;
            }
            Node::Text(text) if in_text => body.push(&text),
            Node::Text(_) => {}
            Node::Eof => return Ok(()),
        }
    }
}

struct Body<'a> {
    out: &'a mut Out,
    styles: &'a Styles,
    asides: &'a Asides,
    /// The open paragraph, and those around it: a text box sits inside a paragraph.
    paragraphs: Vec<Paragraph>,
    /// The open table, and those around it.
    tables: Vec<OpenTable>,
    /// Notes that follow the paragraph or table they are referred to from.
    pending: Vec<String>,
    turns: Turns,
}

#[derive(Default)]
struct Paragraph {
    text: String,
    heading: Option<u8>,
    list: bool,
    /// Page turns inside it that happen after its first words.
    later: Turns,
}

#[derive(Default)]
struct OpenTable {
    table: Table,
    cell: String,
}

/// Page turns since the last text. Word records the page it has laid out (`rendered`) also where
/// the author asked for a new page (`explicit`), so the two must not be added up.
#[derive(Default, Clone, Copy)]
struct Turns {
    explicit: u32,
    rendered: u32,
}

impl Body<'_> {
    fn start(&mut self, tag: &Tag<'_>, xml: &mut Xml<'_>, budget: &mut Budget) -> Result<()> {
        match tag.name() {
            "p" => self.paragraphs.push(Paragraph::default()),
            "pPr" => self.properties(xml, budget)?,
            // `Fallback` repeats what `Choice` says for older programs; deleted and moved text is
            // still in the file, but not in the document; `rt` is the reading of a ruby base.
            "rPr" | "tblPr" | "trPr" | "tcPr" | "sdtPr" | "sectPr" | "tblGrid" | "Fallback" | "del" | "moveFrom"
            | "instrText" | "delText" | "delInstrText" | "rt" => xml.skip(budget)?,
            "tab" | "ptab" => self.push("\t"),
            "br" if tag.attr("type").is_some_and(|kind| kind == "page") => self.new_page(budget)?,
            "br" | "cr" => self.push("\n"),
            "noBreakHyphen" => self.push("-"),
            "sym" => {
                let code = tag.attr("char").and_then(|code| u32::from_str_radix(&code, 16).ok());
                // Symbol fonts use the private area, which means nothing outside of the font.
                if let Some(c) = code.and_then(char::from_u32).filter(|c| !('\u{e000}'..='\u{f8ff}').contains(c)) {
                    self.push(c.encode_utf8(&mut [0; 4]));
                }
            }
            "lastRenderedPageBreak" => match self.paragraphs.last_mut() {
                Some(paragraph) if !paragraph.text.trim().is_empty() => paragraph.later.rendered += 1,
                _ => self.turns.rendered += 1,
            },
            "footnoteReference" => self.aside(tag, |asides| &asides.footnotes),
            "endnoteReference" => self.aside(tag, |asides| &asides.endnotes),
            "commentReference" => self.aside(tag, |asides| &asides.comments),
            "chart" | "relIds" => {
                for id in ["id", "dm"].into_iter().filter_map(|name| tag.prefixed(name)) {
                    self.pending.extend(self.asides.drawings.get(&id).cloned());
                }
            }
            "tbl" => self.tables.push(OpenTable::default()),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str, budget: &mut Budget) -> Result<()> {
        match name {
            "p" => {
                if let Some(paragraph) = self.paragraphs.pop() {
                    self.paragraph(paragraph, budget)?;
                }
            }
            "tc" => {
                if let Some(open) = self.tables.last_mut() {
                    open.table.cell(&open.cell);
                    open.cell.clear();
                }
            }
            "tr" => self.row(budget)?,
            "tbl" => self.table(budget)?,
            _ => {}
        }
        Ok(())
    }

    /// Paragraph properties, up to their end.
    fn properties(&mut self, xml: &mut Xml<'_>, budget: &mut Budget) -> Result<()> {
        let outside = xml.depth().saturating_sub(1);
        let (mut style, mut outline, mut list, mut new_page) = (None, None, None, false);
        while xml.depth() > outside {
            match xml.next(budget)? {
                Node::Start(tag) => match tag.name() {
                    "pStyle" => style = tag.val(),
                    "outlineLvl" => outline = tag.val().and_then(|level| level.parse::<u8>().ok()),
                    "numId" => list = Some(tag.val().is_some_and(|id| id != "0")),
                    "pageBreakBefore" => {
                        new_page = !tag.val().is_some_and(|val| matches!(val.as_str(), "0" | "false" | "off"))
                    }
                    "rPr" | "sectPr" | "pPrChange" | "tabs" => xml.skip(budget)?,
                    _ => {}
                },
                Node::Eof => break,
                _ => {}
            }
        }
        let style = style.map(|id| self.styles.get(&id)).unwrap_or_default();
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.heading = match outline {
                Some(level @ 0..=8) => Some(level + 1),
                Some(_) => None,
                None => style.heading,
            };
            paragraph.list = list.unwrap_or(style.list);
        }
        if new_page {
            self.turns.explicit += 1;
        }
        Ok(())
    }

    fn push(&mut self, text: &str) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.text.push_str(text);
        }
    }

    fn aside(&mut self, tag: &Tag<'_>, of: fn(&Asides) -> &HashMap<String, String>) {
        if let Some(text) = tag.attr("id").and_then(|id| of(self.asides).get(&id)) {
            self.pending.push(text.clone());
        }
    }

    /// A page break that the author set. What stands before it in the paragraph belongs to the old
    /// page.
    fn new_page(&mut self, budget: &mut Budget) -> Result<()> {
        if self.tables.is_empty()
            && let Some(paragraph) = self.paragraphs.last_mut()
            && !paragraph.text.trim().is_empty()
        {
            let rest = Paragraph { heading: paragraph.heading, list: paragraph.list, ..Paragraph::default() };
            let before = std::mem::replace(paragraph, rest);
            self.paragraph(before, budget)?;
        }
        self.turns.explicit += 1;
        Ok(())
    }

    fn paragraph(&mut self, paragraph: Paragraph, budget: &mut Budget) -> Result<()> {
        if let Some(open) = self.tables.last_mut() {
            if !paragraph.text.is_empty() {
                open.cell.push_str(&paragraph.text);
                open.cell.push('\n');
            }
            self.turns.add(paragraph.later);
            return Ok(());
        }
        if !paragraph.text.trim().is_empty() {
            self.turn(budget)?;
            let kind = match paragraph.heading {
                Some(level) => BlockKind::Heading(level),
                None if paragraph.list => BlockKind::ListItem,
                None => BlockKind::Paragraph,
            };
            self.out.block(budget, kind, &paragraph.text)?;
        }
        self.notes(budget)?;
        self.turns.add(paragraph.later);
        Ok(())
    }

    fn row(&mut self, budget: &mut Budget) -> Result<()> {
        let outermost = self.tables.len() == 1;
        let Some(open) = self.tables.last_mut() else { return Ok(()) };
        if !outermost {
            // The cell around it counts the text once it is finished.
            open.table.next_row();
            return budget.tick();
        }
        self.out.row(budget, &mut open.table)?;
        // A row that runs over the end of a page counts for the page it begins on.
        if self.turns.any() {
            self.out.table(budget, &mut open.table)?;
            self.turn(budget)?;
        }
        Ok(())
    }

    fn table(&mut self, budget: &mut Budget) -> Result<()> {
        let Some(mut open) = self.tables.pop() else { return Ok(()) };
        if let Some(around) = self.tables.last_mut() {
            around.cell.push_str(&open.table.into_text());
            around.cell.push('\n');
            return Ok(());
        }
        self.out.table(budget, &mut open.table)?;
        self.notes(budget)
    }

    fn notes(&mut self, budget: &mut Budget) -> Result<()> {
        for note in std::mem::take(&mut self.pending) {
            self.out.block(budget, BlockKind::Paragraph, &note)?;
        }
        Ok(())
    }

    fn turn(&mut self, budget: &mut Budget) -> Result<()> {
        let turns = std::mem::take(&mut self.turns);
        for _ in 0..turns.explicit.max(turns.rendered) {
            self.out.page(budget, None)?;
        }
        Ok(())
    }
}

impl Turns {
    fn any(self) -> bool {
        self.explicit > 0 || self.rendered > 0
    }

    fn add(&mut self, other: Self) {
        self.explicit += other.explicit;
        self.rendered += other.rendered;
    }
}
