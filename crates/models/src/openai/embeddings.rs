//! Vectors from an endpoint: `POST embeddings`.

use std::fmt;

use async_trait::async_trait;
use catchment_client::Client;
use catchment_core::{Embedder, Error, Result, Role};
use serde::Deserialize;
use serde_json::json;

use super::Endpoint;
use crate::vectors::unit;

/// Texts in one call, at the most. OpenAI takes 2,048, small servers much less.
const BATCH: usize = 64;

/// Bytes of text in one call, at the most; one longer text goes alone. OpenAI takes 300,000
/// tokens a call, and a token is rarely less than a byte.
const BATCH_BYTES: usize = 256 * 1024;

/// An embedding model behind an endpoint.
#[derive(Clone)]
pub struct Embeddings {
    client: Client,
    model: String,
    id: String,
    dimensions: usize,
    /// Sent along when the caller chose the length, which some models can shorten.
    shortened: bool,
    query: String,
    passage: String,
    batch: usize,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    index: Option<usize>,
    embedding: Vec<f32>,
}

impl Embeddings {
    /// Connects, and asks the model for one vector to learn its length.
    ///
    /// # Errors
    /// `Config` for a wrong address or an unknown model, `Unauthenticated` for a wrong key,
    /// `Unavailable` when nobody answers.
    pub async fn connect(endpoint: &Endpoint, model: impl Into<String>) -> Result<Self> {
        let mut out = Self::new(endpoint, model, 0)?;
        let probe = out.ask(&["dimensions".to_owned()]).await?;
        out.dimensions = probe.first().map_or(0, Vec::len);
        Ok(out.named())
    }

    /// A model whose length of vectors is known, without asking.
    ///
    /// # Errors
    /// `Config` for an address or a key that cannot be.
    pub fn new(endpoint: &Endpoint, model: impl Into<String>, dimensions: usize) -> Result<Self> {
        let model = model.into();
        if model.trim().is_empty() {
            return Err(Error::config("model", "give the name of the embedding model"));
        }
        let out = Self {
            client: endpoint.client()?,
            model,
            id: String::new(),
            dimensions,
            shortened: false,
            query: String::new(),
            passage: String::new(),
            batch: BATCH,
        };
        Ok(out.named())
    }

    /// Asks for vectors of this length, for models that can shorten them.
    #[must_use]
    pub fn shortened(mut self, dimensions: usize) -> Self {
        (self.dimensions, self.shortened) = (dimensions, true);
        self.named()
    }

    /// Put in front of texts, for models that were trained so: `search_query: ` and
    /// `search_document: `, for example.
    #[must_use]
    pub fn prefixes(mut self, query: impl Into<String>, passage: impl Into<String>) -> Self {
        (self.query, self.passage) = (query.into(), passage.into());
        self.named()
    }

    /// Texts in one call, at the most; 64 unless given.
    #[must_use]
    pub fn batch(mut self, texts: usize) -> Self {
        self.batch = texts.max(1);
        self
    }

    /// Everything that changes the vectors is in the id; where the model runs is not.
    fn named(mut self) -> Self {
        self.id = format!("openai:{}:{}", self.model, self.dimensions);
        if !self.query.is_empty() || !self.passage.is_empty() {
            self.id.push_str(&format!(":{}|{}", self.query, self.passage));
        }
        self
    }

    async fn ask(&self, texts: &[String]) -> Result<Vec<Vec<f32>>> {
        let mut body = json!({ "model": self.model, "input": texts });
        if self.shortened {
            body["dimensions"] = self.dimensions.into();
        }
        let sent = self.client.post("embeddings").json(&body).idempotent(true).send().await;
        let answer: Answer = sent.map_err(|error| error.with("model", &self.model))?.json()?;
        let wrong = |what: &'static str| Error::protocol(what).with("model", &self.model);
        if answer.data.len() != texts.len() {
            return Err(wrong("the endpoint gave another number of vectors than texts"));
        }
        let mut out = vec![Vec::new(); texts.len()];
        for (position, item) in answer.data.into_iter().enumerate() {
            let slot = out.get_mut(item.index.unwrap_or(position));
            let slot = slot.filter(|slot| slot.is_empty());
            *slot.ok_or_else(|| wrong("the endpoint numbers its vectors wrongly"))? = unit(item.embedding)?;
        }
        let length = if self.dimensions == 0 { out.first().map_or(0, Vec::len) } else { self.dimensions };
        match out.iter().find(|vector| vector.len() != length) {
            None => Ok(out),
            Some(vector) => Err(wrong("the model gives vectors of another length than it did: was it exchanged?")
                .with("expected", length)
                .with("received", vector.len())),
        }
    }
}

#[async_trait]
impl Embedder for Embeddings {
    fn id(&self) -> &str {
        &self.id
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    async fn embed(&self, texts: &[String], role: Role) -> Result<Vec<Vec<f32>>> {
        let prefix = match role {
            Role::Query => &self.query,
            Role::Passage => &self.passage,
        };
        // Endpoints refuse an empty text, and a space is as empty.
        let texts =
            texts.iter().map(|text| if text.is_empty() { format!("{prefix} ") } else { format!("{prefix}{text}") });
        let mut out = Vec::with_capacity(texts.len());
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for text in texts {
            if batch.len() == self.batch || (!batch.is_empty() && bytes + text.len() > BATCH_BYTES) {
                out.append(&mut self.ask(&batch).await?);
                batch.clear();
                bytes = 0;
            }
            bytes += text.len();
            batch.push(text);
        }
        if !batch.is_empty() {
            out.append(&mut self.ask(&batch).await?);
        }
        Ok(out)
    }
}

impl fmt::Debug for Embeddings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embeddings").field("id", &self.id).field("client", &self.client).finish_non_exhaustive()
    }
}
