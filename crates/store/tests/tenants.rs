//! Integrations and threads: each tenant has its own.

use catchment_core::{
    ErrorKind, Speaker, Tenant,
    threads::{Message, ThreadId, Threads},
};
use catchment_store::Store;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;

async fn store() -> (Store, TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    (Store::open(dir.path().join("catchment.db")).await.expect("a database"), dir)
}

fn message(speaker: Speaker, text: &str, citations: Value) -> Message {
    let at = DateTime::<Utc>::from_timestamp_micros(1_790_000_000_123_456).expect("a time");
    Message { speaker, text: text.into(), citations, at }
}

#[tokio::test]
async fn the_same_settings_are_the_same_integration() {
    let (store, _dir) = store().await;
    let (ann, bob) = (Tenant::new("acme", "ann"), Tenant::new("acme", "bob"));
    let first = store
        .find_or_create(&ann, "s3", "Reports", &json!({ "bucket": "b", "list": [{ "x": 1, "y": 2 }] }))
        .await
        .expect("made");
    let settings: Value = serde_json::from_str(r#"{ "list": [{ "y": 2, "x": 1 }], "bucket": "b" }"#).expect("JSON");
    assert_eq!(store.find_or_create(&ann, "s3", "Other name", &settings).await.expect("found"), first);

    for (tenant, vendor, settings) in
        [(&bob, "s3", &settings), (&ann, "r2", &settings), (&ann, "s3", &json!({ "bucket": "c" }))]
    {
        let other = store.find_or_create(tenant, vendor, "Reports", settings).await.expect("made");
        assert_ne!(other.id, first.id);
    }
    assert_eq!(store.integrations(&ann).await.expect("listed").len(), 3);
    assert_eq!(store.integrations(&bob).await.expect("listed").len(), 1);
}

#[tokio::test]
async fn another_tenants_integration_is_not_there() {
    let (store, _dir) = store().await;
    let ann = Tenant::new("acme", "ann");
    let hers = store.find_or_create(&ann, "s3", "Reports", &json!({})).await.expect("made");
    assert_eq!(store.integration(&ann, hers.id).await.expect("found"), hers);
    for stranger in [Tenant::new("acme", "bob"), Tenant::new("other", "ann")] {
        let error = store.integration(&stranger, hers.id).await.expect_err("not theirs");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn a_thread_gives_its_last_messages_oldest_first() {
    let (store, _dir) = store().await;
    let ann = Tenant::new("acme", "ann");
    let thread = store.create(&ann).await.expect("opened");
    assert!(store.load(&ann, &thread, 10).await.expect("empty").is_empty());
    let question = message(Speaker::User, "when does the dam open?", Value::Null);
    let answer = message(Speaker::Assistant, "in May [1]", json!([{ "path": "plan.pdf", "page": 3 }]));
    store.append(&ann, &thread, &[question.clone(), answer.clone()]).await.expect("appended");
    let more = message(Speaker::User, "and the other?", Value::Null);
    store.append(&ann, &thread, std::slice::from_ref(&more)).await.expect("appended");
    assert_eq!(store.load(&ann, &thread, 10).await.expect("all"), [question, answer.clone(), more.clone()]);
    assert_eq!(store.load(&ann, &thread, 2).await.expect("the last two"), [answer, more]);
}

#[tokio::test]
async fn another_tenants_thread_is_not_there() {
    let (store, _dir) = store().await;
    let ann = Tenant::new("acme", "ann");
    let hers = store.create(&ann).await.expect("opened");
    let text = [message(Speaker::User, "mine", Value::Null)];
    let nobodys = ThreadId("nobody's".into());
    for (tenant, thread) in
        [(Tenant::new("acme", "bob"), &hers), (Tenant::new("other", "ann"), &hers), (ann.clone(), &nobodys)]
    {
        let appended = store.append(&tenant, thread, &text).await.expect_err("not theirs");
        let loaded = store.load(&tenant, thread, 10).await.expect_err("not theirs");
        assert_eq!((appended.kind(), loaded.kind()), (ErrorKind::NotFound, ErrorKind::NotFound));
    }
    assert!(store.load(&ann, &hers, 10).await.expect("hers").is_empty(), "nothing was added");
}
