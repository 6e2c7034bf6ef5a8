//! Data keys: what a secret is encrypted with.

use std::{fmt, sync::Arc};

use catchment_core::Result;
use zeroize::Zeroizing;

use crate::cipher::{KEY, random};

/// The key that one secret, or the secrets of one organization for a short time, are encrypted
/// with. Clones share one allocation, which is zeroized when the last of them is dropped.
#[derive(Clone)]
pub struct DataKey(Arc<Zeroizing<[u8; KEY]>>);

impl DataKey {
    /// A new random one.
    ///
    /// # Errors
    /// `Internal` when the system gives no random numbers.
    pub fn generate() -> Result<Self> {
        let mut key = Zeroizing::new([0; KEY]);
        random(key.as_mut())?;
        Ok(Self(Arc::new(key)))
    }

    /// One that was unwrapped; `None` unless it has 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; KEY] = bytes.try_into().ok()?;
        Some(Self(Arc::new(Zeroizing::new(*bytes))))
    }

    /// The key itself, for a [`KeyService`](crate::KeyService) to wrap.
    pub fn expose(&self) -> &[u8; KEY] {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(••••••••)")
    }
}
