//! Google's own documents: they have no bytes, and are turned into something that has.
//!
//! See <https://developers.google.com/workspace/drive/api/guides/ref-export-formats>.

use crate::config::ExportAs;

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const PPTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
const PDF: &str = "application/pdf";
const TEXT: &str = "text/plain";
const SCRIPT: &str = "application/vnd.google-apps.script+json";

/// How the media types of what is Google's own begin.
const GOOGLE: &str = "application/vnd.google-apps.";

/// What can be had of one of Google's own documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Native {
    /// These formats. The first is wanted; the others are smaller, for documents over the limit.
    Export(&'static [&'static str]),
    /// Nothing, and why.
    Nothing(&'static str),
}

/// What a media type means, if it is one of Google's own.
pub(crate) fn native(mime: &str, wanted: ExportAs) -> Option<Native> {
    use ExportAs::{Office, Pdf, Text};
    let kind = mime.strip_prefix(GOOGLE)?;
    Some(match (kind, wanted) {
        ("document", Office) => Native::Export(&[DOCX, TEXT]),
        ("spreadsheet", Office | Text) => Native::Export(&[XLSX]),
        ("presentation", Office) => Native::Export(&[PPTX, TEXT]),
        ("document" | "presentation", Pdf) => Native::Export(&[PDF, TEXT]),
        ("document" | "presentation", Text) => Native::Export(&[TEXT]),
        ("spreadsheet", Pdf) | ("drawing", _) => Native::Export(&[PDF]),
        ("script", _) => Native::Export(&[SCRIPT]),
        ("form", _) => Native::Nothing("a Google form, which cannot be exported: open it at its link"),
        ("site", _) => Native::Nothing("a Google site, which cannot be exported: open it at its link"),
        ("map", _) => Native::Nothing("a Google map, which cannot be exported: open it at its link"),
        ("jam", _) => Native::Nothing("a Jamboard, which cannot be exported any more: open it at its link"),
        ("vid", _) => Native::Nothing("a Google video project: export the video from its page"),
        _ => Native::Nothing("made by an application, and without content that can be exported: open it at its link"),
    })
}

/// The end of a fingerprint: another export is another content.
pub(crate) fn tag(format: &str) -> &'static str {
    match format {
        DOCX => "docx",
        XLSX => "xlsx",
        PPTX => "pptx",
        PDF => "pdf",
        TEXT => "txt",
        _ => "json",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_bytes_is_not_exported() {
        assert_eq!(native("application/pdf", ExportAs::Office), None);
        assert_eq!(native("application/vnd.ms-excel", ExportAs::Pdf), None);
    }

    #[test]
    fn a_sheet_never_becomes_its_first_sheet_alone() {
        for wanted in [ExportAs::Office, ExportAs::Pdf, ExportAs::Text] {
            let Some(Native::Export(formats)) = native("application/vnd.google-apps.spreadsheet", wanted) else {
                panic!("a sheet can be exported")
            };
            assert!(formats.iter().all(|format| !format.starts_with("text/")), "{formats:?}");
        }
    }

    #[test]
    fn what_is_not_known_has_no_content() {
        let native = native("application/vnd.google-apps.drive-sdk.4711", ExportAs::Office);
        assert!(matches!(native, Some(Native::Nothing(_))));
    }
}
