//! Terms to sparse vectors: BM25, of which the server knows how rare a term is and we the rest.
//!
//! The server multiplies each term of a question by its inverse document frequency
//! (`Modifier::Idf`). A chunk's weight for a term is the other half of BM25, worked out when the
//! chunk is stored: how often the term is there, with titles and headings as four and other forms
//! of a word as a half, damped, and set against the chunk's length.

use std::collections::BTreeMap;

use catchment_index::analyze::Terms;
use qdrant_client::qdrant::SparseVector;

/// How soon another occurrence says nothing more.
const K1: f32 = 1.2;
/// How much a chunk's length counts.
const B: f32 = 0.75;
/// The length that is taken for the usual one: terms of a chunk of 256 tokens with its title and
/// forms. A constant, because a weight that is stored cannot follow an average.
const USUAL: f32 = 320.0;

/// The weights of the columns.
const TITLE: f32 = 4.0;
const TEXT: f32 = 1.0;
const FORMS: f32 = 0.5;

/// The sparse vector of a chunk; `None` if it has no terms.
pub(crate) fn of_chunk(terms: &Terms) -> Option<SparseVector> {
    let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
    let mut length = 0.0;
    for (column, weight) in [(&terms.title, TITLE), (&terms.text, TEXT), (&terms.forms, FORMS)] {
        for term in column.split(' ').filter(|term| !term.is_empty()) {
            *counts.entry(dimension(term)).or_default() += weight;
            length += 1.0;
        }
    }
    if counts.is_empty() {
        return None;
    }
    let norm = K1 * (1.0 - B + B * length / USUAL);
    let (indices, values) =
        counts.into_iter().map(|(dimension, count)| (dimension, count * (K1 + 1.0) / (count + norm))).unzip();
    Some(SparseVector { values, indices })
}

/// The sparse vector of a question: any of these terms, each as it is worth.
pub(crate) fn of_question(terms: &[String]) -> SparseVector {
    let mut indices: Vec<u32> = terms.iter().map(|term| dimension(term)).collect();
    indices.sort_unstable();
    indices.dedup();
    SparseVector { values: vec![1.0; indices.len()], indices }
}

/// Which of the 2^32 dimensions a term is. Two terms may share one: of a million different terms
/// about a hundred pairs do, and a question for one of such a pair finds the other as well.
fn dimension(term: &str) -> u32 {
    let hash = blake3::hash(term.as_bytes());
    let [a, b, c, d, ..] = *hash.as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(terms: &Terms, term: &str) -> f32 {
        let vector = of_chunk(terms).unwrap();
        let place = vector.indices.iter().position(|index| *index == dimension(term)).unwrap();
        vector.values[place]
    }

    fn terms(title: &str, text: &str, forms: &str) -> Terms {
        Terms { title: title.into(), text: text.into(), forms: forms.into() }
    }

    #[test]
    fn titles_weigh_more_than_text_and_text_more_than_forms() {
        let all = terms("heron", "badger", "fox");
        assert!(weight(&all, "heron") > weight(&all, "badger") && weight(&all, "badger") > weight(&all, "fox"));
    }

    #[test]
    fn more_often_and_shorter_weigh_more_with_a_limit() {
        let long = format!("heron{}", " lake".repeat(400));
        assert!(weight(&terms("", "heron heron", ""), "heron") > weight(&terms("", "heron", ""), "heron"));
        assert!(weight(&terms("", "heron", ""), "heron") > weight(&terms("", &long, ""), "heron"));
        assert!(weight(&terms("", &"heron ".repeat(900), ""), "heron") < K1 + 1.0);
    }

    #[test]
    fn dimensions_are_sorted_and_no_term_is_asked_twice() {
        let question = of_question(&["b".into(), "a".into(), "b".into()]);
        assert_eq!((question.indices.len(), question.values.len()), (2, 2));
        assert!(question.indices.is_sorted());
        assert_eq!(of_chunk(&terms("", "", "")), None);
    }

    #[test]
    fn a_term_keeps_its_dimension_for_ever() {
        // Stored vectors rely on it.
        assert_eq!(dimension("heron"), u32::from_be_bytes(blake3::hash(b"heron").as_bytes()[..4].try_into().unwrap()));
    }
}
