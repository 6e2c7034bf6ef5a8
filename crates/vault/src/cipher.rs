//! AES-256-GCM with a random nonce in front of the ciphertext, or beside it.

use aes_gcm::{
    Aes256Gcm,
    aead::{AeadInOut, KeyInit},
};
use catchment_core::{Error, Result};

/// The length of a key.
pub(crate) const KEY: usize = 32;
/// The length of a nonce.
pub(crate) const NONCE: usize = 12;
/// The length of a tag.
pub(crate) const TAG: usize = 16;

/// The cipher under a key. It is zeroized with its round keys when it is dropped.
pub(crate) fn cipher(key: &[u8; KEY]) -> Aes256Gcm {
    Aes256Gcm::new(key.into())
}

/// Fills with random bytes of the operating system.
pub(crate) fn random(into: &mut [u8]) -> Result<()> {
    getrandom::fill(into).map_err(|error| Error::internal("the system gives no random numbers").source(error))
}

/// Encrypts `out[from..]`, which has room for the tag, where it stands.
pub(crate) fn encrypt(
    cipher: &Aes256Gcm,
    nonce: &[u8; NONCE],
    bound: &[u8],
    out: &mut Vec<u8>,
    from: usize,
) -> Result<()> {
    let tag = cipher
        .encrypt_inout_detached(nonce.into(), bound, out[from..].as_mut().into())
        .map_err(|_| Error::internal("the secret is too long to be sealed"))?;
    out.extend_from_slice(&tag);
    Ok(())
}

/// Decrypts where it stands and leaves the plaintext; `None` if it is not what was encrypted.
pub(crate) fn decrypt(cipher: &Aes256Gcm, nonce: &[u8; NONCE], bound: &[u8], buffer: &mut Vec<u8>) -> Option<()> {
    let length = buffer.len().checked_sub(TAG)?;
    let (text, tag) = buffer.split_at_mut(length);
    let tag: &[u8; TAG] = (&*tag).try_into().ok()?;
    cipher.decrypt_inout_detached(nonce.into(), bound, text.into(), tag.into()).ok()?;
    buffer.truncate(length);
    Some(())
}
