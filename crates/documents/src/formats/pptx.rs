//! PowerPoint: `.pptx`, its shows, templates and macro-enabled kin. One page a slide.

use std::collections::{HashMap, HashSet};

use catchment_core::{BlockKind, Result, Text};

use super::{
    drawing,
    ooxml::{Package, Relation, target},
    out::{Out, Table},
    xml::{Node, Tag, Xml, decode},
};
use crate::{hint::Hint, limits::Budget};

/// Slides in the order they are shown, labelled by their titles; text of shapes, tables, charts
/// and diagrams, then speaker notes and comments.
pub(crate) fn parse(bytes: &[u8], budget: &mut Budget, _hint: &Hint<'_>) -> Result<Text> {
    let mut package = Package::open(bytes)?;
    let main = package.main("ppt/presentation.xml", budget)?;
    let presentation = package.require(&main, "presentation", budget)?;
    let relations = package.relations(&main, budget)?;
    let (mut out, mut footers) = (Out::default(), HashSet::new());
    for id in slide_ids(&decode(&presentation), budget)? {
        let part = target(&relations, &id)?.to_owned();
        slide(&mut package, &part, &mut footers, &mut out, budget)?;
    }
    package.properties(&mut out.text, budget)?;
    out.finish(budget)
}

fn slide_ids(xml: &str, budget: &Budget) -> Result<Vec<String>> {
    let (mut xml, mut ids) = (Xml::new(xml), Vec::new());
    loop {
        match xml.next(budget)? {
            Node::Start(tag) if tag.name() == "sldId" => ids.extend(tag.prefixed("id")),
            Node::Eof => return Ok(ids),
            _ => {}
        }
    }
}

fn slide(
    package: &mut Package<'_>,
    part: &str,
    footers: &mut HashSet<String>,
    out: &mut Out,
    budget: &mut Budget,
) -> Result<()> {
    // A slide that the list names but the file lacks: the others are still worth reading.
    let Some(bytes) = package.part(part, budget)? else {
        out.page(budget, None)?;
        out.warn(format!("slide {} is missing from the file", out.text.pages.len()));
        return Ok(());
    };
    let relations = package.relations(part, budget)?;
    let drawings = drawing::texts(package, &relations, budget)?;
    let xml = decode(&bytes);
    let mut shapes = Shapes { drawings, ..Shapes::default() };
    shapes.read(&xml, budget)?;
    out.page(budget, shapes.title.as_deref())?;
    if shapes.hidden {
        out.warn(format!("slide {} is hidden in the show", out.text.pages.len()));
    }
    if let Some(title) = &shapes.title {
        out.block(budget, BlockKind::Heading(1), title)?;
    }
    // The same footer stands on every slide; it counts where it stands first.
    for footer in std::mem::take(&mut shapes.footers) {
        if footers.insert(footer.clone()) {
            shapes.items.push(Item::Text(BlockKind::Paragraph, footer));
        }
    }
    shapes.write(out, budget)?;
    notes(package, &relations, out, budget)
}

