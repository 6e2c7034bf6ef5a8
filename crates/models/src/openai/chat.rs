//! Answers from an endpoint, streamed: `POST chat/completions`.

use std::fmt;

use async_trait::async_trait;
use catchment_client::{Client, Download};
use catchment_core::{Error, ErrorKind, LanguageModel, Prompt, Result, Speaker};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Endpoint, errors, sse::Events};

/// An answer that comes whole may be this large.
const WHOLE: usize = 16 * 1024 * 1024;

/// A language model behind an endpoint.
#[derive(Clone)]
pub struct Chat {
    client: Client,
    model: String,
    id: String,
    temperature: Option<f32>,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    /// Of a streamed answer.
    #[serde(default)]
    delta: Option<Piece>,
    /// Of one that came whole.
    #[serde(default)]
    message: Option<Piece>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Piece {
    #[serde(default)]
    content: Option<String>,
}

impl Chat {
    /// A model behind an endpoint. Nothing is asked yet.
    ///
    /// # Errors
    /// `Config` for an address, a key or a name that cannot be.
    pub fn new(endpoint: &Endpoint, model: impl Into<String>) -> Result<Self> {
        let model = model.into();
        if model.trim().is_empty() {
            return Err(Error::config("model", "give the name of the language model"));
        }
        Ok(Self { client: endpoint.client()?, id: format!("openai:{model}"), model, temperature: None })
    }

    /// How freely to answer, 0 being the most sober. The model's own default unless given.
    #[must_use]
    pub fn temperature(mut self, temperature: f32) -> Self {
        self.temperature = Some(temperature);
        self
    }

    async fn ask(&self, prompt: &Prompt, limit: &str) -> Result<Download> {
        let mut messages = Vec::with_capacity(prompt.turns.len() + 1);
        if !prompt.system.is_empty() {
            messages.push(json!({ "role": "system", "content": prompt.system }));
        }
        for turn in &prompt.turns {
            let role = match turn.speaker {
                Speaker::User => "user",
                Speaker::Assistant => "assistant",
            };
            messages.push(json!({ "role": role, "content": turn.text }));
        }
        let mut body = json!({ "model": self.model, "messages": messages, "stream": true });
        if let Some(most) = prompt.max_tokens {
            body[limit] = most.into();
        }
        if let Some(temperature) = self.temperature {
            body["temperature"] = temperature.into();
        }
        let call =
            self.client.post("chat/completions").json(&body).header("accept", "text/event-stream, application/json");
        let sent = call.idempotent(true).reject_html().stream().await;
        sent.map_err(|error| error.with("model", &self.model))
    }
}

#[async_trait]
impl LanguageModel for Chat {
    fn id(&self) -> &str {
        &self.id
    }

    async fn generate(&self, prompt: Prompt) -> Result<BoxStream<'static, Result<String>>> {
        let answer = match self.ask(&prompt, "max_tokens").await {
            // OpenAI's reasoning models know the limit by another name, the others only by this.
            Err(error) if error.get(errors::REFUSED) == Some("max_tokens") => {
                self.ask(&prompt, "max_completion_tokens").await?
            }
            other => other?,
        };
        let json = answer.head.header("content-type").is_some_and(|media| media.starts_with("application/json"));
        if json {
            let text = whole(&answer.bytes(WHOLE).await?)?;
            return Ok(futures::stream::once(async { Ok(text) }).boxed());
        }
        Ok(pieces(answer).boxed())
    }
}

/// The pieces of a streamed answer. It has to end with `[DONE]` or with a reason: a connection
/// that closes before either has cut the answer short.
fn pieces(mut answer: Download) -> impl futures::Stream<Item = Result<String>> + Send {
    async_stream::try_stream! {
        let mut events = Events::default();
        let mut complete = false;
        'answer: while let Some(bytes) = answer.body.try_next().await? {
            for data in events.push(&bytes)? {
                if data == "[DONE]" {
                    complete = true;
                    break 'answer;
                }
                let (text, ended) = piece(&data)?;
                complete |= ended;
                if let Some(text) = text {
                    yield text;
                }
            }
        }
        if !complete && let Some(data) = events.finish() {
            complete = data == "[DONE]";
            if !complete {
                let (text, ended) = piece(&data)?;
                complete = ended;
                if let Some(text) = text {
                    yield text;
                }
            }
        }
        if !complete {
            Err(Error::new(ErrorKind::Unavailable, "the answer broke off in the middle: ask again"))?;
        }
    }
}

/// The text of one event, and whether the answer is complete with it.
fn piece(data: &str) -> Result<(Option<String>, bool)> {
    let value: Value = serde_json::from_str(data).map_err(|_| not_an_answer())?;
    let chunk = chunk(value)?;
    // The last event may carry the bill alone, without a choice.
    let Some(choice) = chunk.choices.into_iter().next() else { return Ok((None, false)) };
    let ended = ended(&choice)?;
    let text = choice.delta.or(choice.message).and_then(|piece| piece.content);
    Ok((text.filter(|text| !text.is_empty()), ended))
}

fn whole(bytes: &[u8]) -> Result<String> {
    let chunk = chunk(serde_json::from_slice(bytes).map_err(|_| not_an_answer())?)?;
    let choice = chunk.choices.into_iter().next().ok_or_else(not_an_answer)?;
    ended(&choice)?;
    choice.message.and_then(|message| message.content).ok_or_else(not_an_answer)
}

fn chunk(value: Value) -> Result<Chunk> {
    if value.get("error").is_some_and(|error| !error.is_null()) {
        let unnamed = || Error::new(ErrorKind::Unavailable, "the model failed while it was answering: ask again");
        return Err(errors::of_body(&value).unwrap_or_else(unnamed));
    }
    serde_json::from_value(value).map_err(|_| not_an_answer())
}

fn ended(choice: &Choice) -> Result<bool> {
    match choice.finish_reason.as_deref() {
        Some("content_filter") => Err(Error::new(
            ErrorKind::Forbidden,
            "the endpoint's content filter stopped the answer: ask in other words or use another model",
        )),
        reason => Ok(reason.is_some_and(|reason| !reason.is_empty())),
    }
}

fn not_an_answer() -> Error {
    Error::protocol("the endpoint does not answer like an OpenAI-compatible one: check its address")
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat").field("id", &self.id).field("client", &self.client).finish_non_exhaustive()
    }
}
