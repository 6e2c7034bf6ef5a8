//! The whole flow, against a bucket.

use catchment_testkit::backends::{S3Server, moto_open};
use serde_json::{Value, json};

use crate::support::Place;

/// Puts a bucket with some keys into a server that asks nobody who they are.
async fn fill(server: &S3Server, bucket: &str) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let put = |path: String, body: &'static str| {
        let call = client.put(format!("http://{}/{path}", server.address)).body(body);
        async move { assert!(call.send().await.unwrap().status().is_success()) }
    };
    put(bucket.to_owned(), "").await;
    put(format!("{bucket}/docs/dam.txt"), "The dam opens in May.").await;
    put(format!("{bucket}/docs/deep/weir.md"), "# Weir\n\nThe weir is closed.").await;
    put(format!("{bucket}/docs/broken.pdf"), "%PDF-1.7 and nothing else").await;
    put(format!("{bucket}/other/note.txt"), "Nothing of note.").await;
}

#[tokio::test]
async fn a_bucket_is_connected_searched_imported_asked_and_deleted() {
    let s3 = moto_open();
    let bucket = format!("flow-{}", std::process::id());
    fill(&s3, &bucket).await;
    let place = Place::new();
    let server = place.serve().await;
    let id = server
        .create(
            "s3",
            json!({"bucket_name": bucket, "access_key_id": "testing", "secret_access_key": "planted", "allow_http": true,
                   "url": format!("http://{}", s3.address)}),
        )
        .await;
    let tested = server.client.post(&format!("/integrations/{id}/test")).await.body();
    assert_eq!(tested["success"], true, "{tested}");

    let browse = |body: Value| server.client.post("/integrations/browse").json(&body);
    let root = browse(json!({"integration_id": id})).await.body();
    let names: Vec<_> = root["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["docs", "other"], "{root}");
    let mut found = Vec::new();
    let mut body = json!({"integration_id": id, "search_query": "E", "limit": 1});
    loop {
        let page = browse(body.clone()).await.body();
        found.extend(page["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => body["cursor"] = next.into(),
            None => break,
        }
    }
    assert_eq!(found, ["docs/broken.pdf", "docs/deep/weir.md", "other/note.txt"]);

    let imported = server.import(id, &["docs/", "other/note.txt", "absent.txt"]).await;
    assert_eq!(imported.status, 200, "{imported:?}");
    let imported = imported.body();
    let counts = ["total_files", "successful", "failed"].map(|name| imported[name].as_u64().unwrap());
    assert_eq!(counts, [5, 3, 2], "{imported}");

    let ask = || server.client.post("/ask").json(&json!({"query": "When does the dam open?", "integration_ids": [id]}));
    let answer = ask().await.body();
    assert_eq!(answer["citations"][0]["file_path"], "docs/dam.txt", "{answer}");

    let again = server.client.put(&format!("/integrations/{id}")).json(&json!({"name": "Renamed"})).await.body();
    assert_eq!(
        (&again["name"], &again["credentials_summary"]["secret_access_key"]),
        (&json!("Renamed"), &json!("••••••••"))
    );
    let gone = server.client.delete(&format!("/integrations/{id}?purge=true")).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    assert_eq!(server.client.get(&format!("/integrations/{id}")).await.status, 404);
    let nothing = server.client.post("/ask").json(&json!({"query": "When does the dam open?"})).await.body();
    assert_eq!(nothing["mode"], "not_found", "the documents are gone: {nothing}");
    server.stop().await;
}
