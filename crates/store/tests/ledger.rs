//! The contract of ledgers, on both databases.

mod support;

use std::sync::Arc;

use catchment_testkit::ledger::Subject;
use serde_json::json;

async fn subject(store: support::Subject) -> Subject {
    let scoped = store.ann();
    let create =
        async |name| scoped.find_or_create("folder", name, &json!({ "path": name })).await.expect("an integration").id;
    let (integration, other) = (create("one").await, create("two").await);
    Subject { ledger: Arc::new(scoped), integration, other, keep: Box::new(store) }
}

mod sqlite {
    async fn fixture() -> super::Subject {
        super::subject(super::support::sqlite().await).await
    }

    catchment_testkit::ledger_contract!(fixture);
}

mod postgres {
    async fn fixture() -> super::Subject {
        super::subject(super::support::postgres().await).await
    }

    catchment_testkit::ledger_contract!(fixture);
}