/// Speaker notes and comments of a slide.
fn notes(package: &mut Package<'_>, relations: &[Relation], out: &mut Out, budget: &mut Budget) -> Result<()> {
    for relation in relations {
        match relation.kind.as_str() {
            "notesSlide" => {
                let Some(bytes) = package.part(&relation.target, budget)? else { continue };
                let mut shapes = Shapes { notes: true, ..Shapes::default() };
                shapes.read(&decode(&bytes), budget)?;
                shapes.write(out, budget)?;
            }
            "comments" => {
                let Some(bytes) = package.part(&relation.target, budget)? else { continue };
                let text = decode(&bytes);
                let mut xml = Xml::new(&text);
                loop {
                    match xml.next(budget)? {
                        Node::Start(tag) if matches!(tag.name(), "text" | "t") => {
                            let text = xml.text(budget)?;
                            out.block(budget, BlockKind::Paragraph, &text)?;
                        }
                        Node::Eof => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What is on a slide or in its notes.
#[derive(Default)]
struct Shapes {
    /// In a notes part only the notes themselves count, not the picture of the slide.
    notes: bool,
    hidden: bool,
    title: Option<String>,
    drawings: HashMap<String, String>,
    items: Vec<Item>,
    footers: Vec<String>,
    shape: Shape,
    paragraph: String,
    list: bool,
    table: Option<Vec<Vec<String>>>,
    in_text: bool,
}

enum Item {
    Text(BlockKind, String),
    Table(Vec<Vec<String>>),
}

/// What the open shape is for.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Shape {
    #[default]
    Plain,
    Title,
    Notes,
    Footer,
    /// Slide numbers and dates: the program's own text.
    Margin,
}

impl Shapes {
    fn read(&mut self, xml: &str, budget: &Budget) -> Result<()> {
        let mut xml = Xml::new(xml);
        loop {
            match xml.next(budget)? {
                Node::Start(tag) => {
                    self.in_text = tag.name() == "t";
                    if matches!(tag.name(), "Fallback" | "rPr" | "endParaRPr" | "spPr" | "defRPr" | "lstStyle") {
                        xml.skip(budget)?;
                    } else {
                        self.start(&tag);
                    }
                }
                Node::End(tag) => {
                    self.in_text = false;
                    self.end(tag.name());
                }
                Node::Text(text) if self.in_text => self.paragraph.push_str(&text),
                Node::Text(_) => {}
                Node::Eof => return Ok(()),
            }
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag.name() {
            "sld" => self.hidden = tag.attr("show").is_some_and(|show| matches!(show.as_str(), "0" | "false")),
            "sp" | "graphicFrame" => self.shape = Shape::Plain,
            "ph" => {
                self.shape = match tag.attr("type").as_deref() {
                    Some("title" | "ctrTitle") => Shape::Title,
                    Some("body") if self.notes => Shape::Notes,
                    Some("ftr") => Shape::Footer,
                    Some("sldNum" | "dt" | "hdr" | "sldImg") => Shape::Margin,
                    _ => Shape::Plain,
                };
            }
            "p" => self.list = false,
            "pPr" => self.list |= tag.attr("lvl").is_some_and(|level| level != "0"),
            "buChar" | "buAutoNum" | "buBlip" => self.list = true,
            "br" => self.paragraph.push('\n'),
            "tab" => self.paragraph.push('\t'),
            "tbl" => self.table = Some(Vec::new()),
            "tr" => self.table.iter_mut().for_each(|rows| rows.push(Vec::new())),
            "tc" => {
                if let Some(row) = self.table.as_mut().and_then(|rows| rows.last_mut()) {
                    row.push(String::new());
                }
            }
            "chart" | "relIds" => {
                for id in ["id", "dm"].into_iter().filter_map(|name| tag.prefixed(name)) {
                    let text = self.drawings.remove(&id);
                    self.items.extend(text.map(|text| Item::Text(BlockKind::Paragraph, text)));
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "p" => {
                let text = std::mem::take(&mut self.paragraph);
                if let Some(cell) = self.table.as_mut().and_then(|rows| rows.last_mut()).and_then(|row| row.last_mut())
                {
                    cell.push_str(&text);
                    cell.push('\n');
                    return;
                }
                match self.shape {
                    Shape::Margin => {}
                    _ if self.notes && self.shape != Shape::Notes => {}
                    Shape::Footer => self.footers.push(text),
                    Shape::Title if !text.trim().is_empty() => {
                        let title = self.title.get_or_insert_default();
                        title.push_str(&text);
                        title.push('\n');
                    }
                    _ => {
                        let kind = if self.list { BlockKind::ListItem } else { BlockKind::Paragraph };
                        self.items.push(Item::Text(kind, text));
                    }
                }
            }
            "tbl" => self.items.extend(self.table.take().map(Item::Table)),
            "sp" => self.shape = Shape::Plain,
            _ => {}
        }
    }

    fn write(self, out: &mut Out, budget: &mut Budget) -> Result<()> {
        for item in self.items {
            match item {
                Item::Text(kind, text) => out.block(budget, kind, &text)?,
                Item::Table(rows) => {
                    let mut table = Table::default();
                    for row in rows {
                        row.iter().for_each(|cell| table.cell(cell));
                        out.row(budget, &mut table)?;
                    }
                    out.table(budget, &mut table)?;
                }
            }
        }
        Ok(())
    }
}
