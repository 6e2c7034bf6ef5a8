//! Browse: prefixes as folders, one level at a time or everything in one flat list.

use std::pin::pin;

use catchment_core::{
    Browse, Entry, EntryId, Error, ErrorKind, Flat, Page, PageRequest, PageToken, Result, async_trait, page::items,
};
use catchment_object_store::{Prefix, only_below};
use futures::TryStreamExt;

use crate::{
    container::Container,
    names::{can_be_addressed, file, name},
    xml::List,
};

/// The service gives no more in one page.
const MOST: u32 = 5_000;

#[async_trait]
impl Browse for Container {
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let prefix = self.prefix.container(parent)?;
        let list = self.list(&prefix, Some("/"), &page).await?;
        let mut items: Vec<_> = list.blobs.iter().filter_map(|blob| file(&self.prefix, blob)).collect();
        items.extend(list.prefixes.iter().map(|common| self.prefix.folder(common)));
        // Blobs and prefixes are read apart, each in the order of the service.
        items.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(Page { items, next: list.next.map(PageToken::new) })
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        if path.is_empty() {
            return Ok(self.prefix.root());
        }
        let name = name(&self.prefix, path);
        if !can_be_addressed(&name) {
            return Err(Error::not_found(path));
        }
        // The order of a list differs between kinds of accounts, so the blob itself is asked for.
        let mut is_directory = false;
        if !name.ends_with('/') {
            match self.wire.head(&name).await {
                Ok(blob) => match file(&self.prefix, &blob) {
                    Some(file) => return Ok(file),
                    None => is_directory = true,
                },
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.with("path", path)),
            }
        }
        let below = Prefix::new(&name);
        if is_directory || self.holds_anything(below.as_str()).await? {
            return Ok(self.prefix.folder(below.as_str()));
        }
        Err(Error::not_found(path))
    }

    fn flat(&self) -> Option<&dyn Flat> {
        Some(self)
    }
}

#[async_trait]
impl Flat for Container {
    async fn descendants(&self, under: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let prefix = self.prefix.container(under)?;
        let list = self.list(&prefix, None, &page).await?;
        let items = list.blobs.iter().filter_map(|blob| file(&self.prefix, blob)).collect();
        Ok(Page { items, next: list.next.map(PageToken::new) })
    }
}

impl Container {
    /// One page.
    pub(crate) async fn list(&self, prefix: &str, delimiter: Option<&str>, page: &PageRequest) -> Result<List> {
        let limit = page.limit_or(MOST, MOST).to_string();
        let mut query = vec![("prefix", prefix), ("maxresults", limit.as_str())];
        query.retain(|(_, value)| !value.is_empty());
        query.extend(delimiter.map(|delimiter| ("delimiter", delimiter)));
        query.extend(page.token.as_ref().map(|token| ("marker", token.as_str())));
        let list = self.wire.list(&query).await?;
        let names = list.blobs.iter().map(|blob| &blob.name).chain(&list.prefixes);
        only_below(prefix, names.map(String::as_str))?;
        Ok(list)
    }

    /// Whether any name begins so. Pages may be empty and still have a next one.
    async fn holds_anything(&self, prefix: &str) -> Result<bool> {
        let blobs = items(PageRequest::first().limit(1), |page| async move {
            let list = self.list(prefix, None, &page).await?;
            Ok(Page { items: list.blobs, next: list.next.map(PageToken::new) })
        });
        Ok(pin!(blobs).try_next().await?.is_some())
    }
}
