//! From glyphs to characters where the file does not say which they are.

use hayro_interpret::font::Glyph;
use unicode_normalization::UnicodeNormalization;

use super::device::GlyphText;

/// What is known about the fonts of a page.
#[derive(Default)]
pub(super) struct FontMaps {}

impl FontMaps {
    /// The character as text, or nothing if it is none.
    pub(super) fn tidy(&self, char: char) -> Option<GlyphText> {
        match char {
            ' '..='\u{ac}' | '\u{ae}'..='\u{1fff}' if char != '\u{7f}' => Some(GlyphText::Char(char)),
            // A soft hyphen is drawn only where it stands at the end of a line.
            '\u{ad}' => Some(GlyphText::Char('-')),
            '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => Some(GlyphText::Char(' ')),
            // Symbol fonts put their glyphs at the place of the code; these are bullets.
            '\u{f0b7}' | '\u{f0a7}' | '\u{f0d8}' | '\u{f0fc}' | '\u{f076}' => Some(GlyphText::Char('•')),
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => None,
            '\u{fffd}' | '\u{e000}'..='\u{f8ff}' => None,
            '\u{fb00}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' => {
                let text: String = char.nfkc().collect();
                let mut chars = text.chars();
                match (chars.next(), chars.next()) {
                    (Some(only), None) => Some(GlyphText::Char(only)),
                    _ => Some(GlyphText::String(text.into())),
                }
            }
            _ if char.is_control() => match char {
                '\t' | '\n' | '\r' => Some(GlyphText::Char(' ')),
                _ => None,
            },
            _ => Some(GlyphText::Char(char)),
        }
    }

    /// Several characters of one glyph.
    pub(super) fn tidy_all(&self, text: &str) -> Option<GlyphText> {
        // A table that maps one glyph to a whole text is an attack or a mistake.
        let mut out = String::new();
        for char in text.chars().take(32) {
            if let Some(tidy) = self.tidy(char) {
                tidy.push_to(&mut out);
            }
        }
        (!out.is_empty()).then(|| GlyphText::String(out.into()))
    }

    /// The character of a glyph for which the file gives none.
    pub(super) fn guess(&mut self, glyph: &Glyph<'_>) -> Option<GlyphText> {
        match glyph {
            Glyph::Outline(outline) => {
                let code = outline.char_code();
                char::from_u32(code).filter(|char| (' '..='~').contains(char)).map(GlyphText::Char)
            }
            Glyph::Type3(type3) => {
                char::from_u32(type3.char_code()).filter(|char| (' '..='~').contains(char)).map(GlyphText::Char)
            }
        }
    }
}
