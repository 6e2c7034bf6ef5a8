//! Looking at one file or folder.

use std::time::Duration;

use catchment_core::Result;
use futures::StreamExt;
use opendal::{Error, ErrorKind, Metadata, MetadataBuilder, Operator, options::ListOptions};

use crate::errors;

/// What looks.
pub(crate) struct Look {
    pub(crate) operator: Operator,
    pub(crate) patience: Option<Duration>,
    /// Whether OpenDAL takes the first file whose name begins like the one that is meant.
    pub(crate) by_front: bool,
}

impl Look {
    /// What the service says of OpenDAL's path `full`, which a person knows as `path`.
    pub(crate) async fn at(&self, full: &str, path: &str) -> Result<Metadata> {
        if self.by_front {
            return errors::within(self.patience, path, self.find(full)).await;
        }
        errors::within(self.patience, path, self.operator.stat(full)).await
    }

    /// The same from a list of what begins like it. It comes in the order of names: the file itself would
    /// be the first, and a folder is there if anything is in it.
    async fn find(&self, full: &str) -> opendal::Result<Metadata> {
        let options = ListOptions { limit: Some(1), ..ListOptions::default() };
        let mut found = self.operator.lister_options(full, options).await?;
        match found.next().await.transpose()? {
            Some(entry) if entry.path() == full => Ok(entry.metadata().clone()),
            Some(entry) if full.ends_with('/') && entry.path().starts_with(full) => Ok(MetadataBuilder::dir().build()),
            _ => Err(Error::new(ErrorKind::NotFound, "")),
        }
    }
}
