//! Browse: the children of a folder in the server's order, and finding one by its path.
//!
//! There is no flat listing: in one, a folder that cannot be read would either end everything
//! behind it or go unnoticed. Walked folder by folder, it is one branch that was not listed.

use catchment_core::{Browse, Entry, EntryId, Error, ErrorKind, Page, PageRequest, Result, async_trait};
use futures::{StreamExt, TryStreamExt, stream};

use crate::{directories::Reading, names::Place, server::Server};

/// Entries of a page, unless asked for another number.
const PAGE: u32 = 1_000;

/// Entries that are looked at closer at a time.
const LOOKS: usize = 16;

#[async_trait]
impl Browse for Server {
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let place = Place::of_id(parent)?;
        let limit = page.limit_or(PAGE, 10_000) as usize;
        let kept = page.token.as_ref().and_then(|token| self.directories.take(parent, token));
        if let Some(reading) = kept {
            match self.page(parent, &place, reading, limit).await {
                // The connection ended between two pages.
                Err(error) if error.kind() == ErrorKind::Unavailable => {}
                answer => return answer,
            }
        }
        let listed = self.pool.call(|lease| async {
            let reading = Reading::open(lease, &self.tree, &place, page.token.as_ref()).await?;
            self.page(parent, &place, reading, limit).await
        });
        listed.await.map_err(|error| if place.names().is_empty() { self.tree.of_root(error) } else { error })
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        self.pool
            .call(|lease| async move {
                let place = self.resolve(path).await?;
                self.tree.entry_at(&lease, &place).await
            })
            .await
    }
}

impl Server {
    /// Fills a page. What stays open is kept for the next one.
    async fn page(&self, parent: &EntryId, place: &Place, mut reading: Reading, limit: usize) -> Result<Page<Entry>> {
        let mut names = Vec::with_capacity(limit.min(PAGE as usize));
        while names.len() < limit
            && let Some(name) = reading.next().await?
        {
            names.push(name);
        }
        let (session, way) = (&reading.lease, &reading.way);
        let looks = if self.tree.sequential { 1 } else { LOOKS };
        let entries = stream::iter(names).map(|name| self.tree.entry(session, place, name, way)).buffered(looks);
        let items = entries.try_filter_map(|entry| async { Ok(entry) }).try_collect().await?;
        let next = (!reading.is_at_end()).then(|| reading.token());
        if next.is_some() {
            self.directories.keep(parent.clone(), reading);
        }
        Ok(Page { items, next })
    }

    /// The place a person's path means. Names that are not UTF-8 are shown with U+FFFD; given
    /// like that, they are looked for.
    async fn resolve(&self, path: &str) -> Result<Place> {
        let literal = Place::of_path(path)?;
        if !path.contains(char::REPLACEMENT_CHARACTER) {
            return Ok(literal);
        }
        let mut place = Place::default();
        for name in literal.names() {
            let shown = String::from_utf8_lossy(name).into_owned();
            let mut found = None;
            if shown.contains(char::REPLACEMENT_CHARACTER) {
                let mut reading = Reading::open(self.pool.session().await?, &self.tree, &place, None).await?;
                while let Some(listed) = reading.next().await? {
                    if listed.name == name {
                        found = Some(listed.name);
                        break;
                    }
                    let same = String::from_utf8_lossy(&listed.name) == shown;
                    // Where two names look the same, the first in the order of bytes.
                    if same && found.as_ref().is_none_or(|best| listed.name < *best) {
                        found = Some(listed.name);
                    }
                }
                if found.is_none() {
                    return Err(Error::not_found(path));
                }
            }
            place = place.join(found.as_ref().unwrap_or(name));
        }
        Ok(place)
    }
}
