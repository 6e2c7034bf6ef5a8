//! Names: from the bytes of a server to ids that lose nothing, and back.
//!
//! An id is the path below the root with `%` and bytes that are not UTF-8 written as `%XX`. For
//! the names people use, it is the path itself.

use std::{borrow::Cow, fmt::Write};

use bytes::Bytes;
use catchment_core::{EntryId, Error, Result};

/// Where something is below the root: plain names only, so that it cannot lead out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Place(Vec<Bytes>);

impl Place {
    /// Reads an id. Whatever is not one of ours stands for nothing that is there.
    pub(crate) fn of_id(id: &EntryId) -> Result<Self> {
        Self::parse(id.as_str(), decode)
    }

    /// Reads a path as a person gives it.
    pub(crate) fn of_path(path: &str) -> Result<Self> {
        Self::parse(path, |name| Some(Bytes::copy_from_slice(name.as_bytes())))
    }

    fn parse(text: &str, name: impl Fn(&str) -> Option<Bytes>) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let names = text.split('/').map(|part| name(part).filter(|name| is_plain(name))).collect::<Option<_>>();
        names.map(Self).ok_or_else(|| Error::not_found(text))
    }

    /// The place of a child.
    pub(crate) fn join(&self, name: &[u8]) -> Self {
        let mut names = self.0.clone();
        names.push(Bytes::copy_from_slice(name));
        Self(names)
    }

    /// The place of the container; `None` for the root.
    pub(crate) fn above(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }

    pub(crate) fn names(&self) -> &[Bytes] {
        &self.0
    }

    /// The path at the server, below a root of which the server gave the real path.
    pub(crate) fn below(&self, root: &[u8]) -> Vec<u8> {
        let mut path = root.to_vec();
        for name in &self.0 {
            if path.last() != Some(&b'/') {
                path.push(b'/');
            }
            path.extend_from_slice(name);
        }
        path
    }

    /// For a person; what is not UTF-8 is shown as U+FFFD.
    pub(crate) fn display(&self) -> String {
        self.0.iter().map(|name| String::from_utf8_lossy(name)).collect::<Vec<_>>().join("/")
    }

    /// Without loss.
    pub(crate) fn id(&self) -> EntryId {
        self.0.iter().map(|name| encode(name)).collect::<Vec<_>>().join("/").into()
    }
}

/// Whether this is the name of an entry, and no way to another place.
pub(crate) fn is_plain(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.iter().any(|byte| matches!(byte, b'/' | 0))
}

/// Whether the real path `inner` is `outer` or lies below it.
pub(crate) fn is_within(inner: &[u8], outer: &[u8]) -> bool {
    let outer = outer.strip_suffix(b"/").unwrap_or(outer);
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// A name as UTF-8 without loss.
fn encode(name: &[u8]) -> String {
    let mut out = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
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
fn decode(text: &str) -> Option<Bytes> {
    let bytes: Cow<'_, [u8]> = percent_encoding::percent_decode_str(text).into();
    let name = Bytes::from(bytes.into_owned());
    (encode(&name) == text).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_the_way_there_and_back() {
        for name in
            [&b"plain"[..], b"100%", b"%E9", b"caf\xe9", b"\xff\xfe", "ü 日本".as_bytes(), b"a\nb\\c", b"\xed\xa0\x80"]
        {
            let place = Place::default().join(b"d\xff").join(name);
            assert_eq!(Place::of_id(&place.id()).expect("ours"), place, "{}", place.id());
        }
        assert_eq!(Place::default().join("a b/ü".split('/').next_back().unwrap().as_bytes()).id().as_str(), "ü");
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

    #[test]
    fn a_path_below_a_root_has_one_slash_between_names() {
        let place = Place::of_path("a/b").unwrap();
        assert_eq!(place.below(b"/"), b"/a/b");
        assert_eq!(place.below(b"/srv"), b"/srv/a/b");
        assert_eq!(Place::default().below(b"/srv"), b"/srv");
    }

    #[test]
    fn a_longer_name_is_not_within_a_shorter_one() {
        assert!(is_within(b"/a/b", b"/a") && is_within(b"/a", b"/a") && is_within(b"/a", b"/"));
        assert!(!is_within(b"/ab", b"/a") && !is_within(b"/", b"/a"));
    }
}
