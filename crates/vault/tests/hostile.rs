//! Bytes that nobody sealed.

use catchment_core::{ErrorKind, IntegrationId, Result, Secret};
use catchment_vault::{KeyRing, Place, Vault};
use proptest::prelude::*;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn vault() -> Vault {
    Vault::new(KeyRing::parse(&Secret::new(format!("k:{KEY}"))).expect("a ring"))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn refused<T>(result: Result<T>) -> bool {
    result.is_err_and(|error| matches!(error.kind(), ErrorKind::Config | ErrorKind::Unsupported))
}

proptest! {
    #[test]
    fn any_secret_comes_back_at_its_place(text in ".{0,300}", org in ".{0,40}", id in any::<i64>(), field in ".{0,40}") {
        let place = Place { organization: &org, integration: IntegrationId(id), field: &field };
        let vault = vault();
        let sealed = block_on(vault.seal(&place, &Secret::new(text.as_str()))).unwrap();
        let opened = block_on(vault.open(&place, &sealed)).unwrap();
        prop_assert_eq!(opened.expose(), text);
    }

    #[test]
    fn no_other_place_opens_it(
        one in ("[ab]{0,4}", 0..3i64, "[ab]{0,4}"),
        other in ("[ab]{0,4}", 0..3i64, "[ab]{0,4}"),
    ) {
        prop_assume!(one != other);
        let vault = vault();
        let place = Place { organization: &one.0, integration: IntegrationId(one.1), field: &one.2 };
        let sealed = block_on(vault.seal(&place, &Secret::new("s3cr3t"))).unwrap();
        let place = Place { organization: &other.0, integration: IntegrationId(other.1), field: &other.2 };
        prop_assert!(refused(block_on(vault.open(&place, &sealed))));
    }

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), header in any::<bool>()) {
        let place = Place { organization: "acme", integration: IntegrationId(7), field: "token" };
        let bytes = if header { [&[1, 1, b'k', 0, 60][..], &bytes].concat() } else { bytes };
        let vault = vault();
        prop_assert!(refused(block_on(vault.open(&place, &bytes))));
        // A header alone proves nothing: an id comes of it, or an error.
        prop_assert!(Vault::key_of(&bytes).is_ok_and(|id| id.is_ascii()) || refused(Vault::key_of(&bytes)));
    }
}

#[test]
fn every_truncation_and_extension_is_refused() {
    let place = Place { organization: "acme", integration: IntegrationId(7), field: "token" };
    let vault = vault();
    let sealed = block_on(vault.seal(&place, &Secret::new("s3cr3t"))).unwrap();
    for length in 0..sealed.len() {
        assert!(refused(block_on(vault.open(&place, &sealed[..length]))), "{length} bytes");
    }
    assert!(refused(block_on(vault.open(&place, &[&sealed[..], b"x"].concat()))));
}

#[test]
fn every_bit_counts() {
    let place = Place { organization: "acme", integration: IntegrationId(7), field: "token" };
    let vault = vault();
    let sealed = block_on(vault.seal(&place, &Secret::new("s3cr3t"))).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(refused(block_on(vault.open(&place, &changed))), "bit {bit}");
    }
}

#[test]
fn parts_of_two_secrets_do_not_make_a_third() {
    let place = Place { organization: "acme", integration: IntegrationId(7), field: "token" };
    let vault = vault();
    let [one, two] = ["first!", "second"].map(|text| block_on(vault.seal(&place, &Secret::new(text))).unwrap());
    // The header with the data key of one, the ciphertext of the other.
    let header = 1 + 1 + 1 + 2 + 60;
    assert!(refused(block_on(vault.open(&place, &[&one[..header], &two[header..]].concat()))));
    assert!(refused(block_on(vault.open(&place, &[&one[..header + 12], &two[header + 12..]].concat()))));
    assert_eq!(block_on(vault.open(&place, &one)).unwrap().expose(), "first!");
}

#[test]
fn another_version_is_named() {
    let place = Place { organization: "acme", integration: IntegrationId(7), field: "token" };
    let mut sealed = block_on(vault().seal(&place, &Secret::new("s3cr3t"))).unwrap();
    sealed[0] = 9;
    let error = block_on(vault().open(&place, &sealed)).unwrap_err();
    assert_eq!((error.kind(), error.get("version")), (ErrorKind::Unsupported, Some("9")));
    assert_eq!(Vault::key_of(&sealed).unwrap_err().kind(), ErrorKind::Unsupported);
}
