//! Answers without a language model: the sentences of the documents that speak of most of what
//! was asked.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

/// A sentence out of a passage.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sentence {
    /// Which passage, from 0.
    pub(crate) passage: usize,
    /// Its words as they stand there, in one line.
    pub(crate) text: String,
}

/// Sentences longer than this are cut at a space: a table or a list without full stops is one
/// "sentence".
const LONGEST: usize = 400;

/// At least this part of the question must be covered, weighed by how telling the terms are.
const LEAST: f32 = 0.34;

/// A passage to look for sentences in.
pub(crate) struct Passage<'a> {
    /// Its text.
    pub(crate) text: &'a str,
    /// The terms of what stands above it: title and headings. They count half.
    pub(crate) above: HashSet<String>,
}

/// The best sentences, best first, at most `most`. `wanted` are the words of the question, each
/// with all its forms; `terms` gives the terms of a sentence, knowing its passage. A word is
/// telling when few sentences hold it.
pub(crate) fn best(
    wanted: &[HashSet<String>],
    passages: &[Passage<'_>],
    most: usize,
    terms: impl Fn(usize, &str) -> HashSet<String>,
) -> Vec<Sentence> {
    let found =
        |terms: &HashSet<String>| -> Vec<bool> { wanted.iter().map(|forms| !forms.is_disjoint(terms)).collect() };
    let sentences: Vec<(usize, String, Vec<bool>)> = passages
        .iter()
        .enumerate()
        .flat_map(|(at, passage)| sentences(passage.text).into_iter().map(move |sentence| (at, sentence)))
        .map(|(passage, sentence)| {
            let held = found(&terms(passage, &sentence));
            (passage, sentence, held)
        })
        .collect();
    let all = sentences.len() as f32;
    let weights: Vec<f32> = (0..wanted.len())
        .map(|word| {
            // A word that no sentence holds weighs as much as one that a single sentence holds: an
            // answer that misses it is that much less of an answer.
            let holders = sentences.iter().filter(|(_, _, held)| held[word]).count().max(1);
            (1.0 + all / holders as f32).ln()
        })
        .collect();
    let total: f32 = weights.iter().sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let above: Vec<Vec<bool>> = passages.iter().map(|passage| found(&passage.above)).collect();
    let mut scored: Vec<(f32, Sentence)> = sentences
        .iter()
        .filter(|(_, _, held)| held.contains(&true))
        .map(|(passage, text, held)| {
            let covered: f32 = weights
                .iter()
                .zip(held.iter().zip(&above[*passage]))
                .map(|(weight, held)| match held {
                    (true, _) => *weight,
                    (false, true) => 0.5 * weight,
                    (false, false) => 0.0,
                })
                .sum();
            let coverage = if says_something(text) { covered / total } else { 0.6 * covered / total };
            // The search has already judged the passage; of two equal sentences its favourite wins.
            let rank = 1.0 / (1.0 + 0.05 * *passage as f32);
            (coverage, coverage * rank, Sentence { passage: *passage, text: text.clone() })
        })
        .filter(|(coverage, ..)| *coverage >= LEAST)
        .map(|(_, score, sentence)| (score, sentence))
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
    if chosen.len() < most
        && let Some(first) = chosen.first()
    {
        let missing: Vec<bool> = found(&terms(first.passage, &first.text)).iter().map(|held| !held).collect();
        chosen.extend(complement(&sentences, first.passage, &missing, &weights, 0.2 * total));
    }
    chosen
}

/// The sentence of a passage that adds most of what the best sentence does not speak of: a row of
/// the table behind it, as a rule. It has to add at least `least`.
fn complement(
    sentences: &[(usize, String, Vec<bool>)],
    passage: usize,
    missing: &[bool],
    weights: &[f32],
    least: f32,
) -> Option<Sentence> {
    let adds = |held: &[bool]| -> f32 {
        weights
            .iter()
            .zip(held.iter().zip(missing))
            .filter(|(_, (held, missing))| **held && **missing)
            .map(|(weight, _)| weight)
            .sum()
    };
    sentences
        .iter()
        .filter(|(at, text, _)| *at == passage && says_something(text))
        .map(|(_, text, held)| (adds(held), text))
        .filter(|(added, _)| *added >= least)
        // The first of equals.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, text)| Sentence { passage, text: text.clone() })
}

/// Whether a text is a sentence, the row of a table, or holds a figure. What is nothing of that is
/// a heading, as a rule: it repeats the question and answers nothing. The number a heading begins
/// with is no figure.
fn says_something(text: &str) -> bool {
    const ENDS: [char; 14] = ['.', '!', '?', ':', ';', '"', '”', '»', ')', '。', '！', '？', '」', '।'];
    let figure = || text.trim_start_matches(|c: char| !c.is_alphabetic()).contains(|c: char| c.is_numeric());
    text.contains('\t') || text.ends_with(ENDS) || figure()
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

    fn words(text: &str) -> HashSet<String> {
        text.unicode_words().map(str::to_lowercase).collect()
    }

    fn ask(question: &str, passages: &[(&str, &str)]) -> Vec<Sentence> {
        let passages: Vec<_> = passages.iter().map(|(above, text)| Passage { text, above: words(above) }).collect();
        let wanted: Vec<_> = words(question).into_iter().map(|word| HashSet::from([word])).collect();
        best(&wanted, &passages, 3, |_, sentence| words(sentence))
    }

    #[test]
    fn the_sentence_that_covers_most_of_the_question_wins() {
        let best = ask(
            "warranty of the pump",
            &[("", "The pump is blue. Its motor runs at night."), ("", "The warranty of the pump is 36 months.")],
        );
        assert_eq!((best[0].text.as_str(), best[0].passage), ("The warranty of the pump is 36 months.", 1));
    }

    #[test]
    fn what_stands_above_a_sentence_counts_for_it() {
        let best =
            ask("pump warranty months", &[("", "Leave lasts months."), ("Pump warranty", "It lasts 36 months.")]);
        assert_eq!(best[0].text, "It lasts 36 months.");
    }

    #[test]
    fn a_heading_that_repeats_the_question_does_not_answer_it() {
        let best =
            ask("warranty of the pump", &[("", "Warranty of the pump\nThe warranty is 36 months for the pump.")]);
        assert_eq!(best[0].text, "The warranty is 36 months for the pump.");
        let numbered =
            ask("pump warranty", &[("", "4.1 Warranty of the pump\nPump warranty: 36 months from delivery")]);
        assert_eq!(numbered[0].text, "Pump warranty: 36 months from delivery");
        let row = ask("price of a standpipe", &[("", "Price list\nstandpipe\t5.25\tprice")]);
        assert_eq!(row[0].text, "standpipe\t5.25\tprice");
    }

    #[test]
    fn what_the_best_sentence_leaves_open_is_added_from_beside_it() {
        let text = "The hardness of the water depends on the well.\nOld Town 11.8 medium\nEast Gate 14.9 hard";
        let best = ask("hardness water old town", &[("", text), ("", "The town is old.")]);
        let texts: Vec<_> = best.iter().map(|sentence| sentence.text.as_str()).collect();
        assert_eq!(texts, ["The hardness of the water depends on the well.", "Old Town 11.8 medium"]);
    }

    #[test]
    fn a_question_about_something_else_has_no_sentence() {
        let passages = [("", "The warranty of the pump is 36 months."), ("", "The pump is blue.")];
        assert!(ask("capital city in France", &passages).is_empty());
        assert!(ask("", &passages).is_empty());
        assert!(ask("anything", &[]).is_empty());
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
