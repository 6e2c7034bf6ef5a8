//! The smallest things a chunk is made of: sentences, rows, and parts of those that are too long.

use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

use super::Limits;

/// A part of a block that is not cut again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'a> {
    /// With the white space behind it.
    pub(crate) text: &'a str,
    pub(crate) tokens: usize,
    /// Whether it begins a block.
    pub(crate) first: bool,
    pub(crate) heading: bool,
}

impl Piece<'_> {
    /// The piece as a chunk repeats it: what follows a row or sentence of another block begins a line, and the line
    /// feed takes room as well.
    pub(crate) fn on_a_line(&self) -> Self {
        Self { first: true, ..*self }
    }
}

/// Cuts running text at the ends of its sentences.
pub(crate) fn sentences<'a>(text: &'a str, limits: Limits<'_>, add: impl FnMut(Piece<'a>)) {
    fit(text.split_sentence_bounds(), limits, add);
}

/// Cuts a table or preformatted text at the ends of its lines.
pub(crate) fn rows<'a>(text: &'a str, limits: Limits<'_>, add: impl FnMut(Piece<'a>)) {
    fit(text.split_inclusive('\n'), limits, add);
}

/// Gives on the parts that fit a chunk, and cuts the others.
fn fit<'a>(parts: impl Iterator<Item = &'a str>, limits: Limits<'_>, mut add: impl FnMut(Piece<'a>)) {
    let mut first = true;
    for part in parts.filter(|part| !part.trim().is_empty()) {
        let tokens = limits.count.count(part);
        let mut add = |text: &'a str, tokens| {
            add(Piece { text, tokens, first, heading: false });
            first = false;
        };
        if fits(part, tokens, limits) {
            add(part, tokens);
        } else {
            words(part, limits, &mut add);
        }
    }
}

fn fits(text: &str, tokens: usize, limits: Limits<'_>) -> bool {
    tokens <= limits.tokens && text.len() < limits.bytes
}

/// Cuts between words, as late as possible.
fn words<'a>(text: &'a str, limits: Limits<'_>, add: &mut impl FnMut(&'a str, usize)) {
    let (mut start, mut end, mut tokens) = (0, 0, 0);
    for word in text.split_inclusive(char::is_whitespace) {
        let more = limits.count.count(word);
        if end > start && !fits(&text[start..end + word.len()], tokens + more, limits) {
            add(&text[start..end], tokens);
            (start, tokens) = (end, 0);
        }
        if fits(word, more, limits) {
            tokens += more;
        } else {
            characters(word, limits, add);
            start = end + word.len();
        }
        end += word.len();
    }
    if !text[start..end].trim().is_empty() {
        add(&text[start..end], tokens);
    }
}

/// Cuts a word between characters: behind a comma or stop of a script without spaces if there is
/// one in the second half, and not ahead of a combining mark unless marks are all there is.
fn characters<'a>(word: &'a str, limits: Limits<'_>, add: &mut impl FnMut(&'a str, usize)) {
    let mut rest = word;
    while !rest.is_empty() {
        // Four bytes more, so that the last character cannot cross the limit.
        let mut most = limits.tokens;
        let (mut piece, mut tokens);
        loop {
            piece = head(rest, most, limits.bytes.saturating_sub(4));
            tokens = limits.count.count(piece);
            // A tokenizer may need several tokens for one rare character.
            if tokens <= limits.tokens || most == 1 {
                break;
            }
            most = (most / 2).max(1);
        }
        add(piece, tokens);
        rest = &rest[piece.len()..];
    }
}

fn head(text: &str, most_characters: usize, most_bytes: usize) -> &str {
    let mut end = 0;
    let (mut pause, mut whole) = (0, 0);
    let mut characters = text.char_indices().peekable();
    for _ in 0..most_characters {
        let Some((at, c)) = characters.next() else { break };
        if end > 0 && at + c.len_utf8() > most_bytes {
            break;
        }
        end = at + c.len_utf8();
        if characters.peek().is_none_or(|(_, next)| !is_combining_mark(*next)) {
            whole = end;
        }
        if matches!(c, '、' | '，' | '；' | '：' | ',' | ';') {
            pause = end;
        }
    }
    if end == text.len() {
        return text;
    }
    let end = if pause * 2 > end {
        pause
    } else if whole > 0 {
        whole
    } else {
        end
    };
    &text[..end]
}
