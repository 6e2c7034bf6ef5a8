//! Documents that have no bytes of their own (Paper, and those of other makers): exported.

use catchment_core::Fingerprint;

use crate::model::File;

/// What a document is exported to, by the names that Dropbox has for it, and its media type.
const READABLE: &[(&str, &str)] = &[
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("html", "text/html"),
    ("markdown", "text/markdown"),
    ("md", "text/markdown"),
    ("plain_text", "text/plain"),
    ("txt", "text/plain"),
    ("csv", "text/csv"),
    ("pdf", "application/pdf"),
];

/// What to export a file to: what Dropbox would, if that can be read, else what can be, else what
/// Dropbox would. `None` where there is no export.
pub(crate) fn format(file: &File) -> Option<String> {
    let info = file.export_info.as_ref()?;
    let plain = |format: &&str| {
        !format.is_empty()
            && format.len() <= 32
            && format.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let offered =
        || info.export_as.iter().chain(info.export_options.iter().flatten()).map(String::as_str).filter(plain);
    offered().find(|format| mime(format).is_some()).or_else(|| offered().next()).map(str::to_owned)
}

/// The media type of a format.
pub(crate) fn mime(format: &str) -> Option<&'static str> {
    READABLE.iter().find(|(name, _)| *name == format).map(|(_, mime)| *mime)
}

/// The fingerprint of an export: the revision, and what it is exported to.
pub(crate) fn mark(rev: &str, format: &str) -> Fingerprint {
    Fingerprint::new(format!("{rev}.{format}"))
}

/// The revision, and what it is exported to if it is. Revisions are hexadecimal.
pub(crate) fn parts(mark: &Fingerprint) -> (&str, Option<&str>) {
    match mark.as_str().split_once('.') {
        Some((rev, format)) => (rev, Some(format)),
        None => (mark.as_str(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(export_as: Option<&str>, options: &[&str]) -> Option<String> {
        let file = serde_json::json!({
            "id": "id:1", "name": "n", "size": 1, "server_modified": "2026-01-02T03:04:05Z", "rev": "a1c10ce0dd78",
            "export_info": { "export_as": export_as, "export_options": options }
        });
        format(&serde_json::from_value(file).unwrap())
    }

    #[test]
    fn what_can_be_read_is_chosen() {
        assert_eq!(offered(Some("html"), &["markdown"]).as_deref(), Some("html"));
        assert_eq!(offered(Some("gdoc"), &["docx"]).as_deref(), Some("docx"));
        assert_eq!(offered(Some("zip"), &[]).as_deref(), Some("zip"));
        assert_eq!(offered(Some("no such.thing"), &[]), None);
        assert_eq!(offered(None, &[]), None);
    }

    #[test]
    fn a_mark_says_revision_and_format() {
        assert_eq!(parts(&mark("a1c1", "html")), ("a1c1", Some("html")));
        assert_eq!(parts(&Fingerprint::new("a1c1")), ("a1c1", None));
    }
}
