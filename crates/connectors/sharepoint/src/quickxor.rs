//! quickXorHash, the hash that SharePoint and OneDrive give.
//!
//! See <https://learn.microsoft.com/onedrive/developer/code-snippets/quickxorhash>.

use base64::{Engine, engine::general_purpose::STANDARD};

/// Bits of the hash. Each byte is XORed in 11 bits further than the one before it, so after so many bytes
/// the places repeat.
const BITS: usize = 160;
const SHIFT: usize = 11;

/// The hash of what came so far.
#[derive(Clone)]
pub(crate) struct QuickXor {
    /// The XOR of all bytes of one place. They are put in their places once, at the end.
    places: [u8; BITS],
    length: u64,
}

impl QuickXor {
    pub(crate) fn new() -> Self {
        Self { places: [0; BITS], length: 0 }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        // Less than BITS, which is a usize.
        let start = (self.length % BITS as u64) as usize;
        let (head, rest) = bytes.split_at(bytes.len().min(BITS - start));
        for (place, byte) in self.places[start..].iter_mut().zip(head) {
            *place ^= byte;
        }
        for block in rest.chunks(BITS) {
            for (place, byte) in self.places.iter_mut().zip(block) {
                *place ^= byte;
            }
        }
        self.length += bytes.len() as u64;
    }

    /// As Graph writes it: in base64.
    pub(crate) fn finish(&self) -> String {
        let mut hash = [0u8; BITS / 8];
        for (at, byte) in self.places.iter().enumerate() {
            let bit = at * SHIFT % BITS;
            let [low, high] = (u16::from(*byte) << (bit % 8)).to_le_bytes();
            hash[bit / 8] ^= low;
            hash[(bit / 8 + 1) % hash.len()] ^= high;
        }
        let end = hash.len() - 8;
        for (place, byte) in hash[end..].iter_mut().zip(self.length.to_le_bytes()) {
            *place ^= byte;
        }
        STANDARD.encode(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut hash = QuickXor::new();
        chunks.into_iter().for_each(|chunk| hash.update(chunk));
        hash.finish()
    }

    /// All but the last are Microsoft's.
    #[test]
    fn the_published_vectors_come_out() {
        for (input, hash) in [
            ("", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            ("Sg==", "SgAAAAAAAAAAAAAAAQAAAAAAAAA="),
            ("tbQ=", "taAFAAAAAAAAAAAAAgAAAAAAAAA="),
            ("2fuxhBJXtpWFe8dOfdGeHw==", "O9tHLAghgSvYohKFyMMxnNCHaHg="),
            ("NbYXsp5/K6mR+NmHwExjvWeWDJFnXTKWVlzYHoesp2E=", "wjuAuWDiq04qDt1R8hHWDDcwVoQ="),
        ] {
            let input = STANDARD.decode(input).unwrap();
            assert_eq!(hashed([input.as_slice()]), hash);
        }
        let long: Vec<u8> = (0..1000).map(|at| (at % 256) as u8).collect();
        assert_eq!(hashed([long.as_slice()]), "eMTc7ksneLHFfWI8T9W9y23sExM=");
    }

    #[test]
    fn chunks_of_any_size_make_no_difference() {
        let bytes: Vec<u8> = (0..2000u32).map(|at| (at * 7 % 251) as u8).collect();
        let whole = hashed([bytes.as_slice()]);
        for size in [1, 3, 159, 160, 161, 320, 333] {
            assert_eq!(hashed(bytes.chunks(size)), whole, "{size}");
        }
    }
}
