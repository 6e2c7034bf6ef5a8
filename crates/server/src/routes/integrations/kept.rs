//! Lists that were written a moment ago.
//!
//! A front end asks for the list over and over, and it seldom changes. So what was written is kept
//! with the mark of the rows it was made from, and given again while the mark is the same: the
//! database is asked each time, but for three numbers instead of all rows. Nothing is given that
//! another server, or the command line, has changed meanwhile.

use std::fmt;

use axum::http::HeaderValue;
use bytes::Bytes;
use catchment_store::Mark;
use moka::sync::Cache;

/// So many bytes of lists are kept.
const ROOM: u64 = 16 << 20;

/// Which list: whose, and what part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Which {
    pub(crate) organization: String,
    pub(crate) user: String,
    pub(crate) vendor: Option<String>,
    pub(crate) after: Option<i64>,
    pub(crate) limit: u32,
}

/// A list as it was written.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) mark: Mark,
    pub(crate) body: Bytes,
    pub(crate) etag: HeaderValue,
    /// The last id, if there are more behind it.
    pub(crate) next: Option<i64>,
}

/// The lists that are kept; those that were not asked for the longest make room.
pub(crate) struct Kept(Cache<Which, Written>);

impl Kept {
    pub(crate) fn new() -> Self {
        let weigh = |which: &Which, written: &Written| {
            let names = which.organization.len() + which.user.len();
            u32::try_from(written.body.len() + names + 256).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(ROOM).weigher(weigh).build())
    }

    /// The list, if nothing has changed since it was written.
    pub(crate) fn get(&self, which: &Which, mark: Mark) -> Option<Written> {
        self.0.get(which).filter(|written| written.mark == mark)
    }

    pub(crate) fn keep(&self, which: Which, written: Written) {
        self.0.insert(which, written);
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("lists", &self.0.entry_count()).finish()
    }
}
