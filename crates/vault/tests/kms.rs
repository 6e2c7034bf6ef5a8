//! Secrets under a key in AWS KMS, which is moto here.

mod aws;

use std::time::Duration;

use aws::Kms;
use catchment_core::{ErrorKind, IntegrationId, Secret};
use catchment_testkit::faults::{Fault, FaultProxy};
use catchment_vault::{AwsKmsBuilder, KeyRing, Place, Vault};
use futures::future::join_all;
use serde_json::json;

const LOCAL: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn place(number: i64) -> Place<'static> {
    Place { organization: "acme", integration: IntegrationId(number), field: "token" }
}

/// A refusal as KMS words it.
fn answer(code: &str) -> Fault {
    Fault::Status { status: 400, retry_after: None, body: json!({ "__type": code, "message": "planted" }).to_string() }
}

#[tokio::test]
async fn a_secret_comes_back_in_another_process() {
    let kms = Kms::start();
    let key = kms.key().await;
    let one = Vault::new(kms.service(&key).build().unwrap());
    let sealed = one.seal(&place(1), &Secret::new("s3cr3t")).await.unwrap();
    assert_eq!(Vault::key_of(&sealed).unwrap(), format!("aws-kms:{key}"));
    assert_eq!(one.current_key(), format!("aws-kms:{key}"));
    let another = Vault::new(kms.service(&key).build().unwrap());
    assert_eq!(another.open(&place(1), &sealed).await.unwrap().expose(), "s3cr3t");
}

#[tokio::test]
async fn no_secret_costs_a_call() {
    let kms = Kms::start();
    let key = kms.key().await;
    let proxy = FaultProxy::start(kms.server.address).await.unwrap();
    let through = || Vault::new(kms.service(&key).endpoint(format!("http://{}", proxy.address())).build().unwrap());
    let vault = through();
    let sealed = join_all((0..200).map(|number| {
        let vault = vault.clone();
        async move { vault.seal(&place(number), &Secret::new(format!("secret {number}"))).await.unwrap() }
    }))
    .await;
    assert_eq!(proxy.seen().len(), 1, "two hundred at once share one data key");
    for (number, sealed) in (0..).zip(&sealed) {
        assert_eq!(vault.open(&place(number), sealed).await.unwrap().expose(), format!("secret {number}"));
    }
    assert_eq!(proxy.seen().len(), 1, "whoever sealed opens without a call");
    let vault = through();
    join_all((0..).zip(&sealed).map(|(number, sealed)| {
        let vault = vault.clone();
        async move { vault.open(&place(number), sealed).await.unwrap() }
    }))
    .await;
    assert_eq!(proxy.seen().len(), 2, "another process asks once");
}

#[tokio::test]
async fn a_row_copied_elsewhere_is_refused() {
    let kms = Kms::start();
    let vault = Vault::new(kms.service(&kms.key().await).build().unwrap());
    let sealed = vault.seal(&place(1), &Secret::new("s3cr3t")).await.unwrap();
    for place in [
        Place { organization: "other", ..place(1) },
        Place { field: "password", ..place(1) },
        Place { integration: IntegrationId(2), ..place(1) },
    ] {
        let error = vault.open(&place, &sealed).await.unwrap_err();
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some(place.field)), "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cr3t"));
    }
}

#[tokio::test]
async fn the_organization_is_the_encryption_context() {
    let kms = Kms::start();
    let vault = Vault::new(kms.service(&kms.key().await).build().unwrap());
    let sealed = vault.seal(&place(1), &Secret::new("s3cr3t")).await.unwrap();
    let id = usize::from(sealed[1]);
    let length = usize::from(u16::from_be_bytes([sealed[2 + id], sealed[3 + id]]));
    let wrapped = &sealed[4 + id..][..length];
    assert!(kms.decrypts(wrapped, json!({ "catchment": "vault", "organization": "acme" })).await);
    assert!(!kms.decrypts(wrapped, json!({ "catchment": "vault", "organization": "other" })).await);
    assert!(!kms.decrypts(wrapped, json!({})).await);
}

#[tokio::test]
async fn a_changed_data_key_is_refused() {
    let kms = Kms::start();
    let vault = Vault::new(kms.service(&kms.key().await).build().unwrap());
    let sealed = vault.seal(&place(1), &Secret::new("s3cr3t")).await.unwrap();
    let start = 4 + usize::from(sealed[1]);
    // moto begins its ciphertext with the key's id, and answers otherwise than KMS when that is wrong.
    for at in [start + 36, start + 60, sealed.len() - 40, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        let error = vault.open(&place(1), &changed).await.unwrap_err();
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("token")), "byte {at}: {error}");
    }
}

#[tokio::test]
async fn a_disabled_key_opens_nothing_once_data_keys_have_aged() {
    let kms = Kms::start();
    let key = kms.key().await;
    let proxy = FaultProxy::start(kms.server.address).await.unwrap();
    let service = || kms.service(&key).endpoint(format!("http://{}", proxy.address()));
    let keeping = Vault::new(service().build().unwrap());
    let asking = Vault::new(service().data_keys_live(Duration::ZERO).build().unwrap());
    let sealed = keeping.seal(&place(1), &Secret::new("s3cr3t")).await.unwrap();
    assert_eq!(asking.open(&place(1), &sealed).await.unwrap().expose(), "s3cr3t");
    proxy.set(answer("DisabledException"));
    let error = asking.open(&place(1), &sealed).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Config && error.message().contains("disabled"), "{error}");
    assert!(keeping.open(&place(1), &sealed).await.is_ok(), "for the rest of its five minutes");
}

