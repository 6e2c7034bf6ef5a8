//! Key services: who keeps the key that data keys are wrapped under.

use std::fmt;

use catchment_core::{Result, async_trait};

use crate::{data_key::DataKey, place::Place};

/// Keeps the keys that data keys are wrapped under, here or somewhere else.
///
/// What it wraps must open for the same organization alone; binding it to the whole place is
/// better, where every secret has a data key of its own. The secret itself is bound to its place
/// by the [`Vault`](crate::Vault) in any case.
#[async_trait]
pub trait KeyService: fmt::Debug + Send + Sync {
    /// The id of the key that new data keys are wrapped under: visible ASCII, at most 255 bytes,
    /// never made of the key itself.
    fn current(&self) -> String;

    /// Whether it can unwrap what was wrapped under the key of this id.
    fn holds(&self, key: &str) -> bool;

    /// A data key to seal a secret with, and the same wrapped under the current key. A new one for
    /// every secret, unless wrapping is dear.
    async fn data_key(&self, place: &Place<'_>) -> Result<(DataKey, Wrapped)> {
        let data_key = DataKey::generate()?;
        let wrapped = self.wrap(place, &data_key).await?;
        Ok((data_key, wrapped))
    }

    /// Wraps a data key under the current key.
    async fn wrap(&self, place: &Place<'_>, data_key: &DataKey) -> Result<Wrapped>;

    /// Unwraps what was wrapped under the key of this id.
    ///
    /// # Errors
    /// `Config` when the key is missing, and says which, or when the bytes are not what was
    /// wrapped for this place. The service's own when it cannot be asked.
    async fn unwrap(&self, place: &Place<'_>, key: &str, wrapped: &[u8]) -> Result<DataKey>;
}

/// A wrapped data key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// The id of the key it is wrapped under.
    pub key: String,
    /// At most 65,535.
    pub bytes: Vec<u8>,
}
