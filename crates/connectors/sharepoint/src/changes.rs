//! Changes: the feed of each drive, cut to what is below the root.
//!
//! A feed speaks of a whole drive, and of each item as it is, in any order, an item perhaps several times.
//! See <https://learn.microsoft.com/graph/api/driveitem-delta>.

use std::collections::HashSet;

use catchment_client::segment;
use catchment_core::{Change, ChangePage, Changes, Cursor, Error, ErrorKind, Result, async_trait};

use crate::{
    connection::Connection,
    cursor::{Feed, Position, expired},
    item::{FIELDS, Item, entry_id},
    place::{CLOSED, Library, Place},
    whereabouts::Whereabouts,
};

#[async_trait]
impl Changes for Connection {
    async fn now(&self) -> Result<Cursor> {
        let place = self.place_now().await?;
        let mut feeds = Vec::with_capacity(place.libraries.len());
        for library in place.libraries.iter().filter(|library| !library.is_closed()) {
            feeds.push(self.feed_from_now(library).await?);
        }
        Position::new(&place, feeds).cursor()
    }

    async fn changes(&self, since: &Cursor) -> Result<ChangePage> {
        let mut place = self.place().await?;
        let mut position = Position::read(since, &place)?;
        let mut changes = Vec::new();
        if position.begins {
            // A folder that was renamed or moved, or one above it: what is below would seem to lie elsewhere.
            place = self.place_now().await?;
            position = Position::read(since, &place)?;
            if place.is_site {
                self.libraries_changed(&place, &mut position, &mut changes).await?;
            }
        }
        let (mut next, mut delta) = (None, None);
        if let Some(feed) = position.feed() {
            // In the middle of a round a library may be gone; the next round tells.
            let library = place.library(&feed.drive).ok_or_else(expired)?;
            let page = self.graph.feed::<Item>(self.graph.linked(&feed.link()?), 1).await;
            let page = page.map_err(|error| self.explained(error))?;
            self.told(library, page.value, &mut changes).await?;
            (next, delta) = (page.next, page.delta);
        }
        let more = position.advance(next, delta)?;
        Ok(ChangePage { changes, cursor: position.cursor()?, more })
    }
}

impl Connection {
    /// The feed of a library, from this moment on.
    async fn feed_from_now(&self, library: &Library) -> Result<Feed> {
        let path = format!("drives/{}/root/delta", segment(&library.drive));
        let call = self.graph.get(path).query("token", "latest").query("$select", FIELDS);
        let page = self.graph.feed::<Item>(call, 1).await.map_err(|error| self.explained(error))?;
        let link = page.delta.ok_or_else(|| Error::protocol("the feed of changes has no end that could be kept"))?;
        Ok(Feed::new(library, link))
    }

    /// Libraries of a site that came, went, or are called otherwise.
    async fn libraries_changed(&self, place: &Place, position: &mut Position, changes: &mut Vec<Change>) -> Result<()> {
        for gone in position.feeds.iter().filter(|feed| place.library(&feed.drive).is_none()) {
            changes.push(Change::Remove(entry_id(&gone.drive, &gone.top)));
        }
        position.feeds.retain(|feed| place.library(&feed.drive).is_some());
        for library in place.libraries.iter().filter(|library| !library.is_closed()) {
            match position.feeds.iter_mut().find(|feed| feed.drive == library.drive) {
                Some(feed) if feed.label == library.label => continue,
                Some(feed) => feed.label.clone_from(&library.label),
                // The feed begins before the library is listed, so that nothing falls in between.
                None => {
                    position.feeds.push(self.feed_from_now(library).await?);
                    // As it was listed if it was closed until now.
                    changes.push(Change::Remove(entry_id(&library.drive, CLOSED)));
                }
            }
            changes.push(Change::Upsert(Box::new(place.entry(library))));
        }
        Ok(())
    }

    /// What a page of a drive's feed means below the root.
    async fn told(&self, library: &Library, items: Vec<Item>, changes: &mut Vec<Change>) -> Result<()> {
        let items = last_words(items);
        let mut whereabouts = Whereabouts::new(self, library);
        whereabouts.tell(&items);
        for item in items {
            let drive = item.parent_reference.drive_id.as_deref().unwrap_or(&library.drive);
            if !drive.eq_ignore_ascii_case(&library.drive) {
                return Err(expired());
            }
            if item.id == library.top && item.is_deleted() {
                let remedy = "the folder that was connected is deleted: give another, or restore it";
                return Err(Error::new(ErrorKind::NotFound, remedy).with("field", "folder_path"));
            }
            if item.is_root() || item.id == library.top {
                continue;
            }
            let path = if item.is_deleted() { None } else { whereabouts.path(&item).await? };
            changes.push(match path {
                Some(path) => Change::Upsert(Box::new(item.entry(&library.drive, path))),
                // Deleted, moved out of the root, or never below it, which means nothing to whoever follows.
                None => Change::Remove(entry_id(&library.drive, &item.id)),
            });
        }
        Ok(())
    }
}

/// Each item once, as it is told last.
fn last_words(mut items: Vec<Item>) -> Vec<Item> {
    let mut seen = HashSet::new();
    items.reverse();
    items.retain(|item| seen.insert(item.id.clone()));
    items.reverse();
    items
}
