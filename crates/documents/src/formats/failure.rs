//! What parsers say when a file cannot be read.

use catchment_core::{Error, ErrorKind};

/// The file breaks the rules of its format. `what` names the part, the library's words go into
/// the source.
pub(crate) fn damaged(what: &'static str) -> Error {
    Error::new(ErrorKind::Unreadable, "the file is damaged: export it again, or replace it with an intact copy")
        .with("part", what)
}

/// The file is encrypted.
pub(crate) fn protected() -> Error {
    Error::new(ErrorKind::Unreadable, "protected by a password: remove the password or export an unprotected copy")
}
