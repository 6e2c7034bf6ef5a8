//! Arguments and results that travel in headers, as JSON of ASCII alone.

use catchment_client::ResponseHead;
use catchment_core::{Error, Result};
use serde::{Serialize, de::DeserializeOwned};

/// The argument of a call whose body is the content, or nothing.
pub(crate) const ARG: &str = "dropbox-api-arg";

/// What it gave, beside the content.
pub(crate) const RESULT: &str = "dropbox-api-result";

/// A value as JSON that a header can carry: everything beyond ASCII, and DEL, is written as
/// `\uXXXX`. See <https://www.dropbox.com/developers/reference/json-encoding>.
pub(crate) fn json(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string(value).map_err(|_| Error::internal("the argument cannot be written as JSON"))?;
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() && character != '\u{7f}' {
            out.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    Ok(out)
}

/// What the content belongs to.
pub(crate) fn result<T: DeserializeOwned>(head: &ResponseHead) -> Result<T> {
    let text = head.header(RESULT).ok_or_else(|| {
        Error::protocol("content came without saying what it belongs to: check url, something else may have answered")
    })?;
    serde_json::from_str(text)
        .map_err(|_| Error::protocol("what is said about the content has another shape than Dropbox documents"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_holds_ascii_alone_and_nothing_is_lost() {
        for name in ["plain", "ünï", "🌊", "tab\tline\nfeed", "\u{7f}", "quote\"\\", "\u{202e}x", "日本"] {
            let text = json(&name).unwrap();
            assert!(text.bytes().all(|byte| matches!(byte, 0x20..0x7f)), "{text}");
            assert_eq!(serde_json::from_str::<String>(&text).unwrap(), name);
        }
        assert_eq!(json(&"é🌊\u{7f}").unwrap(), r#""\u00e9\ud83c\udf0a\u007f""#);
    }
}