#[tokio::test]
async fn secrets_move_from_the_local_ring_to_kms_and_from_key_to_key() {
    let kms = Kms::start();
    let ring = || KeyRing::parse(&Secret::new(LOCAL)).unwrap();
    let sealed = Vault::new(ring()).seal(&place(1), &Secret::new("s3cr3t")).await.unwrap();
    let (first, second) = (kms.key().await, kms.key().await);
    let vault = Vault::new(kms.service(&first).build().unwrap()).also(ring());
    assert_eq!(vault.open(&place(1), &sealed).await.unwrap().expose(), "s3cr3t");
    let moved = vault.reseal(&place(1), &sealed).await.unwrap().expect("another key");
    assert_eq!(vault.reseal(&place(1), &moved).await.unwrap(), None);
    let alone = Vault::new(kms.service(&first).build().unwrap());
    assert_eq!(alone.open(&place(1), &moved).await.unwrap().expose(), "s3cr3t");
    let error = alone.open(&place(1), &sealed).await.unwrap_err();
    assert_eq!(error.get("key"), Some(Vault::key_of(&sealed).unwrap()), "{error}");

    let both = Vault::new(kms.service(&second).older(&first).build().unwrap());
    let again = both.reseal(&place(1), &moved).await.unwrap().expect("another key");
    let last = Vault::new(kms.service(&second).build().unwrap());
    assert_eq!(last.open(&place(1), &again).await.unwrap().expose(), "s3cr3t");
}

#[tokio::test]
async fn moving_asks_once_for_each_data_key() {
    let kms = Kms::start();
    let (first, second) = (kms.key().await, kms.key().await);
    let old = Vault::new(kms.service(&first).build().unwrap());
    let mut sealed = Vec::new();
    for number in 0..50 {
        sealed.push(old.seal(&place(number), &Secret::new("s3cr3t")).await.unwrap());
    }
    let proxy = FaultProxy::start(kms.server.address).await.unwrap();
    let service = kms.service(&second).older(&first).endpoint(format!("http://{}", proxy.address()));
    let vault = Vault::new(service.build().unwrap());
    for (number, sealed) in (0..).zip(&sealed) {
        assert!(vault.reseal(&place(number), sealed).await.unwrap().is_some());
    }
    assert_eq!(proxy.seen().len(), 2, "one decryption, one encryption");
}

#[tokio::test]
async fn a_key_that_is_not_named_is_not_asked() {
    let kms = Kms::start();
    let (ours, foreign) = (kms.key().await, kms.key().await);
    let forged = Vault::new(kms.service(&foreign).build().unwrap());
    let sealed = forged.seal(&place(1), &Secret::new("forged")).await.unwrap();
    let vault = Vault::new(kms.service(&ours).build().unwrap());
    let error = vault.open(&place(1), &sealed).await.unwrap_err();
    assert_eq!(error.get("key"), Some(format!("aws-kms:{foreign}").as_str()), "{error}");
    assert!(!vault.holds(&format!("aws-kms:{foreign}")) && vault.holds(&format!("aws-kms:{ours}")));
}

#[tokio::test]
async fn what_kms_refuses_says_what_to_do() {
    let kms = Kms::start();
    let key = kms.key().await;
    let limited = kms.server.limited.clone().expect("a user with fewer rights");
    let missing = "0b2d9a3e-0000-4000-8000-000000000000";
    let seal = async |service: AwsKmsBuilder| {
        Vault::new(service.build().unwrap()).seal(&place(1), &Secret::new("s3cr3t")).await.unwrap_err()
    };
    assert_eq!(seal(kms.service_as(&key, &limited)).await.kind(), ErrorKind::Forbidden);
    assert_eq!(seal(kms.service(missing)).await.kind(), ErrorKind::Config);
    // What moto says in another way, or does not know.
    let proxy = FaultProxy::start(kms.server.address).await.unwrap();
    for (code, kind) in [
        ("AccessDeniedException", ErrorKind::Forbidden),
        ("UnrecognizedClientException", ErrorKind::Unauthenticated),
        ("InvalidSignatureException", ErrorKind::Unauthenticated),
        ("com.amazonaws.kms#ExpiredTokenException", ErrorKind::Unauthenticated),
        ("KMSInvalidStateException", ErrorKind::Config),
    ] {
        proxy.set(answer(code));
        let error = seal(kms.service(&key).endpoint(format!("http://{}", proxy.address()))).await;
        assert_eq!(error.kind(), kind, "{code}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("planted") && !shown.contains("s3cr3t"), "{shown}");
    }
}

#[tokio::test]
async fn a_service_that_is_down_is_unavailable_to_all_who_wait_and_is_asked_again_later() {
    let kms = Kms::start();
    let key = kms.key().await;
    let proxy = FaultProxy::start(kms.server.address).await.unwrap();
    let vault = Vault::new(kms.service(&key).endpoint(format!("http://{}", proxy.address())).build().unwrap());
    let down = r#"{"__type":"KMSInternalException","message":"planted"}"#;
    proxy.set(Fault::Status { status: 500, retry_after: None, body: down.into() });
    let failed = join_all((0..20).map(|number| {
        let vault = vault.clone();
        async move { vault.seal(&place(number), &Secret::new("s3cr3t")).await.unwrap_err() }
    }))
    .await;
    for error in &failed {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(!error.to_string().contains("planted"));
    }
    assert_eq!(proxy.seen().len(), 4, "the attempts of one call, for all twenty");
    proxy.set(Fault::None);
    assert!(vault.seal(&place(1), &Secret::new("s3cr3t")).await.is_ok());
}
