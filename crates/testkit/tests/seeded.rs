//! The suite, tried on models with one promise broken at a time: the check of that promise fails,
//! and no other does.

use catchment_testkit::{
    Fixture, conformance, covers,
    model::{DriveFixture, ModelFixture},
    promises,
};

mod whole {
    use super::*;

    conformance!(ModelFixture => browse, flat, download, fingerprints, network, account, stream, history, resume);
}

mod drive {
    use super::*;

    conformance!(DriveFixture => browse, download, changes, permissions, history, resume, links, network);
}

/// Breaks each promise of a group in turn, runs every check of the groups and of those that go along.
async fn each_fires<F: Fixture>(groups: &[&str], along: &[&str], breaking: impl AsyncFn(&'static str) -> F) {
    let all = promises::<F>();
    let mut tried = 0;
    for broken in all.iter().filter(|promise| groups.contains(&promise.group)) {
        let runs = all.iter().filter(|promise| groups.contains(&promise.group) || along.contains(&promise.group));
        let checks = runs.map(|promise| async {
            let fixture = breaking(broken.name).await;
            promise.verdict(&fixture).await.err().map(|how| format!("{}: {how}", promise.name))
        });
        let failed: Vec<String> = futures::future::join_all(checks).await.into_iter().flatten().collect();
        let only = failed.len() == 1 && failed[0].starts_with(broken.name);
        assert!(only, "with `{}` broken, these checks fail: {failed:#?}", broken.name);
        tried += 1;
    }
    assert!(tried > 0, "nothing was tried");
}

fn each_of_the_model_fires(groups: &[&str]) {
    let along = ["generic", "browse", "flat", "download", "fingerprints"];
    let breaking = async |promise| ModelFixture::breaking(Some(promise)).await;
    tokio::runtime::Runtime::new().expect("a runtime").block_on(each_fires(groups, &along, breaking));
}

fn each_of_the_drive_fires(groups: &[&str]) {
    let along = ["generic", "browse", "download"];
    let breaking = async |promise| DriveFixture::breaking(Some(promise)).await;
    tokio::runtime::Runtime::new().expect("a runtime").block_on(each_fires(groups, &along, breaking));
}

#[test]
fn each_check_of_listing_fires_alone() {
    each_of_the_model_fires(&["browse", "flat"]);
}

#[test]
fn each_check_of_reading_fires_alone() {
    each_of_the_model_fires(&["download"]);
}

#[test]
fn each_check_of_fingerprints_fires_alone() {
    each_of_the_model_fires(&["fingerprints", "generic"]);
}

#[test]
fn each_check_of_the_network_fires_alone() {
    each_of_the_model_fires(&["network"]);
}

#[test]
fn each_check_of_an_account_fires_alone() {
    each_of_the_model_fires(&["account"]);
}

#[test]
fn each_check_of_a_connection_fires_alone() {
    each_of_the_model_fires(&["stream"]);
}

#[test]
fn each_check_of_changes_fires_alone() {
    each_of_the_drive_fires(&["changes"]);
}

#[test]
fn each_check_of_permissions_fires_alone() {
    each_of_the_drive_fires(&["permissions"]);
}

#[test]
fn the_check_of_histories_fires_alone() {
    each_of_the_drive_fires(&["history"]);
}

#[test]
fn each_check_of_resuming_fires_alone() {
    each_of_the_drive_fires(&["resume"]);
}

#[test]
fn the_check_of_links_fires_alone() {
    each_of_the_drive_fires(&["links"]);
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

#[test]
#[should_panic(expected = "add changes, permissions")]
fn a_suite_that_leaves_the_feed_out_fails() {
    covers::<DriveFixture>(&["browse", "download", "network"]);
}
