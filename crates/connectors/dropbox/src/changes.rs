//! Changes: Dropbox's feed behind a recursive list.
//!
//! The feed says of what was deleted nothing but the path, and tells a move as a deletion here and
//! something new there. Ids are paths, so both are what they look like.

use std::time::Duration;

use catchment_core::{
    Change, ChangePage, Changes, Cursor, Error, ErrorKind, PageRequest, Result, async_trait, page::Lap,
};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep_until, timeout};

use crate::{
    connection::Connection,
    listing,
    model::{Deleted, LatestCursor, Longpoll, Metadata},
    place::Place,
};

/// Seconds that a long poll takes at the least and at the most, before Dropbox adds up to 90.
const SHORTEST: u64 = 30;
const LONGEST: u64 = 480;

/// A cursor, and what it is good for: Dropbox's own hides that.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    namespace: String,
    root: String,
    cursor: String,
}

#[async_trait]
impl Changes for Connection {
    async fn now(&self) -> Result<Cursor> {
        let everything = |place: &Place| listing::arguments(place.root.as_str(), true, &PageRequest::first());
        let (place, latest): (_, LatestCursor) = self.ask("files/list_folder/get_latest_cursor", everything).await?;
        Ok(Position::new(&place, latest.cursor).written())
    }

    async fn changes(&self, since: &Cursor) -> Result<ChangePage> {
        let cursor = self.own(since).await?;
        let (lap, cursor) = Lap::of(Some(&cursor));
        let (place, list) = self.list_on(cursor.unwrap_or_default()).await.map_err(gone)?;
        let mut changes = Vec::with_capacity(list.entries.len());
        for metadata in &list.entries {
            match metadata {
                // What is in a folder that went away may be somewhere else by now.
                Metadata::Deleted(Deleted { path_lower: Some(path) }) if place.root.is_within(path) => {
                    return Err(expired());
                }
                Metadata::Deleted(Deleted { path_lower: Some(path) }) if place.root.holds(path) => {
                    changes.push(Change::Remove(path.as_str().into()));
                }
                // Without a path nothing was known of it.
                Metadata::Deleted(_) => {}
                Metadata::File(_) | Metadata::Folder(_) => {
                    changes.extend(place.root.entry_of(metadata).map(|entry| Change::Upsert(Box::new(entry))));
                }
            }
        }
        // With the last page the next lap begins.
        let next = if list.has_more { lap.next(Some(&list.cursor))?.map(|next| next.to_string()) } else { None };
        let cursor = Position::new(&place, next.unwrap_or(list.cursor)).written();
        Ok(ChangePage { changes, cursor, more: list.has_more })
    }

    async fn wait(&self, since: &Cursor, most: Duration) -> Result<bool> {
        let cursor = self.own(since).await?;
        let (_, cursor) = Lap::of(Some(&cursor));
        let argument = json!({ "cursor": cursor, "timeout": most.as_secs().clamp(SHORTEST, LONGEST) });
        let poll = async {
            // Held while waiting: two polls of one account tell no more than one.
            let mut quiet = self.quiet.lock().await;
            if let Some(until) = *quiet {
                sleep_until(until).await;
            }
            let answer: Longpoll = self.wire.notified("files/list_folder/longpoll", &argument).await?;
            *quiet = answer.backoff.map(|seconds| Instant::now() + Duration::from_secs(seconds.min(LONGEST)));
            Ok(answer.changes)
        };
        timeout(most, poll).await.unwrap_or(Ok(false))
    }
}

impl Connection {
    /// What a cursor is to Dropbox.
    ///
    /// # Errors
    /// `CursorExpired` when it is of another place.
    async fn own(&self, cursor: &Cursor) -> Result<String> {
        let Position { namespace, root, cursor } = serde_json::from_str(cursor.as_str()).map_err(|_| expired())?;
        let place = self.place().await?;
        if namespace == place.namespace && root == place.root.as_str() { Ok(cursor) } else { Err(expired()) }
    }
}

impl Position {
    fn new(place: &Place, cursor: String) -> Self {
        Self { namespace: place.namespace.clone(), root: place.root.as_str().to_owned(), cursor }
    }

    fn written(&self) -> Cursor {
        Cursor::new(json!({ "namespace": self.namespace, "root": self.root, "cursor": self.cursor }).to_string())
    }
}

/// A cursor of another place, or of a folder that went away.
fn expired() -> Error {
    Error::new(
        ErrorKind::CursorExpired,
        "the cursor is of another account or folder, or the folder went away meanwhile: list again from the start",
    )
}

/// A folder that is not found where it was: a list finds out whether it is gone.
fn gone(error: Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::Unsupported => expired().source(error),
        _ => error,
    }
}
