//! `POST /ask`: questions to answers that say where they stand.

use std::{collections::BTreeSet, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json as JsonBody,
    extract::State,
    http::{HeaderMap, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use catchment_ask::{Answer, Mode, Piece, Question};
use catchment_core::{Error, ErrorKind, IntegrationId, ThreadId};
use catchment_index::Filter;
use futures::{Stream, StreamExt, stream::BoxStream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    extract::{Caller, Json},
    problem::{Problem, Result},
    routes::{Routes, import::portfolio},
    state::App,
};

/// How many passages are answered from unless told, and at most.
const TOP_K: u32 = 8;
const MOST: u32 = 100;

/// The longest question, in bytes.
const LONGEST: usize = 8_192;

/// How many integrations a question can be narrowed to.
const INTEGRATIONS: usize = 1_000;

const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What is answered as fast as a language model writes.
pub(crate) fn long() -> Routes {
    Routes::new().routes(routes!(ask))
}

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Question, example = json!({"query": "When does the lease of the warehouse end?", "top_k": 8}))]
pub(crate) struct Asked {
    /// The words.
    #[schema(min_length = 1, max_length = 8192)]
    query: String,
    /// The thread to go on with; a new one if left out.
    thread_id: Option<String>,
    /// Only documents of this portfolio.
    #[schema(min_length = 1, max_length = 200)]
    portfolio_id: Option<String>,
    /// Only documents of these integrations.
    #[schema(max_items = 1000)]
    integration_ids: Option<Vec<i64>>,
    /// From how many passages to answer; 8 if left out.
    #[schema(minimum = 1, maximum = 100)]
    top_k: Option<u32>,
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Answer)]
pub(crate) struct AnswerView {
    /// The words; numbers in square brackets refer to the citations.
    answer: String,
    /// Where they stand. Empty only if nothing was found.
    citations: Vec<CitationView>,
    /// The thread, to go on with.
    thread_id: String,
    /// How it was made. `extractive`: sentences of the documents, word for word. `generated`: by
    /// a language model, from passages of the documents. `not_found`: nothing was found.
    #[schema(value_type = String, example = "extractive")]
    mode: Mode,
    /// The language model that wrote it.
    model: Option<String>,
    /// What else there is to know of the answer.
    notice: Option<String>,
}

/// Where a statement stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Citation)]
pub(crate) struct CitationView {
    /// The number the answer uses for it, from 1.
    number: u32,
    /// The integration the file was read through.
    integration_id: i64,
    /// The file's path below the integration's root.
    file_path: String,
    /// The file's name.
    file_name: String,
    /// Where a person can open it.
    web_url: Option<String>,
    /// The page, from 1.
    page: u32,
    /// What the file itself calls the page.
    page_label: Option<String>,
    /// The headings above, the highest first.
    headings: Vec<String>,
    /// Which piece of the document, from 0.
    chunk: u32,
    /// How well it fits; comparable within one answer only.
    score: f32,
    /// The words of the document.
    text: String,
}

