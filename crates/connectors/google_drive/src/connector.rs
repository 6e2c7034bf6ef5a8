//! The connector: a part of Drive, and what the capabilities share.

use std::sync::Arc;

use catchment_core::{
    Account, Browse, Changes, Connector, Context, Download, Error, ErrorKind, PageRequest, Permissions, Result,
    async_trait,
};
use tokio::sync::OnceCell;

use crate::{
    config::{ExportAs, Settings},
    entries::plain,
    folder_path::{self, FolderPath},
    places::{Folders, folders},
    query,
    root::Root,
    wire::{Keyed, Part, Wire},
};

/// A connection to what is below a folder.
pub(crate) struct Connection {
    /// Shared with the bodies that are being read: they go on by themselves where one broke off.
    pub(crate) wire: Arc<Wire>,
    pub(crate) place: FolderPath,
    pub(crate) export_as: ExportAs,
    /// Whether files that Google takes for malware are insisted on.
    pub(crate) insists: bool,
    /// Who has to have consented.
    person: Option<String>,
    pub(crate) root: OnceCell<Root>,
    pub(crate) folders: Folders,
}

impl Connection {
    pub(crate) fn new(settings: &Settings, cx: &Context) -> Result<Self> {
        let person = settings.user_id.as_deref().map(str::trim).filter(|person| !person.is_empty());
        Ok(Self {
            place: folder_path::parse(settings.folder_path.as_deref())?,
            wire: Arc::new(Wire::new(settings, cx)?),
            export_as: settings.export_as,
            insists: settings.acknowledge_abuse,
            person: person.map(str::to_lowercase),
            root: OnceCell::new(),
            folders: folders(),
        })
    }

    /// Reads a byte of some file, if there is one: a token for names alone lists as well.
    async fn can_read(&self, root: &Root) -> Result<()> {
        let search = match root {
            Root::Folder { id, .. } => query::children(id),
            Root::Shared => query::SHARED.to_owned(),
            Root::Drives => return Ok(()),
        };
        let (list, _) = self.wire.list(&search, root.corpus(), &PageRequest::first().limit(10)).await?;
        let has_bytes = |file: &&crate::types::File| {
            let entry = plain(file, String::new(), self.export_as);
            entry.is_file() && file.shortcut().is_none() && entry.size.is_some_and(|size| size > 0)
        };
        let Some(file) = list.files.iter().find(has_bytes) else { return Ok(()) };
        let part = Part { from: 0, until: Some(1), expected: None, may_be_html: true };
        match self.wire.media(Keyed { id: &file.id, key: file.resource_key.as_deref() }, part, false).await {
            Err(error) if error.get("scope").is_some() || !concerns_one_file(&error) => Err(error),
            _ => Ok(()),
        }
    }
}

/// Gone, changed, flagged or closed in the meantime: that says nothing about the connection.
fn concerns_one_file(error: &Error) -> bool {
    error.is_item() || matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Conflict)
}

#[async_trait]
impl Connector for Connection {
    /// Whose account it is proves network and credential; the folder, the setting and that it is
    /// shared; a list and a byte, the rights.
    async fn check(&self) -> Result<Account> {
        let user = self.wire.about().await?.user;
        let email = user.email_address.as_ref().map(|email| email.to_lowercase());
        if self.person.is_some() && email.is_some() && self.person != email {
            let remedy =
                "another person consented than this setting names: correct it, or authorize again as that person";
            return Err(Error::config("user_id", remedy));
        }
        let root = self.root_again().await?;
        self.can_read(root).await?;
        let name = match (user.display_name.as_str(), &user.email_address) {
            ("", Some(email)) => email.clone(),
            ("", None) => user.permission_id.clone(),
            (name, _) => name.to_owned(),
        };
        let details = vec![("folder".to_owned(), root.name().to_owned())];
        Ok(Account { id: user.permission_id, name, email: user.email_address, avatar_url: user.photo_link, details })
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }

    fn permissions(&self) -> Option<&dyn Permissions> {
        Some(self)
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("place", &self.place).field("root", &self.root.get()).finish_non_exhaustive()
    }
}
