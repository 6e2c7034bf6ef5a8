//! Paragraph styles: which of them make a heading, which a list item.

use std::collections::HashMap;

use catchment_core::Result;

use super::super::{
    headings::heading,
    xml::{Node, Xml},
};
use crate::limits::Budget;

/// What a paragraph style says about its paragraphs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Style {
    /// The level of a heading, from 1.
    pub(super) heading: Option<u8>,
    /// Whether it is an item of a list.
    pub(super) list: bool,
}

/// The paragraph styles of a document by id.
#[derive(Debug, Default)]
pub(super) struct Styles(HashMap<String, Style>);

#[derive(Debug, Default)]
struct Raw {
    name: String,
    based_on: Option<String>,
    /// 0 to 8; 9 is body text, and ends the search along the chain.
    outline: Option<u8>,
    list: Option<bool>,
}

/// How far a chain of styles is followed: Word stops at ten; a circle must not go on for ever.
const CHAIN: usize = 32;

impl Styles {
    /// Reads `styles.xml`.
    pub(super) fn read(xml: &str, budget: &Budget) -> Result<Self> {
        let (mut xml, mut raw, mut open) = (Xml::new(xml), HashMap::<String, Raw>::new(), None);
        loop {
            match xml.next(budget)? {
                Node::Start(tag) if tag.name() == "style" => {
                    open = Some((tag.attr("styleId").unwrap_or_default(), Raw::default()));
                }
                Node::Start(tag) => {
                    let Some((_, style)) = &mut open else { continue };
                    match tag.name() {
                        "name" => style.name = tag.val().unwrap_or_default(),
                        "basedOn" => style.based_on = tag.val(),
                        "outlineLvl" => style.outline = tag.val().and_then(|level| level.parse().ok()),
                        "numId" => style.list = Some(tag.val().is_some_and(|id| id != "0")),
                        _ => {}
                    }
                }
                Node::End(tag) if tag.name() == "style" => raw.extend(open.take()),
                Node::Eof => break,
                _ => {}
            }
        }
        Ok(Self(raw.keys().map(|id| (id.clone(), resolve(&raw, id))).collect()))
    }

    /// What the style of this id says. A file without it may still use Word's own ids.
    pub(super) fn get(&self, id: &str) -> Style {
        self.0.get(id).copied().unwrap_or_else(|| Style { heading: heading(id), list: false })
    }
}

fn resolve(raw: &HashMap<String, Raw>, id: &str) -> Style {
    let (mut style, mut outline, mut list) = (Style::default(), None, None);
    let mut next = raw.get(id);
    for _ in 0..CHAIN {
        let Some(current) = next else { break };
        style.heading = style.heading.or_else(|| heading(&current.name));
        outline = outline.or(current.outline);
        list = list.or(current.list);
        next = current.based_on.as_ref().and_then(|id| raw.get(id));
    }
    style.heading = match outline {
        Some(level @ 0..=8) => Some(level + 1),
        Some(_) => None,
        None => style.heading,
    };
    style.list = list.unwrap_or_default() && style.heading.is_none();
    style
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn styles_inherit_and_circles_end() {
        let xml = r#"<w:styles>
            <w:style w:styleId="H1"><w:name w:val="heading 1"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
            <w:style w:styleId="Mine"><w:name w:val="My own"/><w:basedOn w:val="H1"/></w:style>
            <w:style w:styleId="Flat"><w:basedOn w:val="H1"/><w:pPr><w:outlineLvl w:val="9"/></w:pPr></w:style>
            <w:style w:styleId="Item"><w:pPr><w:numPr><w:numId w:val="3"/></w:numPr></w:pPr></w:style>
            <w:style w:styleId="Loop"><w:basedOn w:val="Loop"/></w:style>
        </w:styles>"#;
        let styles = Styles::read(xml, &Budget::new(&Limits::default(), 0).unwrap()).unwrap();
        assert_eq!(styles.get("Mine").heading, Some(1));
        assert_eq!(styles.get("Flat").heading, None);
        assert_eq!(styles.get("Item"), Style { heading: None, list: true });
        assert_eq!(styles.get("Loop"), Style::default());
        assert_eq!(styles.get("Heading3").heading, Some(3));
    }
}
