//! Lists that were written a moment ago.
//!
//! A front end asks for the lists over and over, and they seldom change. So what was written is
//! kept with the mark of the rows it was made from, and given again while the mark is the same:
//! the database is asked each time, but for three numbers instead of all rows. Nothing is given
//! that another server, or the command line, has changed meanwhile.

use std::fmt;

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use catchment_core::{Error, Result};
use catchment_store::{Mark, Scoped};
use moka::sync::Cache;

/// So many bytes of lists are kept.
const ROOM: u64 = 16 << 20;

/// Which list: whose, and what of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Which {
    pub(crate) organization: String,
    pub(crate) user: String,
    pub(crate) part: Part,
}

/// What of a user's integrations.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// The integrations themselves, a page of them.
    Integrations { vendor: Option<String>, after: Option<i64>, limit: u32 },
    /// The vendors, and how the user stands with each.
    Catalogue { connected: bool },
}

/// A list as it was written.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    mark: Mark,
    body: Bytes,
    etag: HeaderValue,
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

    /// The list as it was written before, if nothing has changed since, or as `write` writes it
    /// now. `scoped` sees what the list is made from.
    pub(crate) async fn written(
        &self,
        scoped: &Scoped,
        which: Which,
        write: impl AsyncFnOnce() -> Result<(Vec<u8>, Option<i64>)>,
    ) -> Result<Written> {
        // Before the rows: what changes in between makes the list newer than its mark, never older.
        let mark = scoped.integrations_mark().await?;
        if let Some(written) = self.0.get(&which).filter(|written| written.mark == mark) {
            return Ok(written);
        }
        let (body, next) = write().await?;
        let etag = format!("W/\"{}\"", &blake3::hash(&body).to_hex()[..32]);
        let etag =
            HeaderValue::try_from(etag).map_err(|error| Error::internal("an ETag is no header").source(error))?;
        let written = Written { mark, body: body.into(), etag, next };
        self.0.insert(which, written.clone());
        Ok(written)
    }
}

impl Written {
    /// The list, or that it is the one the client knows.
    pub(crate) fn answer(self, headers: &HeaderMap) -> Response {
        let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|known| names(known, &self.etag));
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, "application/json")], self.body).into_response()
        };
        response.headers_mut().insert(header::ETAG, self.etag);
        response
    }
}

/// Whether a list of tags has this one, or is `*`.
fn names(known: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(known), Ok(etag)) = (known.to_str(), etag.to_str()) else { return false };
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.split(',').any(|tag| tag.trim() == "*" || bare(tag) == bare(etag))
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("lists", &self.0.entry_count()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_list_is_named_by_its_tag_among_others_weak_or_not() {
        let tag = HeaderValue::from_static("W/\"0a1b\"");
        for known in ["W/\"0a1b\"", "\"0a1b\"", "\"ffff\", W/\"0a1b\"", "*"] {
            assert!(names(&HeaderValue::from_static(known), &tag), "{known}");
        }
        for known in ["", "0a1b", "\"0a1\"", "\"0a1b0\"", "W/\"ffff\""] {
            assert!(!names(&HeaderValue::from_static(known), &tag), "{known}");
        }
    }
}
