//! Embeddings and chat against a stand-in for an OpenAI-compatible server.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use catchment_client::Egress;
use catchment_core::{Embedder, ErrorKind, LanguageModel, Prompt, Role, Secret, Speaker, Turn};
use catchment_models::openai::{Chat, Embeddings, Endpoint};
use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

/// What a stand-in was asked: path, headers, body.
type Asked = Arc<Mutex<Vec<(String, HeaderMap, Value)>>>;
type Answers = Arc<dyn Fn(usize, &Value) -> Response + Send + Sync>;

struct StandIn {
    url: String,
    asked: Asked,
}

impl StandIn {
    async fn start(answers: impl Fn(usize, &Value) -> Response + Send + Sync + 'static) -> Self {
        async fn answer(
            State((asked, answers)): State<(Asked, Answers)>,
            uri: Uri,
            headers: HeaderMap,
            body: Bytes,
        ) -> Response {
            let body: Value = serde_json::from_slice(&body).expect("a JSON body");
            let index = {
                let mut asked = asked.lock().expect("no panic");
                asked.push((uri.path().to_owned(), headers, body.clone()));
                asked.len() - 1
            };
            answers(index, &body)
        }
        let asked = Asked::default();
        let state: (Asked, Answers) = (Arc::clone(&asked), Arc::new(answers));
        let router = Router::new().fallback(answer).with_state(state);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked }
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::new(&self.url)
    }

    fn asked(&self) -> Vec<(String, HeaderMap, Value)> {
        self.asked.lock().expect("no panic").clone()
    }
}

fn reply(status: u16, body: Value) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [("content-type", "application/json")], body.to_string()).into_response()
}

/// Vectors that tell which text they belong to: its length, and 1.
fn vectors(asked: &Value) -> Response {
    let texts = asked["input"].as_array().expect("texts");
    // Last first: the index counts, not the order.
    let data = texts.iter().enumerate().rev().map(|(index, text)| {
        json!({ "object": "embedding", "index": index, "embedding": [text.as_str().expect("text").len(), 1.0] })
    });
    let data = data.collect::<Vec<_>>();
    reply(200, json!({ "object": "list", "data": data, "usage": { "prompt_tokens": 1 } }))
}

fn stream(pieces: &[&str]) -> Response {
    let pieces: Vec<Result<String, std::io::Error>> = pieces.iter().map(|piece| Ok((*piece).to_owned())).collect();
    ([("content-type", "text/event-stream")], Body::from_stream(futures::stream::iter(pieces))).into_response()
}

fn delta(text: &str) -> String {
    format!("data: {}\n\n", json!({ "choices": [{ "index": 0, "delta": { "content": text }, "finish_reason": null }] }))
}

fn prompt() -> Prompt {
    let turn = |speaker, text: &str| Turn { speaker, text: text.into() };
    Prompt {
        system: "be brief".into(),
        turns: vec![turn(Speaker::User, "one?"), turn(Speaker::Assistant, "1"), turn(Speaker::User, "two?")],
        max_tokens: Some(9),
    }
}

async fn said(chat: &Chat) -> catchment_core::Result<Vec<String>> {
    chat.generate(prompt()).await?.try_collect().await
}

fn texts(count: usize) -> Vec<String> {
    (1..=count).map(|length| "x".repeat(length)).collect()
}

