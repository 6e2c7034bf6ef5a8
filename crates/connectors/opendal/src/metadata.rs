//! What OpenDAL says about a file or folder, in our words.

use catchment_core::{ContentHash, Entry, EntryId, Fingerprint};
use chrono::{DateTime, Utc};
use opendal::{Capability, EntryMode, Metadata};

use crate::names::can_be_asked_for;

const ETAG: &str = "etag:";

/// The entry with this id. A name that OpenDAL cannot be asked for is special.
pub(crate) fn entry(id: &str, full: &str, metadata: &Metadata) -> Entry {
    let path = id.strip_suffix('/').unwrap_or(id);
    if !can_be_asked_for(full) {
        let reason = "OpenDAL cannot ask for a path with white space at an end, an empty part, or a part of one or \
                      two dots: rename it";
        return Entry::special(id, path, reason);
    }
    let id = EntryId::from(id);
    let mut entry = match metadata.mode() {
        EntryMode::DIR => Entry::container(id, path),
        EntryMode::FILE => Entry::file(id, path),
        EntryMode::Unknown => Entry::special(id, path, "neither a file nor a folder, as the service says"),
    };
    entry.modified = modified(metadata);
    if entry.is_file() {
        entry.size = Some(metadata.content_length());
        entry.mime = metadata.content_type().map(str::to_owned);
        entry.fingerprint = marks(metadata).next();
        // OpenDAL gives every tag of OSS, COS and TOS as an MD5. Not every one is, though all look alike: those
        // services say so of what was appended, encrypted or put together.
        let is_tag = |sum: &str| tag(metadata).is_some_and(|tag| bare(tag) == sum) && is_hexadecimal(sum);
        entry.hash = sum(metadata)
            .filter(|sum| !is_tag(sum))
            .map(|md5| ContentHash { algorithm: "md5".to_owned(), value: md5.to_owned() });
    }
    entry
}

/// What may be a file's fingerprint, the best first: an entity tag, size and time, an MD5. Some services say
/// more about one file than about many, so what was listed may be any of these.
pub(crate) fn marks(metadata: &Metadata) -> impl Iterator<Item = Fingerprint> + use<> {
    let etag = tag(metadata).map(|etag| Fingerprint::new(format!("{ETAG}{etag}")));
    let stamp = modified(metadata).map(|time| Fingerprint::of_size_and_time(metadata.content_length(), time));
    // Some tell no time either.
    let sum = sum(metadata).map(|sum| Fingerprint::new(format!("md5:{sum}")));
    [etag, stamp, sum].into_iter().flatten()
}

/// The entity tag that the service can be asked to compare. A weak one never matches in a condition
/// (RFC 9110, 13.1.1), so it is compared here.
pub(crate) fn pin<'a>(mark: &'a Fingerprint, capability: &Capability) -> Option<&'a str> {
    let etag = mark.as_str().strip_prefix(ETAG).filter(|etag| !etag.starts_with("W/"))?;
    capability.read_with_if_match.then_some(etag)
}

/// What was listed, with the sum it gives as its tag. It is no promise about the content: that of a file
/// in parts is the sum of something else.
pub(crate) fn by_sum(listed: &Metadata) -> Metadata {
    let Some(sum) = sum(listed) else { return listed.clone() };
    let mut said = listed.clone().into_builder();
    said.etag(sum).content_md5("");
    said.build()
}

/// The MD5 that the tag of a file in one piece is.
pub(crate) fn sum_of(found: &Metadata) -> Option<ContentHash> {
    let sum = tag(found).filter(|_| !is_in_parts(found))?;
    Some(ContentHash { algorithm: "md5".to_owned(), value: sum.to_owned() })
}

/// Whether a file is stored in parts: the service gives such a tag in quotes, and no other.
fn is_in_parts(found: &Metadata) -> bool {
    tag(found).is_some_and(|tag| tag.starts_with('"'))
}

/// Whether a file in parts is the one that was listed, as far as can be said: lists know nothing of its
/// tag, some nothing of its size, and are the only ones to know fractions of a second.
pub(crate) fn is_listed_in_parts(entry: &Entry, found: &Metadata) -> bool {
    let whole = |time: DateTime<Utc>| time.timestamp() + i64::from(time.timestamp_subsec_nanos() > 0);
    is_in_parts(found) && entry.modified.map(whole) == modified(found).map(whole)
}

