//! Listing everything, without trusting the connector to stop.

use catchment_core::{Browse, Entry, EntryId, Page, PageRequest};

use crate::{
    fixture,
    verdict::{Verdict, ensure},
};

/// More pages than any listing of the suite has.
const ENOUGH: usize = 2_000;

/// All pages of a container's children.
pub(crate) async fn pages(browse: &dyn Browse, parent: &EntryId, limit: u32) -> Verdict<Vec<Page<Entry>>> {
    let mut all: Vec<Page<Entry>> = Vec::new();
    let mut request = PageRequest::first().limit(limit);
    loop {
        ensure!(all.len() < ENOUGH, "the listing does not end");
        let page = browse.children(parent, request.clone()).await?;
        let next = page.next.clone();
        ensure!(next.is_none() || next != request.token, "the same page token came twice");
        all.push(page);
        match next {
            None => return Ok(all),
            Some(next) => request.token = Some(next),
        }
    }
}

/// All children of a container.
pub(crate) async fn children(browse: &dyn Browse, parent: &EntryId) -> Verdict<Vec<Entry>> {
    Ok(pages(browse, parent, 0).await?.into_iter().flat_map(|page| page.items).collect())
}

/// Everything below the root, container by container, containers included.
pub(crate) async fn tree(browse: &dyn Browse) -> Verdict<Vec<Entry>> {
    let mut all = Vec::new();
    let mut left = vec![fixture::root(browse).await?.id];
    while let Some(container) = left.pop() {
        ensure!(all.len() < 100_000, "the tree does not end");
        for entry in children(browse, &container).await? {
            if entry.is_container() {
                left.push(entry.id.clone());
            }
            all.push(entry);
        }
    }
    Ok(all)
}

/// The paths of the files among these, in order.
pub(crate) fn files(entries: &[Entry]) -> Vec<String> {
    let mut paths: Vec<_> = entries.iter().filter(|entry| entry.is_file()).map(|entry| entry.path.clone()).collect();
    paths.sort();
    paths
}
