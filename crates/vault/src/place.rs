//! Where a sealed secret belongs, and how that is bound to it.

use catchment_core::IntegrationId;

use crate::envelope::VERSION;

/// Where a sealed secret belongs. It opens there and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place<'a> {
    /// The organization's slug.
    pub organization: &'a str,
    /// The integration inside it.
    pub integration: IntegrationId,
    /// The field of the integration's settings, or what else the secret is to it.
    pub field: &'a str,
}

impl Place<'_> {
    /// What the secret itself is bound to.
    pub(crate) fn of_secret(&self) -> Vec<u8> {
        self.bound("catchment-vault secret", None)
    }

    /// What a data key that the ring has wrapped under `key` is bound to.
    pub(crate) fn of_data_key(&self, key: &str) -> Vec<u8> {
        self.bound("catchment-vault data key", Some(key))
    }

    /// Each part behind its length, so that no two lists of parts give the same bytes.
    fn bound(&self, purpose: &str, key: Option<&str>) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        let mut put = |part: &[u8]| {
            out.extend_from_slice(&(part.len() as u64).to_be_bytes());
            out.extend_from_slice(part);
        };
        put(purpose.as_bytes());
        put(&[VERSION]);
        if let Some(key) = key {
            put(key.as_bytes());
        }
        put(self.organization.as_bytes());
        put(&self.integration.0.to_be_bytes());
        put(self.field.as_bytes());
        out
    }
}
