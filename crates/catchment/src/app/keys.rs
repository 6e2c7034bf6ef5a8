//! The keys that credentials are sealed under: a setting, a file, or a key service.

use std::path::PathBuf;

use catchment_core::{Error, Result};
use catchment_store::Store;
use catchment_vault::{AwsKms, KeyRing, Vault};

use super::App;

impl App {
    /// The store with its keys: what a server needs, and a rotation.
    ///
    /// # Errors
    /// `Config` when there are credentials that none of the keys opens: a server that went on
    /// would seal new ones under a key that the others do not have.
    pub(crate) async fn sealed_store(&self, store: Store) -> Result<Store> {
        let sealed = store.keys().await?;
        let vault = self.vault(store.is_shared(), !sealed.is_empty())?;
        if let Some(missing) = sealed.iter().find(|key| !vault.holds(key)) {
            return Err(Error::config(
                "encryption_key",
                "credentials are sealed under a key that is not here: give it in CATCHMENT_ENCRYPTION_KEY as well, \
                 or put the key file back",
            )
            .with("key", missing));
        }
        Ok(store.with_vault(vault))
    }

    fn vault(&self, shared: bool, in_use: bool) -> Result<Vault> {
        let settings = &self.settings;
        // Beside a key service, a ring opens what was sealed before there was one.
        let ring = settings.encryption_key.as_ref().map(KeyRing::parse).transpose()?;
        if let Some(kms) = &settings.kms {
            let mut service = AwsKms::builder(&kms.key_id);
            if let Some(region) = &kms.region {
                service = service.region(region);
            }
            if let Some(url) = &kms.url {
                service = service.endpoint(url);
            }
            let service = kms.older_key_ids.iter().fold(service, |service, key| service.older(key)).build()?;
            let vault = Vault::new(service);
            return Ok(match ring {
                Some(ring) => vault.also(ring),
                None => vault,
            });
        }
        if let Some(ring) = ring {
            return Ok(Vault::new(ring));
        }
        if shared {
            return Err(Error::config(
                "encryption_key",
                "servers that share a database share its keys: set CATCHMENT_ENCRYPTION_KEY, \
                 `openssl rand -hex 32` makes one",
            ));
        }
        let file = self.key_file();
        if in_use && !file.exists() {
            return Err(Error::config(
                "encryption_key",
                "the key file is gone, and with it what opens the stored credentials: put it back from a copy",
            )
            .with("file", file.display()));
        }
        Ok(Vault::new(KeyRing::from_file(file)?))
    }

    /// Where keys are when no setting gives them.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.data_dir.join("catchment.keys")
    }
}
