//! Sealing and opening a credential with the local ring.
#![expect(clippy::unwrap_used, reason = "a bench that cannot set up cannot go on")]

use std::hint::black_box;

use catchment_core::{IntegrationId, Secret};
use catchment_vault::{KeyRing, Place, Vault};
use criterion::{Criterion, criterion_group, criterion_main};

fn envelopes(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let setting = Secret::new("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    let place = Place { organization: "acme", integration: IntegrationId(7), field: "secret_access_key" };
    // An access key's secret, and a service account with its private key.
    let secrets = [("40 bytes", "x".repeat(40)), ("2,400 bytes", "x".repeat(2_400))];
    let rings = [
        ("setting", KeyRing::parse(&setting).unwrap()),
        ("file", KeyRing::from_file(folder.path().join("keys")).unwrap()),
    ];
    for (ring, keys) in rings {
        let vault = Vault::new(keys);
        for (size, secret) in &secrets {
            let secret = Secret::new(secret.as_str());
            let sealed = runtime.block_on(vault.seal(&place, &secret)).unwrap();
            criterion.bench_function(&format!("seal {size}, key from a {ring}"), |bencher| {
                bencher.to_async(&runtime).iter(|| vault.seal(black_box(&place), black_box(&secret)));
            });
            criterion.bench_function(&format!("open {size}, key from a {ring}"), |bencher| {
                bencher.to_async(&runtime).iter(|| vault.open(black_box(&place), black_box(&sealed)));
            });
        }
    }
}

criterion_group!(benches, envelopes);
criterion_main!(benches);
