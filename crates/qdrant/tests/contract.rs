//! The backend on Qdrant keeps the promises of every backend, over gRPC.
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::sync::Arc;

use catchment_index::{contract, contract::Fixture};
use catchment_qdrant::{
    Options, QdrantBackend,
    double::{Double, Traits},
};

async fn qdrant() -> Fixture {
    let double = Double::start(Traits::default()).await.unwrap();
    let backend = QdrantBackend::connect(Options::new(double.url())).await.unwrap();
    Fixture { backend: Arc::new(backend), guard: Box::new(double) }
}

contract!(qdrant);

/// Messages of a few chunks, each as small as the server lets them be.
mod in_small_messages {
    use super::*;

    async fn qdrant() -> Fixture {
        let traits = Traits { message_limit: 8 << 10, ..Traits::default() };
        let double = Double::start(traits).await.unwrap();
        let options = Options { batch_bytes: 2 << 10, ..Options::new(double.url()) };
        let backend = QdrantBackend::connect(options).await.unwrap();
        Fixture { backend: Arc::new(backend), guard: Box::new(double) }
    }

    contract!(qdrant);
}
