//! What Word, PowerPoint and Excel files share: parts, relationships, properties.

use catchment_core::{Result, Text};

use super::{
    dates,
    failure::{damaged, protected},
    text,
    xml::{Node, Xml, decode},
    zip::Archive,
};
use crate::limits::Budget;

/// An open Office Open XML file.
#[derive(Debug)]
pub(crate) struct Package<'a> {
    archive: Archive<'a>,
}

/// A link from one part to another.
#[derive(Debug)]
pub(crate) struct Relation {
    /// The id it is referred to by.
    pub(crate) id: String,
    /// The last segment of its type: transitional and strict files differ before that.
    pub(crate) kind: String,
    /// The name of the part.
    pub(crate) target: String,
}

/// Encrypted Office files are compound files with this stream; without it they are something else.
pub(crate) fn refuse_encrypted(bytes: &[u8]) -> Result<()> {
    const COMPOUND: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    if !bytes.starts_with(&COMPOUND) {
        return Ok(());
    }
    // UTF-16 in the directory of the compound file: found even when the rest of it is broken.
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    if bytes.windows(name.len()).any(|window| window == name) { Err(protected()) } else { Ok(()) }
}

impl<'a> Package<'a> {
    /// Opens the file.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self> {
        refuse_encrypted(bytes)?;
        Ok(Self { archive: Archive::open(bytes)? })
    }

    /// The name of the main part, or `fallback` when the file does not say.
    pub(crate) fn main(&mut self, fallback: &str, budget: &mut Budget) -> Result<String> {
        let root = self.relations("", budget)?;
        let main = root.into_iter().find(|relation| relation.kind == "officeDocument").map(|relation| relation.target);
        Ok(main.filter(|name| self.archive.has(name)).unwrap_or_else(|| fallback.to_owned()))
    }

    /// The decompressed bytes of a part, if it is there.
    pub(crate) fn part(&mut self, name: &str, budget: &mut Budget) -> Result<Option<Vec<u8>>> {
        self.archive.read(name, budget)
    }

    /// The decompressed bytes of a part that has to be there.
    pub(crate) fn require(&mut self, name: &str, what: &'static str, budget: &mut Budget) -> Result<Vec<u8>> {
        self.archive.require(name, what, budget)
    }

    /// The archive itself.
    pub(crate) fn archive(&mut self) -> &mut Archive<'a> {
        &mut self.archive
    }

    /// The links of a part to others inside the file; those of the file itself for "".
    pub(crate) fn relations(&mut self, part: &str, budget: &mut Budget) -> Result<Vec<Relation>> {
        let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
        let name = if folder.is_empty() { format!("_rels/{file}.rels") } else { format!("{folder}/_rels/{file}.rels") };
        let Some(bytes) = self.archive.read(&name, budget)? else {
            return Ok(Vec::new());
        };
        let (xml, mut relations) = (decode(&bytes), Vec::new());
        let mut xml = Xml::new(&xml);
        loop {
            match xml.next(budget)? {
                Node::Start(tag) if tag.name() == "Relationship" => {
                    if tag.attr("TargetMode").is_some_and(|mode| mode == "External") {
                        continue;
                    }
                    if let (Some(id), Some(kind), Some(target)) = (tag.attr("Id"), tag.attr("Type"), tag.attr("Target"))
                    {
                        let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                        relations.push(Relation { id, kind, target: resolve(folder, &target) });
                    }
                }
                Node::Eof => return Ok(relations),
                _ => {}
            }
        }
    }

    /// Title, author and dates from the core properties. Broken properties are no reason to lose
    /// the text.
    pub(crate) fn properties(&mut self, text: &mut Text, budget: &mut Budget) -> Result<()> {
        let root = self.relations("", budget)?;
        let core = root.into_iter().find(|relation| relation.kind == "core-properties").map(|relation| relation.target);
        let Some(bytes) = self.archive.read(core.as_deref().unwrap_or("docProps/core.xml"), budget)? else {
            return Ok(());
        };
        properties(&decode(&bytes), text, budget)
    }
}

/// Reads Dublin Core properties, as Office, OpenDocument and EPUB files carry them.
pub(crate) fn properties(xml: &str, text: &mut Text, budget: &Budget) -> Result<()> {
    let mut xml = Xml::new(xml);
    loop {
        let Node::Start(tag) = (match xml.next(budget) {
            Ok(Node::Eof) | Err(_) => return budget.tick(),
            Ok(node) => node,
        }) else {
            continue;
        };
        let name = tag.name().to_owned();
        if !matches!(
            name.as_str(),
            "title" | "creator" | "initial-creator" | "created" | "creation-date" | "modified" | "date"
        ) {
            continue;
        }
        let Ok(value) = xml.text(budget) else {
            return budget.tick();
        };
        match name.as_str() {
            "title" if text.title.is_none() => text.title = text::label(&value),
            "creator" if text.author.is_none() => text.author = text::label(&value),
            "initial-creator" => text.author = text::label(&value).or(text.author.take()),
            "created" | "creation-date" => text.created = dates::iso(&value),
            "modified" | "date" => text.modified = dates::iso(&value),
            _ => {}
        }
    }
}

/// The part that `target` names, seen from `folder`.
pub(crate) fn resolve(folder: &str, target: &str) -> String {
    let target = target.split('#').next().unwrap_or_default();
    let mut path: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder.split('/').filter(|segment| !segment.is_empty()).collect(),
    };
    for segment in target.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(path.pop()),
            segment => path.push(segment),
        }
    }
    path.join("/")
}

/// The target of the relation with this id.
pub(crate) fn target<'r>(relations: &'r [Relation], id: &str) -> Result<&'r str> {
    relations
        .iter()
        .find(|relation| relation.id == id)
        .map(|relation| relation.target.as_str())
        .ok_or_else(|| damaged("relationships"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_resolve_inside_the_file() {
        assert_eq!(resolve("ppt/slides", "../media/a.png"), "ppt/media/a.png");
        assert_eq!(resolve("word", "/word/document.xml"), "word/document.xml");
        assert_eq!(resolve("a", "../../../etc/passwd"), "etc/passwd");
    }
}
