//! XML events by local name, within the nesting budget. Entities are never expanded.

use std::borrow::Cow;

use catchment_core::Result;
use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesEnd, BytesStart, Event},
};

use super::{charset, failure::damaged};
use crate::limits::Budget;

/// Reads XML as a stream of [`Node`]s.
#[derive(Debug)]
pub(crate) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    depth: u32,
}

/// What comes next in the stream.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    /// `<name ...>`; `<name/>` is followed by its end.
    Start(Tag<'a>),
    /// `</name>`.
    End(End<'a>),
    /// Characters.
    Text(Cow<'a, str>),
    /// All elements are closed.
    Eof,
}

/// A start tag.
#[derive(Debug)]
pub(crate) struct Tag<'a>(BytesStart<'a>);

/// An end tag.
#[derive(Debug)]
pub(crate) struct End<'a>(BytesEnd<'a>);

/// XML bytes as text, from whatever encoding they declare.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    charset::xml(bytes)
}

impl<'a> Xml<'a> {
    /// Reads decoded XML.
    pub(crate) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        // Sloppy writers leave a bare `&` in text; nothing is won by refusing the file.
        config.allow_dangling_amp = true;
        Self { reader, depth: 0 }
    }

    /// The next node.
    pub(crate) fn next(&mut self, budget: &Budget) -> Result<Node<'a>> {
        loop {
            return Ok(match self.reader.read_event().map_err(|error| damaged("xml").source(error))? {
                Event::Start(tag) => {
                    self.depth += 1;
                    budget.depth(self.depth)?;
                    budget.tick()?;
                    Node::Start(Tag(tag))
                }
                Event::End(tag) => {
                    self.depth = self.depth.saturating_sub(1);
                    Node::End(End(tag))
                }
                Event::Text(text) => Node::Text(content(text.into_inner())),
                Event::CData(text) => Node::Text(content(text.into_inner())),
                Event::GeneralRef(name) => match name.resolve_char_ref() {
                    Ok(Some(c)) => Node::Text(c.to_string().into()),
                    // Only the five names that XML itself defines. A file's own entities are the
                    // stuff of bombs, and no office program writes any.
                    Ok(None) => match resolve_predefined_entity(&name) {
                        Some(text) => Node::Text(text.into()),
                        None => continue,
                    },
                    Err(_) => continue,
                },
                Event::Eof if self.depth > 0 => return Err(damaged("xml that ends too early")),
                Event::Eof => Node::Eof,
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => continue,
            });
        }
    }

    /// Leaves out the rest of the element whose start was just read.
    pub(crate) fn skip(&mut self, budget: &Budget) -> Result<()> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if let Node::Eof = self.next(budget)? {
                break;
            }
        }
        Ok(())
    }

    /// How many elements are open.
    pub(crate) fn depth(&self) -> u32 {
        self.depth
    }

    /// All characters up to the end of the element whose start was just read.
    pub(crate) fn text(&mut self, budget: &Budget) -> Result<String> {
        let outside = self.depth.saturating_sub(1);
        let mut out = String::new();
        while self.depth > outside {
            match self.next(budget)? {
                Node::Text(text) => out.push_str(&text),
                Node::Eof => break,
                _ => {}
            }
        }
        Ok(out)
    }
}

impl Tag<'_> {
    /// The name without its prefix: strict and transitional files differ in namespaces only.
    pub(crate) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// The value of the attribute of this local name, with or without a prefix.
    pub(crate) fn attr(&self, name: &str) -> Option<String> {
        self.find(|key, _| key == name)
    }

    /// The value of an attribute that has to carry a prefix: `r:id`, where `id` is another one.
    pub(crate) fn prefixed(&self, name: &str) -> Option<String> {
        self.find(|key, prefixed| prefixed && key == name)
    }

    /// The value of `w:val`, as nearly every property of a Word file has it.
    pub(crate) fn val(&self) -> Option<String> {
        self.attr("val")
    }

    fn find(&self, wanted: impl Fn(&str, bool) -> bool) -> Option<String> {
        self.0.attributes().with_checks(false).filter_map(Result::ok).find_map(|attribute| {
            let name = attribute.key;
            wanted(name.local_name().into_inner(), name.prefix().is_some())
                .then(|| attribute.normalized_value(XmlVersion::Implicit1_0).ok())
                .flatten()
                .map(Cow::into_owned)
        })
    }
}

impl End<'_> {
    /// The name without its prefix.
    pub(crate) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }
}

/// XML counts `\r\n` as one line feed.
fn content(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\r') { text.replace("\r\n", "\n").into() } else { text }
}
