//! What makes two spellings one: case, width, accents.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// Lower case and one width for every letter; nothing invisible is left.
///
/// Accents stay: the stemmers of French or Russian want them. See [`plain`].
pub(crate) fn lower(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    if is_nfkc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Owned(text.chars().filter(|c| !is_invisible(*c)).flat_map(char::to_lowercase).collect())
    } else {
        // Case last: a mathematical letter has none before it becomes a plain one.
        Cow::Owned(text.chars().filter(|c| !is_invisible(*c)).nfkc().flat_map(char::to_lowercase).collect())
    }
}

/// A lower-case word without its accents, with the letters that have no decomposition spelled out.
pub(crate) fn plain(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return Cow::Borrowed(word);
    }
    let mut out = String::with_capacity(word.len());
    for c in word.nfd().filter(|c| !is_accent(*c)).nfc() {
        match spelled_out(c) {
            Some(letters) => out.push_str(letters),
            None => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Accents of Latin, Greek and Cyrillic letters, the points of Hebrew and the vowel signs of
/// Arabic. The marks of Indic scripts and of kana carry meaning and stay.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{640}')
}

/// Soft hyphens, zero-width characters and direction marks: they sit inside words unseen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn spelled_out(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ı' => "i",
        'ς' => "σ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        plain(&lower(text)).into_owned()
    }

    #[test]
    fn case_width_and_accents_do_not_matter() {
        assert_eq!(folded("STRAẞE"), folded("strasse"));
        assert_eq!(folded("Ｆｕｌｌ１２"), "full12");
        assert_eq!(folded("Résumé"), "resume");
        assert_eq!(folded("Re\u{301}sume\u{301}"), "resume");
        assert_eq!(folded("İstanbul"), "istanbul");
        assert_eq!(folded("𝐀𝒷"), "ab");
        assert_eq!(folded("ΣΊΣΥΦΟΣ"), folded("σίσυφος"));
        assert_eq!(folded("ёлка"), "елка");
    }

    #[test]
    fn marks_that_carry_meaning_stay() {
        assert_eq!(folded("が"), "が");
        assert_eq!(folded("ｶﾞ"), "ガ");
        assert_eq!(folded("한국어"), "한국어");
        assert_eq!(folded("हिन्दी"), "हिन्दी");
    }

    #[test]
    fn soft_hyphens_do_not_cut_words() {
        assert_eq!(folded("Haupt\u{ad}sache"), "hauptsache");
    }
}
