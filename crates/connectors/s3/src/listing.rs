//! Browse: prefixes as folders, one level at a time or everything in one flat list.

use catchment_core::{
    Browse, Entry, EntryId, Error, ErrorKind, Flat, Page, PageRequest, PageToken, Result, async_trait,
};
use catchment_object_store::only_below;

use crate::{bucket::S3Bucket, keys::file, xml::List};

/// The store gives no more in one page.
const MOST: u32 = 1_000;

/// Sorts behind every key with the same beginning.
const LAST: char = char::MAX;

#[async_trait]
impl Browse for S3Bucket {
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let prefix = self.prefix.container(parent)?;
        let (list, next) = self.page(&prefix, Some("/"), &page).await?;
        let mut items: Vec<_> = list.objects.iter().filter_map(|object| file(&self.prefix, object)).collect();
        items.extend(list.prefixes.iter().map(|common| self.prefix.folder(common)));
        // The store gives objects and prefixes apart, each in the order of bytes.
        items.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(Page { items, next })
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        if path.is_empty() {
            return Ok(self.prefix.root());
        }
        let key = self.prefix.name(path);
        let first = |prefix: String| async move { self.wire.list(&[("max-keys", "1"), ("prefix", &prefix)]).await };
        // In the order of bytes, a key comes before all that begin with it.
        let list = first(key.clone()).await?;
        let Some(found) = list.objects.first() else { return Err(Error::not_found(path)) };
        if found.key == key
            && let Some(file) = file(&self.prefix, found)
        {
            return Ok(file);
        }
        let below = format!("{key}/");
        if found.key.starts_with(&below) || !first(below.clone()).await?.objects.is_empty() {
            return Ok(self.prefix.folder(&below));
        }
        // `docs/` as people write a folder.
        if key.ends_with('/') && found.key.starts_with(&key) {
            return Ok(self.prefix.folder(&key));
        }
        Err(Error::not_found(path))
    }

    fn flat(&self) -> Option<&dyn Flat> {
        Some(self)
    }
}

#[async_trait]
impl Flat for S3Bucket {
    async fn descendants(&self, under: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let prefix = self.prefix.container(under)?;
        let (list, next) = self.page(&prefix, None, &page).await?;
        Ok(Page { items: list.objects.iter().filter_map(|object| file(&self.prefix, object)).collect(), next })
    }
}

impl S3Bucket {
    /// One page, and the token of the next. The store's own tokens are short-lived; so ours hold
    /// the last key as well, and a page whose token has lapsed starts behind that key.
    async fn page(
        &self,
        prefix: &str,
        delimiter: Option<&str>,
        page: &PageRequest,
    ) -> Result<(List, Option<PageToken>)> {
        let limit = page.limit_or(MOST, MOST).to_string();
        let mut query = vec![("prefix", prefix), ("max-keys", limit.as_str())];
        query.extend(delimiter.map(|delimiter| ("delimiter", delimiter)));
        let (token, after) = match &page.token {
            None => (None, None),
            Some(token) => {
                let (token, after) = token.as_str().split_once('\n').unwrap_or((token.as_str(), ""));
                (Some(token), Some(after))
            }
        };
        let mut with_token = query.clone();
        with_token.extend(token.map(|token| ("continuation-token", token)));
        let list = match self.wire.list(&with_token).await {
            Err(error) if token.is_some() && is_lapsed(&error) => {
                query.extend(after.filter(|after| !after.is_empty()).map(|after| ("start-after", after)));
                self.wire.list(&query).await?
            }
            list => list?,
        };
        let keys = list.objects.iter().map(|object| &object.key).chain(&list.prefixes);
        only_below(prefix, keys.map(String::as_str))?;
        let behind = last(&list).or(after.map(str::to_owned)).unwrap_or_default();
        let next = list.next.as_ref().map(|token| PageToken::new(format!("{token}\n{behind}")));
        Ok((list, next))
    }
}

/// What to start behind so that all of this page is left out; `None` if nothing is on it.
fn last(list: &List) -> Option<String> {
    let key = list.objects.last().map(|object| object.key.as_str());
    match list.prefixes.last() {
        Some(common) if key.is_none_or(|key| common.as_str() > key) => Some(format!("{common}{LAST}")),
        _ => key.map(str::to_owned),
    }
}

/// Whether the store does not honour a continuation token any more.
fn is_lapsed(error: &Error) -> bool {
    error.get("code") == Some("InvalidArgument") || error.kind() == ErrorKind::CursorExpired
}
