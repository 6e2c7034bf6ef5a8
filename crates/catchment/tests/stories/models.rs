//! With models: passages found by meaning, answers written from them, from an endpoint that speaks
//! OpenAI's protocol.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Json, Router, extract::State, http::HeaderMap, response::IntoResponse, routing::post};
use serde_json::{Value, json};

use crate::support::Machine;

/// A stand-in for an endpoint: knows that a car is an automobile, and says one sentence.
struct Endpoint {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<(String, Value)>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Endpoint {
    fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let seen: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
        let routes = Router::new()
            .route("/v1/embeddings", post(embeddings))
            .route("/v1/chat/completions", post(chat))
            .with_state(Arc::clone(&seen));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Self { address, seen, _runtime: runtime }
    }

    fn settings(&self) -> String {
        let url = format!("http://{}/v1", self.address);
        format!(
            "[embedder]\nurl = \"{url}\"\nmodel = \"meanings\"\n\n[language_model]\nurl = \"{url}\"\nmodel = \"writer\"\n"
        )
    }
}

/// A vector of three: vehicles, birds, everything else.
fn meaning(text: &str) -> [f32; 3] {
    let text = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match (has(&["car", "automobile"]), has(&["heron", "bird"])) {
        (true, _) => [1.0, 0.0, 0.0],
        (_, true) => [0.0, 1.0, 0.0],
        _ => [0.0, 0.0, 1.0],
    }
}

type Seen = Arc<Mutex<Vec<(String, Value)>>>;

fn note(seen: &Seen, headers: &HeaderMap, body: &Value) {
    let key = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    seen.lock().expect("no panic").push((key.to_owned(), body.clone()));
}

async fn embeddings(State(seen): State<Seen>, headers: HeaderMap, Json(body): Json<Value>) -> Json<Value> {
    note(&seen, &headers, &body);
    let texts: Vec<String> = match &body["input"] {
        Value::String(text) => vec![text.clone()],
        texts => serde_json::from_value(texts.clone()).expect("texts"),
    };
    let data: Vec<Value> = (0..)
        .zip(&texts)
        .map(|(index, text): (usize, _)| json!({ "index": index, "embedding": meaning(text) }))
        .collect();
    Json(json!({ "object": "list", "model": "meanings", "data": data }))
}

async fn chat(State(seen): State<Seen>, headers: HeaderMap, Json(body): Json<Value>) -> impl IntoResponse {
    note(&seen, &headers, &body);
    let piece =
        |text: &str| format!("data: {}\n\n", json!({ "choices": [{ "index": 0, "delta": { "content": text } }] }));
    let answer = [piece("It is "), piece("red [1]."), "data: [DONE]\n\n".to_owned()].concat();
    ([("content-type", "text/event-stream")], answer)
}

#[test]
fn a_question_is_found_by_meaning_and_answered_in_words() {
    let endpoint = Endpoint::start();
    let machine = Machine::new()
        .with("CATCHMENT_LANGUAGE_MODEL__KEY", "planted-model-key")
        .with("CATCHMENT_EMBEDDER__KEY", "planted-embedder-key");
    machine.write("data/catchment.toml", endpoint.settings());
    machine.write("docs/yard.txt", "The car in the yard is red.");
    machine.write("docs/birds.txt", "The heron stands in the reeds.");
    machine.run(["import", "docs"]).exits(0);
    let ended = machine.run(["ask", "Which colour has the automobile?", "--json"]).exits(0);
    let answer = ended.json().remove(0);
    assert_eq!(
        (answer["mode"].as_str(), answer["model"].as_str()),
        (Some("generated"), Some("openai:writer")),
        "{answer:#}"
    );
    assert_eq!(answer["answer"], "It is red [1].");
    assert_eq!(answer["citations"][0]["file_path"], "yard.txt", "{answer:#}");
    assert!(!ended.out.contains("planted") && !ended.err.contains("planted"));

    let seen = endpoint.seen.lock().expect("no panic");
    let told = seen.iter().find(|(_, body)| body["model"] == "writer").expect("the model was asked");
    assert_eq!(told.0, "Bearer planted-model-key");
    assert!(told.1.to_string().contains("The car in the yard is red."));
    assert!(seen.iter().any(|(key, body)| body["model"] == "meanings" && key == "Bearer planted-embedder-key"));
    let database = std::fs::read(machine.path("data/catchment.db")).expect("the database");
    assert!(!database.windows(7).any(|window| window == b"planted"), "a key is in the database");
}

#[test]
fn an_endpoint_that_is_down_is_named() {
    let machine = Machine::new();
    machine.write("data/catchment.toml", "[embedder]\nurl = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\n");
    machine.write("docs/yard.txt", "The car in the yard is red.");
    let ended = machine.run(["import", "docs"]).exits(5);
    assert!(ended.err.contains("127.0.0.1"), "{ended:#?}");
}
