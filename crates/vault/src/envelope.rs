//! The layout of a sealed secret.
//!
//! ```text
//! 1           version, 1
//! 1           length of the key's id, 1 to 255
//! ..          the key's id, visible ASCII
//! 2           length of the wrapped data key, big-endian
//! ..          the wrapped data key, as the key service made it
//! 12          nonce
//! ..          ciphertext, as long as the secret
//! 16          tag
//! ```

use catchment_core::{Error, ErrorKind, Result};

use crate::cipher::{NONCE, TAG};

/// The layout that is written.
pub(crate) const VERSION: u8 = 1;

/// A sealed secret, taken apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Envelope<'a> {
    /// The id of the key that the data key is wrapped under.
    pub(crate) key: &'a str,
    /// The data key.
    pub(crate) wrapped: &'a [u8],
    /// Of the ciphertext.
    pub(crate) nonce: &'a [u8; NONCE],
    /// With the tag at the end.
    pub(crate) ciphertext: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Takes a sealed secret apart. Nothing has been proved of it then.
    pub(crate) fn read(sealed: &'a [u8]) -> Result<Self> {
        match sealed.first() {
            Some(&VERSION) => {}
            Some(version) => {
                let message =
                    "this secret was sealed by another version of the program: use that version or a newer one";
                return Err(Error::new(ErrorKind::Unsupported, message).with("version", version));
            }
            None => return Err(damaged()),
        }
        let read = || {
            let (length, rest) = sealed[1..].split_first()?;
            let (key, rest) = rest.split_at_checked(usize::from(*length))?;
            let key = str::from_utf8(key).ok().filter(|key| is_id(key))?;
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let (wrapped, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>()?;
            (ciphertext.len() >= TAG).then_some(Self { key, wrapped, nonce, ciphertext })
        };
        read().ok_or_else(damaged)
    }

    /// Everything in front of the nonce, with room for what follows.
    pub(crate) fn header(key: &str, wrapped: &[u8], following: usize) -> Result<Vec<u8>> {
        let too_long = || Error::internal("the key service gave a key that does not fit into a header");
        let id = u8::try_from(key.len()).ok().filter(|_| is_id(key)).ok_or_else(too_long)?;
        let length = u16::try_from(wrapped.len()).map_err(|_| too_long())?;
        let mut out = Vec::with_capacity(4 + key.len() + wrapped.len() + following);
        out.extend([VERSION, id]);
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(wrapped);
        Ok(out)
    }
}

/// Whether it can stand in a header, a column and a sentence.
pub(crate) fn is_id(key: &str) -> bool {
    !key.is_empty() && key.len() <= usize::from(u8::MAX) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

fn damaged() -> Error {
    Error::new(ErrorKind::Config, "the stored secret is damaged: enter it again")
}
