//! What a sealed secret promises.

use catchment_core::{ErrorKind, IntegrationId, Secret};
use catchment_vault::{KeyRing, Place, Vault};

const ONE: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const TWO: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn place() -> Place<'static> {
    Place { organization: "acme", integration: IntegrationId(7), field: "secret_access_key" }
}

fn vault(setting: &str) -> Vault {
    Vault::new(KeyRing::parse(&Secret::new(setting)).expect("a ring"))
}

#[tokio::test]
async fn a_secret_comes_back_as_it_was() {
    let vault = vault(ONE);
    for text in ["", "x", "wJalr/K7MDENG+bPxRfi", "pässwörd 密码 🔑", &"long ".repeat(100_000)] {
        let sealed = vault.seal(&place(), &Secret::new(text)).await.unwrap();
        assert_eq!(vault.open(&place(), &sealed).await.unwrap().expose(), text);
        assert_eq!(Vault::key_of(&sealed).unwrap(), vault.current_key());
    }
}

#[tokio::test]
async fn a_row_copied_elsewhere_is_refused() {
    let vault = vault(ONE);
    let sealed = vault.seal(&place(), &Secret::new("s3cr3t")).await.unwrap();
    let elsewhere = [
        Place { organization: "acme2", ..place() },
        Place { organization: "", ..place() },
        Place { integration: IntegrationId(8), ..place() },
        Place { field: "session_token", ..place() },
        Place { organization: "acm", field: "esecret_access_key", ..place() },
    ];
    for place in elsewhere {
        let error = vault.open(&place, &sealed).await.unwrap_err();
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some(place.field)), "{place:?}");
    }
}

#[tokio::test]
async fn every_changed_byte_is_noticed() {
    let vault = vault(ONE);
    let sealed = vault.seal(&place(), &Secret::new("s3cr3t")).await.unwrap();
    for at in 0..sealed.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut changed = sealed.clone();
            changed[at] ^= flip;
            let error = vault.open(&place(), &changed).await.expect_err("changed");
            assert!(matches!(error.kind(), ErrorKind::Config | ErrorKind::Unsupported), "byte {at}: {error}");
            assert!(!format!("{error} {error:?}").contains("s3cr3t"));
        }
    }
}

#[tokio::test]
async fn resealing_wraps_the_data_key_alone() {
    let old = vault(ONE);
    let sealed = old.seal(&place(), &Secret::new("s3cr3t")).await.unwrap();
    assert_eq!(old.reseal(&place(), &sealed).await.unwrap(), None);
    let both = vault(&format!("new:{TWO},old:{ONE}"));
    let resealed = both.reseal(&place(), &sealed).await.unwrap().expect("another key");
    assert_eq!(Vault::key_of(&resealed).unwrap(), "new");
    let tail = "s3cr3t".len() + 16 + 12;
    assert_eq!(resealed[resealed.len() - tail..], sealed[sealed.len() - tail..]);
    assert_eq!(vault(&format!("new:{TWO}")).open(&place(), &resealed).await.unwrap().expose(), "s3cr3t");
    let error = vault(&format!("new:{TWO}")).open(&place(), &sealed).await.unwrap_err();
    assert_eq!(error.get("key"), Some(old.current_key().as_str()));
    assert!(error.message().contains("CATCHMENT_ENCRYPTION_KEY"), "{error}");
}
