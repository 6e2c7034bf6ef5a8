//! The description and the server, held against each other by somebody else's program.

use std::process::Stdio;

use catchment_testkit::backends;
use serde_json::json;
use tokio::process::Command;

use crate::support::Running;

/// Calls every operation with what the description allows and with what it does not, in chains of
/// calls as well: no fault of ours, no status, type or shape that is not described, no bad input that
/// passes, nothing without a token. What it cannot know is which well-formed settings a vendor takes,
/// and that a key is for one request, so it does not ask that all that is well formed be accepted.
async fn schemathesis(server: &Running, token: &str, settings: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schemathesis.toml"), settings).unwrap();
    let output = Command::new(backends::schemathesis())
        .args(["run", &format!("http://{}/openapi.json", server.address)])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--checks", "all", "--exclude-checks", "positive_data_acceptance"])
        .args(["--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "20", "--seed", "1"])
        // One worker: its threads share the recursion depth of Python 3.11's parser, and now and
        // then one of them stops at the other's.
        .args(["--continue-on-failure", "--workers", "1", "--request-timeout", "60"])
        .args(["--suppress-health-check", "all"])
        // It keeps what it found where it runs.
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("Stateful") && said.contains("passed"), "it has looked at something: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_does_what_its_description_says() {
    let server = Running::tokens().await;
    let token = server.admin("acme", "ada");
    schemathesis(&server, &token, "").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_as_the_description_says() {
    let server = Running::tokens().await;
    let token = server.admin("acme", "ada");
    let id = server.create(Some(&token)).await;
    let body = json!({"integration_id": id, "file_paths": [""]});
    let job =
        server.client.post("/integrations/import").token(token.as_str()).json(&body).await.body()["job_id"].clone();
    let spare = server.create(Some(&token)).await;
    let settings = format!(
        "[parameters]\nid = {id}\nuser_id = \"ada\"\n\n\
         [[operations]]\ninclude-path-regex = \"^/jobs\"\nparameters = {{ id = {job} }}\n\n\
         [[operations]]\ninclude-method = \"DELETE\"\nparameters = {{ id = {spare} }}\n"
    );
    schemathesis(&server, &token, &settings).await;
    server.stop().await;
}
