//! The description and the server, held against each other by somebody else's program.

use std::process::Stdio;

use catchment_testkit::backends;
use tokio::process::Command;

use crate::support::Running;

/// schemathesis calls every operation with what the description allows and with what it does not,
/// in chains of calls as well: no fault of ours, no status, type or shape that is not described, no
/// bad input that passes, nothing without a token.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_does_what_its_description_says() {
    let server = Running::tokens().await;
    let token = server.admin("acme", "ada");
    server.create(Some(&token)).await;
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(backends::schemathesis())
        .args(["run", &format!("http://{}/openapi.json", server.address)])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--max-examples", "20", "--seed", "1", "--no-color", "--continue-on-failure", "--workers", "2"])
        .args(["--request-timeout", "60", "--suppress-health-check", "all"])
        // It keeps a database of examples where it runs.
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("API Operations"), "it has looked at something: {said}");
    server.stop().await;
}
