//! The token of one call, when it is fresh: from one thread, and from eight.
#![expect(clippy::unwrap_used, reason = "a bench that cannot set up cannot go on")]

use std::{sync::Arc, thread, time::Instant};

use catchment_auth::oauth::{Authorizers, Exchange, Granted, MemoryTokens};
use catchment_core::{Error, IntegrationId, Result, Secret, TokenStore, Tokens, async_trait};
use chrono::{TimeDelta, Utc};
use criterion::{Criterion, criterion_group, criterion_main};

#[derive(Debug)]
struct Never;

#[async_trait]
impl Exchange for Never {
    async fn refresh(&self, _: &Secret) -> Result<Granted> {
        Err(Error::internal("the token is fresh"))
    }
}

fn token(criterion: &mut Criterion) {
    const KEY: IntegrationId = IntegrationId(7);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let issued = Utc::now();
    let tokens = Tokens {
        access: Secret::new("x".repeat(1_200)),
        issued,
        refresh: None,
        expires: Some(issued + TimeDelta::hours(10)),
        scopes: Vec::new(),
    };
    let store = Arc::new(MemoryTokens::default());
    let authorizer = Authorizers::new(Arc::clone(&store) as _).of(KEY, Arc::new(Never));
    runtime.block_on(async {
        assert!(store.swap(KEY, None, &tokens).await.unwrap());
        authorizer.token().await.unwrap();
    });
    criterion.bench_function("token, 1 thread", |bencher| {
        bencher.to_async(&runtime).iter(|| authorizer.token());
    });
    criterion.bench_function("token, 8 threads", |bencher| {
        bencher.iter_custom(|rounds| {
            let begun = Instant::now();
            thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                        runtime.block_on(async {
                            for _ in 0..rounds {
                                authorizer.token().await.unwrap();
                            }
                        });
                    });
                }
            });
            // What a call took of a core.
            let cores = thread::available_parallelism().unwrap().get().min(8) as u32;
            begun.elapsed() * cores / 8
        });
    });
}

criterion_group!(benches, token);
criterion_main!(benches);
