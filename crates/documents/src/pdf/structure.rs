//! What stands around the pages of a PDF file: outline, page labels, attachments, notes and forms.
//!
//! Read through the same objects as the pages: `hayro` resolves and decrypts them when they are
//! asked for, where a second PDF library would read and decrypt the whole file once more.

use std::collections::HashSet;

use catchment_core::{Block, BlockKind, Result};
use hayro_syntax::{
    Pdf,
    object::{Array, Dict, Name, Number, Object, ObjectIdentifier, String as PdfString},
    page::Page,
};

use super::metadata::string;
use crate::limits::Budget;

/// The most entries that are read of any list here.
const MOST: usize = 20_000;

/// What the catalog says.
pub(super) struct Structure {
    /// Titles with their depth from 1.
    pub(super) outline: Vec<(String, u8)>,
    pub(super) labels: Labels,
    pub(super) warnings: Vec<String>,
}

/// How pages are numbered: from which page on, in which style.
#[derive(Default)]
pub(super) struct Labels(Vec<(usize, Numbering)>);

struct Numbering {
    style: Option<char>,
    prefix: String,
    first: u32,
}

impl Structure {
    pub(super) fn read(pdf: &Pdf, budget: &Budget) -> Result<Self> {
        let mut structure = Self { outline: Vec::new(), labels: Labels::default(), warnings: Vec::new() };
        let Some(catalog) = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id()) else {
            return Ok(structure);
        };
        if let Some(outlines) = catalog.get::<Dict<'_>>("Outlines") {
            structure.outline = outline(&outlines, budget)?;
        }
        if let Some(tree) = catalog.get::<Dict<'_>>("PageLabels") {
            structure.labels = labels(tree, budget)?;
        }
        let names = catalog.get::<Dict<'_>>("Names").and_then(|names| names.get::<Dict<'_>>("EmbeddedFiles"));
        if let Some(files) = names {
            structure.warnings = attachments(files, budget)?;
        }
        Ok(structure)
    }
}

fn outline(root: &Dict<'_>, budget: &Budget) -> Result<Vec<(String, u8)>> {
    let mut titles = Vec::new();
    let mut seen = HashSet::new();
    let mut open: Vec<(Dict<'_>, u8)> = Vec::new();
    open.extend(root.get::<Dict<'_>>("First").map(|first| (first, 1)));
    while let Some((item, depth)) = open.pop() {
        budget.tick()?;
        if titles.len() >= MOST || !is_new(&mut seen, &item) {
            continue;
        }
        if let Some(title) = item.get::<PdfString<'_>>("Title") {
            titles.push((string(title.as_bytes()), depth));
        }
        open.extend(item.get::<Dict<'_>>("Next").map(|next| (next, depth)));
        open.extend(item.get::<Dict<'_>>("First").map(|first| (first, depth.saturating_add(1))));
    }
    Ok(titles)
}

/// Whether this dictionary was not met before: lists and trees may be made into rings.
fn is_new(seen: &mut HashSet<ObjectIdentifier>, dict: &Dict<'_>) -> bool {
    dict.obj_id().is_none_or(|id| seen.insert(id)) && seen.len() < MOST
}

/// The leaves of a name or number tree, as pairs.
fn leaves<'a>(root: Dict<'a>, key: &str, budget: &Budget) -> Result<Vec<(Object<'a>, Dict<'a>)>> {
    let mut pairs = Vec::new();
    let mut seen = HashSet::new();
    let mut open = vec![(root, 0)];
    while let Some((node, depth)) = open.pop() {
        budget.tick()?;
        if pairs.len() >= MOST || depth > 64 || !is_new(&mut seen, &node) {
            continue;
        }
        if let Some(kids) = node.get::<Array<'_>>("Kids") {
            let kids: Vec<_> = kids.iter::<Dict<'_>>().take(MOST).collect();
            open.extend(kids.into_iter().rev().map(|kid| (kid, depth + 1)));
        }
        if let Some(array) = node.get::<Array<'_>>(key) {
            let mut items = array.iter::<Object<'_>>().take(MOST);
            while let (Some(name), Some(value)) = (items.next(), items.next()) {
                if let Some(value) = value.into_dict() {
                    pairs.push((name, value));
                }
            }
        }
    }
    Ok(pairs)
}

fn labels(tree: Dict<'_>, budget: &Budget) -> Result<Labels> {
    let mut labels = Vec::new();
    for (from, dict) in leaves(tree, "Nums", budget)? {
        let Some(from) = from.into_number().and_then(|number| usize::try_from(number.as_i64()).ok()) else {
            continue;
        };
        let style = dict.get::<Name<'_>>("S").and_then(|style| style.as_str().chars().next());
        let prefix = dict.get::<PdfString<'_>>("P").map(|prefix| string(prefix.as_bytes())).unwrap_or_default();
        let first = dict.get::<Number>("St").and_then(|first| u32::try_from(first.as_i64()).ok()).unwrap_or(1);
        labels.push((from, Numbering { style, prefix, first }));
    }
    labels.sort_by_key(|(from, _)| *from);
    Ok(Labels(labels))
}

