//! From glyphs to characters: tidying what the file says, and guessing where it says nothing.

use std::collections::HashMap;

use hayro_interpret::{
    font::{Glyph, OutlineGlyph},
    hayro_cmap::{self, BfString, CMap, CMapName, CidFamily},
};
use hayro_syntax::{
    object::{Array, Dict, Name, Stream, String as PdfString},
    page::Page,
};
use skrifa::{GlyphNameSource, MetadataProvider as _};
use unicode_normalization::UnicodeNormalization;

use super::device::GlyphText;

/// What is known about the fonts of a page, gathered when a glyph without a character is met.
pub(super) struct FontMaps<'p, 'a> {
    page: &'p Page<'a>,
    /// Characters of the glyphs of an embedded font, by the key of its program.
    programs: HashMap<u128, HashMap<u32, char>>,
    /// Fonts of a known collection of characters, by name.
    collections: Option<HashMap<String, Collection>>,
}

/// How the codes of a font lead to characters of a known collection.
enum Collection {
    Known {
        /// From codes to the numbers of the collection; nothing if they are the same.
        codes: Option<Box<CMap>>,
        characters: Box<CMap>,
    },
    /// The glyphs of a font that is not in the file, by their order in it.
    Absent,
    /// The codes are the characters.
    Codes,
}

impl<'p, 'a> FontMaps<'p, 'a> {
    pub(super) fn new(page: &'p Page<'a>) -> Self {
        Self { page, programs: HashMap::new(), collections: None }
    }

    /// The character of a glyph for which the file gives none.
    pub(super) fn guess(&mut self, glyph: &Glyph<'_>) -> Option<GlyphText> {
        let ascii = |code: u32| char::from_u32(code).filter(|char| (' '..='~').contains(char)).map(GlyphText::Char);
        let outline = match glyph {
            Glyph::Outline(outline) => outline,
            Glyph::Type3(type3) => return ascii(type3.char_code()),
        };
        let Some(font) = outline.font_data() else {
            // A Type 1 font with names of its own for its glyphs.
            return ascii(outline.char_code());
        };
        if let Some(char) = font.postscript_name.as_deref().and_then(|name| self.collected(name, outline)) {
            return tidy(char);
        }
        let program = self.programs.entry(font.cache_key).or_insert_with(|| {
            let data: &[u8] = font.data.as_ref().as_ref();
            reverse(data)
        });
        match program.get(&outline.glyph_id().to_u32()) {
            Some(char) => tidy(*char),
            None => None,
        }
    }

    /// The character by the collection that the font is made for.
    fn collected(&mut self, font: &str, glyph: &OutlineGlyph) -> Option<char> {
        let page = self.page;
        let collections = self.collections.get_or_insert_with(|| {
            let mut found = HashMap::new();
            collect(&page.resources().fonts, &mut found);
            // Fonts of what is drawn within the page; deeper ones are rare.
            for (name, _) in page.resources().x_objects.entries().take(200) {
                let form = page.resources().x_objects.get::<Stream<'_>>(name);
                let resources = form.and_then(|form| form.dict().get::<Dict<'_>>("Resources"));
                if let Some(fonts) = resources.and_then(|resources| resources.get::<Dict<'_>>("Font")) {
                    collect(&fonts, &mut found);
                }
            }
            found
        });
        let collection = collections.get(font)?;
        let code = glyph.char_code();
        let (codes, characters) = match collection {
            Collection::Known { codes, characters } => (codes, characters),
            Collection::Absent => return in_usual_order(code),
            Collection::Codes => return char::from_u32(code),
        };
        let number = match codes {
            Some(codes) => (1..=4).find_map(|length| codes.lookup_cid_code(code, length))?,
            None => code,
        };
        match characters.lookup_bf_string(number)? {
            BfString::Char(char) => Some(char),
            BfString::String(text) => text.chars().next(),
        }
    }
}

/// Fonts of a collection for which Adobe publishes the characters.
fn collect(fonts: &Dict<'_>, found: &mut HashMap<String, Collection>) {
    for (name, _) in fonts.entries().take(200) {
        let Some(font) = fonts.get::<Dict<'_>>(name) else {
            continue;
        };
        let Some(base) = font.get::<Name<'_>>("BaseFont") else {
            continue;
        };
        let base = base.as_str();
        let base = base.split_once('+').filter(|(tag, _)| tag.len() == 6).map_or(base, |(_, rest)| rest).to_owned();
        if let Some(collection) = collection(&font) {
            found.insert(base, collection);
        }
    }
}

