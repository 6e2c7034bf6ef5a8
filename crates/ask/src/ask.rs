//! Asking: a question, the passages that speak of it, and an answer that says where it stands.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use catchment_core::{
    Error, LanguageModel, Message, Result, Speaker, Tenant, ThreadId, Threads, document::DocumentKey,
};
use catchment_index::{
    Filter, Hit, Index, Query,
    analyze::{Language, analyze, analyze_query},
};
use chrono::Utc;
use futures::{StreamExt, stream::BoxStream};
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use crate::{
    extract::{self, Passage},
    passage::{Citation, cited},
    prompt::{is_refusal, may_be_refusal, prompt},
};

/// Answers questions from an index.
#[derive(Clone)]
pub struct Ask {
    index: Arc<Index>,
    threads: Arc<dyn Threads>,
    model: Option<Arc<dyn LanguageModel>>,
    options: Options,
}

/// How answers are made.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most sentences of an extractive answer.
    pub sentences: usize,
    /// The most tokens of a generated answer.
    pub max_tokens: u32,
    /// How many messages of a thread are remembered.
    pub memory: u32,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Question {
    /// The words.
    pub text: String,
    /// Who asks; the thread is theirs.
    pub tenant: Tenant,
    /// Where to look, and on whose behalf.
    pub filter: Filter,
    /// How many passages to answer from.
    pub top_k: u32,
    /// The thread to go on with; `None` opens one.
    pub thread: Option<ThreadId>,
}

/// How an answer was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Sentences of the documents, word for word.
    Extractive,
    /// Written by a language model from passages of the documents.
    Generated,
    /// Nothing was found that answers the question.
    NotFound,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The words; numbers in square brackets refer to the citations.
    pub answer: String,
    /// Where they stand. Empty only if nothing was found.
    pub citations: Vec<Citation>,
    /// The thread, to go on with.
    pub thread_id: ThreadId,
    /// How it was made.
    pub mode: Mode,
    /// The language model that wrote it.
    pub model: Option<String>,
    /// What the person should know: that the language model did not answer, for example.
    pub notice: Option<String>,
}

/// A piece of a streamed answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// The next words.
    Text(String),
    /// The whole, once it is there and kept in the thread. Always the last piece.
    Done(Box<Answer>),
}

impl Default for Options {
    fn default() -> Self {
        Self { sentences: 3, max_tokens: 800, memory: 10 }
    }
}

/// From this cosine on, a passage is taken to speak of what was asked although it has none of the
/// words. Unrelated texts stay below it with the usual models.
const NEAR: f32 = 0.6;

const NOT_FOUND: &str = "I found nothing in the documents that answers this.";

impl Ask {
    /// Answers from `index`, keeping the conversations in `threads`; extractive until
    /// [`Ask::with_model`].
    pub fn new(index: Arc<Index>, threads: Arc<dyn Threads>) -> Self {
        Self { index, threads, model: None, options: Options::default() }
    }

    /// Lets a language model write the answers.
    #[must_use]
    pub fn with_model(mut self, model: Arc<dyn LanguageModel>) -> Self {
        self.model = Some(model);
        self
    }

    /// Changes how answers are made.
    #[must_use]
    pub fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Answers a question. Cancel-safe: a dropped question is not kept in its thread.
    pub async fn ask(&self, question: Question) -> Result<Answer> {
        let mut pieces = self.stream(question);
        while let Some(piece) = pieces.next().await {
            if let Piece::Done(answer) = piece? {
                return Ok(*answer);
            }
        }
        Err(Error::internal("an answer ended without its end"))
    }

