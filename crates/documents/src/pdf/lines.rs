//! From glyphs to lines: what stands on one baseline, in reading order, with spaces where gaps are.

use hayro_interpret::kurbo::Vec2;

use super::device::Glyph;

/// A line of text.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) text: String,
    /// Along the baseline: where it starts and ends.
    pub(super) start: f64,
    pub(super) end: f64,
    /// Across the baseline: grows from line to line.
    pub(super) across: f64,
    pub(super) size: f64,
    pub(super) along: Vec2,
    /// How many pieces a wide gap sets apart: more than one in a row of a table.
    pub(super) cells: u32,
    /// The gaps between these pieces, along the baseline. None in a line from right to left.
    pub(super) gaps: Vec<(f64, f64)>,
}

/// Glyphs that follow each other on a baseline.
struct Piece {
    glyphs: Vec<Placed>,
    along: Vec2,
    across: f64,
    size: f64,
}

struct Placed {
    glyph: Glyph,
    start: f64,
    end: f64,
}

/// A gap of this part of the font size is a space.
const SPACE: f64 = 0.13;

/// A gap of this many times the font size sets cells of a table apart, or columns.
const CELL: f64 = 1.6;

/// The lines of a page, in the order in which they are drawn.
pub(super) fn lines(glyphs: Vec<Glyph>) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut piece: Option<Piece> = None;
    for glyph in glyphs {
        let placed = Placed {
            start: dot(glyph.along, glyph.start.to_vec2()),
            end: dot(glyph.along, glyph.end.to_vec2()),
            glyph,
        };
        match &mut piece {
            Some(piece) if piece.continues(&placed) => piece.push(placed),
            _ => {
                if let Some(done) = piece.replace(Piece::new(placed)) {
                    lines.extend(done.finish());
                }
            }
        }
    }
    lines.extend(piece.and_then(Piece::finish));
    lines
}

/// A soft hyphen is drawn only where a word is cut at the end of a line.
fn soft_hyphens(line: &str) -> String {
    match line.strip_suffix('\u{ad}') {
        Some(line) => line.replace('\u{ad}', "") + "-",
        None => line.replace('\u{ad}', ""),
    }
}

fn dot(a: Vec2, b: Vec2) -> f64 {
    a.x * b.x + a.y * b.y
}

/// The distance of a point from the origin across a baseline; grows downwards for upright text.
fn across(along: Vec2, point: Vec2) -> f64 {
    along.x * point.y - along.y * point.x
}

impl Piece {
    fn new(placed: Placed) -> Self {
        let glyph = &placed.glyph;
        let (along, size) = (glyph.along, glyph.size);
        Self { along, across: across(along, glyph.start.to_vec2()), size, glyphs: vec![placed] }
    }

    fn continues(&self, next: &Placed) -> bool {
        let glyph = &next.glyph;
        if dot(self.along, glyph.along) < 0.99 {
            return false;
        }
        let Some(last) = self.glyphs.last() else {
            return true;
        };
        let size = self.size.max(glyph.size);
        let drop = (across(self.along, glyph.start.to_vec2()) - self.across).abs();
        // Superscripts and subscripts are smaller and stand beside, not below.
        let allowed = if glyph.size < self.size * 0.85 || self.size < glyph.size * 0.85 { 0.55 } else { 0.3 };
        if drop > size * allowed {
            return false;
        }
        let forward = next.start - last.end;
        let backward = last.start - next.end;
        // Text from right to left may be drawn in the order in which it is read.
        forward > -size * 0.6 || (is_rtl(glyph.text.first()) || glyph.is_space()) && backward > -size * 0.6
    }

    fn push(&mut self, placed: Placed) {
        if placed.glyph.size > self.size {
            self.size = placed.glyph.size;
            self.across = across(self.along, placed.glyph.start.to_vec2());
        }
        self.glyphs.push(placed);
    }

