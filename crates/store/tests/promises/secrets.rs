//! Secrets.

use std::sync::atomic::{AtomicBool, Ordering};

use catchment_core::{Error, ErrorKind, IntegrationId, Result, Secret, Tenant, TokenStore, async_trait};
use catchment_store::{IntegrationChange, NewIntegration, Rotated, Scoped};
use catchment_vault::{DataKey, KeyRing, KeyService, Place as VaultPlace, Vault, Wrapped};

use super::{authorizations, grants};
use crate::support::{NEW, Place, Subject, new, vault};

pub(crate) async fn they_open_for_their_integration_alone(subject: &Subject) {
    let ann = subject.ann();
    let (one, two) = (ann.create(new("one")).await.expect("made"), ann.create(new("two")).await.expect("made"));
    let opened = ann.secrets(one.id).await.expect("opened");
    assert_eq!(opened.len(), 2);
    assert_eq!((opened[0].0.as_str(), opened[0].1.expose()), ("key", "planted-secret-2"));
    let copy = format!(
        "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE integration = {} AND field = 'key') \
         WHERE integration = {} AND field = 'key'",
        one.id, two.id
    );
    subject.tamper(&copy).await;
    let error = ann.secrets(two.id).await.expect_err("not its own");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("key")));
    assert!(!format!("{error:?}").contains("planted"), "{error:?}");
}

pub(crate) async fn a_row_copied_to_another_organization_is_refused(subject: &Subject) {
    let hers = subject.ann().create(new("one")).await.expect("made");
    let mallory = subject.store.scoped(Tenant::new("other", "mallory"));
    let theirs = mallory.create(NewIntegration { secrets: Vec::new(), ..new("mine") }).await.expect("made");
    let copy = format!(
        "INSERT INTO secrets (integration, field, key_id, sealed) \
         SELECT {}, field, key_id, sealed FROM secrets WHERE integration = {}",
        theirs.id, hers.id
    );
    subject.tamper(&copy).await;
    let error = mallory.secrets(theirs.id).await.expect_err("not theirs");
    assert_eq!(error.kind(), ErrorKind::Config);
    // The whole integration, id and all, under another organization.
    subject
        .tamper(&format!("UPDATE integrations SET organization = 'other', user_id = 'mallory' WHERE id = {}", hers.id))
        .await;
    assert_eq!(mallory.secrets(hers.id).await.expect_err("not theirs").kind(), ErrorKind::Config);
}

pub(crate) async fn none_is_in_the_database(subject: &Subject) {
    let ann = subject.ann();
    let made = ann.create(new("one")).await.expect("made");
    let change = IntegrationChange {
        secrets: vec![("token".into(), Some("planted-secret-3".into()))],
        ..IntegrationChange::default()
    };
    ann.update(made.id, None, change).await.expect("changed");
    grants::connected(&ann, "a").await;
    ann.begin_authorization(authorizations::on_the_way("hash-of-a-state", None)).await.expect("begun");
    let everything = match &subject.place {
        Place::File(file) => {
            let folder = file.parent().expect("a folder");
            let files = std::fs::read_dir(folder).expect("read").map(|file| file.expect("read").path());
            files.flat_map(|file| std::fs::read(file).expect("read")).collect()
        }
        Place::Server(database) => dump(&database.admin_url),
    };
    let holds = |text: &str| everything.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(["secret_access_key", "files.read", "hash-of-a-state"].into_iter().all(holds), "this is the database");
    assert!(!holds("planted-"));
}

pub(crate) async fn without_a_vault_nothing_is_kept_or_opened(subject: &Subject) {
    let made = subject.ann().create(new("one")).await.expect("made");
    let bare = match &subject.place {
        Place::File(file) => catchment_store::Store::open(file).await.expect("a store"),
        Place::Server(database) => crate::support::connect(&database.url).await,
    };
    let ann = bare.scoped(crate::support::ann());
    for error in [
        ann.create(new("two")).await.expect_err("no key"),
        ann.secrets(made.id).await.expect_err("no key"),
        bare.rotate(1).await.expect_err("no key"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains("CATCHMENT_ENCRYPTION_KEY"), "{error}");
    }
    ann.create(NewIntegration { secrets: Vec::new(), ..new("three") }).await.expect("nothing to seal");
}

