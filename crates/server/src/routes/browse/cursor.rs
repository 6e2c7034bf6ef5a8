//! Cursors: where a listing or a search stands, in the hands of the client.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use catchment_core::{EntryId, Error, IntegrationId, PageToken};
use serde::{Deserialize, Serialize};

use crate::problem::{Problem, Result};

/// What a cursor belongs to.
pub(super) struct Asked<'a> {
    pub(super) integration: IntegrationId,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
}

/// Where it goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// In a listing, or in the vendor's own search.
    Page(Spot),
    /// In a search by listing: on each level from the root down, how far it is.
    Tree(Vec<Level>),
}

/// A page of the vendor's, and how many of its items are done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Spot {
    #[serde(rename = "t")]
    pub(super) token: Option<PageToken>,
    #[serde(rename = "d")]
    pub(super) done: usize,
}

/// A container, and how far it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Level {
    #[serde(rename = "c")]
    pub(super) container: EntryId,
    #[serde(rename = "s")]
    pub(super) spot: Spot,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    i: IntegrationId,
    /// A mark of path and query: they are the client's to repeat, and may be long.
    m: String,
    p: Place,
}

impl Asked<'_> {
    /// The cursor for a place.
    pub(super) fn seal(&self, place: Place) -> Result<String> {
        let sealed = Sealed { i: self.integration, m: self.mark(), p: place };
        let json = serde_json::to_vec(&sealed)
            .map_err(|error| Error::internal("a cursor cannot be written down").source(error))?;
        Ok(URL_SAFE_NO_PAD.encode(json))
    }

    /// The place of a cursor.
    ///
    /// # Errors
    /// Names the field when it is no cursor, or one of another call.
    pub(super) fn open(&self, cursor: &str) -> Result<Place> {
        let sealed: Option<Sealed> =
            URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|json| serde_json::from_slice(&json).ok());
        let Some(sealed) = sealed else {
            return Err(Problem::field("cursor", "not a cursor: give the next_cursor of the page before"));
        };
        if sealed.i != self.integration || sealed.m != self.mark() {
            let remedy = "it belongs to another integration, path or query: repeat those, or leave the cursor out";
            return Err(Problem::field("cursor", remedy));
        }
        Ok(sealed.p)
    }

    fn mark(&self) -> String {
        let mut hash = blake3::Hasher::new();
        hash.update(self.path.as_bytes());
        if let Some(query) = self.query {
            hash.update(&[0]);
            hash.update(query.as_bytes());
        }
        hash.finalize().to_hex()[..16].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked<'a>(integration: i64, path: &'a str, query: Option<&'a str>) -> Asked<'a> {
        Asked { integration: IntegrationId(integration), path, query }
    }

    #[test]
    fn a_cursor_is_good_for_its_own_call_only() {
        let place = Place::Page(Spot { token: Some(PageToken::new("a b/ü")), done: 3 });
        let cursor = asked(7, "docs", Some("plan")).seal(place.clone()).unwrap();
        assert_eq!(asked(7, "docs", Some("plan")).open(&cursor).unwrap(), place);
        for other in [asked(8, "docs", Some("plan")), asked(7, "doc", Some("plan")), asked(7, "docs", None)] {
            assert!(other.open(&cursor).unwrap_err().detail().starts_with("cursor: it belongs to another"));
        }
        for broken in ["", "x", "42", &cursor[1..], "e30"] {
            assert!(asked(7, "docs", Some("plan")).open(broken).unwrap_err().detail().starts_with("cursor: not a"));
        }
    }
}
