//! The vault: seals secrets for a place, and opens them there.

use std::{mem, sync::Arc};

use catchment_core::{Error, Result, Secret};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    cipher::{NONCE, TAG, cipher, decrypt, encrypt, random},
    envelope::Envelope,
    place::Place,
    service::KeyService,
};

/// A secret may have this many bytes.
const LONGEST: usize = 1 << 20;

/// Seals secrets for a [`Place`] and opens them there. Clones are cheap and share the keys.
///
/// Everything is cancel-safe: a call that is dropped leaves nothing behind.
#[derive(Debug, Clone)]
pub struct Vault {
    /// The first seals. There is always one.
    services: Arc<[Arc<dyn KeyService>]>,
}

impl Vault {
    /// A vault on these keys.
    pub fn new(keys: impl KeyService + 'static) -> Self {
        Self { services: Arc::new([Arc::new(keys)]) }
    }

    /// Opens with these keys, too, and never seals with them: where secrets came from, while they
    /// move to another key service.
    #[must_use]
    pub fn also(self, older: impl KeyService + 'static) -> Self {
        let older: Arc<dyn KeyService> = Arc::new(older);
        Self { services: self.services.iter().cloned().chain([older]).collect() }
    }

    /// Seals a secret for a place.
    ///
    /// # Errors
    /// `Config` when it is longer than 1 MiB; the key service's own.
    pub async fn seal(&self, place: &Place<'_>, secret: &Secret) -> Result<Vec<u8>> {
        let secret = secret.expose().as_bytes();
        if secret.len() > LONGEST {
            return Err(Error::config(place.field, "a secret can have 1 MiB at most: give a shorter one"));
        }
        let (data_key, wrapped) = self.current_service().data_key(place).await?;
        let mut nonce = [0; NONCE];
        random(&mut nonce)?;
        // All the room at once: a buffer that grows would leave plaintext behind.
        let mut out = Envelope::header(&wrapped.key, &wrapped.bytes, NONCE + secret.len() + TAG)?;
        out.extend_from_slice(&nonce);
        let from = out.len();
        out.extend_from_slice(secret);
        encrypt(&cipher(data_key.expose()), &nonce, &place.of_secret(), &mut out, from)?;
        Ok(out)
    }

    /// Opens what was sealed for this very place.
    ///
    /// # Errors
    /// `Config` when it was changed or comes from another place (names the field), or when the key
    /// is missing (the context pair `key` is its id); `Unsupported` when a newer version sealed
    /// it; the key service's own.
    pub async fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Secret> {
        let of = |error: Error| error.with("field", place.field);
        let envelope = Envelope::read(sealed).map_err(of)?;
        let data_key = self.service_for(envelope.key).unwrap(place, envelope.key, envelope.wrapped).await?;
        let mut text = Zeroizing::new(envelope.ciphertext.to_vec());
        decrypt(&cipher(data_key.expose()), envelope.nonce, &place.of_secret(), &mut text)
            .ok_or_else(|| refused(place))?;
        match String::from_utf8(mem::take(&mut *text)) {
            Ok(text) => Ok(Secret::new(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                Err(refused(place))
            }
        }
    }

    /// The same secret under the current key, or `None` if it is there already. Only the data key
    /// is wrapped anew; the secret is not decrypted.
    ///
    /// # Errors
    /// As [`Vault::open`], as far as the data key tells.
    pub async fn reseal(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Option<Vec<u8>>> {
        let envelope = Envelope::read(sealed).map_err(|error| error.with("field", place.field))?;
        if envelope.key == self.current_key() {
            return Ok(None);
        }
        let data_key = self.service_for(envelope.key).unwrap(place, envelope.key, envelope.wrapped).await?;
        let wrapped = self.current_service().wrap(place, &data_key).await?;
        let mut out = Envelope::header(&wrapped.key, &wrapped.bytes, NONCE + envelope.ciphertext.len())?;
        out.extend_from_slice(envelope.nonce);
        out.extend_from_slice(envelope.ciphertext);
        Ok(Some(out))
    }

    /// The id of the key that new secrets are sealed under.
    pub fn current_key(&self) -> String {
        self.current_service().current()
    }

    /// Whether secrets sealed under the key of this id can be opened: to be asked at start for
    /// every id that is in the database.
    pub fn holds(&self, key: &str) -> bool {
        self.services.iter().any(|service| service.holds(key))
    }

    /// The id of the key that a secret was sealed under, as its header says.
    ///
    /// # Errors
    /// `Config` when it is damaged, `Unsupported` when a newer version sealed it.
    pub fn key_of(sealed: &[u8]) -> Result<&str> {
        Envelope::read(sealed).map(|envelope| envelope.key)
    }

    fn current_service(&self) -> &dyn KeyService {
        &*self.services[0]
    }

    /// Where nobody holds the key, the first says so in its own words.
    fn service_for(&self, key: &str) -> &dyn KeyService {
        self.services.iter().find(|service| service.holds(key)).map_or(self.current_service(), |service| &**service)
    }
}

/// What a place says of bytes that do not open there.
pub(crate) fn refused(place: &Place<'_>) -> Error {
    Error::config(place.field, "the stored secret was changed, or copied here from another place: enter it again")
        .with("integration", place.integration)
}
