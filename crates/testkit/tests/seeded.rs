//! The suite, tried on a model with one promise broken at a time: the check of that promise fails,
//! and no other does.

use catchment_testkit::{conformance, covers, model::ModelFixture, promises};

mod whole {
    use super::*;

    conformance!(ModelFixture => browse, flat, download, fingerprints, network, account, stream);
}

/// Breaks each promise of a group in turn and runs every check.
fn each_fires(groups: &[&str]) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let all = promises::<ModelFixture>();
        let mut tried = 0;
        for broken in all.iter().filter(|promise| groups.contains(&promise.group)) {
            let runs = all.iter().filter(|promise| {
                groups.contains(&promise.group) || !matches!(promise.group, "network" | "account" | "stream")
            });
            let checks = runs.map(|promise| async move {
                let fixture = ModelFixture::breaking(Some(broken.name)).await;
                promise.verdict(&fixture).await.err().map(|how| format!("{}: {how}", promise.name))
            });
            let failed: Vec<String> = futures::future::join_all(checks).await.into_iter().flatten().collect();
            let only = failed.len() == 1 && failed[0].starts_with(broken.name);
            assert!(only, "with `{}` broken, these checks fail: {failed:#?}", broken.name);
            tried += 1;
        }
        assert!(tried > 0, "nothing was tried");
    });
}

#[test]
fn each_check_of_listing_fires_alone() {
    each_fires(&["browse", "flat"]);
}

#[test]
fn each_check_of_reading_fires_alone() {
    each_fires(&["download"]);
}

#[test]
fn each_check_of_fingerprints_fires_alone() {
    each_fires(&["fingerprints", "generic"]);
}

#[test]
fn each_check_of_the_network_fires_alone() {
    each_fires(&["network"]);
}

#[test]
fn each_check_of_an_account_fires_alone() {
    each_fires(&["account"]);
}

#[test]
fn each_check_of_a_connection_fires_alone() {
    each_fires(&["stream"]);
}

#[test]
#[should_panic(expected = "add fingerprints, flat, network")]
fn a_suite_that_leaves_a_capability_out_fails() {
    covers::<ModelFixture>(&["browse", "download"]);
}

#[test]
#[should_panic(expected = "add browse")]
fn a_suite_that_leaves_browse_out_fails() {
    covers::<ModelFixture>(&["download", "fingerprints", "flat", "network"]);
}