impl Labels {
    /// What the page at `index`, from 0, is called; nothing if that is only its number.
    pub(super) fn label(&self, index: usize) -> Option<String> {
        let (from, numbering) = self.0.iter().rev().find(|(from, _)| *from <= index)?;
        let number = numbering.first.saturating_add(u32::try_from(index - from).ok()?);
        let number = match numbering.style {
            Some('D') => number.to_string(),
            Some('R') => roman(number)?,
            Some('r') => roman(number)?.to_lowercase(),
            Some('A') => letters(number)?,
            Some('a') => letters(number)?.to_lowercase(),
            _ => String::new(),
        };
        let label = format!("{}{number}", numbering.prefix);
        (!label.is_empty() && label != (index + 1).to_string()).then_some(label)
    }
}

fn roman(mut number: u32) -> Option<String> {
    const SIGNS: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if number == 0 || number > 10_000 {
        return None;
    }
    let mut out = String::new();
    for (value, sign) in SIGNS {
        while number >= value {
            out.push_str(sign);
            number -= value;
        }
    }
    Some(out)
}

/// A to Z, then AA to ZZ, then AAA.
fn letters(number: u32) -> Option<String> {
    let index = number.checked_sub(1)?;
    let times = index / 26 + 1;
    let letter = char::from(b'A' + u8::try_from(index % 26).ok()?);
    (times <= 40).then(|| std::iter::repeat_n(letter, times as usize).collect())
}

fn attachments(tree: Dict<'_>, budget: &Budget) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    let files = leaves(tree, "Names", budget)?;
    for (name, file) in files.iter().take(100) {
        let own = file.get::<PdfString<'_>>("UF").or_else(|| file.get::<PdfString<'_>>("F"));
        let name = match (own, name) {
            (Some(own), _) => string(own.as_bytes()),
            (None, Object::String(name)) => string(name.as_bytes()),
            _ => continue,
        };
        let name: String = name.chars().filter(|char| !char.is_control()).take(200).collect();
        warnings.push(format!("the attached file {name:?} is not read"));
    }
    if files.len() > 100 {
        warnings.push(format!("{} more attached files are not read", files.len() - 100));
    }
    Ok(warnings)
}

/// Appends what people wrote on the page and into its form, unless the page shows it already.
pub(super) fn append_notes(page: &Page<'_>, blocks: &mut Vec<Block>, budget: &mut Budget) -> Result<()> {
    let Some(annotations) = page.raw().get::<Array<'_>>("Annots") else {
        return Ok(());
    };
    let mut shown: String = blocks.iter().map(|block| squash(&block.text)).collect();
    for annotation in annotations.iter::<Dict<'_>>().take(MOST) {
        let Some(kind) = annotation.get::<Name<'_>>("Subtype") else {
            continue;
        };
        let text = match kind.as_str() {
            "Widget" => field(&annotation),
            "Link" | "Popup" | "Movie" | "Screen" | "PrinterMark" | "TrapNet" | "Watermark" | "3D" => None,
            _ => annotation.get::<PdfString<'_>>("Contents").map(|contents| string(contents.as_bytes())),
        };
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            continue;
        };
        let bare = squash(text.rsplit_once(": ").map_or(text.as_str(), |(_, value)| value));
        if !bare.is_empty() && !shown.contains(&bare) {
            budget.text(text.len())?;
            shown.push_str(&bare);
            blocks.push(Block::new(BlockKind::Paragraph, text));
        }
    }
    Ok(())
}

/// The name and value of a form field; both may stand with a parent.
fn field(widget: &Dict<'_>) -> Option<String> {
    let mut value = None;
    let mut name = Vec::new();
    let mut dict = Some(widget.clone());
    for _ in 0..16 {
        let Some(current) = dict else {
            break;
        };
        if value.is_none() {
            value = match current.get::<Object<'_>>("V") {
                Some(Object::String(text)) => Some(string(text.as_bytes())),
                Some(Object::Name(choice)) if choice.as_str() != "Off" => Some(choice.as_str().to_owned()),
                Some(Object::Array(choices)) => {
                    let choices: Vec<String> =
                        choices.iter::<PdfString<'_>>().take(100).map(|choice| string(choice.as_bytes())).collect();
                    Some(choices.join(", "))
                }
                _ => None,
            };
        }
        name.extend(current.get::<PdfString<'_>>("T").map(|part| string(part.as_bytes())));
        dict = current.get::<Dict<'_>>("Parent");
    }
    let value = value.filter(|value| !value.trim().is_empty())?;
    name.reverse();
    Some(if name.is_empty() { value } else { format!("{}: {value}", name.join(".")) })
}

fn squash(text: &str) -> String {
    text.chars().filter(|char| char.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_labelled_as_in_print() {
        let numbering = |style, prefix: &str, first| Numbering { style: Some(style), prefix: prefix.into(), first };
        let labels =
            Labels(vec![(0, numbering('r', "", 1)), (4, numbering('D', "", 1)), (6, numbering('A', "App-", 27))]);
        let named: Vec<_> = (0..7).map(|index| labels.label(index)).collect();
        let expected = ["i", "ii", "iii", "iv", "1", "2", "App-AA"].map(|label| Some(label.to_owned()));
        assert_eq!(named, expected);
        assert_eq!(Labels(vec![(0, numbering('D', "", 1))]).label(3), None);
    }
}
