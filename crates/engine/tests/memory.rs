//! The contract of ledgers, on the one in memory.

use std::sync::Arc;

use catchment_core::IntegrationId;
use catchment_engine::MemoryLedger;
use catchment_testkit::ledger::Subject;

async fn memory() -> Subject {
    let (integration, other) = (IntegrationId(1), IntegrationId(2));
    Subject { ledger: Arc::new(MemoryLedger::new()), integration, other, keep: Box::new(()) }
}

catchment_testkit::ledger_contract!(memory);
