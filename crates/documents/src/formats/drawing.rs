//! Text inside charts and SmartArt, as Word and PowerPoint files embed them.

use std::collections::HashMap;

use catchment_core::Result;

use super::{
    ooxml::{Package, Relation},
    xml::{Node, Xml, decode},
};
use crate::limits::Budget;

/// The texts of all charts and diagrams that a part refers to, by relation.
pub(crate) fn texts(
    package: &mut Package<'_>,
    relations: &[Relation],
    budget: &mut Budget,
) -> Result<HashMap<String, String>> {
    let mut texts = HashMap::new();
    for relation in relations.iter().filter(|relation| matches!(relation.kind.as_str(), "chart" | "diagramData")) {
        if let Some(bytes) = package.part(&relation.target, budget)? {
            texts.insert(relation.id.clone(), text(&decode(&bytes), budget)?);
        }
    }
    Ok(texts)
}

/// Titles and paragraphs one a line, and the cached values of every series on a line of its own.
fn text(xml: &str, budget: &Budget) -> Result<String> {
    let (mut xml, mut out, mut wanted) = (Xml::new(xml), String::new(), false);
    loop {
        match xml.next(budget)? {
            // `externalData` and `f` say where the values came from; the values are cached.
            Node::Start(tag) if matches!(tag.name(), "f" | "externalData" | "formatCode" | "Fallback") => {
                xml.skip(budget)?
            }
            Node::Start(tag) => wanted = matches!(tag.name(), "t" | "v"),
            Node::Text(text) if wanted => out.push_str(&text),
            Node::End(tag) => {
                match tag.name() {
                    "p" | "tx" | "cat" | "val" | "xVal" | "yVal" => out.push('\n'),
                    "v" => out.push(' '),
                    _ => {}
                }
                wanted = false;
            }
            Node::Eof => return Ok(out),
            Node::Text(_) => {}
        }
    }
}