pub(crate) async fn rotation_reseals_in_batches_and_leaves_what_it_cannot_open(subject: &Subject) {
    let ann = subject.ann();
    let mut made = Vec::new();
    for number in 0..4 {
        made.push(ann.create(new(&number.to_string())).await.expect("made").id);
    }
    subject
        .tamper(&format!(
            "UPDATE secrets SET key_id = 'lost', sealed = '' WHERE integration = {} AND field = 'key'",
            made[0]
        ))
        .await;
    assert_eq!(subject.store.keys().await.expect("listed"), ["lost", "old"]);
    let store = subject.store.clone().with_vault(vault(NEW));
    let mut batches = Vec::new();
    loop {
        let rotated = store.rotate(3).await.expect("rotated");
        batches.push((rotated.resealed, rotated.left));
        if rotated.resealed == 0 {
            assert_eq!(rotated, Rotated { resealed: 0, unreadable: 1, left: 1 });
            break;
        }
    }
    assert_eq!(batches, [(3, 5), (3, 2), (1, 1), (0, 1)]);
    assert_eq!(store.keys().await.expect("listed"), ["lost", "new"]);
    let opened = store.scoped(crate::support::ann()).secrets(made[3]).await.expect("opened");
    assert_eq!(opened[1].1.expose(), "planted-secret-1");
    assert!(subject.ann().secrets(made[3]).await.is_err(), "the old ring does not hold the new key");
}

pub(crate) async fn rotation_covers_tokens_and_those_who_are_on_their_way(subject: &Subject) {
    let ann = subject.ann();
    let id = grants::connected(&ann, "a").await.id;
    for (state, integration) in [("one", None), ("two", Some(id))] {
        ann.begin_authorization(authorizations::on_the_way(state, integration)).await.expect("begun");
    }
    subject.tamper("DELETE FROM secrets WHERE field = 'key'").await;
    let before = subject.store.load(id).await.expect("loaded").expect("tokens");
    let store = subject.store.clone().with_vault(vault(NEW));
    assert_eq!(store.rotate(2).await.expect("rotated"), Rotated { resealed: 2, unreadable: 0, left: 2 });
    assert_eq!(store.rotate(9).await.expect("rotated"), Rotated { resealed: 2, unreadable: 0, left: 0 });
    assert_eq!(store.keys().await.expect("listed"), ["new"]);

    let after = store.load(id).await.expect("loaded").expect("tokens");
    assert_eq!((after.0.access.expose(), after.1), ("planted-access-a", before.1), "they are the same tokens");
    for state in ["one", "two"] {
        let taken = store.take_authorization(state).await.expect("answered").expect("somebody");
        assert_eq!(taken.draft.expose(), format!("planted-draft-{state}"));
    }
    store.remove(id).await.expect("removed");
    subject.tamper("DELETE FROM secrets").await;
    assert!(store.keys().await.expect("listed").is_empty(), "what was removed needs no key");
}

pub(crate) async fn rotation_goes_through_more_than_a_page(subject: &Subject) {
    let ann = subject.ann();
    let secrets = (0..300).map(|number| (format!("field {number:03}"), Secret::new(format!("planted-{number}"))));
    let made = ann.create(NewIntegration { secrets: secrets.collect(), ..new("one") }).await.expect("made");
    let store = subject.store.clone().with_vault(vault(NEW));
    assert_eq!(store.rotate(1_000).await.expect("rotated"), Rotated { resealed: 300, unreadable: 0, left: 0 });
    let opened = store.scoped(crate::support::ann()).secrets(made.id).await.expect("opened");
    assert!(opened.iter().enumerate().all(|(number, (_, secret))| secret.expose() == format!("planted-{number}")));
}

