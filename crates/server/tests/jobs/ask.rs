//! `POST /ask`.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Place, Running};

/// A server that knows two folders.
async fn knowing(place: &Place) -> (Running, i64, i64) {
    let server = place.serve().await;
    let mut ids = Vec::new();
    for (name, text) in [("north", "The northern dam opens in May."), ("south", "The southern dam opens in August.")] {
        let folder = place.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.txt")), text).unwrap();
        let id = server.create("folder", json!({"path": folder})).await;
        let body = json!({"integration_id": id, "file_paths": [""], "portfolio_id": name});
        let imported = server.client.post("/integrations/import").json(&body).await;
        assert_eq!(imported.body()["successful"], 1, "{imported:?}");
        ids.push(id);
    }
    (server, ids[0], ids[1])
}

#[tokio::test]
async fn an_answer_says_where_it_stands() {
    let place = Place::new();
    let (server, north, south) = knowing(&place).await;
    let ask = |body: Value| server.client.post("/ask").json(&body);
    let first = ask(json!({"query": "When does the northern dam open?"})).await;
    assert_eq!(first.status, 200, "{first:?}");
    let first = first.body();
    assert!(first["answer"].as_str().unwrap().contains("May"), "{first}");
    assert_eq!(first["mode"], "extractive", "no language model, and it says so");
    let cited = &first["citations"][0];
    assert_eq!((&cited["integration_id"], &cited["file_path"]), (&json!(north), &json!("north.txt")), "{first}");
    assert_eq!((&cited["page"], &cited["chunk"]), (&json!(1), &json!(0)));
    assert!(cited["score"].is_number() && cited["text"].as_str().unwrap().contains("dam"));

    let thread = first["thread_id"].as_str().unwrap();
    let second = ask(json!({"query": "And the southern one?", "thread_id": thread})).await.body();
    assert_eq!(second["thread_id"], thread);
    assert!(second["answer"].as_str().unwrap().contains("August"), "{second}");

    for (narrow, only) in [(json!({"integration_ids": [south]}), south), (json!({"portfolio_id": "north"}), north)] {
        let mut body = json!({"query": "When does the dam open?"});
        body.as_object_mut().unwrap().extend(narrow.as_object().unwrap().clone());
        let answer = ask(body).await.body();
        let cited: Vec<_> = answer["citations"].as_array().unwrap().iter().map(|one| &one["integration_id"]).collect();
        assert!(!cited.is_empty() && cited.iter().all(|id| **id == json!(only)), "{answer}");
    }
    let nothing = ask(json!({"query": "Who painted the ceiling?", "integration_ids": [south]})).await.body();
    assert_eq!((&nothing["mode"], &nothing["citations"]), (&json!("not_found"), &json!([])), "it never invents");
    server.stop().await;
}

#[tokio::test]
async fn a_question_that_makes_no_sense_names_the_field() {
    let place = Place::new();
    let server = place.serve().await;
    for (body, status, field) in [
        (json!({"query": " "}), 400, Some("query")),
        (json!({"query": "x".repeat(9_000)}), 400, Some("query")),
        (json!({"query": "x", "top_k": 0}), 400, Some("top_k")),
        (json!({"query": "x", "top_k": 101}), 400, Some("top_k")),
        (json!({"query": "x", "thread_id": "no such"}), 404, None),
        (json!({"query": "x", "integration_ids": [999]}), 404, None),
    ] {
        let refused = server.client.post("/ask").json(&body).await;
        assert_eq!((refused.status, refused.body()["field"].as_str()), (status, field), "{refused:?}");
    }
    let streamed = server.client.post("/ask").header("accept", "text/event-stream");
    let streamed = streamed.json(&json!({"query": "x", "thread_id": "no such"})).await;
    assert_eq!(streamed.status, 404, "a problem, and no stream: {streamed:?}");
    server.stop().await;
}

#[tokio::test]
async fn an_answer_comes_in_pieces_for_those_who_want_it() {
    let place = Place::new();
    let (server, ..) = knowing(&place).await;
    let call = server.client.post("/ask").header("accept", "text/event-stream");
    let answer = call.json(&json!({"query": "When does the northern dam open?"})).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/event-stream")));
    let text = String::from_utf8(answer.bytes.to_vec()).unwrap();
    let events: Vec<(&str, Value)> = text
        .split("\n\n")
        .filter_map(|block| block.strip_prefix("event: ")?.split_once("\ndata: "))
        .map(|(name, data)| (name, serde_json::from_str(data).unwrap()))
        .collect();
    let (last, pieces) = events.split_last().unwrap();
    assert!(!pieces.is_empty() && pieces.iter().all(|(name, _)| *name == "piece"), "{text}");
    let said: String = pieces.iter().map(|(_, data)| data["text"].as_str().unwrap()).collect();
    assert_eq!((last.0, last.1["answer"].as_str()), ("answer", Some(said.as_str())), "{text}");
    assert_eq!(last.1["citations"][0]["file_path"], "north.txt");
    server.stop().await;
}
