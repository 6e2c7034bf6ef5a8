//! Listing and finding.

use catchment_client::{Offset, segment};
use catchment_core::{Browse, Entry, EntryId, Error, Page, PageRequest, PageToken, Result, async_trait};

use crate::{
    connection::Connection,
    item::{FIELDS, Item},
    place::{Library, Place, names},
    site::encoded,
    whereabouts::Whereabouts,
};

/// Entries a page unless asked for, and at the most; more is accepted, and answered slowly.
const PAGE: u32 = 200;
const MOST: u32 = 999;

#[async_trait]
impl Browse for Connection {
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let place = self.place().await?;
        if place.is_site && *parent == place.id {
            return self.libraries(&page).await;
        }
        let (library, item) = self.target(parent, parent.as_str()).await?;
        let first = || {
            let path = format!("drives/{}/items/{}/children", segment(&library.drive), segment(item));
            self.graph.get(path).query("$select", FIELDS).query("$top", page.limit_or(PAGE, MOST))
        };
        let found = self.graph.page::<Item>(first, &page, 2).await.map_err(|error| self.explained(error))?;
        let mut whereabouts = Whereabouts::new(self, &library);
        let mut items = Vec::with_capacity(found.items.len());
        for item in found.items {
            // An id leads anywhere in the drive, and only below the root is ours.
            let path = whereabouts.path(&item).await?.ok_or_else(|| Error::not_found(parent))?;
            items.push(item.entry(&library.drive, path));
        }
        Ok(Page { items, next: found.next })
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        let missing = || Error::not_found(path);
        let below = names(path).ok_or_else(missing)?;
        let place = self.place().await?;
        if below.is_empty() {
            return Ok(place.root());
        }
        let (library, below) = match below.split_first() {
            Some((first, rest)) if place.is_site => {
                (Library::called(&place.libraries, first).ok_or_else(missing)?, rest)
            }
            _ => (place.libraries.first().ok_or_else(missing)?, below.as_slice()),
        };
        if below.is_empty() {
            return Ok(place.entry(library));
        }
        let at = format!("drives/{}/items/{}:/{}", segment(&library.drive), segment(&library.top), encoded(below));
        let item: Item = self
            .graph
            .one(self.graph.get(at).query("$select", FIELDS))
            .await
            .map_err(|error| self.explained(error).with("path", path))?;
        let found = Whereabouts::new(self, library).path(&item).await?.ok_or_else(missing)?;
        Ok(item.entry(&library.drive, found))
    }

    /// Searches names, metadata and content. The index lags behind by minutes.
    async fn search(&self, query: &str, under: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let place = self.place().await?;
        if place.is_site && *under == place.id {
            return self.search_site(query, &place, page).await;
        }
        let (library, item) = self.target(under, under.as_str()).await?;
        self.search_library(query, &library, item, page).await
    }
}

impl Connection {
    /// The libraries of a site as it is now.
    async fn libraries(&self, page: &PageRequest) -> Result<Page<Entry>> {
        let place = self.place_now().await?;
        let offset = Offset::of(page, PAGE, MOST)?;
        // What does not fit in memory is no list of libraries.
        let from = usize::try_from(offset.offset).unwrap_or(usize::MAX);
        let some = place.libraries.iter().skip(from).take(offset.limit as usize);
        let items = some.map(|library| place.entry(library)).collect();
        Ok(offset.page(items, Some(place.libraries.len() as u64)))
    }

    async fn search_library(
        &self,
        query: &str,
        library: &Library,
        item: &str,
        page: PageRequest,
    ) -> Result<Page<Entry>> {
        let first = || {
            let words = segment(&query.replace('\'', "''"));
            let path = format!("drives/{}/items/{}/search(q='{words}')", segment(&library.drive), segment(item));
            self.graph.get(path).query("$select", FIELDS).query("$top", page.limit_or(PAGE, MOST))
        };
        let found = self.graph.page::<Item>(first, &page, 2).await.map_err(|error| self.explained(error))?;
        let mut whereabouts = Whereabouts::new(self, library);
        let mut items = Vec::new();
        for item in found.items {
            // Results lie in other drives, too; and some are moved or gone by now.
            let drive = item.parent_reference.drive_id.as_deref().unwrap_or(&library.drive);
            if item.is_remote() || !drive.eq_ignore_ascii_case(&library.drive) {
                continue;
            }
            if let Some(path) = whereabouts.path(&item).await?.filter(|path| !path.is_empty()) {
                items.push(item.entry(&library.drive, path));
            }
        }
        Ok(Page { items, next: found.next })
    }

    /// One library after the other. A token names the library, and where in it.
    async fn search_site(&self, query: &str, place: &Place, page: PageRequest) -> Result<Page<Entry>> {
        let foreign = || Error::protocol("this is no page token of this search: begin with the first page");
        let (at, token) = match page.token.as_ref().map(|token| token.as_str().split_once(' ').ok_or_else(foreign)) {
            None => (0, None),
            Some(token) => {
                let (at, token) = token?;
                (at.parse().map_err(|_| foreign())?, Some(token).filter(|token| !token.is_empty()))
            }
        };
        let Some(library) = place.libraries.get(at) else { return Ok(Page::last(Vec::new())) };
        let request = PageRequest { token: token.map(PageToken::new), limit: page.limit };
        let found = self.search_library(query, library, &library.top, request).await?;
        let next = match found.next {
            Some(next) => Some(format!("{at} {next}")),
            None => (at + 1 < place.libraries.len()).then(|| format!("{} ", at + 1)),
        };
        Ok(Page { items: found.items, next: next.map(PageToken::new) })
    }
}
