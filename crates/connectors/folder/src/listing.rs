//! Browse: the children of a folder by name in byte order, and finding one by its path.
//!
//! There is no flat listing: in one, a folder that cannot be read would end everything behind it
//! or go unnoticed. Walked folder by folder, it is one branch that was not listed.

use std::sync::Arc;

use catchment_core::{Browse, Entry, EntryId, Error, Page, PageRequest, PageToken, Result, async_trait};

use crate::{
    blocking::{Cancelled, blocking},
    entries::root_entry,
    folder::LocalFolder,
    names::{self, Place},
    tree::Tree,
    windows::{WINDOW, Window, Windows},
};

/// Entries of a page, unless asked for another number.
const PAGE: u32 = 1_000;

#[async_trait]
impl Browse for LocalFolder {
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let (tree, windows, parent) = (Arc::clone(&self.tree), Arc::clone(&self.windows), parent.clone());
        blocking(move |cancelled| children(&tree, &windows, parent, page, cancelled)).await
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        let (tree, path) = (Arc::clone(&self.tree), path.to_owned());
        blocking(move |_| lookup(&tree, &path)).await
    }
}

fn children(
    tree: &Tree,
    windows: &Windows,
    parent: EntryId,
    page: PageRequest,
    cancelled: &Cancelled,
) -> Result<Page<Entry>> {
    let limit = page.limit_or(PAGE, 10_000) as usize;
    let place = Place::of_id(&parent)?;
    if !tree.filter.takes_all(&place, true) {
        return Err(Error::not_found(place.display()));
    }
    let after =
        match &page.token {
            None => None,
            Some(token) => Some(names::decode(token.as_str()).ok_or_else(|| {
                Error::protocol("this page token is not one of this folder: start from the first page")
            })?),
        };
    let kept = after.as_ref().and_then(|after| windows.take(&parent, after));
    let mut window = match kept {
        Some(window) => window,
        None => Window::read(parent, tree.open_dir(&place)?, after, WINDOW, cancelled)?,
    };
    let mut items = Vec::with_capacity(limit.min(window.names.len()));
    while items.len() < limit
        && let Some(name) = window.names.pop_front()
    {
        cancelled.check()?;
        window.after = Some(name.clone());
        items.extend(tree.entry(&window.dir, &place, name)?);
    }
    let next = match &window.after {
        Some(last) if window.more || !window.names.is_empty() => Some(PageToken::new(names::encode(last))),
        _ => None,
    };
    if !window.names.is_empty() {
        windows.keep(window);
    }
    Ok(Page { items, next })
}

fn lookup(tree: &Tree, path: &str) -> Result<Entry> {
    if path.is_empty() {
        tree.open_root()?;
        return Ok(root_entry());
    }
    let place = tree.resolve(path)?;
    let missing = || Error::not_found(path);
    let (above, name) = place.split().ok_or_else(missing)?;
    if !tree.filter.takes_all(&above, true) {
        return Err(missing());
    }
    let dir = tree.open_dir(&above)?;
    tree.entry(&dir, &above, name)?.ok_or_else(missing)
}
