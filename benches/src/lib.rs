//! What benchmarks share: a computed source, and texts of many words, some of them common and most of them rare, as in a
//! language.

pub mod source;

use std::fmt::Write as _;

const SYLLABLES: [&str; 24] = [
    "ka", "ro", "mi", "ten", "la", "vor", "se", "dun", "pi", "gra", "hol", "ne", "fa", "bri", "tu", "wes", "cor", "ja",
    "li", "mun", "ost", "par", "qui", "zan",
];
/// How many different words there are.
const VOCABULARY: u32 = 30_000;

/// Texts out of a number: the same for the same seed, on every machine.
#[derive(Debug)]
pub struct Texts(u64);

impl Texts {
    /// Starts at a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end` (splitmix64).
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    /// A word, as often as its rank in a language lets expect: the second is half as common as the
    /// first, the third a third (Zipf).
    pub fn word(&mut self) -> String {
        self.word_from(0)
    }

    /// A word that says something: as [`Texts::word`], without the hundred commonest.
    pub fn telling_word(&mut self) -> String {
        self.word_from(100)
    }

    fn word_from(&mut self, least: u32) -> String {
        loop {
            let draw = f64::from(u32::try_from(self.below(1 << 24)).unwrap_or_default()) / f64::from(1 << 24);
            let rank = f64::from(VOCABULARY).powf(draw) - 1.0;
            if rank >= f64::from(least) {
                return Self::spelled(rank as u64);
            }
        }
    }

    /// A paragraph of about so many words.
    pub fn paragraph(&mut self, words: u64) -> String {
        let mut out = String::new();
        for number in 0..words {
            let end = if number % 12 == 11 { ". " } else { " " };
            let _ = write!(out, "{}{end}", self.word());
        }
        out.trim_end().to_owned() + "."
    }

    fn spelled(rank: u64) -> String {
        let count = SYLLABLES.len() as u64;
        let mut rest = rank + count;
        let mut word = String::new();
        while rest > 0 {
            if let Some(syllable) = usize::try_from(rest % count).ok().and_then(|at| SYLLABLES.get(at)) {
                word.push_str(syllable);
            }
            rest /= count;
        }
        word
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_word_is_another_word() {
        let words: HashSet<String> = (0..VOCABULARY).map(|rank| Texts::spelled(rank.into())).collect();
        assert_eq!(words.len(), VOCABULARY as usize);
    }

    #[test]
    fn the_same_seed_gives_the_same_text() {
        assert_eq!(Texts::new(3).paragraph(40), Texts::new(3).paragraph(40));
        assert_ne!(Texts::new(3).paragraph(40), Texts::new(4).paragraph(40));
    }
}
