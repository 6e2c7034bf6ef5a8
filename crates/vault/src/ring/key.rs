//! Keys and their ids, and how they are written down.

use std::fmt;

use aes_gcm::Aes256Gcm;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::cipher::{KEY, cipher, random};

/// A key that data keys are wrapped under.
pub(crate) struct Key {
    /// As it was given, else derived.
    pub(crate) id: String,
    /// Derived. The key answers to it as well, so that giving a key a name, or leaving the name
    /// out, loses nothing.
    pub(crate) derived: String,
    pub(crate) cipher: Aes256Gcm,
}

impl Key {
    /// Reads `hex` or `id:hex`. The error says what is wrong, and quotes nothing: it may be a key.
    pub(crate) fn read(text: &str) -> Result<Self, &'static str> {
        let (id, digits) = match text.rsplit_once(':') {
            Some((id, digits)) => (Some(id.trim()), digits.trim()),
            None => (None, text.trim()),
        };
        if id.is_some_and(|id| !is_name(id)) {
            return Err("the id in front of the colon is 1 to 64 letters, digits, dots, dashes and underscores");
        }
        let mut bytes = Zeroizing::new([0; KEY]);
        hex::decode_to_slice(digits, bytes.as_mut()).map_err(|_| "a key is 64 hex digits")?;
        let mut seen = Zeroizing::new([false; 256]);
        bytes.iter().for_each(|byte| seen[usize::from(*byte)] = true);
        if seen.iter().filter(|seen| **seen).count() < 8 {
            return Err("this is no random key: make one with `openssl rand -hex 32`");
        }
        let derived = derive(&bytes);
        if id.is_some_and(|id| is_derived(id) && id != derived) {
            return Err("the id was made from another key: the line was changed, restore it from a copy");
        }
        Ok(Self { id: id.map_or_else(|| derived.clone(), str::to_owned), derived, cipher: cipher(&bytes) })
    }

    /// A new random key as it is written down, and its id.
    pub(crate) fn generate() -> catchment_core::Result<(String, Zeroizing<String>)> {
        let mut bytes = Zeroizing::new([0; KEY]);
        random(bytes.as_mut())?;
        let id = derive(&bytes);
        let mut digits = Zeroizing::new([0; 2 * KEY]);
        // Cannot fail: the buffer has the length it needs.
        let _ = hex::encode_to_slice(bytes.as_ref(), digits.as_mut());
        let mut line = Zeroizing::new(String::with_capacity(id.len() + 1 + digits.len()));
        line.push_str(&id);
        line.push(':');
        line.extend(digits.iter().map(|digit| char::from(*digit)));
        Ok((id, line))
    }

    pub(crate) fn answers_to(&self, id: &str) -> bool {
        self.id == id || self.derived == id
    }
}

/// `k` and 16 hex digits of a hash: enough to tell keys apart, nothing to find one by.
fn derive(key: &[u8; KEY]) -> String {
    let hash = Sha256::new().chain_update(b"catchment-vault key id\0").chain_update(key).finalize();
    format!("k{}", hex::encode(&hash[..8]))
}

fn is_derived(id: &str) -> bool {
    id.len() == 17 && id.starts_with('k') && id[1..].bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_name(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=64).contains(&id.len()) && id.bytes().all(plain)
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}
