//! A model directory on this machine, run in this process: no server, no network.

mod files;
mod network;
mod words;

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use catchment_core::{Embedder, Error, Result, Role};

use files::Settings;
use network::Network;
use words::{Tokens, Words};

use crate::vectors::unit;

/// Texts that go through the network at once, at the most.
const BATCH: usize = 32;

/// Tokens that go through the network at once, padding included: this bounds the memory, and how
/// long a call that nobody waits for any more goes on.
const BATCH_TOKENS: usize = 4096;

/// An embedding model in a directory, in the layout of Hugging Face and sentence-transformers.
///
/// Needed are `tokenizer.json` and `model.onnx` or `onnx/model.onnx`. Read when present are
/// `config.json`, `sentence_bert_config.json`, `modules.json`, `1_Pooling/config.json` and
/// `config_sentence_transformers.json`. Clones share the model.
#[derive(Clone)]
pub struct Model {
    inner: Arc<Inner>,
}

struct Inner {
    id: String,
    settings: Settings,
    words: Words,
    network: Network,
    dimensions: usize,
    /// One batch at a time: it uses all cores already.
    turn: Mutex<()>,
}

impl Model {
    /// Loads the model of a directory, and runs it once to learn the length of its vectors. Takes
    /// about a second and the size of the model in memory; on its own thread.
    ///
    /// # Errors
    /// `Config`, naming the file that is missing or cannot be used.
    pub async fn load(directory: impl AsRef<Path>) -> Result<Self> {
        Self::with(directory, None).await
    }

    /// As [`Model::load`], but cuts texts at this many tokens instead of what the directory says.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub async fn load_up_to(directory: impl AsRef<Path>, tokens: usize) -> Result<Self> {
        Self::with(directory, Some(tokens)).await
    }

    async fn with(directory: impl AsRef<Path>, tokens: Option<usize>) -> Result<Self> {
        let directory = directory.as_ref().to_owned();
        on_a_thread(move || Self::load_now(&directory, tokens)).await
    }

    fn load_now(directory: &Path, tokens: Option<usize>) -> Result<Self> {
        let mut settings = Settings::read(directory)?;
        if let Some(tokens) = tokens {
            settings.most_tokens = settings.most_tokens.min(tokens.max(1));
        }
        let (words, words_hash) = Words::read(directory, &settings)?;
        let (network, network_hash) = Network::read(directory)?;
        let probe = network.run(&[words.cut("dimensions")?], &settings)?;
        let dimensions = probe.first().map_or(0, Vec::len);
        let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Whatever changes a vector changes the id, so that no index mixes two models.
        let mut hash = blake3::Hasher::new();
        hash.update(words_hash.as_bytes()).update(network_hash.as_bytes()).update(format!("{settings:?}").as_bytes());
        let id = format!("local:{name}:{dimensions}:{}", &hash.finalize().to_hex()[..16]);
        Ok(Self { inner: Arc::new(Inner { id, settings, words, network, dimensions, turn: Mutex::default() }) })
    }

    /// How many tokens of a text are read; the rest is left out.
    pub fn most_tokens(&self) -> usize {
        self.inner.settings.most_tokens
    }

    /// How many tokens a text has, special ones included.
    ///
    /// # Errors
    /// `Internal` when the tokenizer fails.
    pub fn count_tokens(&self, text: &str) -> Result<usize> {
        self.inner.words.count(text)
    }
}

#[async_trait]
impl Embedder for Model {
    fn id(&self) -> &str {
        &self.inner.id
    }

    fn dimensions(&self) -> usize {
        self.inner.dimensions
    }

    /// Dropping this lets the batch that is being computed run to its end, at most 4,096 tokens.
    async fn embed(&self, texts: &[String], role: Role) -> Result<Vec<Vec<f32>>> {
        let prefix = match role {
            Role::Query => &self.inner.settings.query,
            Role::Passage => &self.inner.settings.passage,
        };
        let mut out = vec![Vec::new(); texts.len()];
        let mut start = 0;
        // A window of texts is cut into tokens together, so that those of similar length share a
        // batch and little is padded, while memory stays bounded whatever the caller hands in.
        while start < texts.len() {
            let end = texts.len().min(start + 8 * BATCH);
            let window: Vec<String> = texts[start..end].iter().map(|text| format!("{prefix}{text}")).collect();
            let inner = Arc::clone(&self.inner);
            let cut = on_a_thread(move || window.iter().map(|text| inner.words.cut(text)).collect::<Result<Vec<_>>>());
            for batch in batches(cut.await?) {
                let inner = Arc::clone(&self.inner);
                for (position, vector) in on_a_thread(move || inner.run(batch)).await? {
                    out[start + position] = vector;
                }
            }
            start = end;
        }
        Ok(out)
    }
}

impl Inner {
    fn run(&self, batch: Vec<(usize, Tokens)>) -> Result<Vec<(usize, Vec<f32>)>> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (positions, tokens): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let vectors = self.network.run(&tokens, &self.settings)?;
        positions.into_iter().zip(vectors).map(|(position, vector)| Ok((position, unit(vector)?))).collect()
    }
}

/// Shortest first, bounded by number and by tokens with padding; each with its position.
fn batches(texts: Vec<Tokens>) -> Vec<Vec<(usize, Tokens)>> {
    let mut texts: Vec<_> = texts.into_iter().enumerate().collect();
    texts.sort_by_key(|(_, tokens)| tokens.len());
    let mut out: Vec<Vec<(usize, Tokens)>> = Vec::new();
    for (position, tokens) in texts {
        // Sorted, so the newcomer is the longest and sets the padding.
        let fits = |batch: &Vec<_>| batch.len() < BATCH && (batch.len() + 1) * tokens.len() <= BATCH_TOKENS;
        match out.last_mut().filter(|batch| fits(batch)) {
            Some(batch) => batch.push((position, tokens)),
            None => out.push(vec![(position, tokens)]),
        }
    }
    out
}

async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Error::internal("the model stopped in the middle: check its files").source(error)))
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("id", &self.inner.id).field("settings", &self.inner.settings).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_bounded_and_lose_nothing() {
        let lengths = [1, 4000, 3, 512, 512, 512, 5000, 2, 512, 512, 512, 512, 512];
        let texts = lengths.iter().map(|length| Tokens::of(vec![7; *length])).collect();
        let batches = batches(texts);
        let mut positions: Vec<_> = batches.iter().flatten().map(|(position, _)| *position).collect();
        positions.sort_unstable();
        assert_eq!(positions, (0..lengths.len()).collect::<Vec<_>>());
        for batch in &batches {
            let longest = batch.iter().map(|(_, tokens)| tokens.len()).max().unwrap();
            assert!(batch.len() == 1 || batch.len() * longest <= BATCH_TOKENS);
        }
        assert_eq!(batches.len(), 4, "{:?}", batches.iter().map(Vec::len).collect::<Vec<_>>());
    }
}