/// Whether what came with the content has this entity tag; `None` where there is nothing to compare.
pub(crate) fn is_tagged(mark: &Fingerprint, said: &Metadata) -> Option<bool> {
    let wanted = mark.as_str().strip_prefix(ETAG)?;
    Some(bare(tag(said)?) == bare(wanted))
}

/// Whether two marks are of one version.
pub(crate) fn is_same(one: &Fingerprint, other: &Fingerprint) -> bool {
    match (one.as_str().strip_prefix(ETAG), other.as_str().strip_prefix(ETAG)) {
        (Some(one), Some(other)) => bare(one) == bare(other),
        _ => one == other,
    }
}

/// Google's service writes tags in quotes in headers, and without in lists.
fn bare(etag: &str) -> &str {
    etag.trim_start_matches("W/").trim_matches('"')
}

/// As tags are written. Google's service, which promises its MD5, writes it in base64.
fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

fn sum(metadata: &Metadata) -> Option<&str> {
    metadata.content_md5().filter(|sum| !sum.is_empty())
}

fn tag(metadata: &Metadata) -> Option<&str> {
    metadata.etag().filter(|etag| !etag.is_empty())
}

fn modified(metadata: &Metadata) -> Option<DateTime<Utc>> {
    let nanoseconds = metadata.last_modified()?.into_inner().as_nanosecond();
    i64::try_from(nanoseconds).ok().map(DateTime::from_timestamp_nanos)
}

#[cfg(test)]
mod tests {
    use opendal::MetadataBuilder;

    use super::*;

    fn said(etag: &str) -> Metadata {
        let mut metadata = MetadataBuilder::file(3);
        metadata.etag(etag);
        metadata.build()
    }

    #[test]
    fn a_tag_is_compared_by_the_service_if_it_can_and_by_us_if_it_cannot() {
        let tags = Capability { read_with_if_match: true, ..Capability::default() };
        let mark = |etag: &str| marks(&said(etag)).next().expect("a tag");
        let (strong, weak) = (mark("\"a\""), mark("W/\"a\""));
        assert_eq!((pin(&strong, &tags), pin(&strong, &Capability::default())), (Some("\"a\""), None));
        assert_eq!(pin(&weak, &tags), None);
        assert_eq!((is_tagged(&weak, &said("\"a\"")), is_tagged(&weak, &said("\"b\""))), (Some(true), Some(false)));
        assert_eq!(is_tagged(&mark("a"), &said("\"a\"")), Some(true));
        assert_eq!(is_tagged(&strong, &MetadataBuilder::file(3).build()), None);
    }

    #[test]
    fn a_tag_in_place_of_an_md5_promises_nothing_of_the_content() {
        let of = |md5: &str| {
            let mut metadata = said("\"781e5e245d69b566979b86e28d23f2c7\"").into_builder();
            metadata.content_md5(md5);
            entry("a", "a", &metadata.build()).hash.map(|hash| hash.value)
        };
        assert_eq!(of("781e5e245d69b566979b86e28d23f2c7"), None);
        assert_eq!(of("eB5eJF1ptWaXm4bijSPyxw==").as_deref(), Some("eB5eJF1ptWaXm4bijSPyxw=="));
    }

    #[test]
    fn a_tag_is_the_same_with_and_without_quotes() {
        let mark = |text: &str| Fingerprint::new(text);
        assert!(is_same(&mark("etag:\"a\""), &mark("etag:a")) && is_same(&mark("5@7"), &mark("5@7")));
        assert!(!is_same(&mark("etag:a"), &mark("etag:b")) && !is_same(&mark("etag:5@7"), &mark("5@7")));
    }

    #[test]
    fn a_name_that_cannot_be_asked_for_is_special() {
        let entry = |id: &str| entry(id, id, &said(""));
        assert!(entry("a").is_file() && entry("a b").is_file());
        for id in ["a ", " a", "a//b", "a/../b"] {
            let entry = entry(id);
            assert!(!entry.is_file() && !entry.is_container() && entry.path == id, "{entry:?}");
        }
    }
}
