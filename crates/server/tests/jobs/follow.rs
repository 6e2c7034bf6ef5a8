//! Jobs while they run: events, coming back, calling off.

use serde_json::json;

use crate::support::{Gate, Place};

#[tokio::test]
async fn a_job_is_followed_to_its_end() {
    let place = Place::new();
    let server = place.serve().await;
    let gate = Gate::named("follow");
    let id = server.gate("follow", 4).await;
    let job = server.begin(id).await;
    let mut events = server.events(job, None).await;
    assert_eq!(events.status(), 200);
    let first = events.next().await.unwrap();
    assert_eq!(first.name, "progress");
    assert_eq!((&first.data["id"], &first.data["kind"]), (&json!(job), &json!("import")), "{first:?}");
    gate.knocked(1).await;
    // Told while nothing is let through: what is under way.
    let mut last = first;
    while last.data["progress"]["current"].is_null() {
        last = events.next().await.unwrap();
    }
    assert_eq!((&last.data["state"], &last.data["progress"]["listed"]), (&json!("running"), &json!(4)), "{last:?}");
    gate.pass.add_permits(4);
    let mut ids = vec![last.id];
    let end = loop {
        let event = events.next().await.unwrap();
        ids.push(event.id);
        if event.name == "end" {
            break event;
        }
    };
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    assert_eq!((&end.data["state"], &end.data["progress"]["finished"]), (&json!("succeeded"), &json!(4)), "{end:?}");
    assert!(end.data["progress"]["bytes"].as_u64().unwrap() > 100, "{end:?}");
    assert!(events.next().await.is_none(), "the stream ends with the job");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_comes_back_hears_what_is_new() {
    let place = Place::new();
    let server = place.serve().await;
    let gate = Gate::named("back");
    let id = server.gate("back", 2).await;
    let job = server.begin(id).await;
    gate.knocked(1).await;
    let mut events = server.events(job, None).await;
    let mut seen = events.next().await.unwrap();
    while seen.data["progress"]["current"].is_null() {
        seen = events.next().await.unwrap();
    }
    drop(events);
    let mut back = server.events(job, Some(seen.id)).await;
    gate.pass.add_permits(2);
    let next = back.next().await.unwrap();
    assert!(next.id > seen.id, "{next:?} after {seen:?}");
    drop(back);
    let end = server.end(job).await;
    assert_eq!(end["state"], "succeeded");
    let mut late = server.events(job, Some(seen.id)).await;
    let last = late.next().await.unwrap();
    assert_eq!((last.name.as_str(), late.next().await.is_none()), ("end", true), "the end, and nothing before");
    assert_eq!(server.events(job, Some(last.id)).await.status(), 204, "there is nothing to come back for");
    let confused = server.events(job, Some(last.id + 1_000)).await.next().await;
    assert_eq!(confused.unwrap().name, "end", "an id of the future is none");
    server.stop().await;
}

#[tokio::test]
async fn a_job_is_called_off_in_the_middle() {
    let place = Place::new();
    let server = place.serve().await;
    let gate = Gate::named("off");
    let id = server.gate("off", 50).await;
    gate.pass.add_permits(2);
    let job = server.begin(id).await;
    gate.knocked(4).await;
    let asked = server.client.post(&format!("/jobs/{job}/cancel")).await;
    assert_eq!((asked.status, &asked.body()["cancel_requested"]), (200, &json!(true)), "{asked:?}");
    let end = server.end(job).await;
    assert_eq!((&end["state"], &end["error"]), (&json!("cancelled"), &json!(null)), "{end}");
    assert_eq!(gate.open.load(std::sync::atomic::Ordering::SeqCst), 0, "what was under way is dropped");
    let again = server.client.post(&format!("/jobs/{job}/cancel")).await;
    assert_eq!((again.status, &again.body()["state"]), (200, &json!("cancelled")));

    // The next import goes on where this one was.
    gate.pass.add_permits(100);
    let answer = server.import(id, &[""]).await.body();
    assert_eq!((&answer["successful"], &answer["failed"]), (&json!(50), &json!(0)), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_job_that_waits_is_called_off_at_once() {
    let place = Place::new();
    let server = place.serve().await;
    let gate = Gate::named("waits");
    let id = server.gate("waits", 1).await;
    let (first, second) = (server.begin(id).await, server.begin(id).await);
    gate.knocked(1).await;
    assert_eq!(server.job(second).await["state"], "queued", "one of an integration at a time");
    let waiting = server.client.post(&format!("/jobs/{second}/cancel")).await;
    assert_eq!(waiting.body()["state"], "cancelled");
    gate.pass.add_permits(1);
    assert_eq!(server.end(first).await["state"], "succeeded");
    let all = server.client.get("/jobs?limit=1").await.body();
    assert_eq!(all["jobs"][0]["id"], second, "the newest first");
    let rest = server.client.get(&format!("/jobs?cursor={}", all["next_cursor"].as_str().unwrap())).await.body();
    assert_eq!((&rest["jobs"][0]["id"], &rest["next_cursor"]), (&json!(first), &json!(null)));
    server.stop().await;
}

#[tokio::test]
async fn a_user_has_so_many_streams_and_no_more() {
    let place = Place::new();
    let server = place.serve().await;
    let gate = Gate::named("streams");
    let id = server.gate("streams", 1).await;
    let job = server.begin(id).await;
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(server.events(job, None).await);
        assert_eq!(open.last().unwrap().status(), 200);
    }
    let refused = server.client.get(&format!("/jobs/{job}/events")).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "too_many_streams"), "{refused:?}");
    gate.pass.add_permits(1);
    while let Some(event) = open[0].next().await {
        assert_eq!(event.data["id"], job);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_job_that_is_not_there_is_not_found() {
    let place = Place::new();
    let server = place.serve().await;
    for path in ["/jobs/7", "/jobs/7/files", "/jobs/7/events"] {
        assert_eq!(server.client.get(path).await.status, 404, "{path}");
    }
    assert_eq!(server.client.post("/jobs/7/cancel").await.status, 404);
    server.stop().await;
}
