//! `POST /integrations/import` and what it leaves behind.

use std::{fs, sync::atomic::Ordering};

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Gate, Place, Running, config, soon};

fn paths(results: &Value, status: &str) -> Vec<String> {
    let mut paths: Vec<_> = results
        .as_array()
        .unwrap()
        .iter()
        .filter(|result| result["status"] == status)
        .map(|result| result["file_path"].as_str().unwrap().to_owned())
        .collect();
    paths.sort();
    paths
}

#[tokio::test]
async fn one_bad_file_never_fails_the_others() {
    let place = Place::new();
    let docs = place.path().join("docs");
    fs::create_dir_all(docs.join("plans")).unwrap();
    fs::write(docs.join("plans/dam.txt"), "The dam opens in May.").unwrap();
    fs::write(docs.join("plans/weir.md"), "# Weir\n\nThe weir is closed.").unwrap();
    fs::write(docs.join("broken.pdf"), "%PDF-1.7 and nothing else").unwrap();
    let server = place.serve().await;
    let id = server.create("folder", json!({"path": docs})).await;
    let answer = server.import(id, &["plans", "broken.pdf", "absent.txt"]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.body();
    assert_eq!(body["integration_id"], id);
    let counts = ["total_files", "successful", "failed"].map(|name| body[name].as_u64().unwrap());
    assert_eq!(counts, [4, 2, 2], "{body}");
    let results = &body["file_results"];
    assert_eq!(paths(results, "ingested"), ["plans/dam.txt", "plans/weir.md"]);
    assert_eq!(paths(results, "failed"), ["absent.txt", "broken.pdf"]);
    for result in results.as_array().unwrap() {
        let success = result["status"] == "ingested";
        assert_eq!(result["success"], success, "{result}");
        assert_eq!(result["chunks_added"].as_u64().unwrap() > 0, success, "{result}");
        assert_eq!(result["error"].is_null(), success, "{result}");
        assert!(!result["message"].as_str().unwrap().is_empty(), "{result}");
    }
    let again = server.import(id, &["plans"]).await.body();
    assert_eq!(paths(&again["file_results"], "unchanged"), ["plans/dam.txt", "plans/weir.md"]);
    assert_eq!(again["successful"], 2);
    server.stop().await;
}

#[tokio::test]
async fn paths_that_are_all_missing_are_results_and_no_failed_call() {
    let place = Place::new();
    let server = place.serve().await;
    let id = server.gate("none", 0).await;
    for missing in [vec!["a.txt"], vec!["a.txt", "b/c.txt"]] {
        let answer = server.import(id, &missing).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.body();
        assert_eq!(paths(&body["file_results"], "failed"), missing);
        assert_eq!(body["file_results"][0]["error_code"], "not_found", "{body}");
        assert_eq!((&body["failed"], &body["total_files"]), (&json!(missing.len()), &json!(missing.len())));
    }
    let one = server.client.get(&format!("/integrations/{id}")).await.body();
    assert_eq!((&one["status"], &one["error_count"]), (&json!("active"), &json!(0)), "{one}");
    server.stop().await;
}

#[tokio::test]
async fn a_call_that_makes_no_sense_names_the_field() {
    let place = Place::new();
    let server = place.serve().await;
    let id = server.gate("sense", 1).await;
    let long = "x".repeat(5_000);
    for (body, field) in [
        (json!({"integration_id": id, "file_paths": []}), "file_paths"),
        (json!({"integration_id": id, "file_paths": ["a", long]}), "file_paths[1]"),
        (json!({"integration_id": id, "file_paths": ["a\u{0}b"]}), "file_paths"),
        (json!({"integration_id": id, "file_paths": [""], "portfolio_id": ""}), "portfolio_id"),
    ] {
        let refused = server.client.post("/integrations/import").json(&body).await;
        assert_eq!((refused.status, refused.body()["field"].as_str()), (400, Some(field)), "{refused:?}");
    }
    let jobs = server.client.get("/jobs").await.body();
    assert_eq!(jobs["jobs"], json!([]), "nothing was begun");
    server.client.post(&format!("/integrations/{id}/disconnect")).await;
    assert_eq!(server.import(id, &[""]).await.status, 409);
    assert_eq!(server.client.post(&format!("/integrations/{id}/sync")).await.status, 409);
    server.stop().await;
}

#[tokio::test]
async fn an_import_goes_on_when_the_client_hangs_up() {
    let place = Place::new();
    let server = place.serve().await;
    let gate = Gate::named("hang-up");
    let id = server.gate("hang-up", 3).await;
    {
        let call = server.import(id, &[""]);
        tokio::select! {
            answer = call => panic!("nothing was let through: {answer:?}"),
            () = gate.knocked(1) => {}
        }
    }
    gate.pass.add_permits(3);
    let job = server.client.get("/jobs").await.body()["jobs"][0]["id"].as_i64().unwrap();
    let end = server.end(job).await;
    assert_eq!((&end["state"], &end["result"]["successful"]), (&json!("succeeded"), &json!(3)), "{end}");
    server.stop().await;
}

#[tokio::test]
async fn the_same_key_imports_once() {
    let place = Place::new();
    let server = place.serve().await;
    let gate = Gate::named("once");
    gate.pass.add_permits(10);
    let id = server.gate("once", 2).await;
    let body = json!({"integration_id": id, "file_paths": [""]});
    let import = || server.client.post("/integrations/import").header("idempotency-key", "k").json(&body);
    let (first, again) = (import().await, import().await);
    assert_eq!((first.status, again.status), (200, 200), "{again:?}");
    assert_eq!(first.bytes, again.bytes);
    assert_eq!(server.client.get("/jobs").await.body()["jobs"].as_array().unwrap().len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_failure_that_passes_is_tried_again_and_one_that_does_not_is_the_end() {
    let place = Place::new();
    let server = place.serve().await;
    let gate = Gate::named("down");
    gate.pass.add_permits(10);
    gate.down.store(2, Ordering::SeqCst);
    let id = server.gate("down", 2).await;
    let end = server.end(server.begin(id).await).await;
    assert_eq!((&end["state"], &end["attempt"]), (&json!("succeeded"), &json!(3)), "{end}");

    gate.down.store(usize::MAX, Ordering::SeqCst);
    let waited = server.import(id, &[""]).await;
    assert_eq!((waited.status, waited.code().as_str()), (502, "vendor_unavailable"), "{waited:?}");
    let job: i64 = waited.header("location").unwrap().strip_prefix("/jobs/").unwrap().parse().unwrap();
    let end = server.end(job).await;
    assert_eq!((&end["state"], &end["attempt"]), (&json!("failed"), &json!(5)), "bounded: {end}");
    assert_eq!(end["error"]["code"], "unavailable", "{end}");
    let one = server.client.get(&format!("/integrations/{id}")).await.body();
    assert_eq!((&one["status"], &one["error_count"]), (&json!("error"), &json!(1)), "{one}");

    let locked = server.gate("locked", 1).await;
    let refused = server.import(locked, &[""]).await;
    assert_eq!((refused.status, refused.code().as_str()), (502, "vendor_unauthenticated"), "{refused:?}");
    let jobs = server.client.get(&format!("/jobs?integration_id={locked}&state=failed")).await.body();
    assert_eq!((jobs["jobs"][0]["attempt"].as_u64(), jobs["jobs"].as_array().unwrap().len()), (Some(1), 1));
    server.stop().await;
}

/// Sixty-four clients wait for their imports, and others read meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_imports_at_once_are_bounded_and_starve_nobody() {
    const IMPORTS: usize = 64;
    let place = Place::new();
    let server = place.serve_with(catchment_server::Config { workers: 4, ..config() }).await;
    let gate = Gate::named("many");
    let mut ids = Vec::new();
    for _ in 0..IMPORTS {
        ids.push(server.gate("many", 5).await);
    }
    let imports = join_all(ids.iter().map(|id| server.import(*id, &[""])));
    let reads = async {
        gate.knocked(4).await;
        let mut most_running = 0;
        for _ in 0..30 {
            let list = soon(server.client.get("/integrations/user/local").into_future()).await;
            assert_eq!((list.status, list.body().as_array().unwrap().len()), (200, IMPORTS));
            let status = server.client.get("/status").await.body();
            most_running = most_running.max(status["queue"]["running"].as_u64().unwrap());
            gate.pass.add_permits(IMPORTS * 5 / 30 + 1);
        }
        most_running
    };
    let (answers, most_running) = soon(async { tokio::join!(imports, reads) }).await;
    for answer in answers {
        assert_eq!((answer.status, answer.body()["successful"].as_u64()), (200, Some(5)), "{answer:?}");
    }
    assert!((1..=4).contains(&most_running), "{most_running} ran at once");
    let most = gate.most.load(Ordering::SeqCst);
    let allowed = 2 * 2 * std::thread::available_parallelism().unwrap().get() + 4;
    assert!((4..=allowed).contains(&most), "{most} files were on their way at once");
    assert_eq!(gate.open.load(Ordering::SeqCst), 0, "nothing is left open");
    assert!(gate.passed.lock().unwrap().values().all(|times| *times == IMPORTS), "each file once an integration");
    server.stop().await;
}

#[tokio::test]
async fn what_was_brought_in_is_listed() {
    let place = Place::new();
    let server = place.serve().await;
    Gate::named("log").pass.add_permits(100);
    let id = server.gate("log", 3).await;
    let begun = server.client.post(&format!("/integrations/{id}/sync")).json(&json!({"full": true})).await;
    assert_eq!(begun.status, 202, "{begun:?}");
    let sync = begun.body()["job_id"].as_i64().unwrap();
    server.end(sync).await;
    server.import(id, &["f000.txt", "absent"]).await;
    let log = server.client.get(&format!("/integrations/{id}/syncs")).await.body();
    let rows = log["syncs"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{log}");
    assert_eq!((&rows[0]["kind"], &rows[0]["status"]), (&json!("import"), &json!("partial")), "{log}");
    assert_eq!((&rows[1]["id"], &rows[1]["status"]), (&json!(sync), &json!("success")), "{log}");
    assert_eq!((&rows[1]["records_synced"], &rows[1]["records_failed"]), (&json!(3), &json!(0)), "{log}");
    assert!(rows[1]["started_at"].is_string() && rows[1]["completed_at"].is_string());
    let one = server.client.get(&format!("/integrations/{id}")).await.body();
    assert!(one["last_sync"].is_string(), "{one}");

    let (mut files, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.client.get(&format!("/integrations/{id}/files?limit=2{cursor}")).await.body();
        files.extend(page["files"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let names: Vec<_> = files.iter().map(|file| file["file_path"].as_str().unwrap()).collect();
    assert_eq!(names, ["f000.txt", "f001.txt", "f002.txt"]);
    assert!(files.iter().all(|file| file["sync_status"] == "ingested" && file["external_file_id"].is_string()));
    let failed = server.client.get(&format!("/integrations/{id}/files?status=failed")).await.body();
    assert_eq!(failed["files"], json!([]));
    let bad = server.client.get(&format!("/integrations/{id}/files?cursor=%25")).await;
    assert_eq!((bad.status, bad.body()["field"].as_str()), (400, Some("cursor")));
    assert_eq!(server.client.get("/integrations/999/syncs").await.status, 404);
    assert_eq!(server.client.get("/integrations/999/files").await.status, 404);
    server.stop().await;
}

impl Running {
    /// How often each file of a gate was let through.
    pub(crate) fn times(gate: &str) -> Vec<usize> {
        Gate::named(gate).passed.lock().unwrap().values().copied().collect()
    }
}
