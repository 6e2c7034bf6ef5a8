//! Versions: that what is read is what was listed.

use catchment_core::{Content, Error, ErrorKind, Result};
use futures::StreamExt;

/// An ETag with its quotes, as `If-Match` wants it; lists and some stores leave them out.
pub fn quoted(etag: &str) -> Option<String> {
    let etag = etag.trim();
    match etag {
        "" | "\"\"" => None,
        _ if etag.ends_with('"') => Some(etag.to_owned()),
        _ => Some(format!("\"{etag}\"")),
    }
}

/// That the version that came is the one that was asked for. Not every store, and not everything that
/// stands between, honours `If-Match`.
///
/// # Errors
/// `Conflict` for another version; `Protocol` for an answer that names none where the list did, for it
/// comes from somebody else.
pub fn unchanged(wanted: Option<&str>, found: Option<&str>) -> Result<()> {
    match (wanted, found) {
        (Some(wanted), Some(found)) if wanted != found => Err(changed()),
        (Some(_), None) => Err(Error::protocol(
            "what came is not what is stored, but something else in its place: check url, and what stands between",
        )),
        _ => Ok(()),
    }
}

/// Another version lies there now than was listed.
pub fn changed() -> Error {
    Error::new(ErrorKind::Conflict, "what is stored has changed since it was listed: list it again, then read it")
}

/// Whether an error says that a range begins behind the end.
pub fn is_past_the_end(error: &Error) -> bool {
    error.get("code") == Some("InvalidRange") || error.get("status") == Some("416")
}

/// Content without any bytes.
pub fn empty(version: Option<&str>) -> Content {
    Content { size: Some(0), version: version.map(str::to_owned), mime: None, body: futures::stream::empty().boxed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_has_quotes_however_it_came() {
        for (given, etag) in
            [("e", Some("\"e\"")), ("\"e\"", Some("\"e\"")), (" W/\"e\"", Some("W/\"e\"")), ("\"\"", None)]
        {
            assert_eq!(quoted(given).as_deref(), etag, "{given}");
        }
    }

    #[test]
    fn what_names_no_version_is_not_the_one_that_was_listed() {
        let kind = |wanted, found| unchanged(wanted, found).err().map(|error| error.kind());
        assert_eq!(kind(Some("a"), Some("a")), None);
        assert_eq!(kind(None, Some("a")), None);
        assert_eq!(kind(Some("a"), Some("b")), Some(ErrorKind::Conflict));
        assert_eq!(kind(Some("a"), None), Some(ErrorKind::Protocol));
    }
}
