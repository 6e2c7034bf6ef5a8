//! What a connector with a flat listing promises.

use catchment_core::{Entry, PageRequest};

use crate::{
    fixture::{Connected, Fixture, root},
    listing::tree,
    verdict::{Verdict, ensure},
};

/// In one listing over many pages or folder by folder, it is the same: with every container once where
/// it shows them, and without any where it does not.
pub async fn a_flat_listing_equals_the_walk<F: Fixture>(fixture: &F) -> Verdict {
    for path in ["0", "a/1", "a/2", "a/b/3", "a/b/c/4", "b/5", "b/6", "z7"] {
        fixture.put(path, path.as_bytes()).await;
    }
    fixture.put_folder("c/empty").await;
    let connector = fixture.connector()?;
    let browse = connector.need_browse()?;
    let Some(flat) = browse.flat() else { return Err("there is no flat listing: leave `flat` out".into()) };
    let (mut all, mut pages) = (Vec::new(), 0);
    let mut request = PageRequest::first().limit(3);
    let under = root(browse).await?.id;
    loop {
        let page = flat.descendants(&under, request.clone()).await?;
        ensure!(page.items.len() <= 3, "{} items on a page of at most 3", page.items.len());
        all.extend(page.items);
        pages += 1;
        ensure!(pages < 50, "the flat listing does not end");
        match page.next {
            None => break,
            Some(next) => request.token = Some(next),
        }
    }
    ensure!(pages > 2, "8 files came in {pages} pages: nothing was tried");
    let shown = flat.shows_containers();
    ensure!(shown || all.iter().all(|entry| !entry.is_container()), "containers in a flat listing: {all:?}");
    let is_placed = |entry: &Entry| {
        let mut above = all.iter().filter(|one| one.is_container()).map(|one| &one.id).chain([&under]);
        above.any(|container| entry.parent.as_ref() == Some(container))
    };
    ensure!(!shown || all.iter().all(is_placed), "entries that do not name the container they are in: {all:?}");
    let mut walked = tree(browse).await?;
    walked.retain(|entry| shown || entry.is_file());
    walked.sort_by(|one, other| one.id.cmp(&other.id));
    all.sort_by(|one, other| one.id.cmp(&other.id));
    let paths = |entries: &[Entry]| entries.iter().map(|entry| entry.path.clone()).collect::<Vec<_>>();
    ensure!(all == walked, "flat {:?}, walked {:?}", paths(&all), paths(&walked));
    Ok(())
}
