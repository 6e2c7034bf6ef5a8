//! Tokens in sealed files keep the contract of token stores, and show nothing.

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};

use catchment_core::{ErrorKind, IntegrationId, Secret, TokenStore, Tokens};
use catchment_testkit::tokens::Subject;
use catchment_vault::{KeyRing, TokenFiles, Vault};
use chrono::Utc;
use tempfile::TempDir;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn files(folder: &TempDir, organization: &str) -> TokenFiles {
    let vault = Vault::new(KeyRing::parse(&Secret::new(KEY)).expect("a ring"));
    TokenFiles::new(folder.path().join("tokens"), organization, vault).expect("a folder")
}

fn planted() -> Tokens {
    Tokens {
        access: "planted-access".into(),
        issued: Utc::now(),
        refresh: Some("planted-refresh".into()),
        expires: None,
        scopes: Vec::new(),
    }
}

async fn fixture() -> Subject {
    let folder = tempfile::tempdir().expect("a folder");
    Subject {
        store: Arc::new(files(&folder, "acme")),
        other_handle: Arc::new(files(&folder, "acme")),
        integration: IntegrationId(1),
        other: IntegrationId(2),
        keep: Box::new(folder),
    }
}

catchment_testkit::token_store_contract!(fixture);

#[tokio::test]
async fn no_token_is_on_the_disk_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let store = files(&folder, "acme");
    assert!(store.swap(IntegrationId(1), None, &planted()).await.unwrap());
    let place = folder.path().join("tokens");
    assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
    let mut seen = 0;
    for file in fs::read_dir(place).unwrap() {
        let path = file.unwrap().path();
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains("planted") && !format!("{store:?}").contains("planted"), "{path:?}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
        seen += 1;
    }
    assert_eq!(seen, 2, "the tokens and the lock");
}

#[tokio::test]
async fn a_file_that_was_copied_elsewhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = files(&folder, "acme");
    assert!(store.swap(IntegrationId(1), None, &planted()).await.unwrap());
    let place = folder.path().join("tokens");
    fs::copy(place.join("1.tokens"), place.join("2.tokens")).unwrap();
    assert_eq!(store.load(IntegrationId(2)).await.unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(files(&folder, "other").load(IntegrationId(1)).await.unwrap_err().kind(), ErrorKind::Config);
    assert!(store.load(IntegrationId(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_damaged_file_says_so_and_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = files(&folder, "acme");
    assert!(store.swap(IntegrationId(1), None, &planted()).await.unwrap());
    let path = folder.path().join("tokens/1.tokens");
    let whole = fs::read(&path).unwrap();
    for text in [&whole[..whole.len() / 2], b"", b"{}", b"{\"planted\": 1}"] {
        fs::write(&path, text).unwrap();
        for error in [
            store.load(IntegrationId(1)).await.unwrap_err(),
            store.swap(IntegrationId(1), None, &planted()).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
            assert!(!error.to_string().contains("planted"), "{error}");
        }
        assert_eq!(fs::read(&path).unwrap(), text);
    }
}
