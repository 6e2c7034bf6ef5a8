//! The connector: a container, and what the capabilities share.

use std::sync::Arc;

use catchment_core::{
    Account, Browse, Connector, Context, Download, Error, ErrorKind, PageRequest, Result, async_trait,
};
use catchment_object_store::Prefix;

use crate::{
    access::Access,
    config::Settings,
    endpoint::is_container_name,
    names::{can_be_addressed, file},
    wire::Wire,
};

/// A container, or what is below a prefix of it.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) prefix: Prefix,
    /// Shared with the bodies that are being read: they go on by themselves where one broke off.
    pub(crate) wire: Arc<Wire>,
}

impl Container {
    pub(crate) fn new(settings: &Settings, cx: &Context) -> Result<Self> {
        let place = settings.folder_path.trim_start();
        let place = place.strip_prefix('/').unwrap_or(place);
        let (name, prefix) = place.split_once('/').unwrap_or((place.trim_end(), ""));
        if !is_container_name(name) {
            return Err(Error::config(
                "folder_path",
                "give the container, or container/prefix: names of containers have 3 to 63 small letters, digits and \
                 hyphens",
            ));
        }
        if !can_be_addressed(prefix) {
            return Err(Error::config("folder_path", "a prefix must not hold . or .. as a part"));
        }
        let wire = Arc::new(Wire::new(settings, name, cx)?);
        Ok(Self { name: name.to_owned(), prefix: Prefix::new(&prefix.replace('\\', "/")), wire })
    }
}

impl Container {
    /// That an empty prefix is not the name of a blob, given as if it were a folder.
    async fn is_no_blob(&self) -> Result<()> {
        let name = self.prefix.as_str().trim_end_matches('/');
        if name.is_empty() {
            return Ok(());
        }
        match self.wire.head(name).await {
            Ok(blob) if file(&self.prefix, &blob).is_some() => {
                Err(Error::config("folder_path", "this is a blob: give the folder it is in"))
            }
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Connector for Container {
    /// One list proves address, account, container, credential and the right to list; one byte of
    /// a blob on it proves the right to read.
    async fn check(&self) -> Result<Account> {
        let list = self.list(self.prefix.as_str(), None, &PageRequest::first().limit(5)).await?;
        let files = list.blobs.iter().filter_map(|blob| file(&self.prefix, blob));
        if let Some(file) = files.into_iter().find(|file| file.is_file() && file.size != Some(0)) {
            match self.wire.get(file.id.as_str(), None, 0, Some(1)).await {
                Ok(_) => {}
                // Archived or gone in the meantime: that says nothing about rights.
                Err(error) if matches!(error.kind(), ErrorKind::Unreadable | ErrorKind::NotFound) => {}
                Err(error) => return Err(error.with("path", &file.path)),
            }
        }
        if list.blobs.is_empty() && list.next.is_none() {
            self.is_no_blob().await?;
        }
        let endpoint = self.wire.endpoint();
        let place = format!("{}/{}/{}", endpoint.account, self.name, self.prefix.as_str());
        let name = place.trim_end_matches('/').to_owned();
        let mut details = vec![
            ("endpoint".to_owned(), endpoint.account_url()),
            ("signed in with".to_owned(), self.wire.access().name().to_owned()),
        ];
        if let Access::Sas(sas) = self.wire.access() {
            details.extend(sas.expiry_text().map(|end| ("lapses".to_owned(), end.to_owned())));
        }
        Ok(Account { id: name.clone(), name, details, ..Account::default() })
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }
}
