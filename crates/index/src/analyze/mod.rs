//! Text to terms: the words a lexical search compares, decided here and not by a database.
//!
//! A term is lower case, without accents, and consists of ASCII letters and digits and of
//! characters beyond ASCII only, so that a backend may join terms with spaces and cut them again
//! with the simplest of tokenizers.

mod fold;
mod language;
mod segment;

use std::collections::HashSet;

pub use language::Language;
pub(crate) use segment::is_unspaced;
use segment::{Found, segment};

/// The most characters of a question that are looked at.
const LONGEST_QUERY: usize = 4_096;
/// The most terms of a question; a pasted page is not a question.
const MOST_TERMS: usize = 48;

/// The terms of one chunk, by the field they weigh in. Each is a list joined by single spaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// Of the document's title, name and path and of the headings above the chunk, all forms.
    pub title: String,
    /// Of the chunk's text, as they stand.
    pub text: String,
    /// Of the chunk's text: stems, identifiers run together, single characters of scripts without
    /// spaces.
    pub forms: String,
}

/// The terms of a chunk's text and of what stands above it, stemmed for `language`.
pub fn analyze(title: &str, text: &str, language: Option<Language>) -> Terms {
    let mut terms = Terms::default();
    let mut forms = std::mem::take(&mut terms.forms);
    each(text, &[language], |term, own| push(if own { &mut terms.text } else { &mut forms }, term));
    each(title, &[language], |term, _| push(&mut terms.title, term));
    terms.forms = forms;
    terms
}

/// The terms to look for: every form of the question's words, in the languages that are there.
///
/// The stop words of the question's own language are left out unless nothing else remains. The
/// result has no duplicates and at most 48 terms; it may be empty.
pub fn analyze_query(question: &str, languages: &[Language]) -> Vec<String> {
    let question = question.char_indices().nth(LONGEST_QUERY).map_or(question, |(end, _)| &question[..end]);
    let mut languages: Vec<Option<Language>> = languages.iter().copied().map(Some).collect();
    if let Some(language) = Language::detect(question).filter(|language| !languages.contains(&Some(*language))) {
        languages.push(Some(language));
    }
    languages.sort_unstable_by_key(|language| language.map(Language::code));
    let lower = fold::lower(question);
    let mut words = Vec::new();
    segment(&lower, |found| {
        if let Found::Word(word) = found {
            words.push(word);
        }
    });
    let stops = language::stop_words_of(&words, languages.iter().flatten().copied());
    let has_more = words.iter().any(|word| !stops.contains(word)) || lower.chars().any(is_unspaced);
    let stops = if has_more { stops } else { HashSet::new() };

    let mut seen = HashSet::new();
    let mut terms = Vec::new();
    let mut keep = |term: &str| {
        if terms.len() < MOST_TERMS && seen.insert(term.to_owned()) {
            terms.push(term.to_owned());
        }
    };
    segment(&lower, |found| match found {
        Found::Word(word) if stops.contains(word) => {}
        Found::Word(word) => {
            keep(&fold::plain(word));
            for language in languages.iter().flatten() {
                keep(&fold::plain(&language.stem(word)));
            }
        }
        Found::Whole(whole) => keep(&fold::plain(&whole)),
        // A pair says more than its two characters: those are looked for only when they are all.
        Found::Gram(gram) => keep(gram),
        Found::Single(_) => {}
    });
    terms
}

/// Calls `term` with each term of `text` and whether it stands there as it is.
fn each(text: &str, languages: &[Option<Language>], mut term: impl FnMut(&str, bool)) {
    let lower = fold::lower(text);
    segment(&lower, |found| match found {
        Found::Word(word) => {
            let plain = fold::plain(word);
            term(&plain, true);
            for language in languages.iter().flatten() {
                let stem = language.stem(word);
                let stem = fold::plain(&stem);
                if stem != plain {
                    term(&stem, false);
                }
            }
        }
        Found::Whole(whole) => term(&fold::plain(&whole), false),
        Found::Gram(gram) => term(gram, true),
        Found::Single(single) => term(single, false),
    });
}

fn push(list: &mut String, term: &str) {
    // A stem can be empty, and a folded word can lose everything.
    if term.is_empty() {
        return;
    }
    if !list.is_empty() {
        list.push(' ');
    }
    list.push_str(term);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn language(text: &str) -> Option<Language> {
        Language::detect(text)
    }

    #[test]
    fn a_word_is_found_by_its_other_forms() {
        let text = "Die Kündigungsfristen der Häuser sind im Vertrag geregelt.";
        let terms = analyze("", text, language(text));
        let query = analyze_query("Haus Kündigungsfrist", &[Language::from_code("deu").unwrap()]);
        let all: Vec<&str> = terms.text.split(' ').chain(terms.forms.split(' ')).collect();
        assert!(query.iter().filter(|term| all.contains(&term.as_str())).count() >= 2, "{query:?} in {all:?}");
    }

    #[test]
    fn stop_words_go_unless_they_are_all() {
        let query = analyze_query("What is the notice period?", &[]);
        assert!(query.contains(&"notice".to_owned()) && !query.contains(&"the".to_owned()), "{query:?}");
        assert!(analyze_query("to be or not to be", &[]).contains(&"be".to_owned()));
    }

    #[test]
    fn a_question_in_syntax_is_only_words() {
        let query = analyze_query("\"a\" OR title:* NEAR(x) ^y -z + {q} : AND NOT", &[]);
        assert!(query.iter().all(|term| term.chars().all(char::is_alphanumeric)), "{query:?}");
    }

    proptest! {
        #[test]
        fn terms_are_letters_and_digits_between_single_spaces(text in "\\PC{0,200}") {
            let terms = analyze(&text, &text, language(&text));
            for list in [&terms.title, &terms.text, &terms.forms] {
                prop_assert!(list.is_empty() || list.split(' ').all(|term| !term.is_empty()
                    && term.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || !c.is_ascii())), "{list:?}");
            }
        }

        #[test]
        fn what_is_written_is_found_as_it_is_written(text in "\\PC{1,40}") {
            let terms = analyze("", &text, None);
            let there: HashSet<&str> = terms.text.split(' ').chain(terms.forms.split(' ')).collect();
            let asked = analyze_query(&text, &[]);
            let found = asked.iter().any(|term| there.contains(term.as_str()));
            prop_assert!(found || terms.text.is_empty(), "{asked:?} in {there:?}");
        }
    }
}
