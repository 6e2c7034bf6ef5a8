//! Tokens in memory keep the contract of token stores.

use std::sync::Arc;

use catchment_auth::oauth::MemoryTokens;
use catchment_core::{IntegrationId, TokenStore};
use catchment_testkit::tokens::Subject;

async fn fixture() -> Subject {
    let store: Arc<dyn TokenStore> = Arc::new(MemoryTokens::default());
    let other_handle = Arc::clone(&store);
    Subject { store, other_handle, integration: IntegrationId(1), other: IntegrationId(2), keep: Box::new(()) }
}

catchment_testkit::token_store_contract!(fixture);
