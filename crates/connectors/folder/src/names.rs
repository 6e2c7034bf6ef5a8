//! Names: from the bytes of a file system to ids that lose nothing, and back.
//!
//! An id is the path below the root with `%` and bytes that are not UTF-8 written as `%XX`. For
//! the names people use, it is the path itself.

use std::{borrow::Cow, ffi::OsString, fmt::Write, path::PathBuf};

use catchment_core::{EntryId, Error, Result};

/// Where something is below the root: plain names only, so that it cannot lead out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Place(Vec<OsString>);

impl Place {
    /// Reads an id. Whatever is not one of ours stands for nothing that is there.
    pub(crate) fn of_id(id: &EntryId) -> Result<Self> {
        Self::parse(id.as_str(), decode)
    }

    /// Reads a path as a person gives it.
    pub(crate) fn of_path(path: &str) -> Result<Self> {
        Self::parse(path, |name| Some(name.into()))
    }

    fn parse(text: &str, name: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let plain = |name: OsString| {
            let bytes = name.as_encoded_bytes();
            let odd = bytes.is_empty() || bytes == b"." || bytes == b"..";
            (!odd && !bytes.iter().any(|byte| matches!(byte, b'/' | 0))).then_some(name)
        };
        let names = text.split('/').map(|part| name(part).and_then(plain)).collect::<Option<_>>();
        names.map(Self).ok_or_else(|| Error::not_found(text))
    }

    /// The place of a child.
    pub(crate) fn join(&self, name: OsString) -> Self {
        let mut names = self.0.clone();
        names.push(name);
        Self(names)
    }

    /// The place of the container, and the name in it; `None` for the root.
    pub(crate) fn split(&self) -> Option<(Self, OsString)> {
        let (name, above) = self.0.split_last()?;
        Some((Self(above.to_vec()), name.clone()))
    }

    pub(crate) fn names(&self) -> &[OsString] {
        &self.0
    }

    pub(crate) fn names_mut(&mut self) -> &mut [OsString] {
        &mut self.0
    }

    /// For the file system.
    pub(crate) fn to_path(&self) -> PathBuf {
        self.0.iter().collect()
    }

    /// For a person; what is not UTF-8 is shown as U+FFFD.
    pub(crate) fn display(&self) -> String {
        self.0.iter().map(|name| name.to_string_lossy()).collect::<Vec<_>>().join("/")
    }

    /// Without loss.
    pub(crate) fn id(&self) -> EntryId {
        self.0.iter().map(encode).collect::<Vec<_>>().join("/").into()
    }
}

/// A name as UTF-8 without loss.
pub(crate) fn encode(name: &OsString) -> String {
    let mut out = String::with_capacity(name.len());
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        for part in chunk.valid().split_inclusive('%') {
            match part.strip_suffix('%') {
                Some(before) => out.extend([before, "%25"]),
                None => out.push_str(part),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The name that [`encode`] wrote; `None` if it never wrote that.
pub(crate) fn decode(text: &str) -> Option<OsString> {
    let bytes: Cow<'_, [u8]> = percent_encoding::percent_decode_str(text).into();
    #[cfg(unix)]
    let name = <OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes.into_owned());
    #[cfg(not(unix))]
    let name = OsString::from(String::from_utf8(bytes.into_owned()).ok()?);
    (encode(&name) == text).then_some(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn an_id_loses_nothing() {
        for bytes in [&b"plain"[..], b"100%", b"%41", b"\xff\xfe", b"caf\xe9 %ff", "שלום 🌊".as_bytes(), b"a\nb\x1b"]
        {
            let place = Place(vec![OsString::from_vec(bytes.to_vec()), "child".into()]);
            assert_eq!(Place::of_id(&place.id()).expect("our own id"), place);
        }
        assert_eq!(Place::of_path("a b/ü").expect("a path").id().as_str(), "a b/ü");
    }

    #[test]
    fn nothing_leads_out_of_the_root() {
        for odd in
            ["..", "../x", "a/../../x", "/etc/passwd", "a//b", ".", "a/.", "a/", "%2E%2E", "a%2Fb", "a\0b", "%zz"]
        {
            assert!(Place::of_id(&odd.into()).is_err(), "{odd}");
        }
        for odd in ["..", "../x", "a/../../x", "/etc/passwd", "a//b", ".", "a\0b"] {
            assert!(Place::of_path(odd).is_err(), "{odd}");
        }
    }
}
