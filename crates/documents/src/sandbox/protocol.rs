//! What parent and worker say to each other over the worker's standard input and output.
//!
//! Every frame is its length in four bytes, little end first, and that many bytes. The parent
//! sends its [`Limits`](crate::Limits) once, the worker answers [`HELLO`]. Then, for each document,
//! the parent sends a [`Request`], the file in frames of at most [`CHUNK`] bytes, and an empty
//! frame; the worker answers with a [`Reply`].

use std::{
    borrow::Cow,
    io::{self, Read, Write},
};

use catchment_core::{Error, ErrorKind, Result, Secret};
use serde::{Deserialize, Serialize};

use crate::{Limits, Parsed};

/// The worker's first frame. The version changes whenever the frames do.
pub(crate) const HELLO: &[u8] = b"catchment parse worker 1";

/// The largest piece of a file in one frame.
pub(crate) const CHUNK: usize = 256 << 10;

/// The largest frame of settings.
pub(crate) const HEADER: usize = 1 << 20;

/// One document to read; its bytes follow.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    pub(crate) mime: Option<Cow<'a, str>>,
    /// In the clear: it crosses a pipe between two processes of one user and is not kept.
    pub(crate) password: Option<Cow<'a, str>>,
}

/// What became of one document.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reply {
    pub(crate) result: Result<Parsed, WireError>,
    /// Bytes of memory the worker occupies, where the system tells.
    pub(crate) resident: Option<u64>,
}

/// An [`Error`] on its way out of the worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireError {
    kind: ErrorKind,
    message: String,
    context: Vec<(String, String)>,
    source: Option<String>,
}

impl Request<'_> {
    pub(crate) fn secret(&self) -> Option<Secret> {
        self.password.as_deref().map(Secret::from)
    }
}

impl From<Error> for WireError {
    fn from(error: Error) -> Self {
        Self {
            kind: error.kind(),
            message: error.message().to_owned(),
            context: error.context().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            source: std::error::Error::source(&error).map(ToString::to_string),
        }
    }
}

impl From<WireError> for Error {
    fn from(wire: WireError) -> Self {
        let mut error = Error::new(wire.kind, wire.message);
        for (name, value) in wire.context {
            // Names are static; one that is missing here still shows its value.
            let name = NAMES.iter().find(|known| **known == name).unwrap_or(&"detail");
            error = error.with(name, value);
        }
        match wire.source {
            Some(source) => error.source(source),
            None => error,
        }
    }
}

/// The names of context pairs that readers use.
const NAMES: &[&str] = &[
    "limit",
    "limit_seconds",
    "limit_bytes",
    "type",
    "page",
    "sheet",
    "slide",
    "part",
    "entry",
    "path",
    "line",
    "version",
    "encoding",
    "detail",
];

/// The most bytes a reply may have: text in JSON, with room for many small blocks.
pub(crate) fn reply_limit(limits: &Limits) -> usize {
    usize::try_from(limits.text.saturating_mul(2).saturating_add(64 << 20)).unwrap_or(usize::MAX).min(u32::MAX as usize)
}

/// Writes one frame.
pub(crate) fn write_frame(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(bytes)
}

/// Appends one frame to `into`. Gives its length, or nothing at the end of the input.
pub(crate) fn read_frame(input: &mut impl Read, into: &mut Vec<u8>, most: usize) -> io::Result<Option<usize>> {
    let mut length = [0; 4];
    match input.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > most {
        return Err(io::ErrorKind::InvalidData.into());
    }
    if input.take(length as u64).read_to_end(into)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_survives_the_pipe() {
        let error =
            Error::new(ErrorKind::TooLarge, "too many pages").with("limit", 7).with("unheard_of", 8).source("library");
        let json = serde_json::to_vec(&WireError::from(error)).expect("serializable");
        let error = Error::from(serde_json::from_slice::<WireError>(&json).expect("its own format"));
        assert_eq!((error.kind(), error.message()), (ErrorKind::TooLarge, "too many pages"));
        assert_eq!((error.get("limit"), error.get("detail")), (Some("7"), Some("8")));
        assert!(std::error::Error::source(&error).is_some_and(|source| source.to_string() == "library"));
    }

    #[test]
    fn a_frame_over_its_limit_is_refused_before_it_is_read() {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, b"four").expect("memory takes it");
        let mut into = Vec::new();
        assert_eq!(read_frame(&mut bytes.as_slice(), &mut into, 4).expect("complete"), Some(4));
        assert!(read_frame(&mut bytes.as_slice(), &mut into, 3).is_err());
        assert!(read_frame(&mut &bytes[..6], &mut into, 4).is_err());
        assert_eq!(read_frame(&mut &bytes[..0], &mut into, 4).expect("a clean end"), None);
    }
}
