//! The device that collects the glyphs a page draws, and draws nothing.

use std::collections::HashMap;

use catchment_core::Error;
use hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask,
    font::{Glyph as DrawnGlyph, GlyphRun},
    hayro_cmap::{BfString, WritingMode},
    kurbo::{Affine, BezPath, Point, Rect, Vec2},
};
use hayro_syntax::page::Page;

use super::unicode::{self, FontMaps};
use crate::limits::Budget;

/// Unwinds out of the interpreter, which has no other way to stop.
pub(super) struct Stop(pub(super) Error);

/// A character, or a few that share one shape, with its place on the page: origin at the top left,
/// y downwards, in points.
#[derive(Debug, Clone)]
pub(super) struct Glyph {
    pub(super) text: GlyphText,
    /// Where it starts and ends on its baseline.
    pub(super) start: Point,
    pub(super) end: Point,
    /// The direction of the baseline, of length 1.
    pub(super) along: Vec2,
    /// The size of the font on the page.
    pub(super) size: f64,
}

/// Most glyphs are one character; a ligature can be several.
#[derive(Debug, Clone)]
pub(super) enum GlyphText {
    Char(char),
    String(Box<str>),
    /// It takes room, but nobody knows what it says.
    Unknown,
}

pub(super) struct TextDevice<'b, 'p, 'a> {
    bounds: Rect,
    budget: &'b mut Budget,
    glyphs: Vec<Glyph>,
    /// Where each character was drawn, in cells of [`CELL`] points, to find what is drawn twice.
    seen: HashMap<(char, i32, i32), Vec<u32>>,
    fonts: FontMaps<'p, 'a>,
    images: u32,
    operations: u32,
}

const CELL: f64 = 4.0;

impl<'b, 'p, 'a> TextDevice<'b, 'p, 'a> {
    pub(super) fn new(page: &'p Page<'a>, bounds: Rect, budget: &'b mut Budget) -> Self {
        // Glyphs begin at their origin: one that starts on the edge still shows.
        let bounds = bounds.inflate(1.0, 1.0);
        Self {
            bounds,
            budget,
            glyphs: Vec::new(),
            seen: HashMap::new(),
            fonts: FontMaps::new(page),
            images: 0,
            operations: 0,
        }
    }

    pub(super) fn images(&self) -> u32 {
        self.images
    }

    pub(super) fn into_glyphs(self) -> Vec<Glyph> {
        self.glyphs
    }

    /// Looks at the budget now and then, whatever is drawn.
    fn tick(&mut self) {
        self.operations = self.operations.wrapping_add(1);
        if self.operations.is_multiple_of(256)
            && let Err(error) = self.budget.tick()
        {
            std::panic::resume_unwind(Box::new(Stop(error)));
        }
    }

    fn push(&mut self, glyph: &DrawnGlyph<'_>, text: GlyphText, transform: Affine, vertical: bool) {
        let [a, b, c, d, _, _] = transform.as_coeffs();
        let (x_scale, y_scale) = (Vec2::new(a, b), Vec2::new(c, d));
        let size = y_scale.hypot() * 1000.0;
        let advance = match glyph {
            DrawnGlyph::Outline(outline) => outline.advance_width(),
            DrawnGlyph::Type3(type3) => type3.advance_width(),
        };
        let start = transform * Point::ZERO;
        let (along, length) = match vertical {
            true => (-y_scale, size),
            false => (x_scale, x_scale.hypot() * f64::from(advance.unwrap_or(500.0)).abs()),
        };
        if !(start.is_finite() && size.is_finite() && length.is_finite() && along.hypot() > 0.0) {
            return;
        }
        let along = along / along.hypot();
        let end = start + along * length;
        if !self.bounds.contains(start) && !self.bounds.contains(end) {
            return;
        }
        let glyph = Glyph { text, start, end, along, size };
        if !self.is_repeated(&glyph) {
            if let Err(error) = self.budget.text(glyph.text.len()) {
                std::panic::resume_unwind(Box::new(Stop(error)));
            }
            self.glyphs.push(glyph);
        }
    }

    /// Whether the same character was drawn here before, as is done for a bold or shadowed look.
    fn is_repeated(&mut self, glyph: &Glyph) -> bool {
        let char = glyph.text.first();
        if char.is_whitespace() {
            return false;
        }
        let cell = |value: f64| (value / CELL).floor() as i32;
        let near = (glyph.size * 0.12).min(CELL / 2.0);
        let (x, y) = (glyph.start.x, glyph.start.y);
        for column in cell(x - near)..=cell(x + near) {
            for row in cell(y - near)..=cell(y + near) {
                for index in self.seen.get(&(char, column, row)).into_iter().flatten() {
                    if let Some(other) = self.glyphs.get(*index as usize)
                        && other.start.distance(glyph.start) <= near
                        && (other.size - glyph.size).abs() <= glyph.size * 0.1
                    {
                        return true;
                    }
                }
            }
        }
        let index = u32::try_from(self.glyphs.len()).unwrap_or(u32::MAX);
        self.seen.entry((char, cell(x), cell(y))).or_default().push(index);
        false
    }
}

impl Glyph {
    pub(super) fn is_space(&self) -> bool {
        match &self.text {
            GlyphText::Char(char) => char.is_whitespace(),
            GlyphText::String(text) => text.chars().all(char::is_whitespace),
            GlyphText::Unknown => false,
        }
    }
}

impl GlyphText {
    pub(super) fn first(&self) -> char {
        match self {
            Self::Char(char) => *char,
            Self::String(text) => text.chars().next().unwrap_or(' '),
            Self::Unknown => '\0',
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Char(char) => char.len_utf8(),
            Self::String(text) => text.len(),
            Self::Unknown => 1,
        }
    }

    pub(super) fn push_to(&self, out: &mut String) {
        match self {
            Self::Char(char) => out.push(*char),
            Self::String(text) => out.push_str(text),
            Self::Unknown => {}
        }
    }
}

impl<'a> Device<'a> for TextDevice<'_, '_, '_> {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        let vertical = run.writing_mode() == WritingMode::Vertical;
        for glyph in run.glyphs() {
            self.tick();
            let text = match glyph.as_unicode() {
                Some(BfString::Char(char)) => unicode::tidy(char),
                Some(BfString::String(text)) => unicode::tidy_all(&text),
                None => self.fonts.guess(glyph),
            };
            let text = text.unwrap_or(GlyphText::Unknown);
            self.push(glyph, text, props.transform * glyph.transform(), vertical);
        }
    }

    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {
        self.images = self.images.saturating_add(1);
        self.tick();
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {
        self.tick();
    }

    fn draw_rect(&mut self, _: &Rect, _: DrawProps<'a>, _: &DrawMode) {
        self.tick();
    }

    fn push_clip_path(&mut self, _: &ClipPath) {
        self.tick();
    }

    fn push_clip_rect(&mut self, _: &Rect) {
        self.tick();
    }

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {
        self.tick();
    }

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}
