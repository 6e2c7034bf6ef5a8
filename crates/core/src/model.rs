//! Models: what turns text into vectors, and what turns passages into prose.

use std::fmt;

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// Turns texts into vectors of one length.
#[async_trait]
pub trait Embedder: fmt::Debug + Send + Sync {
    /// Names the model and everything that changes its vectors. An index built under one id is
    /// not searched under another.
    fn id(&self) -> &str;

    /// The length of every vector.
    fn dimensions(&self) -> usize;

    /// One vector for each text, in order, of length 1. Cancel-safe.
    async fn embed(&self, texts: &[String], role: Role) -> Result<Vec<Vec<f32>>>;
}

/// Which side of a search a text stands on; some models want to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What is looked for.
    Query,
    /// What is found.
    Passage,
}

/// Continues a conversation.
#[async_trait]
pub trait LanguageModel: fmt::Debug + Send + Sync {
    /// Names the model.
    fn id(&self) -> &str;

    /// Streams the answer in pieces, as they are made. Dropping the stream stops it.
    async fn generate(&self, prompt: Prompt) -> Result<BoxStream<'static, Result<String>>>;
}

/// What a language model is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prompt {
    /// The rules, ahead of the conversation.
    pub system: String,
    /// The conversation so far; the last turn is the one to answer.
    pub turns: Vec<Turn>,
    /// The most tokens to answer with; `None` leaves it to the model.
    pub max_tokens: Option<u32>,
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who said it.
    pub speaker: Speaker,
    /// What was said.
    pub text: String,
}

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The person.
    User,
    /// The model.
    Assistant,
}
