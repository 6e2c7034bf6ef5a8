//! Servers that stop, die, and work side by side.

use std::time::Duration;

use catchment_server::Config;
use serde_json::json;

use crate::support::{Gate, Place, Running, config, soon};

#[tokio::test]
async fn a_server_that_stops_gives_its_jobs_back() {
    let place = Place::new();
    // So long a lease that nobody waits for its end.
    let patient = Config { lease: Duration::from_secs(3_600), ..config() };
    let first = place.serve_with(patient.clone()).await;
    let gate = Gate::named("graceful");
    let id = first.gate("graceful", 30).await;
    gate.pass.add_permits(5);
    let job = first.begin(id).await;
    let mut events = first.events(job, None).await;
    gate.knocked(6).await;
    first.stop().await;
    while let Some(event) = events.next().await {
        assert_eq!(event.name, "progress", "the stream ends, the job does not: {event:?}");
    }

    let second = place.serve_with(patient).await;
    gate.pass.add_permits(100);
    let end = second.end(job).await;
    assert_eq!((&end["state"], &end["attempt"]), (&json!("succeeded"), &json!(2)), "{end}");
    assert_eq!(end["result"]["successful"], 30, "{end}");
    let results = second.results(job).await;
    assert_eq!(results.len(), 30, "each file has one result");
    assert!(results.iter().all(|file| file["success"] == true), "{results:?}");
    second.stop().await;
}

#[tokio::test]
async fn an_import_whose_client_waits_when_the_server_stops_says_where_it_goes_on() {
    let place = Place::new();
    let first = place.serve().await;
    let gate = Gate::named("waiting");
    let id = first.gate("waiting", 1).await;
    let client = first.client.clone();
    let body = json!({"integration_id": id, "file_paths": [""]});
    let call = tokio::spawn(client.post("/integrations/import").json(&body).into_future());
    gate.knocked(1).await;
    first.stop().await;
    let answer = soon(call).await.unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (503, "stopping"), "{answer:?}");
    let job: i64 = answer.header("location").unwrap().strip_prefix("/jobs/").unwrap().parse().unwrap();
    gate.pass.add_permits(2);
    let second = place.serve().await;
    assert_eq!(second.end(job).await["state"], "succeeded");
    second.stop().await;
}

#[tokio::test]
async fn a_job_of_a_server_that_was_killed_is_taken_over() {
    let place = Place::new();
    let hasty = Config { lease: Duration::from_millis(600), ..config() };
    let first = place.serve_with(hasty.clone()).await;
    let gate = Gate::named("killed");
    let id = first.gate("killed", 30).await;
    gate.pass.add_permits(5);
    let job = first.begin(id).await;
    gate.knocked(6).await;
    first.kill().await;

    let second = place.serve_with(hasty).await;
    assert_eq!(second.job(job).await["state"], "running", "nobody has given it back");
    gate.pass.add_permits(100);
    let end = second.end(job).await;
    assert_eq!((&end["state"], &end["attempt"]), (&json!("succeeded"), &json!(2)), "{end}");
    let results = second.results(job).await;
    assert_eq!(results.len(), 30);
    assert!(results.iter().all(|file| file["success"] == true), "{results:?}");
    let listed = second.client.get(&format!("/integrations/{id}/files?limit=100&status=ingested")).await.body();
    assert_eq!(listed["files"].as_array().unwrap().len(), 30, "each document once");
    second.stop().await;
}

#[tokio::test]
async fn servers_side_by_side_do_each_job_once() {
    let place = Place::new();
    let (first, second) = (place.serve().await, place.serve().await);
    let gate = Gate::named("beside");
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(first.gate("beside", 3).await);
    }
    let mut jobs = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        jobs.push(if at % 2 == 0 { first.begin(*id).await } else { second.begin(*id).await });
    }
    // Both have begun as many as they do at once.
    gate.knocked(8).await;
    gate.pass.add_permits(30);
    for (at, job) in jobs.iter().enumerate() {
        // Followed from the server that did not take the order.
        let end = if at % 2 == 0 { second.end(*job).await } else { first.end(*job).await };
        assert_eq!((&end["state"], &end["attempt"]), (&json!("succeeded"), &json!(1)), "{end}");
    }
    assert_eq!(Running::times("beside"), [10, 10, 10], "each file once an integration");
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn a_job_that_runs_elsewhere_is_followed_and_called_off_from_here() {
    let place = Place::new();
    let worker = place.serve().await;
    let other = place.serve_with(Config { workers: 0, ..config() }).await;
    let gate = Gate::named("elsewhere");
    let id = other.gate("elsewhere", 20).await;
    gate.pass.add_permits(1);
    let job = other.begin(id).await;
    let mut events = other.events(job, None).await;
    let mut event = events.next().await.unwrap();
    while event.data["progress"]["ingested"] != 1 {
        event = events.next().await.unwrap();
    }
    assert_eq!(event.data["state"], "running");
    other.client.post(&format!("/jobs/{job}/cancel")).await;
    assert_eq!(other.end(job).await["state"], "cancelled");
    worker.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn a_job_that_costs_five_workers_fails_with_a_reason() {
    let place = Place::new();
    let idle = place.serve_with(Config { workers: 0, ..config() }).await;
    let id = idle.gate("deadly", 1).await;
    let job = idle.begin(id).await;
    let store = place.store().await;
    for death in 0..5 {
        // A worker that dies with the job in its hands: its lease lapses at once.
        let claim = soon(async {
            loop {
                if let Some(claim) = store.claim(&format!("w{death}"), Duration::from_micros(1)).await.unwrap() {
                    return claim;
                }
            }
        })
        .await;
        assert_eq!((claim.job.id.0, claim.job.attempt), (job, death + 1));
    }
    store.close().await;
    let second = place.serve().await;
    let end = second.end(job).await;
    assert_eq!((&end["state"], &end["error"]["code"]), (&json!("failed"), &json!("internal")), "{end}");
    assert!(end["error"]["message"].as_str().unwrap().contains("5 times"), "{end}");
    assert!(Running::times("deadly").is_empty(), "nobody tried it once more");
    idle.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn work_that_lost_its_lease_stops_and_says_nothing_more() {
    let place = Place::new();
    let slow = place.serve_with(Config { lease: Duration::from_millis(900), ..config() }).await;
    let gate = Gate::named("fenced");
    let id = slow.gate("fenced", 3).await;
    let job = slow.begin(id).await;
    gate.knocked(3).await;
    // Another worker takes it over, as after a pause of the first that was longer than its lease.
    let store = place.store().await;
    let taken = soon(async {
        loop {
            let row =
                slow.store.scoped(catchment_core::Tenant::local()).job(catchment_store::JobId(job)).await.unwrap();
            let stale = catchment_store::Claim { job: row, worker: "other".into() };
            // What the first worker holds is given back behind its back, and claimed at once.
            store.release(&stale).await.unwrap();
            if let Some(claim) = store.claim("other", Duration::from_secs(60)).await.unwrap() {
                return claim;
            }
        }
    })
    .await;
    let dropped = async {
        while gate.open.load(std::sync::atomic::Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(dropped).await;
    let row = slow.job(job).await;
    assert_eq!((&row["state"], &row["attempt"]), (&json!("running"), &json!(taken.job.attempt)), "{row}");
    assert!(slow.results(job).await.is_empty(), "the first has recorded nothing");
    store.close().await;
    slow.stop().await;
}
