//! `POST /integrations/browse`.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use crate::support::{Place, Running};

/// A tree with more on one level than fits a page.
fn plant(place: &Place) -> std::path::PathBuf {
    let root = place.path().join("tree");
    for folder in ["a", "a/deep", "a/deep/er", "b", "plans"] {
        fs::create_dir_all(root.join(folder)).unwrap();
        for number in 0..4 {
            fs::write(root.join(folder).join(format!("Plan {number}.txt")), "text").unwrap();
        }
    }
    for number in 0..25 {
        fs::write(root.join(format!("note-{number:02}.md")), "text").unwrap();
    }
    root
}

/// All pages of a call; how long each was.
async fn all(server: &Running, mut body: Value) -> (Vec<String>, Vec<usize>) {
    let (mut paths, mut lengths) = (Vec::new(), Vec::new());
    loop {
        let page = server.client.post("/integrations/browse").json(&body).await;
        assert_eq!(page.status, 200, "{page:?}");
        let page = page.body();
        let files = page["files"].as_array().unwrap();
        assert_eq!(page["total_count"], files.len());
        lengths.push(files.len());
        paths.extend(files.iter().map(|file| file["path"].as_str().unwrap().to_owned()));
        if page["next_cursor"].is_null() {
            return (paths, lengths);
        }
        body["cursor"] = page["next_cursor"].clone();
        assert!(lengths.len() < 1_000, "it never ends");
    }
}

#[tokio::test]
async fn a_level_is_listed_page_by_page() {
    let place = Place::new();
    let server = place.serve().await;
    let id = server.create("folder", json!({"path": plant(&place)})).await;
    let whole = server.client.post("/integrations/browse").json(&json!({"integration_id": id})).await.body();
    assert_eq!((&whole["vendor"], &whole["path"], &whole["total_count"]), (&json!("folder"), &json!(""), &json!(28)));
    assert_eq!(whole["next_cursor"], json!(null));
    let files = whole["files"].as_array().unwrap();
    let plans = files.iter().find(|file| file["name"] == "plans").unwrap();
    assert_eq!((&plans["is_directory"], &plans["path"]), (&json!(true), &json!("plans")));
    let note = files.iter().find(|file| file["name"] == "note-07.md").unwrap();
    assert_eq!((&note["is_directory"], &note["size"]), (&json!(false), &json!(4)));
    assert!(note["last_modified"].is_string());

    let (paths, lengths) = all(&server, json!({"integration_id": id, "limit": 9})).await;
    assert!(lengths.iter().all(|length| *length <= 9), "{lengths:?}");
    let unique: BTreeSet<_> = paths.iter().collect();
    assert_eq!((paths.len(), unique.len()), (28, 28));
    let (below, _) = all(&server, json!({"integration_id": id, "path": "a/deep", "limit": 2})).await;
    assert_eq!(below.len(), 5, "{below:?}");
    let one = server.client.post("/integrations/browse").json(&json!({"integration_id": id, "path": "note-01.md"}));
    assert_eq!(one.await.body()["files"][0]["path"], "note-01.md");
    server.stop().await;
}

#[tokio::test]
async fn a_search_finds_each_once_wherever_its_pages_end() {
    let place = Place::new();
    let server = place.serve().await;
    let id = server.create("folder", json!({"path": plant(&place)})).await;
    let search = |limit: u32| json!({"integration_id": id, "search_query": "PLAN", "limit": limit});
    let (whole, _) = all(&server, search(1_000)).await;
    let unique: BTreeSet<_> = whole.iter().collect();
    assert_eq!((whole.len(), unique.len()), (21, 21), "{whole:?}");
    for limit in [1, 2, 3, 7, 20, 21] {
        let (paths, lengths) = all(&server, search(limit)).await;
        assert_eq!(paths, whole, "by {limit}");
        assert!(lengths.iter().all(|length| *length <= limit as usize));
    }
    let below = json!({"integration_id": id, "search_query": "plan 1", "path": "a"});
    assert_eq!(all(&server, below).await.0.len(), 3);
    let nothing = json!({"integration_id": id, "search_query": "no such name"});
    assert_eq!(all(&server, nothing).await, (vec![], vec![0]));
    server.stop().await;
}

#[tokio::test]
async fn a_cursor_belongs_to_its_call_and_outlives_the_server() {
    let place = Place::new();
    let first = place.serve().await;
    let tree = plant(&place);
    let id = first.create("folder", json!({"path": tree})).await;
    let twin = first.create("folder", json!({"path": tree})).await;
    let body = json!({"integration_id": id, "search_query": "plan", "limit": 2});
    let page = first.client.post("/integrations/browse").json(&body).await.body();
    first.stop().await;

    let second = place.serve().await;
    let with = |change: Value| {
        let mut body = body.clone();
        body["cursor"] = page["next_cursor"].clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        second.client.post("/integrations/browse").json(&body)
    };
    let next = with(json!({})).await;
    assert_eq!((next.status, next.body()["files"].as_array().unwrap().len()), (200, 2), "{next:?}");
    for change in [
        json!({"integration_id": twin}),
        json!({"path": "a"}),
        json!({"search_query": "plans"}),
        json!({"search_query": null}),
        json!({"cursor": "x"}),
    ] {
        let refused = with(change.clone()).await;
        assert_eq!((refused.status, refused.body()["field"].as_str()), (400, Some("cursor")), "{change}");
    }
    second.stop().await;
}

#[tokio::test]
async fn what_cannot_be_browsed_says_why() {
    let place = Place::new();
    let server = place.serve().await;
    let id = server.create("folder", json!({"path": plant(&place)})).await;
    let browse = |body: Value| server.client.post("/integrations/browse").json(&body);
    let absent = browse(json!({"integration_id": id, "path": "no/such"})).await;
    assert_eq!((absent.status, absent.code().as_str()), (404, "path_not_found"), "{absent:?}");
    for limit in [json!(0), json!(1_001), json!(-1)] {
        let refused = browse(json!({"integration_id": id, "limit": limit})).await;
        assert_eq!((refused.status, refused.body()["field"].as_str()), (400, Some("limit")), "{refused:?}");
    }
    let outside = browse(json!({"integration_id": id, "path": "../.."})).await;
    assert!(matches!(outside.status, 400 | 404), "{outside:?}");
    let locked = server.gate("locked", 1).await;
    let refused = browse(json!({"integration_id": locked})).await;
    assert_eq!((refused.status, refused.code().as_str()), (502, "vendor_unauthenticated"), "{refused:?}");
    server.client.post(&format!("/integrations/{id}/disconnect")).await;
    assert_eq!(browse(json!({"integration_id": id})).await.status, 409);
    server.stop().await;
}
