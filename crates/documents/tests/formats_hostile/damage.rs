//! Samples that were cut and scrambled, always in the same way.

use zip::CompressionMethod;

use super::{packed, parts_of, read, sample};

/// The samples by what they are made of: archives are also scrambled inside, because a scrambled
/// archive fails at its checksums, before the reader sees anything.
const ARCHIVES: [&str; 8] =
    ["report.docx", "deck.pptx", "stock.xlsx", "letter.odt", "office.odt", "deck.odp", "stock.ods", "book.epub"];
const OTHERS: [&str; 13] = [
    "report.doc",
    "deck.ppt",
    "stock.xls",
    "report.rtf",
    "hand.rtf",
    "delivery.eml",
    "news.eml",
    "page.html",
    "notes.md",
    "latin1.txt",
    "utf16.txt",
    "table.csv",
    "protected.docx",
];

/// How many scrambled copies of each sample are read.
const COPIES: u32 = 200;

/// A stream of numbers that is the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn scramble(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(12) {
        if bytes.is_empty() {
            return;
        }
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes[at] = random.below(256) as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = [0, 0xff, 0x7f, 0x80][random.below(4)],
            3 => drop(bytes.drain(at..(at + random.below(40)).min(bytes.len()))),
            4 => {
                let copy = bytes[at..(at + random.below(60)).min(bytes.len())].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, copy);
            }
            _ => {
                let to = random.below(bytes.len());
                bytes.swap(at, to);
            }
        }
    }
}

/// Reads scrambled copies, and says how many of them still gave text and how many failed.
fn survive(name: &str, mut copy: impl FnMut(&mut Random) -> Vec<u8>) -> (u32, u32) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..COPIES {
        match read(name, &copy(&mut random)) {
            Ok(_) => good += 1,
            Err(_) => bad += 1,
        }
    }
    (good, bad)
}

#[test]
fn cut_files_are_read_or_refused() {
    for name in ARCHIVES.iter().chain(&OTHERS) {
        let whole = sample(name);
        for step in 0..48 {
            let cut = &whole[..whole.len() * step / 48];
            let result = read(name, cut);
            // The directory of an archive is at its end, so a cut one is never whole.
            assert!(!ARCHIVES.contains(name) || result.is_err(), "{name} cut to {}", cut.len());
        }
    }
}

#[test]
fn scrambled_archives_are_read_or_refused() {
    for name in ARCHIVES {
        let whole = sample(name);
        let (_, bad) = survive(name, |random| {
            let mut copy = whole.clone();
            scramble(&mut copy, random);
            copy
        });
        assert!(bad > 0, "{name}: nothing was scrambled");
    }
}

#[test]
fn scrambled_parts_are_read_or_refused() {
    for name in ARCHIVES {
        let parts = parts_of(&sample(name));
        let texts: Vec<_> = (0..parts.len()).filter(|at| parts[*at].1.starts_with(b"<")).collect();
        let (good, bad) = survive(name, |random| {
            let mut parts = parts.clone();
            for _ in 0..2 {
                let at = texts[random.below(texts.len())];
                scramble(&mut parts[at].1, random);
            }
            packed(CompressionMethod::Stored, parts.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))
        });
        assert!(good > 0 && bad > 0, "{name}: {good} read, {bad} refused");
    }
}

#[test]
fn scrambled_files_are_read_or_refused() {
    for name in OTHERS {
        let whole = sample(name);
        let (good, _) = survive(name, |random| {
            let mut copy = whole.clone();
            scramble(&mut copy, random);
            copy
        });
        assert!(good > 0 || name == "protected.docx", "{name}: none was read");
    }
}
