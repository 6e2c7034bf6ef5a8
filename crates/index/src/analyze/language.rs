//! Which language a text is in, its stems and its stop words.

use std::{borrow::Cow, collections::HashSet};

use rust_stemmers::{Algorithm, Stemmer};
use whatlang::Lang;

/// How many characters are enough to tell the language.
const SAMPLE: usize = 600;

/// A language the index can stem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Language(Lang);

impl Language {
    /// The language of a text, if it is one that has stems.
    pub fn detect(text: &str) -> Option<Self> {
        let sample = text.char_indices().nth(SAMPLE).map_or(text, |(end, _)| &text[..end]);
        whatlang::detect_lang(sample).map(Self).filter(|language| language.algorithm().is_some())
    }

    /// The language of an ISO 639-3 code, if it is one that has stems.
    pub fn from_code(code: &str) -> Option<Self> {
        Lang::from_code(code).map(Self).filter(|language| language.algorithm().is_some())
    }

    /// Every language that has stems.
    pub fn all() -> impl Iterator<Item = Self> {
        Lang::all().iter().copied().map(Self).filter(|language| language.algorithm().is_some())
    }

    /// The ISO 639-3 code: `eng`, `deu`, ...
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The stem of a lower-case word that still has its accents.
    pub(crate) fn stem(self, word: &str) -> Cow<'_, str> {
        match self.algorithm() {
            Some(algorithm) => Stemmer::create(algorithm).stem(word),
            None => Cow::Borrowed(word),
        }
    }

    fn algorithm(self) -> Option<Algorithm> {
        Some(match self.0 {
            Lang::Ara => Algorithm::Arabic,
            Lang::Dan => Algorithm::Danish,
            Lang::Deu => Algorithm::German,
            Lang::Ell => Algorithm::Greek,
            Lang::Eng => Algorithm::English,
            Lang::Fin => Algorithm::Finnish,
            Lang::Fra => Algorithm::French,
            Lang::Hun => Algorithm::Hungarian,
            Lang::Ita => Algorithm::Italian,
            Lang::Nld => Algorithm::Dutch,
            Lang::Nob => Algorithm::Norwegian,
            Lang::Por => Algorithm::Portuguese,
            Lang::Ron => Algorithm::Romanian,
            Lang::Rus => Algorithm::Russian,
            Lang::Spa => Algorithm::Spanish,
            Lang::Swe => Algorithm::Swedish,
            Lang::Tam => Algorithm::Tamil,
            Lang::Tur => Algorithm::Turkish,
            _ => return None,
        })
    }

    /// The two-letter code the stop words are filed under.
    fn stop_words(self) -> &'static [&'static str] {
        let code = match self.0 {
            Lang::Ara => "ar",
            Lang::Dan => "da",
            Lang::Deu => "de",
            Lang::Ell => "el",
            Lang::Eng => "en",
            Lang::Fin => "fi",
            Lang::Fra => "fr",
            Lang::Hun => "hu",
            Lang::Ita => "it",
            Lang::Nld => "nl",
            Lang::Nob => "no",
            Lang::Por => "pt",
            Lang::Ron => "ro",
            Lang::Rus => "ru",
            Lang::Spa => "es",
            Lang::Swe => "sv",
            Lang::Tam => "ta",
            Lang::Tur => "tr",
            _ => return &[],
        };
        stop_words::lookup(code).unwrap_or(&[])
    }
}

/// The words of a question that are stop words in the one language that most of them belong to.
///
/// One language, not all: "die" is an article in German and a word in English. English is always
/// among the candidates, because short questions are told apart badly, and of languages with as
/// many it is the one; among others it is the first by its code. What a question means does not
/// depend on the order in which a backend lists its languages.
pub(crate) fn stop_words_of<'a>(words: &[&'a str], languages: impl Iterator<Item = Language>) -> HashSet<&'a str> {
    let english = Language(Lang::Eng);
    let mut others: Vec<Language> = languages.filter(|language| *language != english).collect();
    others.sort_unstable_by_key(|language| language.code());
    let mut best = HashSet::new();
    for language in std::iter::once(english).chain(others) {
        let list = language.stop_words();
        let stops: HashSet<&str> = words.iter().copied().filter(|word| list.contains(word)).collect();
        if stops.len() > best.len() {
            best = stops;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_with_stems_has_stop_words_and_a_code_that_leads_back() {
        let mut seen = 0;
        for language in Language::all() {
            seen += 1;
            assert!(!language.stop_words().is_empty(), "{}", language.code());
            assert_eq!(Language::from_code(language.code()), Some(language));
        }
        assert_eq!(seen, 18);
    }

    #[test]
    fn a_sentence_says_its_language() {
        assert_eq!(Language::detect("Der Vertrag wird zum Ende des Jahres gekündigt").map(Language::code), Some("deu"));
        assert_eq!(Language::detect("Le contrat est résilié à la fin de l'année").map(Language::code), Some("fra"));
        assert_eq!(Language::detect("東京都の人口"), None, "no stems in Japanese");
    }

    #[test]
    fn of_two_languages_with_as_many_stop_words_the_order_does_not_decide() {
        let romanian = Language::from_code("ron").unwrap();
        let english = Language::from_code("eng").unwrap();
        assert!(romanian.stop_words().contains(&"face") && english.stop_words().contains(&"the"));
        for languages in [vec![romanian], vec![romanian, english], vec![english, romanian]] {
            let stops = stop_words_of(&["the", "face"], languages.into_iter());
            assert_eq!(stops, HashSet::from(["the"]));
        }
        let others = ["ron", "spa", "por", "ita"].map(|code| Language::from_code(code).unwrap());
        let words = ["la", "face", "para"];
        let one = stop_words_of(&words, others.into_iter());
        assert_eq!(stop_words_of(&words, others.into_iter().rev()), one);
    }

    #[test]
    fn stop_words_are_those_of_one_language() {
        let german = Language::from_code("deu").unwrap();
        let english = Language::from_code("eng").unwrap();
        let stops = stop_words_of(&["when", "did", "the", "queen", "die"], [german, english].into_iter());
        assert!(stops.contains("the") && !stops.contains("die"), "{stops:?}");
    }
}
