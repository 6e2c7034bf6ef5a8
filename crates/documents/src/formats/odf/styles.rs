//! Styles of an OpenDocument file: what begins a page, what is hidden, what is a title.

use std::collections::HashMap;

use catchment_core::Result;

use super::super::xml::{Node, Xml};
use crate::limits::Budget;

/// What matters of a style.
#[derive(Debug, Clone, Default)]
struct Style {
    parent: Option<String>,
    display_name: Option<String>,
    page_before: bool,
    page_after: bool,
    hidden: bool,
}

/// All styles by name.
#[derive(Debug, Default)]
pub(super) struct Styles(HashMap<String, Style>);

/// How far a chain of parents is followed.
const CHAIN: usize = 16;

impl Styles {
    /// Adds the styles defined in this part.
    pub(super) fn read(&mut self, part: &str, budget: &Budget) -> Result<()> {
        let (mut xml, mut open) = (Xml::new(part), None::<(String, Style)>);
        loop {
            match xml.next(budget)? {
                // Nothing below is a definition.
                Node::Start(tag) if matches!(tag.name(), "body" | "master-styles") => xml.skip(budget)?,
                Node::Start(tag) if tag.name() == "style" => {
                    let style = Style {
                        parent: tag.attr("parent-style-name"),
                        display_name: tag.attr("display-name"),
                        ..Style::default()
                    };
                    open = tag.attr("name").map(|name| (name, style));
                }
                Node::Start(tag) => {
                    let Some((_, style)) = &mut open else { continue };
                    let says = |name: &str, value: &str| tag.attr(name).is_some_and(|found| found == value);
                    match tag.name() {
                        "paragraph-properties" => {
                            style.page_before |= says("break-before", "page");
                            style.page_after |= says("break-after", "page");
                        }
                        "table-properties" => {
                            style.hidden |= says("display", "false");
                            style.page_before |= says("break-before", "page");
                        }
                        "drawing-page-properties" => style.hidden |= says("visibility", "hidden"),
                        _ => {}
                    }
                }
                Node::End(tag) if tag.name() == "style" => self.0.extend(open.take()),
                Node::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    /// Whether a paragraph or table of this style begins a page.
    pub(super) fn page_before(&self, name: Option<&str>) -> bool {
        self.any(name, |style| style.page_before)
    }

    /// Whether a page begins after a paragraph of this style.
    pub(super) fn page_after(&self, name: Option<&str>) -> bool {
        self.any(name, |style| style.page_after)
    }

    /// Whether a sheet or slide of this style is hidden.
    pub(super) fn hidden(&self, name: Option<&str>) -> bool {
        self.any(name, |style| style.hidden)
    }

    /// The level of a paragraph that is a title without being a heading.
    pub(super) fn title(&self, name: Option<&str>) -> Option<u8> {
        let mut next = name;
        for _ in 0..CHAIN {
            let name = next?;
            let style = self.0.get(name);
            let shown = style.and_then(|style| style.display_name.as_deref()).unwrap_or(name);
            match shown {
                "Title" => return Some(1),
                "Subtitle" => return Some(2),
                _ => next = style.and_then(|style| style.parent.as_deref()),
            }
        }
        None
    }

    fn any(&self, name: Option<&str>, wanted: fn(&Style) -> bool) -> bool {
        let mut next = name;
        for _ in 0..CHAIN {
            let Some(style) = next.and_then(|name| self.0.get(name)) else {
                return false;
            };
            if wanted(style) {
                return true;
            }
            next = style.parent.as_deref();
        }
        false
    }
}
