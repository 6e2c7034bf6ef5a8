//! The layout of a sealed secret, read without the crate's own code, so that it cannot change
//! unnoticed.

use aes_gcm::{
    Aes256Gcm,
    aead::{Aead, KeyInit, Payload},
};
use catchment_core::{IntegrationId, Secret};
use catchment_vault::{KeyRing, Place, Vault};
use sha2::{Digest, Sha256};

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Sealed by the first version, for the place below. Programs of all times have to open it.
const GOLDEN: &str = "01116b64633238343737653261633534313831003c9016a597326c803bf5d7e54a37587cfdedf9c624fbaa19c1f70e2dd3944a728a607738850b059c41bb0cf6aef06a3c890edf4ed9d6f8cdb57b57e88d95389696db3c01f1709b022d095fc63591e595bfe51cea6ef6628772a117016c0b909ba31be2f756d3c6a9e0e8d726003942d74f6183f3e242c541566a13debbcdeb9521c45aac";
const TEXT: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY é";

fn place() -> Place<'static> {
    Place { organization: "acme", integration: IntegrationId(7), field: "secret_access_key" }
}

/// Each part behind its length in eight bytes.
fn parts(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().flat_map(|part| [&(part.len() as u64).to_be_bytes()[..], part].concat()).collect()
}

fn gcm(key: &[u8], nonce: &[u8], text: &[u8], bound: &[u8]) -> Option<Vec<u8>> {
    let cipher = Aes256Gcm::new_from_slice(key).expect("32 bytes");
    cipher.decrypt(nonce.try_into().expect("12 bytes"), Payload { msg: text, aad: bound }).ok()
}

/// As the README says it.
fn open(key: &[u8], sealed: &[u8], organization: &str, integration: i64, field: &str) -> Option<Vec<u8>> {
    let (version, rest) = sealed.split_at(1);
    assert_eq!(version, [1]);
    let (id, rest) = rest[1..].split_at(usize::from(rest[0]));
    let (length, rest) = rest.split_at(2);
    let (wrapped, rest) = rest.split_at(usize::from(u16::from_be_bytes([length[0], length[1]])));
    let (nonce, ciphertext) = rest.split_at(12);
    let integration = integration.to_be_bytes();
    let place: [&[u8]; 3] = [organization.as_bytes(), &integration, field.as_bytes()];
    let bound = parts(&[&[b"catchment-vault data key", version, id], &place[..]].concat());
    let data_key = gcm(key, &wrapped[..12], &wrapped[12..], &bound)?;
    gcm(&data_key, nonce, ciphertext, &parts(&[&[b"catchment-vault secret", version], &place[..]].concat()))
}

#[tokio::test]
async fn what_was_sealed_by_the_first_version_opens() {
    let sealed = hex::decode(GOLDEN).unwrap();
    let vault = Vault::new(KeyRing::parse(&Secret::new(KEY)).unwrap());
    assert_eq!(vault.open(&place(), &sealed).await.unwrap().expose(), TEXT);
    assert_eq!(open(&hex::decode(KEY).unwrap(), &sealed, "acme", 7, "secret_access_key").unwrap(), TEXT.as_bytes());
}

#[tokio::test]
async fn what_is_sealed_now_opens_by_the_documented_layout() {
    let vault = Vault::new(KeyRing::parse(&Secret::new(format!("main:{KEY}"))).unwrap());
    let sealed = vault.seal(&place(), &Secret::new(TEXT)).await.unwrap();
    assert_eq!(sealed.len(), 1 + 1 + 4 + 2 + 60 + 12 + TEXT.len() + 16);
    let key = hex::decode(KEY).unwrap();
    assert_eq!(open(&key, &sealed, "acme", 7, "secret_access_key").unwrap(), TEXT.as_bytes());
    assert_eq!(open(&key, &sealed, "acme", 8, "secret_access_key"), None);
    assert!(!sealed.windows(4).any(|part| TEXT.as_bytes().windows(4).any(|text| text == part)));
}

#[test]
fn an_id_is_a_hash_of_the_key() {
    let ring = KeyRing::parse(&Secret::new(KEY)).unwrap();
    let hash = Sha256::digest([&b"catchment-vault key id\0"[..], &hex::decode(KEY).unwrap()].concat());
    assert_eq!(ring.ids(), [format!("k{}", hex::encode(&hash[..8]))]);
}