#[tokio::test]
async fn a_text_gets_its_own_vector_of_length_one_whatever_the_order_of_the_answer() {
    let server = StandIn::start(|_, asked| vectors(asked)).await;
    let model = Embeddings::connect(&server.endpoint().key(Secret::new("k-1")), "small").await.unwrap();
    assert_eq!((model.id(), model.dimensions()), ("openai:small:2", 2));
    let found = model.embed(&texts(5), Role::Passage).await.unwrap();
    for (index, vector) in found.iter().enumerate() {
        let length = (index + 1) as f32;
        let expected = [length / length.hypot(1.0), 1.0 / length.hypot(1.0)];
        assert!(vector.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{index}: {vector:?}");
    }
    let (path, headers, body) = server.asked().remove(1);
    assert_eq!((path.as_str(), &body["model"]), ("/v1/embeddings", &json!("small")));
    assert_eq!(headers["authorization"], "Bearer k-1");
}

#[tokio::test]
async fn many_texts_go_in_batches_bounded_by_number_and_by_bytes() {
    let server = StandIn::start(|_, asked| vectors(asked)).await;
    let model = Embeddings::new(&server.endpoint(), "small", 2).unwrap().batch(10);
    assert_eq!(model.embed(&texts(25), Role::Passage).await.unwrap().len(), 25);
    let sizes = |from: usize| -> Vec<usize> {
        server.asked()[from..].iter().map(|(_, _, body)| body["input"].as_array().unwrap().len()).collect()
    };
    assert_eq!(sizes(0), [10, 10, 5]);
    let large = vec!["y".repeat(100_000); 5];
    assert_eq!(model.embed(&large, Role::Passage).await.unwrap().len(), 5);
    assert_eq!(sizes(3), [2, 2, 1]);
    assert!(model.embed(&[], Role::Passage).await.unwrap().is_empty());
    assert_eq!(server.asked().len(), 6, "no texts led to a call");
}

#[tokio::test]
async fn prefixes_and_shortening_are_sent_and_change_the_id() {
    let server = StandIn::start(|_, asked| vectors(asked)).await;
    let plain = Embeddings::new(&server.endpoint(), "small", 2).unwrap();
    let model = plain.clone().prefixes("q: ", "p: ").shortened(2);
    assert_ne!(plain.id(), model.id());
    model.embed(&["a".into(), String::new()], Role::Query).await.unwrap();
    model.embed(&["a".into()], Role::Passage).await.unwrap();
    plain.embed(&[String::new()], Role::Passage).await.unwrap();
    let asked = server.asked();
    assert_eq!((&asked[0].2["input"], &asked[0].2["dimensions"]), (&json!(["q: a", "q:  "]), &json!(2)));
    assert_eq!(asked[1].2["input"], json!(["p: a"]));
    assert_eq!((&asked[2].2["input"], asked[2].2.get("dimensions")), (&json!([" "]), None));
}

#[tokio::test]
async fn wrong_vectors_are_protocol_errors() {
    for (data, why) in [
        (json!([]), "another number"),
        (
            json!([{ "index": 0, "embedding": [1.0, 0.0] }, { "index": 0, "embedding": [1.0, 0.0] }]),
            "numbers its vectors",
        ),
        (
            json!([{ "index": 7, "embedding": [1.0, 0.0] }, { "index": 1, "embedding": [1.0, 0.0] }]),
            "numbers its vectors",
        ),
        (json!([{ "index": 0, "embedding": [1.0, 0.0] }, { "index": 1, "embedding": [1.0] }]), "another length"),
        (json!([{ "index": 0, "embedding": [0.0, 0.0] }, { "index": 1, "embedding": [1.0, 0.0] }]), "direction"),
        (json!([{ "index": 0, "embedding": "x" }, { "index": 1, "embedding": [1.0, 0.0] }]), "shape"),
    ] {
        let answer = data.clone();
        let server = StandIn::start(move |_, _| reply(200, json!({ "data": answer }))).await;
        let model = Embeddings::new(&server.endpoint(), "small", 2).unwrap();
        let error = model.embed(&texts(2), Role::Passage).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Protocol && error.message().contains(why), "{data}: {error}");
    }
}

