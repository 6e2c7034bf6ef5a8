//! SSE-C: objects that are encrypted with a key which the store does not keep.

use catchment_core::{Error, Result, Secret};
use md5::{Digest, Md5};
use reqsign_core::hash::{base64_decode, base64_encode};

/// The header that carries the key itself.
pub(crate) const KEY: &str = "x-amz-server-side-encryption-customer-key";

/// A key, as every read of an object has to bring it.
pub(crate) struct CustomerKey {
    key: Secret,
    /// So that the store can tell a damaged key from another one.
    md5: String,
}

impl CustomerKey {
    /// The key in Base64.
    pub(crate) fn new(given: &Secret) -> Result<Self> {
        let wrong = || Error::config("customer_key", "give the 256-bit key in Base64: 44 characters");
        let bytes = base64_decode(given.expose().trim()).map_err(|_| wrong())?;
        if bytes.len() != 32 {
            return Err(wrong());
        }
        Ok(Self { key: Secret::new(base64_encode(&bytes)), md5: base64_encode(&Md5::digest(&bytes)) })
    }

    /// What a read brings along.
    pub(crate) fn headers(&self) -> [(&'static str, &str); 3] {
        [
            ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
            (KEY, self.key.expose()),
            ("x-amz-server-side-encryption-customer-key-md5", &self.md5),
        ]
    }
}

impl std::fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CustomerKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_brings_the_headers_that_the_store_checks() {
        let key = CustomerKey::new(&Secret::new(format!(" {} ", base64_encode(&[7; 32])))).expect("a key");
        let headers = key.headers();
        assert_eq!(headers[1], (KEY, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="));
        assert_eq!(headers[2].1, base64_encode(&Md5::digest([7; 32])));
        assert!(!format!("{key:?}").contains("Bwc"));
    }

    #[test]
    fn what_is_no_key_names_its_field() {
        for given in ["", "hunter2", "BwcH", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH"] {
            let error = CustomerKey::new(&Secret::new(given)).expect_err(given);
            assert_eq!(error.get("field"), Some("customer_key"), "{given}");
        }
    }
}
