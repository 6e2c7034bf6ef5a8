//! The server's day: what a front end does with it, and what an operator does to it.

use reqwest::Method;
use serde_json::json;

use crate::{
    serving::Serving,
    support::{Machine, samples},
};

const QUESTION: &str = "How long is the warranty of the pump?";

#[tokio::test]
async fn an_integration_lives_from_creation_to_deletion() {
    let machine = Machine::new();
    let server = Serving::on(&machine);
    let made = server
        .post(
            "/integrations",
            json!({ "user_id": "local", "vendor": "folder", "name": "Handbooks", "credentials": { "path": samples() } }),
        )
        .await
        .is(201);
    let id = made["id"].as_i64().expect("an id");
    assert_eq!((&made["vendor"], &made["status"]), (&json!("folder"), &json!("active")), "{made:#}");

    let tried = server.call(Method::POST, &format!("/integrations/{id}/test"), None, &[]).await.is(200);
    assert_eq!(tried["success"], true, "{tried:#}");
    assert!(tried["files_found"].as_i64().is_some_and(|found| found > 0), "{tried:#}");

    let listed = server.post("/integrations/browse", json!({ "integration_id": id, "path": "" })).await.is(200);
    assert_eq!(listed["files"].as_array().map(Vec::len), Some(16), "{listed:#}");
    let found =
        server.post("/integrations/browse", json!({ "integration_id": id, "search_query": "pump" })).await.is(200);
    assert_eq!(found["files"][0]["name"], "pump-handbook.pdf", "{found:#}");

    let imported =
        server.post("/integrations/import", json!({ "integration_id": id, "file_paths": [""] })).await.is(200);
    assert_eq!((&imported["successful"], &imported["failed"]), (&json!(14), &json!(2)), "{imported:#}");
    let bad: Vec<_> =
        imported["file_results"].as_array().expect("results").iter().filter(|file| file["success"] == false).collect();
    assert!(
        bad.len() == 2 && bad.iter().all(|file| file["error"].is_string() || file["error"].is_object()),
        "{bad:#?}"
    );

    let answer = server.post("/ask", json!({ "query": QUESTION })).await.is(200);
    assert!(answer["answer"].as_str().is_some_and(|said| said.contains("42 months")), "{answer:#}");
    assert_eq!(answer["citations"][0]["file_path"], "pump-handbook.pdf", "{answer:#}");
    assert_eq!((&answer["citations"][0]["page"], &answer["citations"][0]["integration_id"]), (&json!(3), &json!(id)));
    let again = json!({ "query": "And who is asked when it fails?", "thread_id": answer["thread_id"] });
    assert_eq!(server.post("/ask", again).await.is(200)["thread_id"], answer["thread_id"]);

    let renamed =
        server.call(Method::PUT, &format!("/integrations/{id}"), Some(json!({ "name": "Manuals" })), &[]).await.is(200);
    assert_eq!((&renamed["name"], &renamed["description"]), (&json!("Manuals"), &made["description"]));

    let off = server.call(Method::POST, &format!("/integrations/{id}/disconnect"), None, &[]).await.is(200);
    assert_eq!(off["status"], "disconnected");
    server.call(Method::DELETE, &format!("/integrations/{id}?purge=true"), None, &[]).await.is(204);
    server.get(&format!("/integrations/{id}")).await.is(404);
    let answer = server.post("/ask", json!({ "query": QUESTION })).await.is(200);
    assert_eq!(answer["citations"], json!([]), "its documents have left the index: {answer:#}");
    assert_eq!(server.stop(), Some(0));
}

#[tokio::test]
async fn what_the_command_line_imported_the_server_answers_from() {
    let machine = Machine::new();
    machine.write("docs/heron.txt", "The heron stands in the reeds.");
    machine.run(["import", "docs"]).exits(0);
    let server = Serving::on(&machine);
    let answer = server.post("/ask", json!({ "query": "Where does the heron stand?" })).await.is(200);
    assert_eq!(answer["citations"][0]["file_path"], "heron.txt", "{answer:#}");
    machine.run(["health".into(), server.base().to_owned()]).exits(0);
    let base = server.base().to_owned();
    server.stop();
    machine.run(["health".into(), base]).exits(5);
}

#[tokio::test]
async fn an_import_that_a_kill_interrupts_is_finished_by_the_next_start() {
    let machine = Machine::new().with("CATCHMENT_SERVER__LEASE_S", "2");
    for number in 0..300 {
        machine.write(&format!("docs/{number}.txt"), format!("Paragraph {number}.\n\n").repeat(300));
    }
    let server = Serving::on(&machine);
    let id = folder(&server, &machine).await;
    let job = server
        .call(
            Method::POST,
            "/integrations/import",
            Some(json!({ "integration_id": id, "file_paths": [""] })),
            &[("prefer", "respond-async")],
        )
        .await;
    assert_eq!(job.headers.get("preference-applied").and_then(|value| value.to_str().ok()), Some("respond-async"));
    let job = job.is(202)["job_id"].as_i64().expect("a job");
    // In the middle: something is done, and not everything.
    while server.get(&format!("/jobs/{job}/files?limit=1")).await.is(200)["files"] == json!([]) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    server.kill();

    let server = Serving::on(&machine);
    let ended = server.job(job).await;
    assert_eq!(ended["state"], "succeeded", "{ended:#}");
    let listed = server.get(&format!("/integrations/{id}/files?limit=1000")).await.is(200);
    assert_eq!(listed["files"].as_array().map_or(0, Vec::len), 300, "{listed:#}");
    server.stop();
    machine.run(["verify"]).exits(0);
}

