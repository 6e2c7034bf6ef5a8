//! The root: from the setting to a folder.

use catchment_core::{Entry, Error, ErrorKind, PageRequest, Result};

use crate::{
    connector::Connection,
    folder_path::FolderPath,
    places, query,
    types::{File, SharedDrive},
    wire::{Corpus, Keyed},
};

/// Ids of what is no folder at Google; none of its own are like these.
const SHARED_ID: &str = "shared-with-me";
const DRIVES_ID: &str = "shared-drives";

/// More folders of one name than this, one in another, are not looked through.
const MOST: usize = 20;

/// What everything is below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Root {
    /// A folder, or the whole of My Drive or of a shared drive.
    Folder { id: String, drive: Option<String>, name: String, link: Option<String> },
    /// What others shared with the account.
    Shared,
    /// All shared drives.
    Drives,
}

impl Root {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Folder { id, .. } => id,
            Self::Shared => SHARED_ID,
            Self::Drives => DRIVES_ID,
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Folder { name, .. } => name,
            Self::Shared => "Shared with me",
            Self::Drives => "Shared drives",
        }
    }

    pub(crate) fn entry(&self) -> Entry {
        let mut entry = Entry::container(self.id(), "");
        entry.name = self.name().to_owned();
        if let Self::Folder { link, .. } = self {
            entry.web_url.clone_from(link);
        }
        entry
    }

    /// Where the children of a folder are looked for.
    pub(crate) fn corpus(&self) -> Corpus<'_> {
        match self {
            Self::Folder { drive: Some(drive), .. } => Corpus::Drive(drive),
            Self::Folder { .. } | Self::Shared => Corpus::User,
            Self::Drives => Corpus::All,
        }
    }
}

impl Connection {
    /// The root, found once.
    pub(crate) async fn root(&self) -> Result<&Root> {
        self.root.get_or_try_init(|| self.find_root()).await
    }

    /// That the root is there still: who lists a folder in the trash finds nothing in it.
    pub(crate) async fn root_again(&self) -> Result<&Root> {
        if self.root.get().is_none() {
            return self.root().await;
        }
        let root = self.root().await?;
        if let Root::Folder { id, .. } = root {
            self.folder(self.keyed(id)).await?;
        }
        Ok(root)
    }

    async fn find_root(&self) -> Result<Root> {
        match &self.place {
            FolderPath::MyDrive(names) => {
                let top = self.folder(Keyed { id: "root", key: None }).await?;
                self.descend(top, names).await
            }
            FolderPath::Id(id, _) => self.folder_root(self.keyed(id)).await,
            FolderPath::IdOrName(text) => match self.folder_root(self.keyed(text)).await {
                Err(error) if error.kind() == ErrorKind::Config => {
                    let top = self.folder(Keyed { id: "root", key: None }).await?;
                    // That there is no such id says more than that there is no such name.
                    self.descend(top, std::slice::from_ref(text)).await.map_err(|by_name| match by_name.kind() {
                        ErrorKind::Config => error,
                        _ => by_name,
                    })
                }
                found => found,
            },
            FolderPath::Shared(names) => match names.split_first() {
                None => Ok(Root::Shared),
                Some((first, rest)) => {
                    let search = format!("{} and {} and {}", query::named(first), query::folders(), query::SHARED);
                    let top = self.only(&search, Corpus::User, first).await?;
                    self.descend(top, rest).await
                }
            },
            FolderPath::Drives(names) => match names.split_first() {
                None => Ok(Root::Drives),
                Some((first, rest)) => {
                    let mut drives = self.all_drives().await?;
                    drives.retain(|drive| query::part(&drive.name) == *first);
                    let drive = match drives.len() {
                        1 => drives.remove(0),
                        count => return Err(wrong(count, first)),
                    };
                    let top = self.folder(Keyed { id: &drive.id, key: None }).await?;
                    self.descend(File { name: drive.name, ..top }, rest).await
                }
            },
        }
    }

    async fn folder_root(&self, at: Keyed<'_>) -> Result<Root> {
        let mut folder = self.folder(at).await?;
        if folder.is_drive() {
            folder.name = self.wire.drive(&folder.id).await?.name;
        }
        Ok(folder_as_root(folder))
    }

    async fn descend(&self, mut folder: File, names: &[String]) -> Result<Root> {
        for name in names {
            let search = format!("{} and {} and {}", query::named(name), query::folders(), query::children(&folder.id));
            let drive = folder.drive_id.clone();
            let corpus = drive.as_deref().map_or(Corpus::User, Corpus::Drive);
            folder = self.only(&search, corpus, name).await?;
        }
        Ok(folder_as_root(folder))
    }

    /// A folder that has to be there.
    async fn folder(&self, at: Keyed<'_>) -> Result<File> {
        let bad = |remedy: &'static str| Error::config("folder_path", remedy);
        match self.wire.file(at).await {
            Ok(file) if file.trashed => Err(bad("the folder is in the trash: restore it, or give another one")),
            Ok(file) if !file.is_folder() => Err(bad("this is no folder: give the folder that it is in")),
            Ok(file) if file.is_closed() => Err(places::closed().with("field", "folder_path")),
            Ok(file) => Ok(file),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(bad(
                "there is no such folder for this account: correct it, or have the folder shared with the account",
            )
            .source(error)),
            Err(error) => Err(error),
        }
    }

    /// The one folder that a search finds under its exact name.
    async fn only(&self, search: &str, corpus: Corpus<'_>, name: &str) -> Result<File> {
        let mut found = self.exactly(search, corpus, name).await?;
        match found.len() {
            1 => Ok(found.remove(0)),
            count => Err(wrong(count, name)),
        }
    }

    /// What a search finds and is called exactly so, the oldest first.
    pub(crate) async fn exactly(&self, search: &str, corpus: Corpus<'_>, part: &str) -> Result<Vec<File>> {
        let mut found = Vec::new();
        let mut page = PageRequest::first();
        loop {
            let (list, lap) = self.wire.list(search, corpus, &page).await?;
            // Google compares names without regard to case.
            found.extend(list.files.into_iter().filter(|file| query::part(&file.name) == part));
            page.token = lap.next(list.next_page_token.as_deref())?;
            if page.token.is_none() || found.len() > MOST {
                found.sort_by(|one, other| (one.created_time, &one.id).cmp(&(other.created_time, &other.id)));
                found.truncate(MOST);
                return Ok(found);
            }
        }
    }

    /// Every shared drive that the account is in.
    pub(crate) async fn all_drives(&self) -> Result<Vec<SharedDrive>> {
        let mut all = Vec::new();
        let mut page = PageRequest::first();
        loop {
            let (list, lap) = self.wire.drives(&page).await?;
            all.extend(list.drives);
            page.token = lap.next(list.next_page_token.as_deref())?;
            if page.token.is_none() {
                return Ok(all);
            }
        }
    }

    /// A file, with the key of the link that led to the root where it is the root.
    pub(crate) fn keyed<'a>(&'a self, id: &'a str) -> Keyed<'a> {
        let key = match &self.place {
            FolderPath::Id(root, key) if root == id => key.as_deref(),
            _ => None,
        };
        Keyed { id, key }
    }
}

fn folder_as_root(folder: File) -> Root {
    Root::Folder { id: folder.id, drive: folder.drive_id, name: folder.name, link: folder.web_view_link }
}

fn wrong(count: usize, name: &str) -> Error {
    let remedy = match count {
        0 => "there is no such folder for this account: correct the path, or have the folder shared with the account",
        _ => "several folders have this name: give the id of the one that is meant",
    };
    Error::config("folder_path", remedy).with("name", name)
}
