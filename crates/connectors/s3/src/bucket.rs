//! The connector: a bucket, and what the capabilities share.

use std::sync::Arc;

use catchment_core::{Account, Browse, Connector, Context, Download, Error, ErrorKind, Result, async_trait};
use catchment_object_store::Prefix;

use crate::{
    config::Settings,
    keys,
    wire::{Version, Wire},
};

/// A bucket, or what is below a prefix of it.
#[derive(Debug)]
pub(crate) struct S3Bucket {
    pub(crate) name: String,
    pub(crate) prefix: Prefix,
    pub(crate) wire: Arc<Wire>,
}

impl S3Bucket {
    pub(crate) fn new(mut settings: Settings, cx: &Context) -> Result<Self> {
        let name = settings.bucket_name.trim().to_owned();
        if name.is_empty() || name.contains('/') {
            return Err(Error::config("bucket_name", "give the name alone: a prefix goes into folder_path"));
        }
        // They want sessions of their own, and list in no order.
        if name.ends_with("--x-s3") {
            return Err(Error::config(
                "bucket_name",
                "directory buckets cannot be read: give a general purpose bucket",
            ));
        }
        settings.bucket_name.clone_from(&name);
        let prefix = keys::prefix(settings.folder_path.as_deref());
        Ok(Self { name, prefix, wire: Arc::new(Wire::new(settings, cx)?) })
    }
}

#[async_trait]
impl Connector for S3Bucket {
    /// One list of one key proves address, region, key and the right to list; one byte of that
    /// key proves the right to read.
    async fn check(&self) -> Result<Account> {
        let list = self.wire.list(&[("max-keys", "1"), ("prefix", self.prefix.as_str())]).await?;
        if let Some(object) = list.objects.first().filter(|object| object.size != Some(0)) {
            match self.wire.get(&object.key, Version::default(), 0, Some(1)).await {
                Ok(_) => {}
                // Archived, gone in the meantime or oddly named: that says nothing about rights.
                Err(error) if matches!(error.kind(), ErrorKind::Unreadable | ErrorKind::NotFound) => {}
                Err(error) => return Err(error.with("path", &object.key)),
            }
        }
        let (endpoint, region) = self.wire.whereabouts();
        let prefix = self.prefix.as_str();
        let name = if prefix.is_empty() { self.name.clone() } else { format!("{}/{prefix}", self.name) };
        Ok(Account {
            id: name.clone(),
            name,
            details: vec![("region".to_owned(), region), ("endpoint".to_owned(), endpoint)],
            ..Account::default()
        })
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }
}