#[tokio::test]
async fn an_error_body_becomes_a_kind_and_a_remedy_and_none_of_its_words() {
    for (status, body, kind, remedy) in [
        (
            400,
            json!({ "error": { "code": "context_length_exceeded", "message": "WORDS" } }),
            ErrorKind::TooLarge,
            "smaller chunks",
        ),
        (
            400,
            json!({ "error": "WORDS: the input length exceeds the context length" }),
            ErrorKind::TooLarge,
            "smaller chunks",
        ),
        (
            400,
            json!({ "error": { "type": "exceed_context_size_error", "code": 400, "message": "WORDS" } }),
            ErrorKind::TooLarge,
            "smaller chunks",
        ),
        (
            404,
            json!({ "error": { "message": "WORDS model \"small\" not found, try pulling it first" } }),
            ErrorKind::Config,
            "load the model",
        ),
        (
            404,
            json!({ "error": { "code": "model_not_found", "message": "WORDS" } }),
            ErrorKind::Config,
            "load the model",
        ),
        (404, json!("WORDS"), ErrorKind::Config, "/v1"),
        (
            401,
            json!({ "error": { "code": "invalid_api_key", "message": "WORDS sk-123" } }),
            ErrorKind::Unauthenticated,
            "key",
        ),
        (401, json!({}), ErrorKind::Unauthenticated, "key"),
        (
            429,
            json!({ "error": { "type": "insufficient_quota", "code": "insufficient_quota", "message": "WORDS" } }),
            ErrorKind::Forbidden,
            "credit",
        ),
    ] {
        let answer = body.clone();
        let server = StandIn::start(move |_, _| reply(status, answer.clone())).await;
        let error = Embeddings::connect(&server.endpoint(), "small").await.unwrap_err();
        assert_eq!(error.kind(), kind, "{body}: {error}");
        assert!(error.message().contains(remedy) && !format!("{error:?}").contains("WORDS"), "{body}: {error:?}");
        assert_eq!((error.get("model"), server.asked().len()), (Some("small"), 1), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_endpoint_is_asked_again() {
    let server = StandIn::start(|index, asked| match index {
        0 => reply(503, json!({ "error": { "message": "Loading model", "type": "unavailable_error", "code": 503 } })),
        1 => reply(429, json!({ "error": { "code": "rate_limit_exceeded", "message": "slow down" } })),
        _ => vectors(asked),
    })
    .await;
    let model = Embeddings::connect(&server.endpoint(), "small").await.unwrap();
    assert_eq!((model.dimensions(), server.asked().len()), (2, 3));
}

#[tokio::test]
async fn an_address_that_a_user_gave_can_be_kept_outside() {
    let server = StandIn::start(|_, asked| vectors(asked)).await;
    let error = Embeddings::connect(&server.endpoint().egress(Egress::public_only()), "small").await.unwrap_err();
    assert_eq!((error.kind(), server.asked().len()), (ErrorKind::Config, 0));
    for (base, model, field) in
        [("", "small", "url"), ("localhost", "small", "url"), (server.url.as_str(), " ", "model")]
    {
        assert_eq!(Chat::new(&Endpoint::new(base), model).unwrap_err().get("field"), Some(field), "{base} {model}");
    }
}

#[tokio::test]
async fn an_answer_is_streamed_piece_by_piece() {
    let server = StandIn::start(|_, _| {
        let (one, two) = (delta("zw"), delta("ö"));
        // Cut where no event and no character ends.
        let bytes = [one.as_bytes(), two.as_bytes()].concat();
        let at = bytes.iter().position(|byte| *byte >= 0x80).expect("an umlaut") + 1;
        let pieces = [Bytes::copy_from_slice(&bytes[..at]), Bytes::copy_from_slice(&bytes[at..])];
        let rest =
            [": ping\n\n", "data: {\"choices\":[],\"usage\":{}}\n\n", &delta("lf"), "data: [DONE]\n\n", "data: junk"];
        let rest: Vec<_> = rest.iter().map(|piece| Bytes::copy_from_slice(piece.as_bytes())).collect();
        let all = pieces.into_iter().chain(rest).map(Ok::<_, std::io::Error>).collect::<Vec<_>>();
        ([("content-type", "text/event-stream")], Body::from_stream(futures::stream::iter(all))).into_response()
    })
    .await;
    let chat = Chat::new(&server.endpoint(), "large").unwrap().temperature(0.0);
    assert_eq!(said(&chat).await.unwrap(), ["zw", "ö", "lf"]);
    let (path, _, body) = server.asked().remove(0);
    assert_eq!(path, "/v1/chat/completions");
    assert_eq!(
        body,
        json!({
            "model": "large", "stream": true, "max_tokens": 9, "temperature": 0.0,
            "messages": [
                { "role": "system", "content": "be brief" }, { "role": "user", "content": "one?" },
                { "role": "assistant", "content": "1" }, { "role": "user", "content": "two?" },
            ],
        })
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_after_what_came() {
    let server = StandIn::start(|index, _| match index {
        0 => stream(&[&delta("half")]),
        _ => {
            // Cut after the head and the piece have gone out.
            let cut = futures::stream::iter([Ok(delta("half"))]).chain(futures::stream::once(async {
                tokio::task::yield_now().await;
                Err(std::io::Error::other("cut"))
            }));
            ([("content-type", "text/event-stream")], Body::from_stream(cut)).into_response()
        }
    })
    .await;
    let chat = Chat::new(&server.endpoint(), "large").unwrap();
    for _ in 0..2 {
        let mut answer = chat.generate(prompt()).await.unwrap();
        assert_eq!(answer.try_next().await.unwrap().as_deref(), Some("half"));
        assert_eq!(answer.try_next().await.unwrap_err().kind(), ErrorKind::Unavailable);
        assert!(answer.try_next().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn an_answer_that_ends_with_a_reason_needs_no_done() {
    let ends = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}";
    let server = StandIn::start(move |_, _| stream(&[&delta("all"), ends])).await;
    assert_eq!(said(&Chat::new(&server.endpoint(), "large").unwrap()).await.unwrap(), ["all"]);
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_is_an_error() {
    for (event, kind) in [
        ("data: {\"error\":{\"message\":\"WORDS\",\"code\":\"context_length_exceeded\"}}\n\n", ErrorKind::TooLarge),
        ("data: {\"error\":{\"message\":\"WORDS\"}}\n\n", ErrorKind::Unavailable),
        ("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\n", ErrorKind::Forbidden),
        ("data: WORDS\n\n", ErrorKind::Protocol),
    ] {
        let server = StandIn::start(move |_, _| stream(&[&delta("a"), event])).await;
        let error = said(&Chat::new(&server.endpoint(), "large").unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{event}");
        assert!(!format!("{error:?}").contains("WORDS"));
    }
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let whole =
        json!({ "choices": [{ "message": { "role": "assistant", "content": "all" }, "finish_reason": "stop" }] });
    let server = StandIn::start(move |_, _| reply(200, whole.clone())).await;
    assert_eq!(said(&Chat::new(&server.endpoint(), "large").unwrap()).await.unwrap(), ["all"]);
    let server = StandIn::start(|_, _| reply(200, json!({ "status": "ok" }))).await;
    let error = said(&Chat::new(&server.endpoint(), "large").unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    let server = StandIn::start(|_, _| ([("content-type", "text/html")], "<html>sign in").into_response()).await;
    let error = said(&Chat::new(&server.endpoint(), "large").unwrap()).await.unwrap_err();
    assert!(error.message().contains("web page"), "{error}");
}

#[tokio::test]
async fn a_model_that_knows_the_limit_by_another_name_gets_it() {
    let server = StandIn::start(|index, _| match index {
        0 => reply(
            400,
            json!({ "error": { "code": "unsupported_parameter", "param": "max_tokens", "message": "WORDS" } }),
        ),
        _ => stream(&[&delta("ok"), "data: [DONE]\n\n"]),
    })
    .await;
    assert_eq!(said(&Chat::new(&server.endpoint(), "large").unwrap()).await.unwrap(), ["ok"]);
    let asked = server.asked();
    assert_eq!((asked[0].2["max_tokens"].as_u64(), asked[1].2["max_completion_tokens"].as_u64()), (Some(9), Some(9)));
    assert_eq!(asked[1].2.get("max_tokens"), None);
}

#[tokio::test]
async fn a_key_is_in_no_debug_and_no_error() {
    let server = StandIn::start(|_, _| reply(400, json!({ "error": { "message": "no" } }))).await;
    let endpoint = server.endpoint().key(Secret::new("sk-s3cr3t"));
    let chat = Chat::new(&endpoint, "large").unwrap();
    let error = said(&chat).await.unwrap_err();
    let model = Embeddings::new(&endpoint, "small", 2).unwrap();
    assert!(!format!("{endpoint:?} {chat:?} {model:?} {error:?} {error}").contains("s3cr3t"));
    assert_eq!(server.asked()[0].1["authorization"], "Bearer sk-s3cr3t");
}
