//! From lines to blocks: paragraphs flow again, headings are found by their size and the outline.

use std::collections::HashMap;

use catchment_core::{Block, BlockKind};

use super::lines::Line;

/// What the document looks like as a whole.
pub(super) struct Style {
    body: f64,
    /// Sizes of headings, largest first.
    headings: Vec<f64>,
    /// Titles in the outline with their depth from 1.
    outline: HashMap<String, u8>,
}

/// A heading is so much larger than the body.
const LARGER: f64 = 1.12;

impl Style {
    pub(super) fn of<'l>(pages: impl Iterator<Item = &'l [Line]>, outline: &[(String, u8)]) -> Self {
        let mut sizes: HashMap<i64, usize> = HashMap::new();
        let mut short: HashMap<i64, usize> = HashMap::new();
        for line in pages.flatten() {
            *sizes.entry(half_points(line.size)).or_default() += line.text.len();
            if is_short(&line.text) {
                *short.entry(half_points(line.size)).or_default() += 1;
            }
        }
        let body =
            sizes.iter().max_by_key(|(size, chars)| (**chars, **size)).map_or(10.0, |(size, _)| *size as f64 / 2.0);
        let mut headings: Vec<i64> = short.keys().copied().filter(|size| *size as f64 / 2.0 >= body * LARGER).collect();
        headings.sort_unstable_by(|a, b| b.cmp(a));
        let outline = outline.iter().map(|(title, depth)| (squash(title), *depth)).collect();
        Self { body, headings: headings.into_iter().map(|size| size as f64 / 2.0).collect(), outline }
    }

    fn heading(&self, line: &Line) -> Option<u8> {
        if !is_short(&line.text) || !line.text.chars().any(char::is_alphabetic) {
            return None;
        }
        if let Some(depth) = self.outline.get(&squash(&line.text)) {
            return Some((*depth).clamp(1, 6));
        }
        if line.size < self.body * LARGER || line.along.x < 0.9 {
            return None;
        }
        let size = half_points(line.size) as f64 / 2.0;
        let rank = self.headings.iter().position(|heading| *heading <= size)?;
        u8::try_from(rank + 1).ok().map(|level| level.min(6))
    }
}

fn half_points(size: f64) -> i64 {
    (size * 2.0).round() as i64
}

fn is_short(text: &str) -> bool {
    text.len() <= 200 && text.chars().filter(|char| !char.is_whitespace()).count() >= 2
}

/// Letters and digits only, for comparing titles.
fn squash(text: &str) -> String {
    text.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The blocks of a page.
pub(super) fn blocks(lines: &[Line], style: &Style) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut before: Option<(&Line, BlockKind)> = None;
    for line in lines {
        let kind = match style.heading(line) {
            Some(level) => BlockKind::Heading(level),
            None if line.cells >= 2 => BlockKind::Table,
            None if is_item(&line.text) => BlockKind::ListItem,
            None => BlockKind::Paragraph,
        };
        let text = tidy(&line.text, kind);
        match (before, blocks.last_mut()) {
            (Some((last, last_kind)), Some(block)) if follows(last, last_kind, line, kind) => {
                if kind == BlockKind::Table {
                    block.text.push('\n');
                    block.text.push_str(&text);
                } else {
                    join(&mut block.text, &text);
                }
                before = Some((line, last_kind));
            }
            _ => {
                blocks.push(Block::new(kind, text));
                before = Some((line, kind));
            }
        }
    }
    blocks
}

/// Whether `line` goes on with the block of the line before it.
fn follows(last: &Line, last_kind: BlockKind, line: &Line, kind: BlockKind) -> bool {
    let same_kind = match (last_kind, kind) {
        (BlockKind::Table, BlockKind::Table) | (BlockKind::Paragraph, BlockKind::Paragraph) => true,
        (BlockKind::ListItem, BlockKind::Paragraph) => line.start > last.start - last.size * 0.5,
        (BlockKind::Heading(a), BlockKind::Heading(b)) => a == b && (last.size - line.size).abs() < 0.3,
        _ => false,
    };
    if !same_kind || (last.along - line.along).hypot() > 0.1 {
        return false;
    }
    let size = last.size.max(line.size);
    let step = line.across - last.across;
    if (last.size - line.size).abs() > size * 0.2 {
        return false;
    }
    // The rest of the same line, drawn separately.
    if step.abs() < size * 0.3 {
        return kind != BlockKind::Paragraph || line.start >= last.end - size;
    }
    let leading = if kind == BlockKind::Table { 2.5 } else { 1.75 };
    let overlap = line.start.max(last.start) < line.end.min(last.end);
    if !(step > 0.0 && step < size * leading && overlap) {
        return false;
    }
    if kind != BlockKind::Paragraph {
        return true;
    }
    // A line that is indented, or that follows one which ended early, begins a paragraph.
    let indented = line.start > last.start + size * 0.8 && last_kind == BlockKind::Paragraph;
    let short = last.end < line.end - (line.end - line.start) * 0.25 && ends_sentence(&last.text);
    !(short || indented && ends_sentence(&last.text))
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['"', '\'', ')', ']', '”', '’', '»']).ends_with(['.', '!', '?', ':', '。', '！', '？'])
}

/// Bullets, and numbers or letters with a dot or parenthesis.
fn is_item(text: &str) -> bool {
    let mut chars = text.chars();
    if matches!(chars.next(), Some('•' | '◦' | '▪' | '‣' | '●' | '○' | '■' | '–' | '-' | '*'))
        && chars.next().is_some_and(char::is_whitespace)
    {
        return true;
    }
    let Some((mark, rest)) = text.split_once(' ') else {
        return false;
    };
    let number = mark.trim_start_matches('(').trim_end_matches([')', '.']);
    number.len() < mark.len()
        && !rest.is_empty()
        && ((number.len() <= 2 && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
            || (number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_lowercase())))
}

/// Appends a line to a paragraph; a word cut in two by a hyphen is made whole.
fn join(paragraph: &mut String, line: &str) {
    let lower = line.chars().next().is_some_and(char::is_lowercase);
    let cut = paragraph.strip_suffix(['-', '\u{2010}']).is_some_and(|rest| {
        let mut before = rest.chars().rev();
        before.next().is_some_and(char::is_alphabetic) && before.next().is_some_and(char::is_alphabetic)
    });
    if cut && lower {
        paragraph.pop();
    } else if !(paragraph.chars().next_back().is_some_and(is_cjk) && line.chars().next().is_some_and(is_cjk)) {
        paragraph.push(' ');
    }
    paragraph.push_str(line);
}

/// Scripts that are written without spaces.
fn is_cjk(char: char) -> bool {
    matches!(char, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

fn tidy(text: &str, kind: BlockKind) -> String {
    match kind {
        BlockKind::Table => text.to_owned(),
        _ => text.replace('\t', " "),
    }
}