/// Answers a question from the documents the caller has imported. Without a language model the
/// answer is made of their own sentences; `mode` says how it was made.
///
/// With `Accept: text/event-stream` come events: `piece` with the next words (`{"text": ...}`),
/// then `answer` with the whole, or `error` with a problem.
#[utoipa::path(
    post, path = "/ask", tag = "documents", request_body = Asked,
    params(("Accept" = Option<String>, Header, description = "`text/event-stream` for an answer in pieces")),
    responses(
        (status = 200, description = "The answer", content(
            (AnswerView = "application/json"), (AnswerView = "text/event-stream"),
        )),
        (status = 429, description = "The language model takes no more calls for now"),
        (status = 502, description = "The language model failed"),
    ),
)]
pub(crate) async fn ask(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Json(asked): Json<Asked>,
) -> Result<Response> {
    // A question and its thread are the caller's own, also an administrator's.
    let scoped = app.store.scoped(caller.scope_of(None)?);
    let mut filter = Filter::owner(&caller.tenant);
    filter.portfolio = portfolio(asked.portfolio_id.as_deref())?;
    if let Some(ids) = &asked.integration_ids {
        let ids: BTreeSet<_> = ids.iter().copied().collect();
        if ids.len() > INTEGRATIONS {
            return Err(Problem::field("integration_ids", format_args!("give at most {INTEGRATIONS}")));
        }
        for id in &ids {
            scoped.integration(IntegrationId(*id)).await?;
        }
        filter.integrations = Some(ids.into_iter().map(IntegrationId).collect());
    }
    let question = Question {
        top_k: asked.top_k()?,
        text: asked.query,
        tenant: caller.tenant,
        filter,
        thread: asked.thread_id.map(ThreadId),
    };
    let mut pieces = app.ask(scoped).stream(question);
    if !wants_events(&headers) {
        return Ok(JsonBody(whole(pieces).await?).into_response());
    }
    // What is wrong with the question is a problem, and no event of an answer.
    let first = pieces.next().await.transpose().map_err(refused)?;
    let stopping = app.stopping.clone();
    let events = events(first, pieces).take_until(stopping.cancelled_owned());
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

impl Asked {
    fn top_k(&self) -> Result<u32> {
        if self.query.trim().is_empty() || self.query.len() > LONGEST {
            return Err(Problem::field("query", format_args!("ask something, in at most {LONGEST} bytes")));
        }
        let top_k = self.top_k.unwrap_or(TOP_K);
        if (1..=MOST).contains(&top_k) {
            return Ok(top_k);
        }
        Err(Problem::field("top_k", format_args!("give a whole number from 1 to {MOST}")))
    }
}

async fn whole(mut pieces: BoxStream<'static, catchment_core::Result<Piece>>) -> Result<AnswerView> {
    while let Some(piece) = pieces.next().await {
        if let Piece::Done(answer) = piece.map_err(refused)? {
            return Ok((*answer).into());
        }
    }
    Err(Error::internal("an answer ended without its end").into())
}

fn events(
    first: Option<Piece>,
    rest: BoxStream<'static, catchment_core::Result<Piece>>,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let first = futures::stream::iter(first.map(Ok));
    first.chain(rest).map(|piece| {
        let (name, data) = match piece {
            Ok(Piece::Text(text)) => ("piece", json!({ "text": text }).to_string()),
            Ok(Piece::Done(answer)) => {
                ("answer", serde_json::to_string(&AnswerView::from(*answer)).unwrap_or_default())
            }
            Err(error) => {
                let problem = refused(error);
                tracing::warn!(problem = ?problem, "an answer broke off");
                let (status, code, detail) = (problem.status().as_u16(), problem.code(), problem.detail());
                ("error", json!({ "status": status, "code": code, "detail": detail }).to_string())
            }
        };
        Ok(Event::default().event(name).data(data))
    })
}

/// An error of the language model is not the caller's: its credential is this server's.
fn refused(error: Error) -> Problem {
    match error.kind() {
        ErrorKind::Unauthenticated | ErrorKind::Forbidden | ErrorKind::Protocol => Problem::vendor(error),
        _ => error.into(),
    }
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/event-stream")
    })
}

impl From<Answer> for AnswerView {
    fn from(answer: Answer) -> Self {
        let citations = answer.citations.into_iter().map(|cited| CitationView {
            number: cited.number,
            integration_id: cited.integration_id.0,
            file_path: cited.file_path,
            file_name: cited.file_name,
            web_url: cited.web_url,
            page: cited.page,
            page_label: cited.page_label,
            headings: cited.headings,
            chunk: cited.chunk,
            score: cited.score,
            text: cited.text,
        });
        Self {
            answer: answer.answer,
            citations: citations.collect(),
            thread_id: answer.thread_id.0,
            mode: answer.mode,
            model: answer.model,
            notice: answer.notice,
        }
    }
}
