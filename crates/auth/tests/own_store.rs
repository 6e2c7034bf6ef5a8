//! The example of a store of one's own keeps the contract of token stores.

#[path = "../examples/own_store.rs"]
#[allow(dead_code, reason = "its main is for whoever runs it")]
mod own_store;

use std::sync::Arc;

use catchment_core::IntegrationId;
use catchment_testkit::tokens::Subject;
use own_store::Files;

async fn fixture() -> Subject {
    let folder = tempfile::tempdir().expect("a folder");
    let store = || Arc::new(Files(folder.path().to_owned()));
    Subject {
        store: store(),
        other_handle: store(),
        integration: IntegrationId(1),
        other: IntegrationId(2),
        keep: Box::new(folder),
    }
}

catchment_testkit::token_store_contract!(fixture);