#[tokio::test]
async fn keys_are_rotated_while_the_server_runs() {
    let machine = Machine::new();
    let server = Serving::on(&machine);
    let secret = "a-planted-secret-0123456789";
    let body = json!({ "user_id": "local", "vendor": "s3", "name": "Reports", "credentials": {
        "bucket_name": "reports", "access_key_id": "AKIAEXAMPLE", "secret_access_key": secret } });
    let id = server.post("/integrations", body).await.is(201)["id"].as_i64().expect("an id");
    let keys = std::fs::read_to_string(machine.path("data/catchment.keys")).expect("a key file");

    let rotated = machine.run(["keys", "rotate", "--new-key", "--json"]).exits(0).event("rotated");
    assert_eq!((&rotated["resealed"], &rotated["unreadable"]), (&json!(1), &json!(0)), "{rotated:#}");
    // Without the old key: what is there is sealed under the new one alone.
    let ring = std::fs::read_to_string(machine.path("data/catchment.keys")).expect("a key file");
    let old: Vec<&str> = keys.lines().filter(|line| line.contains(':') && !line.starts_with('#')).collect();
    let left: String = ring.lines().filter(|line| !old.contains(line)).map(|line| format!("{line}\n")).collect();
    std::fs::write(machine.path("data/catchment.keys"), left).expect("the key file");
    // The running server opens it: the vendor cannot be reached, but the credential could be read.
    let tried = server.call(Method::POST, &format!("/integrations/{id}/test"), None, &[]).await.is(200);
    let said = tried["message"].as_str().expect("a message");
    assert!(tried["success"] == false && !said.contains("key"), "{tried:#}");
    server.stop();

    let database = std::fs::read(machine.path("data/catchment.db")).expect("the database");
    assert!(!database.windows(secret.len()).any(|window| window == secret.as_bytes()), "the secret is in the database");
    std::fs::remove_file(machine.path("data/catchment.keys")).expect("the key file");
    let refused = machine.run(["serve", "--listen", "127.0.0.1:0"]).exits(4);
    assert!(refused.err.contains("put it back"), "{refused:#?}");
}

#[tokio::test]
async fn with_tokens_everybody_sees_what_is_theirs() {
    let secret = "0123456789abcdef0123456789abcdef";
    let machine = Machine::new().with("CATCHMENT_AUTH", "jwt").with("CATCHMENT_JWT_SECRET", secret);
    let token =
        |user: &str| machine.run(["token", "--user", user, "--organization", "acme"]).exits(0).out.trim().to_owned();
    let server = Serving::on(&machine);
    server.get("/integrations/user/ann").await.is(401);
    server.get("/health").await.is(200);
    let server = server.token(token("ann"));
    let body = json!({ "user_id": "ann", "vendor": "s3", "name": "Reports", "credentials": { "bucket_name": "reports", "anonymous": true } });
    let id = server.post("/integrations", body).await.is(201)["id"].as_i64().expect("an id");
    server.get(&format!("/integrations/{id}")).await.is(200);
    let folder = json!({ "user_id": "ann", "vendor": "folder", "name": "Etc", "credentials": { "path": "/etc" } });
    let refused = server.post("/integrations", folder).await;
    assert!(!refused.status.is_success(), "the host's files are not for tenants: {refused:#?}");

    let server = server.token(token("eve"));
    let hers = server.get(&format!("/integrations/{id}")).await;
    let absent = server.get("/integrations/999999").await;
    assert_eq!((hers.status.as_u16(), absent.status.as_u16()), (404, 404));
    let said = hers.body["detail"].as_str().expect("a sentence").replace(&format!("{id})"), "999999)");
    assert_eq!(absent.body["detail"], said);
}

#[tokio::test]
async fn a_repair_leaves_the_documents_of_every_tenant_alone() {
    let machine = Machine::new()
        .with("CATCHMENT_AUTH", "jwt")
        .with("CATCHMENT_JWT_SECRET", "0123456789abcdef0123456789abcdef")
        .with("CATCHMENT_SERVER__HOST_ACCESS", "true");
    machine.write("docs/heron.txt", "The heron stands in the reeds.");
    let token = machine.run(["token", "--user", "ann", "--organization", "acme"]).exits(0).out.trim().to_owned();
    let server = Serving::on(&machine).token(token);
    let body = json!({ "user_id": "ann", "vendor": "folder", "name": "Docs", "credentials": { "path": machine.path("docs") } });
    let id = server.post("/integrations", body).await.is(201)["id"].as_i64().expect("an id");
    server.post("/integrations/import", json!({ "integration_id": id, "file_paths": [""] })).await.is(200);
    machine.run(["verify", "--repair"]).exits(0);
    let answer = server.post("/ask", json!({ "query": "Where does the heron stand?" })).await.is(200);
    assert_eq!(answer["citations"][0]["file_path"], "heron.txt", "{answer:#}");
}

#[test]
fn a_server_that_everybody_could_use_does_not_start() {
    let refused = Machine::new().run(["serve", "--listen", "0.0.0.0:0"]).exits(4);
    assert!(refused.err.contains("CATCHMENT_AUTH"), "{refused:#?}");
    let half = Machine::new().with("CATCHMENT_AUTH", "jwt").run(["serve"]).exits(4);
    assert!(half.err.contains("CATCHMENT_JWT_SECRET"), "{half:#?}");
    let short =
        Machine::new().with("CATCHMENT_AUTH", "jwt").with("CATCHMENT_JWT_SECRET", "short").run(["serve"]).exits(4);
    assert!(short.err.contains("32") && !short.err.contains("short:"), "{short:#?}");
}

async fn folder(server: &Serving, machine: &Machine) -> i64 {
    let body = json!({ "user_id": "local", "vendor": "folder", "name": "Docs", "credentials": { "path": machine.path("docs") } });
    server.post("/integrations", body).await.is(201)["id"].as_i64().expect("an id")
}
