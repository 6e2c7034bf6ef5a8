//! Books: `.epub`. One page a chapter, in reading order.

use std::collections::HashMap;

use catchment_core::{BlockKind, Error, ErrorKind, Result, Text};
use percent_encoding::percent_decode_str;

use super::{
    charset, dates,
    failure::damaged,
    html,
    ooxml::{properties, resolve},
    out::Out,
    xml::{Node, Xml, decode},
    zip::Archive,
};
use crate::{hint::Hint, limits::Budget};

/// The chapters of the spine, labelled by their first heading; title, author and date of the book.
pub(crate) fn parse(bytes: &[u8], budget: &mut Budget, _hint: &Hint<'_>) -> Result<Text> {
    let mut archive = Archive::open(bytes)?;
    let container = archive.require("META-INF/container.xml", "container", budget)?;
    let path = root(&decode(&container), budget)?.ok_or_else(|| damaged("container"))?;
    let package = archive.require(&path, "package", budget)?;
    let package = decode(&package);
    let spine = spine(&package, &path, budget)?;
    refuse_locked(&mut archive, &spine, budget)?;
    let mut out = Out::default();
    properties(&package, &mut out.text, budget)?;
    // What Dublin Core calls the date of a book is when it was published.
    out.text.created = published(&package, budget)?.or(out.text.created);
    let mut missing = 0_usize;
    for name in &spine {
        match archive.read(name, budget)? {
            Some(bytes) => chapter(&bytes, &mut out, budget)?,
            None => missing += 1,
        }
    }
    if missing > 0 {
        out.warn(format!("{missing} chapters are missing from the file"));
    }
    if out.text.pages.is_empty() {
        return Err(damaged("reading order"));
    }
    out.finish(budget)
}

fn chapter(bytes: &[u8], out: &mut Out, budget: &mut Budget) -> Result<()> {
    out.page(budget, None)?;
    let (title, author) = (out.text.title.take(), out.text.author.take());
    html::blocks(&charset::decode_lossy(bytes, None), out, budget)?;
    let chapter = out.text.title.take();
    (out.text.title, out.text.author) = (title, author);
    if let Some(page) = out.text.pages.last_mut() {
        let heading = page.blocks.iter().find(|block| matches!(block.kind, BlockKind::Heading(_)));
        page.label = heading.and_then(|heading| super::text::label(&heading.text)).or(chapter);
    }
    Ok(())
}

/// The path of the package document.
fn root(container: &str, budget: &Budget) -> Result<Option<String>> {
    let mut xml = Xml::new(container);
    loop {
        match xml.next(budget)? {
            Node::Start(tag) if tag.name() == "rootfile" => {
                if let Some(path) = tag.attr("full-path") {
                    return Ok(Some(resolve("", &path)));
                }
            }
            Node::Eof => return Ok(None),
            _ => {}
        }
    }
}

/// The names of the chapters in reading order.
fn spine(package: &str, path: &str, budget: &Budget) -> Result<Vec<String>> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let (mut xml, mut items, mut spine) = (Xml::new(package), HashMap::new(), Vec::new());
    loop {
        match xml.next(budget)? {
            Node::Start(tag) if tag.name() == "item" => {
                if let (Some(id), Some(href)) = (tag.attr("id"), tag.attr("href")) {
                    let kind = tag.attr("media-type").unwrap_or_default();
                    if kind.contains("html") || kind.contains("xml") && !kind.contains("svg") {
                        items.insert(id, resolve(folder, &percent_decode_str(&href).decode_utf8_lossy()));
                    }
                }
            }
            Node::Start(tag) if tag.name() == "itemref" => {
                // A chapter counts once, however often a hostile spine names it.
                spine.extend(tag.attr("idref").and_then(|id| items.remove(&id)));
            }
            Node::Eof => return Ok(spine),
            _ => {}
        }
    }
}

/// Books under digital rights management list their chapters as encrypted; obfuscated fonts are
/// listed too, and do no harm.
fn refuse_locked(archive: &mut Archive<'_>, spine: &[String], budget: &mut Budget) -> Result<()> {
    let Some(bytes) = archive.read("META-INF/encryption.xml", budget)? else {
        return Ok(());
    };
    let text = decode(&bytes);
    let mut xml = Xml::new(&text);
    loop {
        match xml.next(budget)? {
            Node::Start(tag) if tag.name() == "CipherReference" => {
                let locked = tag.attr("URI").map(|uri| resolve("", &percent_decode_str(&uri).decode_utf8_lossy()));
                if locked.is_some_and(|name| spine.contains(&name)) {
                    return Err(Error::new(
                        ErrorKind::Unreadable,
                        "protected against copying: give an edition without digital rights management",
                    ));
                }
            }
            Node::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn published(package: &str, budget: &Budget) -> Result<Option<chrono::DateTime<chrono::Utc>>> {
    let mut xml = Xml::new(package);
    loop {
        match xml.next(budget)? {
            Node::Start(tag) if tag.name() == "date" => return Ok(dates::iso(&xml.text(budget)?)),
            Node::Eof => return Ok(None),
            _ => {}
        }
    }
}
