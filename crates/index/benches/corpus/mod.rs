//! Made-up documents whose words are as unequal as those of real ones.

use async_trait::async_trait;
use catchment_core::{
    Block, Document, DocumentKey, Embedder, IntegrationId, Readers, Result, Role, Tenant, Text, TextPage,
};

/// How many words there are.
const VOCABULARY: usize = 50_000;
/// How many words a page has: a chunk's worth.
const PAGE: usize = 140;
/// How many tenants share the index: each has one hundredth of it.
pub(crate) const TENANTS: u64 = 100;
/// How many chunks a document has.
pub(crate) const PAGES: u32 = 5;

/// A generator of numbers (splitmix64), the same on every machine.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Words by Zipf's law: the second half as often as the first, the third a third.
pub(crate) struct Words(Vec<f64>);

impl Words {
    pub(crate) fn new() -> Self {
        let mut sum = 0.0;
        Self(
            (0..VOCABULARY)
                .map(|rank| {
                    sum += 1.0 / (rank as f64 + 2.7);
                    sum
                })
                .collect(),
        )
    }

    /// The rank of a word, as often as it is used.
    pub(crate) fn rank(&self, numbers: &mut Numbers) -> usize {
        let at = numbers.unit() * self.0[VOCABULARY - 1];
        self.0.partition_point(|sum| *sum < at)
    }

    /// A text of so many words.
    pub(crate) fn text(&self, numbers: &mut Numbers, count: usize) -> String {
        let mut out = String::with_capacity(count * 8);
        for place in 0..count {
            if place > 0 {
                out.push_str(if place.is_multiple_of(13) { ". " } else { " " });
            }
            out.push_str(&word(self.rank(numbers)));
        }
        out.push('.');
        out
    }
}

/// The word of a rank: frequent ones are short.
pub(crate) fn word(rank: usize) -> String {
    const SYLLABLES: [&str; 20] = [
        "ba", "co", "di", "fer", "gu", "hal", "in", "jo", "kel", "lo", "mar", "ne", "or", "pi", "ra", "sen", "ti",
        "un", "ver", "zo",
    ];
    let mut out = String::new();
    let mut rest = rank;
    loop {
        out.push_str(SYLLABLES[rest % 20]);
        rest /= 20;
        if rest == 0 {
            return out;
        }
        rest -= 1;
    }
}

/// The tenant of a number: a user of the one organization.
pub(crate) fn tenant(number: u64) -> Tenant {
    Tenant::new("acme", format!("user{}", number % TENANTS))
}

/// The document of a number: five pages.
pub(crate) fn document(number: u64, words: &Words) -> Document {
    let mut numbers = Numbers(number.wrapping_mul(0x1234_5677));
    let pages = (1..=PAGES)
        .map(|page| TextPage {
            number: page,
            label: None,
            blocks: vec![Block::paragraph(words.text(&mut numbers, PAGE))],
        })
        .collect();
    Document {
        key: DocumentKey { integration: IntegrationId((number % TENANTS) as i64), entry: format!("{number}").into() },
        tenant: tenant(number),
        portfolio: None,
        vendor: "folder".into(),
        name: format!("report {number}.txt"),
        path: format!("reports/{}/report {number}.txt", number % 7),
        mime: "text/plain".into(),
        web_url: None,
        modified: None,
        content_hash: format!("{number:064x}"),
        readers: Readers::Unknown,
        text: Text { pages, ..Text::default() },
    }
}

/// A question of two to eight words, frequent and rare as they come.
pub(crate) fn question(number: u64, words: &Words) -> String {
    let mut numbers = Numbers(number ^ 0xabcd_ef01_2345);
    let count = 2 + (numbers.next() % 7) as usize;
    words.text(&mut numbers, count)
}

/// Vectors in clusters, made from a hash of the text.
#[derive(Debug)]
pub(crate) struct Clusters {
    pub(crate) dimensions: usize,
}

impl Clusters {
    pub(crate) fn vector(&self, text: &str) -> Vec<f32> {
        let hash = text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut cluster = Numbers((hash % 500) + 1);
        let mut own = Numbers(hash);
        let mut vector: Vec<f32> =
            (0..self.dimensions).map(|_| ((cluster.unit() - 0.5) + (own.unit() - 0.5) * 1.2) as f32).collect();
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|x| *x /= length);
        vector
    }
}

#[async_trait]
impl Embedder for Clusters {
    fn id(&self) -> &str {
        "clusters"
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    async fn embed(&self, texts: &[String], _: Role) -> Result<Vec<Vec<f32>>> {
        Ok(texts.iter().map(|text| self.vector(text)).collect())
    }
}
