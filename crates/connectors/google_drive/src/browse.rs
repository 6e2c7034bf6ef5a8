//! Browse: folders, shared drives and what others shared, page by page, by path and by words.

use catchment_core::{Browse, Entry, EntryId, Error, ErrorKind, Page, PageRequest, Result, async_trait};
use futures::{StreamExt, TryStreamExt};

use crate::{
    connector::Connection,
    entries::of_drive,
    places::{At, Memory, Node, Place},
    query,
    root::Root,
    types::File,
    wire::Corpus,
};

/// How many shortcuts are followed at once.
const AT_ONCE: usize = 8;

#[async_trait]
impl Browse for Connection {
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let root = self.root().await?;
        let place = self.container(parent.as_str()).await?;
        let is_root = place.ids.is_empty();
        match root {
            Root::Drives if is_root => self.drives(&page).await,
            Root::Shared if is_root => self.shared(&page).await,
            _ => {
                let corpus = match root {
                    Root::Drives => place.ids.first().map_or(Corpus::All, |drive| Corpus::Drive(drive)),
                    root => root.corpus(),
                };
                let (list, lap) = self.wire.list(&query::children(parent.as_str()), corpus, &page).await?;
                let next = lap.next(list.next_page_token.as_deref())?;
                let named =
                    list.files.into_iter().map(|file| (place.child(parent.as_str(), &file.name), file)).collect();
                Ok(Page { items: self.entries(named).await?, next })
            }
        }
    }

    /// Of several entries of one name in one folder it is the oldest; folders of one name are all
    /// looked into.
    async fn lookup(&self, path: &str) -> Result<Entry> {
        if path.is_empty() {
            return Ok(self.root_again().await?.entry());
        }
        let missing = || Error::not_found(path);
        let parts: Vec<&str> = path.split('/').collect();
        let (last, above) = parts.split_last().ok_or_else(missing)?;
        if parts.iter().any(|part| part.is_empty()) {
            return Err(missing());
        }
        let root = self.root().await?;
        let mut folders = vec![(root.id().to_owned(), Place::default())];
        for part in above {
            let mut below = Vec::new();
            for (folder, place) in &folders {
                for file in self.called(part, folder, place).await? {
                    if file.is_folder() {
                        let mut ids = place.ids.clone();
                        ids.push(file.id.clone());
                        let at = place.child(folder, &file.name);
                        below.push((file.id, Place { path: at.path, ids }));
                    }
                }
            }
            folders = below;
        }
        for (folder, place) in &folders {
            if let Some(file) = self.called(last, folder, place).await?.into_iter().next() {
                return match root {
                    Root::Drives if place.ids.is_empty() => Ok(of_drive(&self.wire.drive(&file.id).await?, root.id())),
                    _ => self.entry(&file, place.child(folder, &file.name)).await,
                };
            }
        }
        Err(missing())
    }

    /// Google looks through names and texts, everywhere; what lies elsewhere is left out here, so
    /// that a page may be empty and not be the last.
    async fn search(&self, query: &str, under: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let root = self.root().await?;
        let within = self.container(under.as_str()).await?;
        let corpus = match root {
            Root::Drives => within.ids.first().map_or(Corpus::All, |drive| Corpus::Drive(drive)),
            root => root.corpus(),
        };
        let (list, lap) = self.wire.list(&query::holding(query), corpus, &page).await?;
        let next = lap.next(list.next_page_token.as_deref())?;
        let mut memory = Memory::Lately;
        let mut found = Vec::new();
        for file in list.files {
            if file.id == under.as_str() {
                continue;
            }
            let place = self.place(&mut memory, &file.id, Node::of(&file).into()).await?;
            if let Some(place) = place.filter(|place| place.ids.starts_with(&within.ids) && !place.ids.is_empty()) {
                found.push((place.at(root.id()), file));
            }
        }
        Ok(Page { items: self.entries(found).await?, next })
    }
}

impl Connection {
    /// The entries of files whose paths are known. Folders among them are remembered.
    async fn entries(&self, files: Vec<(At, File)>) -> Result<Vec<Entry>> {
        for (_, file) in files.iter().filter(|(_, file)| file.is_folder()) {
            self.remember(&mut Memory::Lately, &file.id, Node::of(file));
        }
        let entries = files.into_iter().map(|(at, file)| async move { self.entry(&file, at).await });
        futures::stream::iter(entries).buffered(AT_ONCE).try_collect().await
    }

    /// A page of the shared drives.
    async fn drives(&self, page: &PageRequest) -> Result<Page<Entry>> {
        let (list, lap) = self.wire.drives(page).await?;
        let next = lap.next(list.next_page_token.as_deref())?;
        for drive in &list.drives {
            self.remember(&mut Memory::Lately, &drive.id, Node::of_drive(drive));
        }
        Ok(Page { items: list.drives.iter().map(|drive| of_drive(drive, Root::Drives.id())).collect(), next })
    }

    /// A page of what others shared, without what is found in something else of it.
    async fn shared(&self, page: &PageRequest) -> Result<Page<Entry>> {
        let (list, lap) = self.wire.list(query::SHARED, Corpus::User, page).await?;
        let next = lap.next(list.next_page_token.as_deref())?;
        let mut tops = Vec::new();
        for file in list.files {
            if self.is_top(&file).await? {
                tops.push((Place::default().child(Root::Shared.id(), &file.name), file));
            }
        }
        Ok(Page { items: self.entries(tops).await?, next })
    }

    async fn is_top(&self, file: &File) -> Result<bool> {
        let place = self.place(&mut Memory::Lately, &file.id, Node::of(file).into()).await?;
        Ok(place.is_some_and(|place| place.ids.len() == 1))
    }

    /// What is called so in a path and lies in a folder, the oldest first.
    async fn called(&self, part: &str, folder: &str, place: &Place) -> Result<Vec<File>> {
        let root = self.root().await?;
        let is_root = place.ids.is_empty();
        let corpus = match root {
            Root::Drives => place.ids.first().map_or(Corpus::All, |drive| Corpus::Drive(drive)),
            root => root.corpus(),
        };
        let found = match root {
            Root::Drives if is_root => {
                let mut tops = Vec::new();
                for drive in self.all_drives().await?.into_iter().filter(|drive| query::part(&drive.name) == part) {
                    self.remember(&mut Memory::Lately, &drive.id, Node::of_drive(&drive));
                    let top = self.wire.file(self.keyed(&drive.id)).await?;
                    tops.push(File { name: drive.name, ..top });
                }
                return Ok(tops);
            }
            Root::Shared if is_root => {
                let search = format!("{} and {}", query::named(part), query::SHARED);
                let mut tops = Vec::new();
                for file in self.exactly(&search, corpus, part).await? {
                    if self.is_top(&file).await? {
                        tops.push(file);
                    }
                }
                tops
            }
            _ => {
                let search = format!("{} and {}", query::named(part), query::children(folder));
                match self.exactly(&search, corpus, part).await {
                    // Moved or deleted since it was found a moment ago.
                    Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
                    found => found?,
                }
            }
        };
        for file in found.iter().filter(|file| file.is_folder()) {
            self.remember(&mut Memory::Lately, &file.id, Node::of(file));
        }
        Ok(found)
    }
}
