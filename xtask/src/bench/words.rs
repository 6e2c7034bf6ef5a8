//! Text out of a number: the same words for the same seed, on every machine.

/// A small generator (splitmix64); quality enough for words, and no dependency.
pub(super) struct Words(u64);

const WORDS: &[&str] = &[
    "pump",
    "valve",
    "station",
    "reservoir",
    "pressure",
    "meter",
    "customer",
    "contract",
    "inspection",
    "report",
    "pipe",
    "filter",
    "laboratory",
    "sample",
    "district",
    "network",
    "repair",
    "budget",
    "schedule",
    "operator",
    "maintenance",
    "supply",
    "quality",
    "measurement",
    "tariff",
    "invoice",
    "drawing",
    "survey",
    "permit",
    "notice",
    "winter",
    "morning",
    "engineer",
    "foreman",
    "committee",
    "decision",
    "warranty",
    "delivery",
    "storage",
    "alarm",
];
const VERBS: &[&str] =
    &["replaces", "needs", "follows", "delays", "confirms", "limits", "protects", "reports", "requires", "improves"];
const LINKS: &[&str] = &["because", "although", "while", "before", "after", "unless"];

impl Words {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    pub(super) fn word(&mut self) -> &'static str {
        self.one_of(WORDS)
    }

    pub(super) fn title(&mut self) -> String {
        let first = self.word();
        format!("{}{} {} {}", first[..1].to_uppercase(), &first[1..], self.word(), self.below(900) + 100)
    }

    pub(super) fn sentence(&mut self) -> String {
        let (a, b, c, d) = (self.word(), self.word(), self.word(), self.word());
        let (verb, link, again) = (self.one_of(VERBS), self.one_of(LINKS), self.one_of(VERBS));
        let number = self.below(9000) + 10;
        format!("The {a} {b} {verb} {number} {c} units {link} the {d} {again} the {}.", self.word())
    }

    pub(super) fn paragraph(&mut self) -> String {
        let count = 3 + self.below(4);
        (0..count).map(|_| self.sentence()).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn paragraphs(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.paragraph()).collect()
    }

    fn one_of(&mut self, list: &[&'static str]) -> &'static str {
        usize::try_from(self.below(list.len() as u64)).ok().and_then(|at| list.get(at)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_text_and_another_another() {
        assert_eq!(Words::new(7).paragraph(), Words::new(7).paragraph());
        assert_ne!(Words::new(7).paragraph(), Words::new(8).paragraph());
    }
}
