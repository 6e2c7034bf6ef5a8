//! The language of searches.
//!
//! See <https://developers.google.com/workspace/drive/api/guides/ref-search-terms>.

use crate::types::FOLDER;

/// What a slash in a name becomes in a path, as rclone writes it, too.
pub(crate) const SLASH: char = '\u{ff0f}';

/// A text as the language has it.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// What is in a folder.
pub(crate) fn children(folder: &str) -> String {
    format!("{} in parents and trashed = false", quoted(folder))
}

/// What others shared with the account.
pub(crate) const SHARED: &str = "sharedWithMe = true and trashed = false";

/// Only what is called so in a path. The service compares without regard to case, so that what it
/// finds has to be compared again.
pub(crate) fn named(part: &str) -> String {
    if part.contains(SLASH) {
        let slashed = part.replace(SLASH, "/");
        return format!("(name = {} or name = {})", quoted(part), quoted(&slashed));
    }
    format!("name = {}", quoted(part))
}

/// Only folders.
pub(crate) fn folders() -> String {
    format!("mimeType = '{FOLDER}'")
}

/// What holds these words, in its name or in its text.
pub(crate) fn holding(words: &str) -> String {
    format!("fullText contains {} and trashed = false", quoted(words))
}

/// A name as a part of a path.
pub(crate) fn part(name: &str) -> String {
    name.replace('/', SLASH.encode_utf8(&mut [0; 3]))
}

/// Whether it can be an id: a letter more or less and the service would be asked for something else.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=200).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_its_quotes() {
        assert_eq!(quoted(r"it's"), r"'it\'s'");
        assert_eq!(quoted(r"\' or name contains '"), r"'\\\' or name contains \''");
    }

    #[test]
    fn a_slash_in_a_name_is_no_separator() {
        assert_eq!(part("Q1/Q2"), "Q1／Q2");
        assert_eq!(named("Q1／Q2"), "(name = 'Q1／Q2' or name = 'Q1/Q2')");
        assert_eq!(named("plain"), "name = 'plain'");
    }

    #[test]
    fn an_id_has_no_signs_of_a_path() {
        assert!(is_id("1AbC_d-9") && !is_id("") && !is_id("..") && !is_id("a/b") && !is_id("a%2Fb") && !is_id("ä"));
    }
}
