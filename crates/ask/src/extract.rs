//! Answers without a language model: the sentences of the documents that speak of most of what
//! was asked.

use std::collections::{BTreeMap, BTreeSet};

use unicode_segmentation::UnicodeSegmentation;

/// A sentence out of a passage.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sentence {
    /// Which passage, from 0.
    pub(crate) passage: usize,
    /// Its words as they stand there, in one line.
    pub(crate) text: String,
    /// The part of the question it covers, weighed by how telling each term is: 0 to 1.
    pub(crate) coverage: f32,
}

/// Sentences longer than this are cut at a space: a table or a list without full stops is one
/// "sentence".
const LONGEST: usize = 400;

/// At least this part of the question must be covered, weighed by how telling the terms are.
const LEAST: f32 = 0.34;

/// The best sentences, best first, at most `most`. `terms` gives the searchable terms of a text;
/// a term is telling when few sentences hold it.
pub(crate) fn best(
    question: &str,
    passages: &[&str],
    most: usize,
    terms: impl Fn(&str) -> BTreeSet<String>,
) -> Vec<Sentence> {
    let wanted = terms(question);
    let sentences: Vec<(usize, String, BTreeSet<String>)> = passages
        .iter()
        .enumerate()
        .flat_map(|(passage, text)| sentences(text).into_iter().map(move |sentence| (passage, sentence)))
        .map(|(passage, sentence)| {
            let held: BTreeSet<String> = terms(&sentence).intersection(&wanted).cloned().collect();
            (passage, sentence, held)
        })
        .collect();
    let mut holders: BTreeMap<&str, usize> = BTreeMap::new();
    for term in sentences.iter().flat_map(|(_, _, held)| held) {
        *holders.entry(term).or_default() += 1;
    }
    let all = sentences.len() as f32;
    // A term that no sentence holds weighs as much as one that a single sentence holds: an answer
    // that misses it is that much less of an answer.
    let weight = |term: &str| (1.0 + all / holders.get(term).copied().unwrap_or(1).max(1) as f32).ln();
    let total: f32 = wanted.iter().map(|term| weight(term)).sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let mut scored: Vec<(f32, Sentence)> = sentences
        .iter()
        .map(|(passage, text, held)| {
            let coverage = held.iter().map(|term| weight(term)).sum::<f32>() / total;
            // The search has already judged the passage; of two equal sentences its favourite wins.
            let rank = 1.0 / (1.0 + 0.05 * *passage as f32);
            (coverage * rank, Sentence { passage: *passage, text: text.clone(), coverage })
        })
        .filter(|(_, sentence)| sentence.coverage >= LEAST)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let bar = scored.first().map_or(0.0, |(score, _)| score * 0.8);
    let mut chosen: Vec<Sentence> = Vec::new();
    for (score, sentence) in scored {
        if chosen.len() == most || score < bar {
            break;
        }
        if !chosen.iter().any(|other| other.text == sentence.text) {
            chosen.push(sentence);
        }
    }
    chosen
}

/// Cuts a passage into sentences. A line that ends without punctuation (a heading, a row of a
/// table) ends its sentence.
fn sentences(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        for sentence in line.unicode_sentences() {
            let mut rest = sentence.trim();
            while rest.len() > LONGEST {
                let cut = rest.floor_char_boundary(LONGEST);
                let cut = rest[..cut].rfind(char::is_whitespace).filter(|at| *at > 0).unwrap_or(cut);
                out.push(rest[..cut].trim().to_owned());
                rest = rest[cut..].trim_start();
            }
            if !rest.is_empty() {
                out.push(rest.to_owned());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> BTreeSet<String> {
        text.unicode_words().map(str::to_lowercase).collect()
    }

    #[test]
    fn the_sentence_that_covers_most_of_the_question_wins() {
        let passages = ["The pump is blue. Its motor runs at night.", "The warranty of the pump is 36 months."];
        let best = best("warranty of the pump", &passages, 3, words);
        assert_eq!(best[0].text, "The warranty of the pump is 36 months.");
        assert_eq!(best[0].passage, 1);
    }

    #[test]
    fn a_question_about_something_else_has_no_sentence() {
        let passages = ["The warranty of the pump is 36 months.", "The pump is blue."];
        assert!(best("capital city of France", &passages, 3, words).is_empty());
        assert!(best("", &passages, 3, words).is_empty());
        assert!(best("anything", &[], 3, words).is_empty());
    }

    #[test]
    fn a_text_without_full_stops_is_cut_between_words() {
        let long = "word ".repeat(500);
        let cut = sentences(&long);
        assert!(cut.len() > 5 && cut.iter().all(|piece| piece.len() <= LONGEST && !piece.contains("wordword")));
        let unbroken = "貯水".repeat(500);
        assert_eq!(sentences(&unbroken).concat(), unbroken);
    }
}
