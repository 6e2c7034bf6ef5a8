//! Listings between two pages.
//!
//! OpenDAL lists as a stream and gives no token. So the stream is kept from page to page, and a page
//! token says how many entries came before and what they add up to. When the stream is gone (another
//! process goes on, the connection broke), the folder is listed again from the start; if what is
//! skipped adds up to the same, exactly the rest is left. If not, the folder has changed, and nobody
//! can say what is missing: that is an error, never a guess. A whole tree is listed in the order of
//! names where the service can begin behind a name; there the token is that name.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
};

use catchment_core::{Error, ErrorKind, PageToken, Result};
use futures::StreamExt;
use opendal::{Entry, Lister, options::ListOptions};

use crate::{errors, storage::Storage};

/// Streams kept at a time: as many as a few walks need. Some hold a whole folder.
const KEPT: usize = 4;

/// The streams that are kept between pages.
#[derive(Default)]
pub(crate) struct Listings(Mutex<VecDeque<(Place, Listing)>>);

/// What is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The folder as OpenDAL takes it.
    pub(crate) full: String,
    /// For people.
    pub(crate) path: String,
    /// The whole tree below.
    pub(crate) flat: bool,
}

/// A folder or tree that is being listed.
pub(crate) struct Listing {
    lister: Lister,
    ended: bool,
    /// Whether the folder itself was listed, too.
    named: bool,
    passed: Passed,
    /// The name the next page begins behind, where the service can do that.
    behind: Option<String>,
    by_name: bool,
}

/// The entries that went by: how many, and a sum over their names that no order changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Passed {
    count: u64,
    sum: u64,
}

/// Where a page begins.
enum Start {
    Passed(Passed),
    Behind(String),
}

impl Listings {
    /// Takes out the stream that stands where the token says.
    pub(crate) fn take(&self, place: &Place, token: &PageToken) -> Option<Listing> {
        let mut kept = self.kept();
        let at = kept.iter().position(|(other, listing)| other == place && listing.token() == *token)?;
        kept.remove(at).map(|(_, listing)| listing)
    }

    /// Keeps a stream for its next page; the one that waits longest makes room.
    pub(crate) fn keep(&self, place: Place, listing: Listing) {
        let mut kept = self.kept();
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((place, listing));
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(Place, Listing)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listing {
    /// Begins to list, and skips what came before the token.
    pub(crate) async fn open(
        storage: &Storage,
        place: &Place,
        token: Option<&PageToken>,
        limit: usize,
    ) -> Result<Self> {
        let by_name = place.flat && storage.capability.list_with_start_after;
        let start = token.map(|token| Start::parse(token, place, by_name)).transpose()?;
        let behind = match &start {
            Some(Start::Behind(name)) => Some(name.clone()),
            _ => None,
        };
        let options = ListOptions {
            limit: storage.capability.list_with_limit.then_some(limit),
            start_after: behind.clone(),
            recursive: place.flat,
            ..ListOptions::default()
        };
        let lister = storage.operator.lister_options(&place.full, options);
        let lister = errors::within(storage.patience, &place.path, lister).await?;
        let mut listing = Self { lister, ended: false, named: false, passed: Passed::default(), behind, by_name };
        if let Some(Start::Passed(before)) = start {
            while listing.passed.count < before.count && listing.next(storage, place).await?.is_some() {}
            if listing.passed != before {
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    "the folder changed while its listing was interrupted: list it again from the start",
                )
                .with("path", &place.path));
            }
        }
        Ok(listing)
    }

    /// The next entry below the folder; `None` at the end.
    pub(crate) async fn next(&mut self, storage: &Storage, place: &Place) -> Result<Option<Entry>> {
        while !self.ended {
            let listed = async { self.lister.next().await.transpose() };
            let Some(entry) = errors::within(storage.patience, &place.path, listed).await? else {
                self.ended = true;
                break;
            };
            let path = entry.path();
            let rest = if place.full.is_empty() { Some(path) } else { path.strip_prefix(place.full.as_str()) };
            let Some(rest) = rest else {
                return Err(Error::protocol("the service lists something that is not in the folder asked for")
                    .with("path", &place.path));
            };
            match rest {
                // The folder itself, which some services list as well; the others do so in FTP.
                "" | "/" => self.named = true,
                "./" | "../" => {}
                _ if !place.flat && rest.strip_suffix('/').unwrap_or(rest).contains('/') && !rest.contains("//") => {
                    return Err(Error::protocol("the service lists what is further below when asked for one folder")
                        .with("path", &place.path));
                }
                // Some begin at the name, not behind it.
                _ if self.by_name && self.behind.as_deref().is_some_and(|behind| path <= behind) => {}
                _ => {
                    self.passed.add(path);
                    if self.by_name {
                        self.behind = Some(path.to_owned());
                    }
                    return Ok(Some(entry));
                }
            }
        }
        Ok(None)
    }

    /// Whether nothing is left, as far as is known without asking.
    pub(crate) fn is_at_end(&self) -> bool {
        self.ended
    }

    /// Whether it ended without a sign that there is such a folder at all.
    pub(crate) fn is_of_nothing(&self) -> bool {
        self.ended && !self.named && self.passed.count == 0
    }

    /// Where the next page starts.
    pub(crate) fn token(&self) -> PageToken {
        PageToken::new(match &self.behind {
            Some(name) => format!("behind:{name}"),
            None => format!("{}.{:016x}", self.passed.count, self.passed.sum),
        })
    }
}

impl Passed {
    fn add(&mut self, name: &str) {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        self.count += 1;
        self.sum = self.sum.wrapping_add(hasher.finish());
    }
}

impl Start {
    fn parse(token: &PageToken, place: &Place, by_name: bool) -> Result<Self> {
        let foreign = || Error::protocol("this page token is not one of this folder: start from the first page");
        if by_name && let Some(name) = token.as_str().strip_prefix("behind:") {
            return name.starts_with(&place.full).then(|| Self::Behind(name.to_owned())).ok_or_else(foreign);
        }
        let read = || {
            let (count, sum) = token.as_str().split_once('.')?;
            Some(Passed { count: count.parse().ok()?, sum: u64::from_str_radix(sum, 16).ok()? })
        };
        read().map(Self::Passed).ok_or_else(foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(names: &[&str]) -> Passed {
        let mut passed = Passed::default();
        names.iter().for_each(|name| passed.add(name));
        passed
    }

    #[test]
    fn a_token_tells_apart_what_was_given_and_nothing_else() {
        assert_eq!(passed(&["a", "b"]), passed(&["b", "a"]));
        assert_ne!(passed(&["a", "b"]), passed(&["a", "c"]));
        assert_ne!(passed(&["a"]), passed(&["a", "b"]));
    }

    #[test]
    fn a_token_of_another_folder_is_refused() {
        let place = Place { full: "a/".to_owned(), path: "a".to_owned(), flat: true };
        let parse = |token: &str, by_name| Start::parse(&PageToken::new(token), &place, by_name);
        assert!(matches!(parse("behind:a/x.y", true), Ok(Start::Behind(name)) if name == "a/x.y"));
        assert!(matches!(parse("7.00000000000000ff", false), Ok(Start::Passed(Passed { count: 7, sum: 255 }))));
        assert!(parse("behind:b/x", true).is_err() && parse("behind:a/x", false).is_err());
        assert!(parse("made up", true).is_err());
    }
}
