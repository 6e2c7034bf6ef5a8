//! Browse: one folder, or everything below it in one flat list.

use catchment_core::{
    Browse, Entry, EntryId, Error, ErrorKind, Flat, Page, PageRequest, PageToken, Result, async_trait,
};
use serde_json::{Value, json};

use crate::{
    connection::Connection,
    model::{Folder, Metadata},
    place::Place,
};

/// Dropbox gives about so many at the most, and now and then some more.
const MOST: u32 = 2_000;

/// Before a cursor: that a folder was met which shows nothing of what is in it.
const CLOSED: &str = "closed ";

#[async_trait]
impl Browse for Connection {
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let cursor = page.token.as_ref().map(PageToken::as_str);
        let (place, list) = self.list(cursor, |place| arguments(place.root.path(parent)?, false, &page)).await?;
        let items = list.entries.iter().filter_map(|metadata| place.root.entry_of(metadata)).collect();
        Ok(Page { items, next: list.has_more.then(|| PageToken::new(list.cursor)) })
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        if path.is_empty() {
            return Ok(self.place().await?.root.entry());
        }
        let wanted = |place: &Place| Ok(json!({ "path": place.root.join(path)? }));
        let found: Result<(_, Metadata)> = self.ask("files/get_metadata", wanted).await;
        let (place, metadata) = found.map_err(|error| match error.get("path") {
            Some(_) => error,
            None => error.with("path", path),
        })?;
        place.root.entry_of(&metadata).ok_or_else(|| Error::not_found(path))
    }

    async fn search(&self, query: &str, under: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        self.find(query, under, page).await
    }

    fn flat(&self) -> Option<&dyn Flat> {
        Some(self)
    }
}

#[async_trait]
impl Flat for Connection {
    /// A folder that the account may not look into ends the list with an error, when everything
    /// else was given: it is not known what is in it, so nothing may be taken for gone.
    async fn descendants(&self, under: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let token = page.token.as_ref().map(PageToken::as_str);
        let (mut closed, cursor) = match token.and_then(|token| token.strip_prefix(CLOSED)) {
            Some("") => return Err(no_access()),
            Some(cursor) => (true, Some(cursor)),
            None => (false, token),
        };
        let (place, list) = self.list(cursor, |place| arguments(place.root.path(under)?, true, &page)).await?;
        closed |= list.entries.iter().any(is_closed);
        let items = list.entries.iter().filter_map(|metadata| place.root.entry_of(metadata)).collect();
        let next = match (list.has_more, closed) {
            (true, false) => Some(list.cursor),
            (true, true) => Some(format!("{CLOSED}{}", list.cursor)),
            (false, true) => Some(CLOSED.to_owned()),
            (false, false) => None,
        };
        Ok(Page { items, next: next.map(PageToken::new) })
    }

    fn shows_containers(&self) -> bool {
        true
    }
}

/// What to list, and how. Cursors remember it.
pub(crate) fn arguments(path: &str, recursive: bool, page: &PageRequest) -> Result<Value> {
    Ok(json!({
        "path": path,
        "recursive": recursive,
        "include_deleted": false,
        "include_mounted_folders": true,
        "include_non_downloadable_files": true,
        "limit": page.limit_or(MOST, MOST),
    }))
}

fn is_closed(metadata: &Metadata) -> bool {
    matches!(metadata, Metadata::Folder(Folder { sharing_info: Some(sharing), .. }) if sharing.no_access)
}

pub(crate) fn no_access() -> Error {
    Error::new(
        ErrorKind::Forbidden,
        "a folder shows nothing of what is in it: have the account given access, or connect to another folder",
    )
}
