//! Where words begin and end, in scripts with spaces and in scripts without.

/// The longest word that is kept whole, in characters; what is behind that is left out.
const LONGEST: usize = 64;
/// The most parts an identifier like `INV-2024/07.3` may have to be found as a whole.
const MOST_PARTS: usize = 5;

/// One thing found in a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// A word of a script that puts spaces between words.
    Word(&'a str),
    /// The parts of an identifier (`abc-123`, `o'neill`, `3.14`) run together.
    Whole(String),
    /// Two neighbouring characters of a script without spaces, or one that stands alone.
    Gram(&'a str),
    /// One character of such a script: what a search for a single character finds.
    Single(&'a str),
}

/// What kind of character it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Spaced,
    Unspaced,
    Mark,
    Gap,
}

/// Calls `found` for everything in `text`, which is in lower case already.
pub(crate) fn segment<'a>(text: &'a str, mut found: impl FnMut(Found<'a>)) {
    let mut compound = Compound::default();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        match class(c) {
            Class::Spaced => {
                let end = run_end(text, at, Class::Spaced);
                let word = cut(&text[at..end]);
                found(Found::Word(word));
                compound.push(word);
                at = end;
                if !connects(&text[at..], word) {
                    compound.finish(&mut found);
                }
            }
            Class::Unspaced => {
                let end = run_end(text, at, Class::Unspaced);
                grams(&text[at..end], &mut found);
                at = end;
            }
            Class::Mark | Class::Gap => at += c.len_utf8(),
        }
    }
}

/// Whether a character belongs to a script that is written without spaces between words.
pub(crate) fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}'          // Thai, Lao
        | '\u{1000}'..='\u{109f}'        // Burmese
        | '\u{1100}'..='\u{11ff}'        // Hangul jamo
        | '\u{1780}'..='\u{17ff}'        // Khmer
        | '\u{3005}'..='\u{3007}'        // 々 〆 〇
        | '\u{3040}'..='\u{30ff}'        // kana
        | '\u{3130}'..='\u{318f}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'        // Han
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}'        // Hangul: its particles are glued to the word
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

fn class(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() { Class::Spaced } else { Class::Gap };
    }
    if unicode_normalization::char::is_combining_mark(c) {
        Class::Mark
    } else if !c.is_alphanumeric() && c != 'ー' && c != '々' {
        Class::Gap
    } else if is_unspaced(c) {
        Class::Unspaced
    } else {
        Class::Spaced
    }
}

fn run_end(text: &str, start: usize, wanted: Class) -> usize {
    text[start..]
        .char_indices()
        .find(|(_, c)| !matches!(class(*c), Class::Mark) && class(*c) != wanted)
        .map_or(text.len(), |(offset, _)| start + offset)
}

fn cut(word: &str) -> &str {
    // Bytes are never fewer than characters, so that the usual word is not counted.
    if word.len() <= LONGEST {
        return word;
    }
    word.char_indices().nth(LONGEST).map_or(word, |(end, _)| &word[..end])
}

/// Whether what follows a word joins it to the next: one connecting character, then a letter or
/// digit at once. A comma joins digits only.
fn connects(rest: &str, word: &str) -> bool {
    let mut chars = rest.chars();
    let (Some(link), Some(next)) = (chars.next(), chars.next()) else { return false };
    match link {
        '-' | '_' | '.' | '/' | ':' | '\'' | '\u{2019}' | '\u{2010}' | '\u{2011}' | '@' | '&' | '+' | '#' => {
            class(next) == Class::Spaced
        }
        ',' => next.is_ascii_digit() && word.ends_with(|c: char| c.is_ascii_digit()),
        _ => false,
    }
}

#[derive(Default)]
struct Compound {
    text: String,
    parts: usize,
}

impl Compound {
    fn push(&mut self, word: &str) {
        self.parts += 1;
        if self.parts <= MOST_PARTS && self.text.len() <= LONGEST {
            self.text.push_str(word);
        }
    }

    fn finish<'a>(&mut self, found: &mut impl FnMut(Found<'a>)) {
        if (2..=MOST_PARTS).contains(&self.parts) && self.text.len() <= LONGEST {
            found(Found::Whole(std::mem::take(&mut self.text)));
        }
        self.text.clear();
        self.parts = 0;
    }
}

/// Neighbouring pairs, and each character alone. A character keeps the marks behind it.
fn grams<'a>(run: &'a str, found: &mut impl FnMut(Found<'a>)) {
    let mut starts =
        run.char_indices().filter(|(at, c)| *at == 0 || class(*c) != Class::Mark).map(|(at, _)| at).peekable();
    let mut last = None;
    while let Some(start) = starts.next() {
        let end = starts.peek().copied().unwrap_or(run.len());
        if let Some(last) = last {
            found(Found::Gram(cut(&run[last..end])));
        }
        let single = cut(&run[start..end]);
        found(if run.len() == single.len() { Found::Gram(single) } else { Found::Single(single) });
        last = Some(start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> String {
        let mut out = Vec::new();
        segment(text, |found| {
            out.push(match found {
                Found::Word(word) => word.to_owned(),
                Found::Whole(word) => format!("={word}"),
                Found::Gram(gram) => format!("+{gram}"),
                Found::Single(single) => format!("'{single}"),
            });
        });
        out.join(" ")
    }

    #[test]
    fn words_end_at_whatever_is_no_letter_or_digit() {
        assert_eq!(all("the notice: 30 days!"), "the notice 30 days");
        assert_eq!(all("  "), "");
        assert_eq!(all("привет, мир"), "привет мир");
    }

    #[test]
    fn identifiers_are_found_by_parts_and_whole() {
        assert_eq!(all("abc-123"), "abc 123 =abc123");
        assert_eq!(all("inv_2024/07 paid"), "inv 2024 07 =inv202407 paid");
        assert_eq!(all("3.14, 1,000 and o'neill"), "3 14 =314 1 000 =1000 and o neill =oneill");
        assert_eq!(all("a-b-c-d-e-f"), "a b c d e f", "a chain is no identifier");
        assert_eq!(all("end.\nNext - no".to_lowercase().as_str()), "end next no");
    }

    #[test]
    fn scripts_without_spaces_give_pairs() {
        assert_eq!(all("東京都"), "'東 +東京 '京 +京都 '都");
        assert_eq!(all("猫"), "+猫");
        assert_eq!(all("x東京y"), "x '東 +東京 '京 y");
        assert_eq!(all("データ"), "'デ +デー 'ー +ータ 'タ");
        assert_eq!(all("น้ำ"), all("น้ำ"), "marks stay with their letter");
    }

    #[test]
    fn a_word_without_end_is_cut() {
        let word = "x".repeat(16_000);
        assert_eq!(all(&word).len(), LONGEST);
    }
}
