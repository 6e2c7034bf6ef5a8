//! Listing one level, and going through pages of any kind.

use catchment_core::{Browse, Entry, Error, Page, PageRequest, Result as CoreResult};
use tokio::time::Instant;

use super::{
    Found,
    cursor::{Place, Spot},
    within,
};
use crate::problem::{Problem, Result};

/// A page of the children of `root`.
pub(super) async fn list(
    browse: &dyn Browse,
    root: &Entry,
    place: Option<Place>,
    limit: usize,
    until: Instant,
) -> Result<Found> {
    let spot = match place {
        None => Spot::default(),
        Some(Place::Page(spot)) => spot,
        Some(Place::Tree(_)) => return Err(Problem::field("cursor", "not a cursor of a listing: leave it out")),
    };
    pages(spot, limit, until, |request| browse.children(&root.id, request)).await.map_err(Problem::vendor)
}

/// Up to `limit` entries out of pages, which a vendor may make larger or smaller than that. Empty
/// pages are passed over as long as there is time.
pub(super) async fn pages<F, Fut>(mut spot: Spot, limit: usize, until: Instant, mut fetch: F) -> CoreResult<Found>
where
    F: FnMut(PageRequest) -> Fut,
    Fut: Future<Output = CoreResult<Page<Entry>>>,
{
    loop {
        let page = u32::try_from(limit).unwrap_or(u32::MAX);
        let request = PageRequest { token: spot.token.clone(), ..PageRequest::first().limit(page) };
        let Page { mut items, next } = within(until, fetch(request)).await?;
        items.drain(..spot.done.min(items.len()));
        if items.len() > limit {
            items.truncate(limit);
            spot.done += limit;
            return Ok(Found { entries: items, next: Some(Place::Page(spot)), ..Found::default() });
        }
        if next.is_some() && next == spot.token {
            return Err(Error::protocol("the vendor gave the same page token twice, so the listing would never end"));
        }
        let more = next.map(|token| Spot { token: Some(token), done: 0 });
        match more {
            Some(next) if items.is_empty() && Instant::now() < until => spot = next,
            more => return Ok(Found { entries: items, next: more.map(Place::Page), ..Found::default() }),
        }
    }
}
