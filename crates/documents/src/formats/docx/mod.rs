//! Word: `.docx` and its templates and macro-enabled kin.

mod body;
mod styles;

use std::collections::HashMap;

use catchment_core::{BlockKind, Result, Text};

use self::{body::Asides, styles::Styles};
use super::{
    drawing,
    ooxml::{Package, Relation},
    out::Out,
    xml::{Node, Xml, decode},
};
use crate::{hint::Hint, limits::Budget};

/// Headings, paragraphs, lists and tables; notes and comments after what they refer to; headers
/// and footers once. Pages are those that the program recorded when it last saved the file.
pub(crate) fn parse(bytes: &[u8], budget: &mut Budget, _hint: &Hint<'_>) -> Result<Text> {
    let mut package = Package::open(bytes)?;
    let main = package.main("word/document.xml", budget)?;
    let document = package.require(&main, "word document", budget)?;
    let relations = package.relations(&main, budget)?;
    let styles = match read_kind(&mut package, &relations, "styles", budget)?.pop() {
        Some(xml) => Styles::read(&xml, budget)?,
        None => Styles::default(),
    };
    let asides = Asides {
        footnotes: notes(&mut package, &relations, "footnotes", budget)?,
        endnotes: notes(&mut package, &relations, "endnotes", budget)?,
        comments: notes(&mut package, &relations, "comments", budget)?,
        drawings: drawing::texts(&mut package, &relations, budget)?,
    };
    let mut out = Out::default();
    body::read(&decode(&document), &styles, &asides, &mut out, budget)?;
    let headers = margins(&mut package, &relations, "header", budget)?;
    let footers = margins(&mut package, &relations, "footer", budget)?;
    for footer in footers {
        out.block(budget, BlockKind::Paragraph, &footer)?;
    }
    let mut front = Out::default();
    for header in headers {
        front.block(budget, BlockKind::Paragraph, &header)?;
    }
    if let (Some(page), Some(front)) = (out.text.pages.first_mut(), front.text.pages.pop()) {
        page.blocks.splice(0..0, front.blocks);
    }
    package.properties(&mut out.text, budget)?;
    out.finish(budget)
}

/// Footnotes, endnotes or comments by id. The separators between text and notes have ids too, but
/// no text.
fn notes(
    package: &mut Package<'_>,
    relations: &[Relation],
    kind: &str,
    budget: &mut Budget,
) -> Result<HashMap<String, String>> {
    let mut notes = HashMap::new();
    for xml in read_kind(package, relations, kind, budget)? {
        let (mut xml, mut open) = (Xml::new(&xml), None);
        let mut text = Plain::default();
        loop {
            let node = xml.next(budget)?;
            match &node {
                Node::Start(tag) if matches!(tag.name(), "footnote" | "endnote" | "comment") => open = tag.attr("id"),
                Node::End(tag) if matches!(tag.name(), "footnote" | "endnote" | "comment") => {
                    if let Some(id) = open.take() {
                        notes.insert(id, std::mem::take(&mut text.text));
                    }
                }
                Node::Eof => break,
                _ => text.node(&node, &mut xml, budget)?,
            }
        }
    }
    Ok(notes)
}

/// The texts of all headers or footers, each once: sections usually repeat them.
fn margins(package: &mut Package<'_>, relations: &[Relation], kind: &str, budget: &mut Budget) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for xml in read_kind(package, relations, kind, budget)? {
        let mut xml = Xml::new(&xml);
        let mut text = Plain::default();
        loop {
            match xml.next(budget)? {
                Node::Eof => break,
                node => text.node(&node, &mut xml, budget)?,
            }
        }
        let text = super::text::prose(&text.text);
        if !text.is_empty() && !texts.contains(&text) {
            texts.push(text);
        }
    }
    Ok(texts)
}

/// The parts of one kind that the document refers to.
fn read_kind(
    package: &mut Package<'_>,
    relations: &[Relation],
    kind: &str,
    budget: &mut Budget,
) -> Result<Vec<String>> {
    let mut parts = Vec::new();
    for relation in relations.iter().filter(|relation| relation.kind == kind) {
        if let Some(bytes) = package.part(&relation.target, budget)? {
            parts.push(decode(&bytes).into_owned());
        }
    }
    Ok(parts)
}

/// Text of a part without structure: one line a paragraph.
#[derive(Default)]
struct Plain {
    text: String,
    in_text: bool,
}

impl Plain {
    fn node(&mut self, node: &Node<'_>, xml: &mut Xml<'_>, budget: &Budget) -> Result<()> {
        match node {
            Node::Start(tag) => {
                self.in_text = tag.name() == "t";
                match tag.name() {
                    "pPr" | "rPr" | "Fallback" | "del" | "moveFrom" | "rt" | "instrText" => xml.skip(budget)?,
                    "tab" | "ptab" => self.text.push('\t'),
                    "br" | "cr" => self.text.push('\n'),
                    _ => {}
                }
            }
            Node::End(tag) => {
                self.in_text = false;
                match tag.name() {
                    "p" => self.text.push('\n'),
                    "tc" => self.text.push('\t'),
                    _ => {}
                }
            }
            Node::Text(text) if self.in_text => self.text.push_str(text),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
