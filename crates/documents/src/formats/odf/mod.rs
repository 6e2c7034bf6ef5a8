//! OpenDocument: text (`.odt`), presentations (`.odp`) and spreadsheets (`.ods`).

mod body;
mod styles;

use catchment_core::{Result, Text};

use self::styles::Styles;
use super::{
    failure::protected,
    ooxml::properties,
    out::Out,
    xml::{Node, Xml, decode},
    zip::Archive,
};
use crate::{hint::Hint, limits::Budget};

/// Headings, paragraphs, lists, tables, notes and comments. A page is a slide, a sheet, or what the
/// author or the program broke off as a page.
pub(crate) fn parse(bytes: &[u8], budget: &mut Budget, _hint: &Hint<'_>) -> Result<Text> {
    let mut archive = Archive::open(bytes)?;
    refuse_encrypted(&mut archive, budget)?;
    let content = archive.require("content.xml", "content", budget)?;
    let content = decode(&content);
    let shared = archive.read("styles.xml", budget)?;
    let shared = shared.as_deref().map(decode).unwrap_or_default();
    let mut styles = Styles::default();
    styles.read(&shared, budget)?;
    styles.read(&content, budget)?;
    let mut out = Out::default();
    body::read(&content, &styles, &mut out, budget)?;
    body::margins(&shared, &styles, &mut out, budget)?;
    if let Some(meta) = archive.read("meta.xml", budget)? {
        properties(&decode(&meta), &mut out.text, budget)?;
    }
    out.finish(budget)
}

/// The manifest says of every part whether it is encrypted; in an encrypted file all that matter are.
fn refuse_encrypted(archive: &mut Archive<'_>, budget: &mut Budget) -> Result<()> {
    let Some(manifest) = archive.read("META-INF/manifest.xml", budget)? else {
        return Ok(());
    };
    let text = decode(&manifest);
    let mut xml = Xml::new(&text);
    loop {
        match xml.next(budget)? {
            Node::Start(tag) if tag.name() == "encryption-data" => return Err(protected()),
            Node::Eof => return Ok(()),
            _ => {}
        }
    }
}
