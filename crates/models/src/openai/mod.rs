//! Endpoints that speak OpenAI's HTTP API: OpenAI itself, and Ollama, llama.cpp, vLLM, LiteLLM,
//! LocalAI and many more.

mod chat;
mod embeddings;
mod errors;
mod sse;

use std::time::Duration;

use catchment_client::{Budget, Client, Egress};
use catchment_core::{Error, Result, Secret, Tenant};

pub use chat::Chat;
pub use embeddings::Embeddings;

/// Where a model is, and how to get in.
///
/// The operator names it, so private addresses are allowed: a model beside the program is the
/// common case. An address that a user gives belongs behind [`Endpoint::egress`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Endpoint {
    base: String,
    key: Option<Secret>,
    egress: Egress,
    budget: Budget,
    patience: Duration,
}

impl Endpoint {
    /// The API's base address, for example `https://api.openai.com/v1` or
    /// `http://localhost:11434/v1`.
    pub fn new(base: impl Into<String>) -> Self {
        Self {
            base: base.into(),
            key: None,
            egress: Egress::allow_private(),
            budget: Budget::unlimited(),
            patience: Duration::from_secs(300),
        }
    }

    /// The key, for endpoints that want one. An empty one is none.
    pub fn key(mut self, key: Secret) -> Self {
        self.key = Some(key).filter(|key| !key.is_empty());
        self
    }

    /// Which addresses may be connected to, when not the operator but a user named the base.
    pub fn egress(mut self, egress: Egress) -> Self {
        self.egress = egress;
        self
    }

    /// How fast to call.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// How long one call may take in all, and how long a model may think before its first word.
    /// 5 minutes unless given: a local model is loaded on the first call.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    fn client(&self) -> Result<Client> {
        let base = self.base.trim();
        if base.is_empty() {
            return Err(Error::config("url", "give the model's address, for example http://localhost:11434/v1"));
        }
        // Models are the installation's, so all tenants share one budget for each endpoint.
        let builder = Client::builder("openai")
            .tenant(format_args!("{}@{base}", Tenant::local()))
            .base(base)
            .egress(self.egress.clone())
            .budget(self.budget.clone())
            .deadline(self.patience)
            .answer_within(self.patience)
            .idle(self.patience)
            .cap(64 * 1024 * 1024)
            .classify(errors::classify);
        match &self.key {
            Some(key) => {
                let header = Secret::new(format!("Bearer {}", key.expose()));
                builder.redact(key).secret_header("authorization", &header).build()
            }
            None => builder.build(),
        }
    }
}