pub(crate) async fn rotation_says_so_when_the_key_service_is_gone(subject: &Subject) {
    let ann = subject.ann();
    let id = ann.create(new("one")).await.expect("made").id;
    let gone = subject.store.clone().with_vault(Vault::new(Gone(KeyRing::parse(&Secret::new(NEW)).expect("keys"))));
    assert_eq!(gone.rotate(10).await.expect_err("not unreadable").kind(), ErrorKind::Unavailable);
    assert_eq!(ann.secrets(id).await.expect("opened").len(), 2, "and nothing has changed");
}

pub(crate) async fn rotation_never_replaces_a_newer_secret(subject: &Subject) {
    let ann = subject.ann();
    let id = ann.create(new("one")).await.expect("made").id;
    let ring = KeyRing::parse(&Secret::new(NEW)).expect("keys");
    let keys = Meanwhile { ring, ann: ann.clone(), id, once: AtomicBool::new(false) };
    let rotating = subject.store.clone().with_vault(Vault::new(keys));
    let first = rotating.rotate(10).await.expect("rotated");
    assert_eq!(first, Rotated { resealed: 1, unreadable: 0, left: 1 }, "the replaced one is left alone");
    assert_eq!(ann.secrets(id).await.expect_err("the other is under the new key").get("key"), Some("new"));
    let both = subject.store.clone().with_vault(vault(NEW)).scoped(crate::support::ann());
    assert_eq!(both.secrets(id).await.expect("opened")[0].1.expose(), "planted-meanwhile");
    assert_eq!(rotating.rotate(10).await.expect("rotated"), Rotated { resealed: 1, unreadable: 0, left: 0 });
    assert_eq!(both.secrets(id).await.expect("opened")[0].1.expose(), "planted-meanwhile");
}

/// Keys under which nothing is wrapped before somebody has replaced the secret.
#[derive(Debug)]
struct Meanwhile {
    ring: KeyRing,
    ann: Scoped,
    id: IntegrationId,
    once: AtomicBool,
}

#[async_trait]
impl KeyService for Meanwhile {
    fn current(&self) -> String {
        self.ring.current()
    }

    fn holds(&self, key: &str) -> bool {
        self.ring.holds(key)
    }

    async fn wrap(&self, place: &VaultPlace<'_>, data_key: &DataKey) -> Result<Wrapped> {
        if !self.once.swap(true, Ordering::SeqCst) {
            let secrets = vec![("key".into(), Some("planted-meanwhile".into()))];
            let change = IntegrationChange { secrets, ..IntegrationChange::default() };
            self.ann.update(self.id, None, change).await?;
        }
        self.ring.wrap(place, data_key).await
    }

    async fn unwrap(&self, place: &VaultPlace<'_>, key: &str, wrapped: &[u8]) -> Result<DataKey> {
        self.ring.unwrap(place, key, wrapped).await
    }
}

/// Keys that nothing can be wrapped under at the moment.
#[derive(Debug)]
struct Gone(KeyRing);

#[async_trait]
impl KeyService for Gone {
    fn current(&self) -> String {
        self.0.current()
    }

    fn holds(&self, key: &str) -> bool {
        self.0.holds(key)
    }

    async fn wrap(&self, _: &VaultPlace<'_>, _: &DataKey) -> Result<Wrapped> {
        Err(Error::new(ErrorKind::Unavailable, "the key service does not answer: try again later"))
    }

    async fn unwrap(&self, place: &VaultPlace<'_>, key: &str, wrapped: &[u8]) -> Result<DataKey> {
        self.0.unwrap(place, key, wrapped).await
    }
}

/// Everything in a database, bytes as text. A dump writes them in hexadecimal.
fn dump(url: &str) -> Vec<u8> {
    let mut dump = std::process::Command::new(catchment_testkit::backends::postgres_programs().join("pg_dump"));
    let out = dump.arg(url).output().expect("pg_dump runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let mut everything = out.stdout;
    for word in everything.clone().split(|byte| byte.is_ascii_whitespace()) {
        everything.extend(word.strip_prefix(b"\\\\x").and_then(|digits| hex::decode(digits).ok()).unwrap_or_default());
    }
    everything
}
