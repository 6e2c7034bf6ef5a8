//! Verifying the token of one request.
#![expect(clippy::unwrap_used, reason = "a bench that cannot set up cannot go on")]

use std::{hint::black_box, time::Duration};

use catchment_auth::{Callers, Claims, Role, Verifier};
use catchment_core::{Secret, Tenant};
use criterion::{Criterion, criterion_group, criterion_main};

fn verify(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let secret = Secret::new("0123456789abcdef0123456789abcdef");
    let claims = Claims {
        issuer: Some("https://issuer.example".into()),
        audience: Some("catchment".into()),
        ..Claims::default()
    };
    let tenant = Tenant::new("acme", "auth0|5f7c8ec7c33c6c004bbafe82");
    let token = claims.mint(&secret, &tenant, Role::Member, Duration::from_secs(3600)).unwrap();
    let header = format!("Bearer {}", token.expose());
    let callers = Callers::Jwt(Verifier::hs256(&secret, claims).unwrap());
    criterion.bench_function("verify HS256", |bencher| {
        bencher.to_async(&runtime).iter(|| callers.identify(black_box(Some(&header))));
    });
}

criterion_group!(benches, verify);
criterion_main!(benches);
