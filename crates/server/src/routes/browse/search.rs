//! Searching below a folder: the vendor's own search where it has one, else by listing, with a
//! cursor that goes on where the time was over.

use std::num::NonZeroU32;

use catchment_core::{Browse, Entry, EntryId, Error, ErrorKind, Page, PageRequest, Result as CoreResult};
use tokio::time::{Instant, timeout_at};

use super::{
    Found,
    cursor::{Level, Place, Spot},
    list::pages,
};
use crate::problem::{Problem, Result};

/// How many entries are asked for at once.
const PAGE: NonZeroU32 = NonZeroU32::new(1_000).expect("not zero");

/// How deep a tree is searched. Deeper is a loop that a vendor's links make.
const DEEPEST: usize = 256;

/// Entries below `root` with `query` in their name.
pub(super) async fn search(
    browse: &dyn Browse,
    root: &Entry,
    query: &str,
    place: Option<Place>,
    limit: usize,
    until: Instant,
) -> Result<Found> {
    let levels = match place {
        Some(Place::Tree(levels)) if levels.first().is_some_and(|first| first.container == root.id) => levels,
        Some(Place::Tree(_)) => return Err(Problem::field("cursor", "not a cursor of this search: leave it out")),
        place => {
            let spot = match place {
                Some(Place::Page(spot)) => spot,
                _ => Spot::default(),
            };
            let first = spot == Spot::default();
            match pages(spot, limit, until, |request| browse.search(query, &root.id, request)).await {
                Err(error) if first && error.kind() == ErrorKind::Unsupported => {}
                own => return own.map_err(Problem::vendor),
            }
            vec![Level { container: root.id.clone(), spot: Spot::default() }]
        }
    };
    let descent = Descent { browse, wanted: query.to_lowercase(), limit, until, found: Found::default() };
    descent.go(levels).await.map_err(Problem::vendor)
}

/// A search by listing, depth first.
struct Descent<'a> {
    browse: &'a dyn Browse,
    wanted: String,
    limit: usize,
    until: Instant,
    found: Found,
}

/// A level with the page it is on, if that has been read in this call.
struct Open {
    level: Level,
    page: Option<Page<Entry>>,
    /// Its path, as far as it is known.
    path: String,
}

impl Descent<'_> {
    async fn go(mut self, levels: Vec<Level>) -> CoreResult<Found> {
        let open = |level| Open { level, page: None, path: String::new() };
        let mut stack: Vec<Open> = levels.into_iter().map(open).collect();
        let mut pages = 0;
        while let Some(depth) = stack.len().checked_sub(1) {
            let top = &mut stack[depth];
            let page = match top.page.take() {
                Some(page) => page,
                None => match timeout_at(self.until, self.fetch(&top.level)).await {
                    Ok(Ok(page)) => {
                        pages += 1;
                        page
                    }
                    // Vanished meanwhile, or closed to this credential: the others are looked at.
                    Ok(Err(error)) if depth > 0 && error.kind() == ErrorKind::NotFound => {
                        stack.pop();
                        continue;
                    }
                    Ok(Err(error)) if depth > 0 && error.kind() == ErrorKind::Forbidden => {
                        let closed = stack.pop();
                        self.found.unlisted.extend(closed.map(|closed| closed.path));
                        continue;
                    }
                    Ok(Err(error)) => return Err(error),
                    Err(_) if pages > 0 => break,
                    Err(_) => {
                        let message =
                            "the vendor does not answer in time: search in a smaller folder, or try again later";
                        return Err(Error::new(ErrorKind::Timeout, message));
                    }
                },
            };
            let Some(entry) = page.items.get(top.level.spot.done) else {
                match page.next {
                    Some(next) if Some(&next) == top.level.spot.token.as_ref() => {
                        return Err(Error::protocol(
                            "the vendor gave the same page token twice, so the search would never end",
                        ));
                    }
                    Some(next) => top.level.spot = Spot { token: Some(next), done: 0 },
                    None => {
                        stack.pop();
                    }
                }
                continue;
            };
            top.level.spot.done += 1;
            let entry = entry.clone();
            top.page = Some(page);
            // What is in a container comes by itself in a flat listing.
            let enter = entry.is_container()
                && self.browse.flat().is_none()
                && !holds(&stack, &entry.id)
                && stack.len() < DEEPEST;
            if enter {
                let level = Level { container: entry.id.clone(), spot: Spot::default() };
                stack.push(Open { level, page: None, path: entry.path.clone() });
            }
            if entry.name.to_lowercase().contains(&self.wanted) {
                self.found.entries.push(entry);
                if self.found.entries.len() == self.limit {
                    break;
                }
            }
        }
        if !stack.is_empty() {
            self.found.next = Some(Place::Tree(stack.into_iter().map(|open| open.level).collect()));
        }
        Ok(self.found)
    }

    async fn fetch(&self, level: &Level) -> CoreResult<Page<Entry>> {
        let request = PageRequest { token: level.spot.token.clone(), limit: Some(PAGE) };
        match self.browse.flat() {
            Some(flat) => flat.descendants(&level.container, request).await,
            None => self.browse.children(&level.container, request).await,
        }
    }
}

/// Whether a container is one of those that are being looked into: a link to its own parent.
fn holds(stack: &[Open], id: &EntryId) -> bool {
    stack.iter().any(|open| open.level.container == *id)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use catchment_core::{Flat, async_trait};

    use super::*;

    /// A folder with a file in it, all in one listing.
    struct Shown;

    #[async_trait]
    impl Browse for Shown {
        async fn children(&self, _: &EntryId, _: PageRequest) -> CoreResult<Page<Entry>> {
            Err(Error::unsupported("everything is in the one listing"))
        }

        async fn lookup(&self, path: &str) -> CoreResult<Entry> {
            Ok(Entry::container(path, path))
        }

        fn flat(&self) -> Option<&dyn Flat> {
            Some(self)
        }
    }

    #[async_trait]
    impl Flat for Shown {
        async fn descendants(&self, _: &EntryId, _: PageRequest) -> CoreResult<Page<Entry>> {
            let file = Entry::file("plans/plan.pdf", "plans/plan.pdf");
            Ok(Page::last(vec![Entry::container("plans", "plans"), file]))
        }

        fn shows_containers(&self) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn what_is_in_a_folder_of_a_flat_listing_is_found_once() {
        let (root, until) = (Entry::container("", ""), Instant::now() + Duration::from_secs(60));
        let Ok(found) = search(&Shown, &root, "plan", None, 9, until).await else { panic!("it is searched") };
        let paths: Vec<_> = found.entries.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(paths, ["plans", "plans/plan.pdf"]);
    }
}
