//! Cursors: where each drive's feed stands.

use catchment_core::{Cursor, Error, ErrorKind, Result};
use catchment_msgraph::Trail;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::place::{Library, Place};

/// Where the feed of one integration stands. Each drive has a feed of its own; they are read in turns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The integration's root, so that a cursor of another is told apart.
    root: String,
    pub(crate) feeds: Vec<Feed>,
    /// Whose turn it is.
    at: usize,
    /// Whether a round begins: then libraries that came or went are told of first.
    pub(crate) begins: bool,
}

/// Where the feed of one drive stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Feed {
    pub(crate) drive: String,
    /// The id of the library's top, to tell that it is gone when it can no longer be asked for.
    pub(crate) top: String,
    /// What it was called, to tell that it is called otherwise.
    pub(crate) label: String,
    link: String,
}

impl Position {
    pub(crate) fn new(place: &Place, feeds: Vec<Feed>) -> Self {
        Self { root: place.id.to_string(), feeds, at: 0, begins: true }
    }

    /// Reads a cursor of this place.
    ///
    /// # Errors
    /// `CursorExpired` when it is another's.
    pub(crate) fn read(cursor: &Cursor, place: &Place) -> Result<Self> {
        let position: Option<Self> = serde_json::from_str(cursor.as_str()).ok();
        position.filter(|position| position.root == place.id.as_str()).ok_or_else(expired)
    }

    pub(crate) fn cursor(&self) -> Result<Cursor> {
        let text = serde_json::to_string(self);
        text.map(Cursor::new).map_err(|error| Error::internal("a cursor cannot be written").source(error))
    }

    /// The feed whose turn it is.
    pub(crate) fn feed(&self) -> Option<&Feed> {
        self.feeds.get(self.at)
    }

    /// Moves on to `next`, the link to the next page of the feed, or past its end to `delta`. Says whether
    /// there is more at once.
    pub(crate) fn advance(&mut self, next: Option<String>, delta: Option<String>) -> Result<bool> {
        self.begins = false;
        let Some(feed) = self.feeds.get_mut(self.at) else { return Ok(self.rewind()) };
        match (next, delta) {
            (Some(next), _) => {
                feed.link = Trail::parse(&feed.link)?.on(next)?.to_string();
                return Ok(true);
            }
            (None, Some(delta)) => feed.link = Trail::begin(delta).to_string(),
            (None, None) => return Err(Error::protocol("the feed of changes ends without saying where it goes on")),
        }
        self.at += 1;
        Ok(self.at < self.feeds.len() || self.rewind())
    }

    /// The next round begins with the first feed; there is no more for now.
    fn rewind(&mut self) -> bool {
        (self.at, self.begins) = (0, true);
        false
    }
}

impl Feed {
    /// The feed of a library from a link on.
    pub(crate) fn new(library: &Library, link: String) -> Self {
        Self {
            drive: library.drive.clone(),
            top: library.top.clone(),
            label: library.label.clone(),
            link: Trail::begin(link).to_string(),
        }
    }

    /// The link to the next page.
    ///
    /// # Errors
    /// `CursorExpired` when the link is one of another drive.
    pub(crate) fn link(&self) -> Result<String> {
        let link = Trail::parse(&self.link).map_err(|_| expired())?.link().to_owned();
        let plain = percent_decode_str(&link).decode_utf8_lossy().to_lowercase();
        let names_a_drive = plain.contains("/drives/") || plain.contains("/drives(");
        if names_a_drive && !plain.contains(&self.drive.to_lowercase()) {
            return Err(expired());
        }
        Ok(link)
    }
}

/// The cursor is of no use here.
pub(crate) fn expired() -> Error {
    Error::new(
        ErrorKind::CursorExpired,
        "this cursor is of another place, or of another connector: walk everything again",
    )
}
