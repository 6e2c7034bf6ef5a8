//! How long a text is in tokens, without a tokenizer at hand.

use std::fmt::Debug;

use crate::analyze::is_unspaced;

/// Counts the tokens of a text; an embedder's own tokenizer, or [`Estimate`].
pub trait CountTokens: Debug + Send + Sync {
    /// How many tokens `text` has. Joining two texts must not make more than both have.
    fn count(&self, text: &str) -> usize;
}

/// A guess that costs a pass over the text: one token for six Latin letters of a word or a part
/// of six, for three letters of another alphabet, for three digits, for each other character.
///
/// Against the word pieces of the BERT family that is a tenth too many for English and about
/// right for German and Russian; for Chinese and Japanese it is exact.
#[derive(Debug, Clone, Copy, Default)]
pub struct Estimate;

#[derive(PartialEq, Clone, Copy)]
enum Kind {
    Latin,
    Alphabet,
    Digit,
    Other,
}

impl CountTokens for Estimate {
    fn count(&self, text: &str) -> usize {
        let mut tokens = 0;
        let mut run = (Kind::Other, 0_usize);
        for c in text.chars() {
            if c.is_whitespace() {
                run.1 = 0;
                continue;
            }
            let kind = kind(c);
            if kind != run.0 {
                run = (kind, 0);
            }
            let piece = match kind {
                Kind::Latin => 6,
                Kind::Alphabet | Kind::Digit => 3,
                Kind::Other => 1,
            };
            tokens += usize::from(run.1.is_multiple_of(piece));
            run.1 += 1;
        }
        tokens
    }
}

fn kind(c: char) -> Kind {
    if c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}') {
        Kind::Latin
    } else if c.is_ascii_digit() {
        Kind::Digit
    } else if c.is_ascii() || is_unspaced(c) || !c.is_alphabetic() {
        Kind::Other
    } else {
        Kind::Alphabet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_characters_count() {
        for (text, tokens) in [
            ("", 0),
            ("the cat sat", 3),
            ("Kündigungsfrist", 3),
            ("2024", 2),
            ("東京都", 3),
            ("привет", 2),
            ("a, b", 3),
            ("x\u{a0}y", 2),
        ] {
            assert_eq!(Estimate.count(text), tokens, "{text}");
        }
    }
}