    fn finish(mut self) -> Option<Line> {
        let rtl = self.glyphs.iter().filter(|placed| is_rtl(placed.glyph.text.first())).count();
        if rtl > 0 {
            self.glyphs.sort_by(|a, b| a.start.total_cmp(&b.start));
        }
        let start = self.glyphs.iter().map(|placed| placed.start).fold(f64::INFINITY, f64::min);
        let end = self.glyphs.iter().map(|placed| placed.end).fold(f64::NEG_INFINITY, f64::max);
        let mut words = Words::default();
        let mut gaps = Vec::new();
        let mut before: Option<&Placed> = None;
        for placed in &self.glyphs {
            if placed.glyph.is_space() {
                words.space();
            } else {
                if let Some(before) = before {
                    let gap = placed.start - before.end;
                    let size = placed.glyph.size.min(before.glyph.size);
                    if gap > self.size * CELL {
                        words.cell();
                        gaps.push((before.end, placed.start));
                    } else if gap > size * SPACE {
                        words.space();
                    }
                }
                words.glyph(placed);
                before = Some(placed);
            }
        }
        let letters = self.glyphs.iter().filter(|placed| placed.glyph.text.first().is_alphabetic()).count();
        let (text, cells) = if rtl * 2 > letters { words.right_to_left() } else { words.left_to_right(rtl > 0) };
        if rtl > 0 {
            gaps.clear();
        }
        let text = soft_hyphens(text.trim());
        (!text.is_empty()).then_some(Line {
            text,
            start,
            end,
            across: self.across,
            size: self.size,
            along: self.along,
            cells,
            gaps,
        })
    }
}

/// The glyphs of a line with the gaps between them.
#[derive(Default)]
struct Words<'p> {
    items: Vec<Item<'p>>,
}

#[derive(Clone, Copy)]
enum Item<'p> {
    Glyph(&'p Placed),
    Space,
    Cell,
}

impl<'p> Words<'p> {
    fn glyph(&mut self, placed: &'p Placed) {
        self.items.push(Item::Glyph(placed));
    }

    fn space(&mut self) {
        if let Some(Item::Glyph(_)) = self.items.last() {
            self.items.push(Item::Space);
        }
    }

    fn cell(&mut self) {
        if let Some(Item::Space) = self.items.last() {
            self.items.pop();
        }
        self.items.push(Item::Cell);
    }

    fn left_to_right(mut self, mixed: bool) -> (String, u32) {
        if mixed {
            reverse_runs(&mut self.items, is_rtl, |char| is_ltr(char) || char.is_ascii_digit());
        }
        self.text(false)
    }

    /// The line was sorted from left to right; read from the right, only what is Latin or a number
    /// keeps its order.
    fn right_to_left(mut self) -> (String, u32) {
        self.items.reverse();
        reverse_runs(&mut self.items, |char| is_ltr(char) || char.is_numeric(), is_rtl);
        self.text(true)
    }

    fn text(&self, mirrored: bool) -> (String, u32) {
        let mut out = String::with_capacity(self.items.len());
        let mut cells = 1;
        for item in &self.items {
            match item {
                Item::Glyph(placed) => match placed.glyph.text.first() {
                    char if mirrored && mirror(char) != char => out.push(mirror(char)),
                    _ => placed.glyph.text.push_to(&mut out),
                },
                Item::Space => out.push(' '),
                Item::Cell => {
                    cells += 1;
                    out.push('\t');
                }
            }
        }
        (out, cells)
    }
}

/// Reverses each run that begins and ends with a glyph that `belongs`, and holds none that
/// `breaks` it.
fn reverse_runs(items: &mut [Item<'_>], belongs: impl Fn(char) -> bool, breaks: impl Fn(char) -> bool) {
    let char = |item: &Item<'_>| match item {
        Item::Glyph(placed) => Some(placed.glyph.text.first()),
        _ => None,
    };
    let mut at = 0;
    while at < items.len() {
        if !char(&items[at]).is_some_and(&belongs) {
            at += 1;
            continue;
        }
        let mut last = at;
        for (next, item) in items.iter().enumerate().skip(at + 1) {
            match item {
                Item::Cell => break,
                item if char(item).is_some_and(&breaks) => break,
                item if char(item).is_some_and(&belongs) => last = next,
                _ => {}
            }
        }
        items[at..=last].reverse();
        at = last + 1;
    }
}

/// Hebrew, Arabic and their kin.
pub(super) fn is_rtl(char: char) -> bool {
    matches!(char, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}')
        && !matches!(char, '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}')
}

fn is_ltr(char: char) -> bool {
    char.is_alphabetic() && !is_rtl(char)
}

fn mirror(char: char) -> char {
    match char {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        '«' => '»',
        '»' => '«',
        '<' => '>',
        '>' => '<',
        _ => char,
    }
}
