//! The embedded backend keeps the promises of every backend.
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::sync::Arc;

use catchment_index::{SqliteBackend, contract, contract::Fixture};

async fn sqlite() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let backend = SqliteBackend::open(folder.path().join("catchment.db")).await.unwrap();
    Fixture { backend: Arc::new(backend), guard: Box::new(folder) }
}

contract!(sqlite);
