//! Browse: the children of a folder, a whole tree where the service lists one at once, and finding
//! one entry by its path.

use catchment_core::{Browse, Entry, EntryId, Error, ErrorKind, Flat, Page, PageRequest, Result, async_trait};

use futures::{StreamExt, TryStreamExt};

use crate::{
    errors,
    listings::{Listing, Place},
    metadata,
    storage::Storage,
};

/// Files that are looked at at a time, where a list says too little of them.
const LOOKS: usize = 8;

/// Entries of a page, unless asked for another number.
const PAGE: u32 = 1_000;

#[async_trait]
impl Browse for Storage {
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        self.page(self.place(parent, false)?, page).await
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        let path = path.trim_matches('/');
        if path.is_empty() {
            return self.root_entry().await;
        }
        let full = self.root.full(path)?;
        let of_folder =
            |metadata: &opendal::Metadata| metadata::entry(&format!("{path}/"), &format!("{full}/"), metadata);
        match self.stat(&full, path).await {
            Ok(found) if found.is_dir() => Ok(of_folder(&found)),
            Ok(found) => Ok(metadata::entry(path, &full, &found)),
            // Where names are all there is, a folder is what has something below it.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let found = self.stat(&format!("{full}/"), path).await?;
                Ok(of_folder(&found))
            }
            Err(error) => Err(error),
        }
    }

    fn flat(&self) -> Option<&dyn Flat> {
        self.capability.list_with_recursive.then_some(self)
    }
}

#[async_trait]
impl Flat for Storage {
    async fn descendants(&self, under: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let mut page = self.page(self.place(under, true)?, page).await?;
        page.items.retain(|entry| !entry.is_container());
        Ok(page)
    }
}

impl Storage {
    fn place(&self, id: &EntryId, flat: bool) -> Result<Place> {
        let full = self.root.folder(id)?;
        Ok(Place { full, path: id.as_str().trim_end_matches('/').to_owned(), flat })
    }

    async fn page(&self, place: Place, page: PageRequest) -> Result<Page<Entry>> {
        let limit = page.limit_or(PAGE, PAGE) as usize;
        let kept = page.token.as_ref().and_then(|token| self.listings.take(&place, token));
        let filled = async {
            let mut listing = match kept {
                Some(listing) => listing,
                None => Listing::open(self, &place, page.token.as_ref(), limit).await?,
            };
            let mut items = Vec::with_capacity(limit.min(64));
            while items.len() < limit
                && let Some(listed) = listing.next(self, &place).await?
            {
                let mut full = listed.path();
                if self.two_slashes && full.ends_with("//") {
                    full = &full[..full.len() - 1];
                }
                let id = self.root.id(full).ok_or_else(outside)?;
                items.push(if self.sum_is_tag {
                    metadata::entry(id, full, &metadata::by_sum(listed.metadata()))
                } else {
                    metadata::entry(id, full, listed.metadata())
                });
            }
            if self.bare_lists {
                items = self.looked_at(items).await?;
            }
            if listing.is_of_nothing() && page.token.is_none() {
                self.prove_empty(&place).await?;
            }
            Ok((listing, items))
        };
        let answer: Result<_> = filled.await;
        let is_root = place.path.is_empty();
        let (listing, items) = answer.map_err(|error| if is_root { errors::of_root(error) } else { error })?;
        let next = (!listing.is_at_end()).then(|| listing.token());
        if next.is_some() {
            self.listings.keep(place, listing);
        }
        Ok(Page { items, next })
    }

    /// The same entries as a look at each file tells them. Files that went in the meantime are left out.
    async fn looked_at(&self, items: Vec<Entry>) -> Result<Vec<Entry>> {
        let looks = items.into_iter().map(async |entry| {
            if !entry.is_file() {
                return Ok(Some(entry));
            }
            let full = self.root.full(entry.id.as_str())?;
            match self.stat(&full, &entry.path).await {
                Ok(found) => Ok(Some(metadata::entry(entry.id.as_str(), &full, &found))),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        });
        futures::stream::iter(looks).buffered(LOOKS).try_filter_map(async |entry| Ok(entry)).try_collect().await
    }

    /// That a folder without entries is there: some servers list one that is not as if it were
    /// empty, FTP's above all.
    async fn prove_empty(&self, place: &Place) -> Result<()> {
        if !self.real_folders || place.full.is_empty() {
            return Ok(());
        }
        let found = self.stat(&place.full, &place.path).await?;
        if found.is_dir() { Ok(()) } else { Err(Error::unsupported("a file holds no other files")) }
    }

    async fn root_entry(&self) -> Result<Entry> {
        let place = self.place(&"".into(), false)?;
        self.prove_empty(&place).await.map_err(errors::of_root)?;
        Ok(Entry::container("", ""))
    }
}

fn outside() -> Error {
    Error::protocol("the service lists something that is not in the folder asked for")
}
