//! From text to tokens.

use std::path::Path;

use catchment_core::{Error, Result};
use tokenizers::{Tokenizer, TruncationParams};

use super::files::{self, Settings};

/// The tokenizer of a directory.
pub(super) struct Words {
    /// Cuts at the model's length.
    cutting: Tokenizer,
    /// Does not.
    whole: Tokenizer,
}

/// A text as the network takes it, neither padded nor longer than it reads.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) ids: Vec<u32>,
    pub(super) types: Vec<u32>,
}

impl Words {
    pub(super) fn read(directory: &Path, settings: &Settings) -> Result<(Self, blake3::Hash)> {
        let (path, bytes) = files::needed(directory, &["tokenizer.json"])?;
        let mut whole = Tokenizer::from_bytes(&bytes).map_err(|error| files::damaged(&path, error))?;
        // The file's own settings are those of whoever saved it: a fixed padding of 128 is common.
        whole.with_padding(None);
        whole.with_truncation(None).map_err(|error| files::damaged(&path, error))?;
        let mut cutting = whole.clone();
        let truncation = TruncationParams { max_length: settings.most_tokens, ..TruncationParams::default() };
        cutting.with_truncation(Some(truncation)).map_err(|error| files::damaged(&path, error))?;
        Ok((Self { cutting, whole }, blake3::hash(&bytes)))
    }

    pub(super) fn cut(&self, text: &str) -> Result<Tokens> {
        let encoding = self.cutting.encode_fast(text, true).map_err(failed)?;
        Ok(Tokens { ids: encoding.get_ids().to_vec(), types: encoding.get_type_ids().to_vec() })
    }

    pub(super) fn count(&self, text: &str) -> Result<usize> {
        Ok(self.whole.encode_fast(text, true).map_err(failed)?.len())
    }
}

impl Tokens {
    /// Tokens of one type.
    #[cfg(test)]
    pub(super) fn of(ids: Vec<u32>) -> Self {
        Self { types: vec![0; ids.len()], ids }
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }
}

fn failed(error: tokenizers::Error) -> Error {
    Error::internal("the tokenizer cannot cut this text").source(error)
}
