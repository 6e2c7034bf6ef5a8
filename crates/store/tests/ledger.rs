//! The contract of ledgers, on SQLite.

use std::sync::Arc;

use catchment_core::Tenant;
use catchment_store::Store;
use catchment_testkit::ledger::Subject;
use serde_json::json;

async fn sqlite() -> Subject {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(dir.path().join("catchment.db")).await.expect("a database").scoped(&Tenant::local());
    let create =
        async |name| store.find_or_create("folder", name, &json!({ "path": name })).await.expect("an integration").id;
    let (integration, other) = (create("one").await, create("two").await);
    Subject { ledger: Arc::new(store), integration, other, keep: Box::new(dir) }
}

catchment_testkit::ledger_contract!(sqlite);
