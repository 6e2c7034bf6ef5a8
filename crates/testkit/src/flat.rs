//! What a connector with a flat listing promises.

use catchment_core::PageRequest;

use crate::{
    fixture::{Connected, Fixture, root},
    listing::{files, tree},
    verdict::{Verdict, ensure},
};

/// In one listing over many pages or folder by folder, it is the same.
pub async fn a_flat_listing_equals_the_walk<F: Fixture>(fixture: &F) -> Verdict {
    for path in ["0", "a/1", "a/2", "a/b/3", "a/b/c/4", "b/5", "b/6", "z7"] {
        fixture.put(path, path.as_bytes()).await;
    }
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
    ensure!(all.iter().all(|entry| !entry.is_container()), "containers in a flat listing: {all:?}");
    let mut walked: Vec<_> = tree(browse).await?.into_iter().filter(|entry| entry.is_file()).collect();
    walked.sort_by(|one, other| one.id.cmp(&other.id));
    all.sort_by(|one, other| one.id.cmp(&other.id));
    ensure!(all == walked, "flat {:?}, walked {:?}", files(&all), files(&walked));
    Ok(())
}