    /// Answers a question piece by piece. Ends with [`Piece::Done`] or an error. Question and
    /// answer enter the thread together, at the end.
    pub fn stream(&self, question: Question) -> BoxStream<'static, Result<Piece>> {
        let ask = self.clone();
        async_stream::try_stream! {
            if question.text.trim().is_empty() {
                Err(Error::config("query", "ask something: the question is empty"))?;
            }
            let tenant = question.tenant.clone();
            let (thread, history) = match question.thread.clone() {
                Some(thread) => {
                    let history = ask.threads.load(&tenant, &thread, ask.options.memory).await?;
                    (Some(thread), history)
                }
                None => (None, Vec::new()),
            };
            let hits = ask.find(&question, &history).await?;
            let mut answer = Answer {
                answer: NOT_FOUND.to_owned(),
                citations: Vec::new(),
                thread_id: ThreadId(String::new()),
                mode: Mode::NotFound,
                model: None,
                notice: None,
            };
            let mut streamed = false;
            // Without a passage there is nothing to answer from, and a model is not tempted.
            if !hits.is_empty() {
                if let Some(model) = &ask.model {
                    let passages: Vec<Citation> =
                        (1..).zip(&hits).map(|(number, hit)| Citation::new(number, hit, &hit.text)).collect();
                    let told = prompt(&question.text, &history, &passages, ask.options.max_tokens);
                    match model.generate(told).await {
                        Ok(mut words) => {
                            let mut text = String::new();
                            while let Some(word) = words.next().await {
                                let word = word?;
                                text.push_str(&word);
                                if streamed {
                                    yield Piece::Text(word);
                                } else if !may_be_refusal(&text) {
                                    streamed = true;
                                    yield Piece::Text(text.clone());
                                }
                            }
                            let text = text.trim();
                            if !text.is_empty() && !is_refusal(text) {
                                answer.citations = cited(text, &passages);
                                if answer.citations.is_empty() {
                                    // It may be right, but nothing says so: show what it was told.
                                    answer.citations = passages;
                                    answer.notice = Some("the language model named no passage for this answer".into());
                                }
                                answer.answer = text.to_owned();
                                answer.mode = Mode::Generated;
                            }
                            answer.model = Some(model.id().to_owned());
                        }
                        Err(error) => {
                            tracing::warn!(%error, model = model.id(), "the language model did not answer");
                            ask.extract(&question, &hits, &mut answer);
                            answer.notice = Some(format!("the language model did not answer, so this is what the documents say: {error}"));
                        }
                    }
                } else {
                    ask.extract(&question, &hits, &mut answer);
                }
            }
            if !streamed {
                yield Piece::Text(answer.answer.clone());
            }
            let thread = match thread {
                Some(thread) => thread,
                None => ask.threads.create(&tenant).await?,
            };
            ask.keep(&tenant, &thread, &question, &answer).await?;
            answer.thread_id = thread;
            yield Piece::Done(Box::new(answer));
        }
        .boxed()
    }

    /// The passages for a question. In a thread, what was asked before is looked for as well, so
    /// that "and the other one?" finds something.
    async fn find(&self, question: &Question, history: &[Message]) -> Result<Vec<Hit>> {
        let mut hits = self.search(question, question.text.clone()).await?;
        let before = history.iter().rev().find(|message| message.speaker == Speaker::User);
        if let Some(before) = before {
            let both = self.search(question, format!("{} {}", question.text, before.text)).await?;
            hits = fuse(hits, both, question.top_k as usize);
        }
        Ok(hits)
    }

    async fn search(&self, question: &Question, text: String) -> Result<Vec<Hit>> {
        let query = Query::new(text, question.filter.clone()).limit(question.top_k);
        self.index.search(&query).await
    }

    fn extract(&self, question: &Question, hits: &[Hit], answer: &mut Answer) {
        let languages: Vec<Option<Language>> = hits.iter().map(|hit| Language::detect(&hit.text)).collect();
        let known: HashSet<Language> = languages.iter().copied().flatten().collect();
        let known: Vec<Language> = known.into_iter().collect();
        let wanted = words(&question.text, &known);
        let terms = |passage: usize, text: &str| terms(text, languages[passage]);
        let passages: Vec<Passage<'_>> = (0..)
            .zip(hits)
            .map(|(at, hit)| {
                let above = format!("{} {}", hit.title.as_deref().unwrap_or_default(), hit.headings.join(" "));
                Passage { text: &hit.text, above: terms(at, &above) }
            })
            .collect();
        let best = extract::best(&wanted, &passages, self.options.sentences, terms);
        if best.is_empty() {
            // Found by meaning alone: no sentence has the words, so the passage itself answers.
            let near = hits.iter().find(|hit| hit.similarity.is_some_and(|similarity| similarity >= NEAR));
            if let Some(hit) = near {
                answer.answer = format!("{} [1]", hit.text);
                answer.citations = vec![Citation::new(1, hit, &hit.text)];
                answer.mode = Mode::Extractive;
                answer.notice = Some("found by meaning: the passage has other words than the question".into());
            }
            return;
        }
        answer.answer = (1..)
            .zip(&best)
            .map(|(number, sentence)| format!("{} [{number}]", sentence.text))
            .collect::<Vec<_>>()
            .join("\n");
        answer.citations = (1..)
            .zip(best)
            .map(|(number, sentence)| Citation::new(number, &hits[sentence.passage], sentence.text))
            .collect();
        answer.mode = Mode::Extractive;
    }

    async fn keep(&self, tenant: &Tenant, thread: &ThreadId, question: &Question, answer: &Answer) -> Result<()> {
        let at = Utc::now();
        let citations = serde_json::to_value(&answer.citations)
            .map_err(|error| Error::internal("citations cannot be written down").source(error))?;
        let asked =
            Message { speaker: Speaker::User, text: question.text.clone(), citations: serde_json::Value::Null, at };
        let said = Message { speaker: Speaker::Assistant, text: answer.answer.clone(), citations, at };
        self.threads.append(tenant, thread, &[asked, said]).await
    }
}

/// The words of a question that count, each with the forms it may take.
fn words(question: &str, languages: &[Language]) -> Vec<HashSet<String>> {
    let mut left: HashSet<String> = analyze_query(question, languages).into_iter().collect();
    let mut words: Vec<HashSet<String>> = question
        .unicode_words()
        .map(|word| analyze_query(word, languages).into_iter().filter(|form| left.remove(form)).collect())
        .filter(|forms: &HashSet<String>| !forms.is_empty())
        .collect();
    // Pairs of characters of scripts without spaces belong to no word.
    words.extend(left.into_iter().map(|term| HashSet::from([term])));
    words
}

/// Every form of the words of a text, as the index has them.
fn terms(text: &str, language: Option<Language>) -> HashSet<String> {
    let terms = analyze("", text, language);
    terms.text.split(' ').chain(terms.forms.split(' ')).filter(|term| !term.is_empty()).map(str::to_owned).collect()
}

/// Two rankings in one: a passage counts for the sum of its reciprocal ranks.
fn fuse(first: Vec<Hit>, second: Vec<Hit>, most: usize) -> Vec<Hit> {
    type Place = (DocumentKey, u32);
    let place = |hit: &Hit| -> Place { (hit.document.clone(), hit.ordinal) };
    let mut scores: HashMap<Place, f32> = HashMap::new();
    for ranking in [&first, &second] {
        for (rank, hit) in ranking.iter().enumerate() {
            *scores.entry(place(hit)).or_default() += 1.0 / (60.0 + rank as f32);
        }
    }
    let mut all: Vec<Hit> = Vec::new();
    for hit in first.into_iter().chain(second) {
        if !all.iter().any(|other| place(other) == place(&hit)) {
            all.push(hit);
        }
    }
    all.sort_by(|a, b| scores[&place(b)].total_cmp(&scores[&place(a)]));
    all.truncate(most);
    all
}