fn collection(font: &Dict<'_>) -> Option<Collection> {
    if font.get::<Name<'_>>("ToUnicode").is_some_and(|name| name.as_str().starts_with("Identity")) {
        return Some(Collection::Codes);
    }
    let descendant = font.get::<Array<'_>>("DescendantFonts")?.iter::<Dict<'_>>().next()?;
    let info = descendant.get::<Dict<'_>>("CIDSystemInfo")?;
    let (registry, ordering) = (info.get::<PdfString<'_>>("Registry")?, info.get::<PdfString<'_>>("Ordering")?);
    let family = CidFamily::from_registry_ordering(registry.as_bytes(), ordering.as_bytes());
    let Some(characters) = family.ucs2_cmap() else {
        let descriptor = descendant.get::<Dict<'_>>("FontDescriptor");
        let embedded = descriptor.is_some_and(|descriptor| {
            ["FontFile", "FontFile2", "FontFile3"].iter().any(|file| descriptor.contains_key(file))
        });
        return (!embedded).then_some(Collection::Absent);
    };
    let load = |name: CMapName<'_>| hayro_cmap::load_embedded(name);
    let characters = Box::new(CMap::parse(load(characters)?, load)?);
    let codes = match font.get::<Name<'_>>("Encoding") {
        Some(name) if name.as_str().starts_with("Identity") => None,
        Some(name) => Some(CMap::parse(load(CMapName::from_bytes(name.as_str().as_bytes()))?, load)?),
        None => {
            let stream = font.get::<Stream<'_>>("Encoding")?;
            Some(CMap::parse(&stream.decoded_data().ok()?, load)?)
        }
    };
    Some(Collection::Known { codes: codes.map(Box::new), characters })
}

/// Most TrueType fonts begin with the same glyphs: a space is the third, and ASCII follows.
fn in_usual_order(glyph: u32) -> Option<char> {
    glyph.checked_add(29).and_then(char::from_u32).filter(|char| (' '..='~').contains(char))
}

/// The characters of the glyphs of a TrueType or OpenType font.
fn reverse(data: &[u8]) -> HashMap<u32, char> {
    let mut characters: HashMap<u32, char> = HashMap::new();
    let Ok(font) = skrifa::FontRef::new(data) else {
        return characters;
    };
    for (code, glyph) in font.charmap().mappings().take(100_000) {
        if let Some(char) = char::from_u32(code).filter(|char| tidy(*char).is_some()) {
            // The first is the plainest: mappings come in the order of their codes.
            characters.entry(glyph.to_u32()).or_insert(char);
        }
    }
    if characters.is_empty() && matches!(font.glyph_names().source(), GlyphNameSource::Synthesized) {
        characters.extend((3..=97).filter_map(|glyph| Some((glyph, in_usual_order(glyph)?))));
    } else if characters.is_empty() {
        for (glyph, name) in font.glyph_names().iter().take(100_000) {
            if let Some(char) = by_name(name.as_str()) {
                characters.insert(glyph.to_u32(), char);
            }
        }
    }
    characters
}

/// `uni0041`, `u1F600`, or a name that is the character itself.
fn by_name(name: &str) -> Option<char> {
    let mut chars = name.chars();
    if let (Some(only), None) = (chars.next(), chars.next()) {
        return Some(only).filter(|char| char.is_ascii_graphic());
    }
    let code = name.strip_prefix("uni").or_else(|| name.strip_prefix('u'))?;
    let code = code.split('.').next().filter(|code| (4..=6).contains(&code.len()))?;
    u32::from_str_radix(code, 16).ok().and_then(char::from_u32)
}

/// The character as text, or nothing if it is none.
pub(super) fn tidy(char: char) -> Option<GlyphText> {
    match char {
        // A soft hyphen stays: at the end of a line it is one.
        ' '..='~' | '\u{a0}'..='\u{1fff}' => match char.is_whitespace() {
            true => Some(GlyphText::Char(' ')),
            false => Some(GlyphText::Char(char)),
        },
        '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\t' | '\n' | '\r' => {
            Some(GlyphText::Char(' '))
        }
        // Symbol fonts put their glyphs at the place of the code; these are bullets.
        '\u{f0b7}' | '\u{f0a7}' | '\u{f0d8}' | '\u{f0fc}' | '\u{f076}' => Some(GlyphText::Char('•')),
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => None,
        '\u{fff0}'..='\u{ffff}' | '\u{e000}'..='\u{f8ff}' => None,
        // Ligatures and the shapes that Arabic letters take within a word.
        '\u{fb00}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' => {
            let text: String = char.nfkc().collect();
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(only), None) => Some(GlyphText::Char(only)),
                _ => Some(GlyphText::String(text.into())),
            }
        }
        _ if char.is_control() => None,
        _ => Some(GlyphText::Char(char)),
    }
}

/// Several characters of one glyph.
pub(super) fn tidy_all(text: &str) -> Option<GlyphText> {
    // A table that maps one glyph to a whole text is an attack or a mistake.
    let mut out = String::new();
    for char in text.chars().take(32) {
        if let Some(tidy) = tidy(char) {
            tidy.push_to(&mut out);
        }
    }
    (!out.is_empty()).then(|| GlyphText::String(out.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ligatures_and_shapes_become_letters() {
        let text = |char| {
            let mut out = String::new();
            if let Some(text) = tidy(char) {
                text.push_to(&mut out);
            }
            out
        };
        assert_eq!((text('ﬁ'), text('\u{fedf}'), text('\u{fefb}')), ("fi".into(), "ل".into(), "لا".into()));
        assert_eq!(
            (text('\u{a0}'), text('\u{e123}'), text('\u{f0b7}'), text('\u{7}')),
            (" ".into(), String::new(), "•".into(), String::new())
        );
    }

    #[test]
    fn glyph_names_tell_characters() {
        assert_eq!(
            (by_name("A"), by_name("uni00E9"), by_name("u1F600"), by_name("glyph12")),
            (Some('A'), Some('é'), Some('😀'), None)
        );
    }
}
