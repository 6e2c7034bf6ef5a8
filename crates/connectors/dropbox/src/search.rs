//! Search: Dropbox's own, of names.

use catchment_core::{Entry, EntryId, Error, Page, PageRequest, PageToken, Result};
use serde_json::json;

use crate::{
    connection::Connection,
    model::{Matched, Matches},
    place::Place,
};

/// Dropbox finds no more on a page, and takes no longer question.
const MOST: u32 = 1_000;

impl Connection {
    /// One page of what is called so. Dropbox finds 10,000 at the most, not what changed a moment
    /// ago, and some twice.
    pub(crate) async fn find(&self, query: &str, under: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        if query.trim().is_empty() || query.chars().count() > MOST as usize {
            return Err(Error::unsupported("Dropbox searches for 1 to 1,000 characters"));
        }
        let (place, found): (_, Matches) = match &page.token {
            Some(cursor) => self.go_on("files/search/continue_v2", cursor.as_str()).await?,
            None => {
                let limit = page.limit_or(MOST, MOST);
                let search = |place: &Place| {
                    let path = place.root.path(under)?;
                    let options = json!({
                        "path": path, "max_results": limit, "file_status": "active", "filename_only": true,
                    });
                    Ok(json!({ "query": query, "options": options }))
                };
                self.ask("files/search_v2", search).await?
            }
        };
        let matched = found.matches.iter().filter_map(|one| match &one.metadata {
            Matched::Metadata { metadata } => place.root.entry_of(metadata),
            Matched::Other => None,
        });
        let next = found.cursor.filter(|cursor| found.has_more && !cursor.is_empty()).map(PageToken::new);
        if next.is_some() && next == page.token {
            return Err(Error::protocol("Dropbox gives the same page again and again: search again later"));
        }
        Ok(Page { items: matched.collect(), next })
    }
}
