//! Dropbox's hash of a content: SHA-256 over the SHA-256 of each block of 4 MiB.
//!
//! See <https://www.dropbox.com/developers/reference/content-hash>.

use sha2::{Digest, Sha256};

/// The length of a block in bytes.
const BLOCK: usize = 4 * 1024 * 1024;

/// A hash in the making.
#[derive(Debug, Default)]
pub(crate) struct ContentHash {
    blocks: Sha256,
    block: Sha256,
    /// How many bytes of the block have come.
    filled: usize,
}

impl ContentHash {
    /// Takes in the next bytes.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.filled));
            self.block.update(now);
            self.filled += now.len();
            if self.filled == BLOCK {
                self.end_block();
            }
            bytes = later;
        }
    }

    /// The hash, as Dropbox writes it: in lower-case hexadecimal.
    pub(crate) fn finish(mut self) -> String {
        // No content has no block, not an empty one.
        if self.filled > 0 {
            self.end_block();
        }
        hex::encode(self.blocks.finalize())
    }

    fn end_block(&mut self) {
        self.blocks.update(std::mem::take(&mut self.block).finalize());
        self.filled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of content that comes in pieces of this length.
    fn hash(content: &[u8], piece: usize) -> String {
        let mut hash = ContentHash::default();
        content.chunks(piece).for_each(|piece| hash.update(piece));
        hash.finish()
    }

    #[test]
    fn hashes_are_those_of_dropbox_however_the_content_comes() {
        for (content, expected) in [
            (vec![], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (b"A".to_vec(), "1cd6ef71e6e0ff46ad2609d403dc3fee244417089aa4461245a4e4fe23a55e42"),
            (vec![0; BLOCK], "c7e946d101855255d919ef0c70718633adf77d3dfb3adeeecf5d0cb4e951be58"),
            (vec![0; BLOCK + 1], "14a4d47f23a30177885d9820122f17d2d3a55fe63f7f5c27b95f689e0b2accd6"),
            (vec![0; 2 * BLOCK], "03ae066c707c588592d9e27aa2444ca98423e0999024f1ceaa11a153790b37de"),
        ] {
            for piece in [64 * 1024, BLOCK - 1, BLOCK + 1, 3 * BLOCK] {
                assert_eq!(hash(&content, piece), expected, "{} bytes in pieces of {piece}", content.len());
            }
        }
    }
}
