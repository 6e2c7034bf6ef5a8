//! Keys: how they are given, named, kept in a file and replaced.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, thread};

use catchment_core::{Error, ErrorKind, IntegrationId, Secret};
use catchment_vault::{KeyRing, KeyService, Place, Vault};

const ONE: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const TWO: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn place() -> Place<'static> {
    Place { organization: "acme", integration: IntegrationId(7), field: "token" }
}

fn ring(setting: impl Into<String>) -> catchment_core::Result<KeyRing> {
    KeyRing::parse(&Secret::new(setting.into()))
}

async fn seal(ring: &KeyRing, text: &str) -> Vec<u8> {
    Vault::new(ring.clone()).seal(&place(), &Secret::new(text)).await.expect("it works")
}

async fn open(ring: &KeyRing, sealed: &[u8]) -> catchment_core::Result<Secret> {
    Vault::new(ring.clone()).open(&place(), sealed).await
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).expect("it works");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it works");
}

fn shows_nothing(error: &Error) {
    let shown = format!("{error} {error:?}").to_ascii_lowercase();
    for key in [ONE, TWO] {
        assert!(!shown.contains(&key[8..24]), "{shown}");
    }
}

#[test]
fn the_first_key_is_the_current_one() {
    let keys = ring(format!("new:{TWO}, old:{}", ONE.to_uppercase())).unwrap();
    assert_eq!((keys.current(), keys.ids()), ("new".into(), vec!["new".to_owned(), "old".to_owned()]));
    assert!(keys.holds("old") && !keys.holds("older"));
    assert!(ring(format!(" {ONE}\n")).is_ok(), "a line end comes along when a key is read from a file");
}

#[tokio::test]
async fn a_key_can_be_given_a_name_later() {
    let sealed = seal(&ring(ONE).unwrap(), "s3cr3t").await;
    assert_eq!(open(&ring(format!("main:{ONE}")).unwrap(), &sealed).await.unwrap().expose(), "s3cr3t");
}

#[test]
fn a_wrong_setting_says_which_key_and_shows_none() {
    let zeros = "0".repeat(64);
    for (setting, number) in [
        (String::new(), "1"),
        (ONE[..63].to_owned(), "1"),
        (format!("{ONE}0"), "1"),
        (format!("{ONE},"), "2"),
        (format!("a:{ONE},b:{}x", &TWO[1..]), "2"),
        (format!("a:{ONE},a:{TWO}"), "2"),
        (format!("a:{ONE},b:{ONE}"), "2"),
        (format!("a b:{ONE}"), "1"),
        (format!(":{ONE}"), "1"),
        (format!("{TWO}:{ONE}:{ONE}"), "1"),
        (format!("k0123456789abcdef:{ONE}"), "1"),
        (zeros, "1"),
    ] {
        let error = ring(setting.clone()).expect_err(&setting);
        assert_eq!((error.kind(), error.get("key number")), (ErrorKind::Config, Some(number)), "{setting}");
        assert_eq!(error.get("field"), Some("CATCHMENT_ENCRYPTION_KEY"));
        shows_nothing(&error);
    }
}

#[tokio::test]
async fn a_missing_key_is_named_with_what_to_do() {
    let sealed = seal(&ring(format!("k1:{ONE}")).unwrap(), "s3cr3t").await;
    let error = open(&ring(TWO).unwrap(), &sealed).await.unwrap_err();
    assert_eq!((error.kind(), error.get("key")), (ErrorKind::Config, Some("k1")));
    assert!(error.message().starts_with("the key `k1` that sealed this is not in the ring: add it to"), "{error}");
    shows_nothing(&error);
}

#[tokio::test]
async fn another_key_of_the_same_name_opens_nothing() {
    let sealed = seal(&ring(format!("k1:{ONE}")).unwrap(), "s3cr3t").await;
    let error = open(&ring(format!("k1:{TWO}")).unwrap(), &sealed).await.unwrap_err();
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("token")), "{error}");
}

#[test]
fn nothing_shows_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = KeyRing::from_file(folder.path().join("keys")).unwrap();
    let setting = ring(format!("main:{ONE}")).unwrap();
    let shown = format!("{setting:?} {:#?} {:?}", Vault::new(setting.clone()), Vault::new(file.clone()));
    assert!(shown.contains("main") && shown.contains(&file.current()), "{shown}");
    assert!(!shown.contains(&ONE[..16]), "{shown}");
    let line = fs::read_to_string(folder.path().join("keys")).unwrap();
    let key = line.lines().last().unwrap().split_once(':').unwrap().1;
    assert!(key.len() == 64 && !shown.contains(&key[..16]), "{shown}");
}

#[tokio::test]
async fn a_key_file_is_made_on_first_start_and_found_on_the_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("encryption-keys");
    let first = KeyRing::from_file(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let sealed = seal(&first, "s3cr3t").await;
    let second = KeyRing::from_file(&path).unwrap();
    assert_eq!(first.current(), second.current());
    assert_eq!(open(&second, &sealed).await.unwrap().expose(), "s3cr3t");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn of_many_that_start_at_once_one_makes_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let barrier = std::sync::Barrier::new(16);
    let ids: Vec<String> = thread::scope(|scope| {
        let start = || {
            barrier.wait();
            KeyRing::from_file(&path).unwrap().current()
        };
        let starting: Vec<_> = (0..16).map(|_| scope.spawn(start)).collect();
        starting.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_key_file_that_others_may_read_is_refused_with_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    for mode in [0o640, 0o604, 0o620, 0o644] {
        write(&path, &format!("{ONE}\n"), mode);
        let error = KeyRing::from_file(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains(&format!("chmod 600 {}", path.display())), "{error}");
    }
    write(&path, &format!("{ONE}\n"), 0o400);
    assert!(KeyRing::from_file(&path).is_ok());
}

#[test]
fn a_damaged_key_file_says_which_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    KeyRing::from_file(&path).unwrap();
    KeyRing::add_to_file(&path).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    let lines = good.lines().count();
    let cut = |text: &str, at: usize| text[..at].to_owned();
    let edited = |text: &str| {
        let at = text.len() - 5;
        let other = if &text[at..=at] == "7" { "8" } else { "7" };
        format!("{}{other}{}", &text[..at], &text[at + 1..])
    };
    let wrong = |number: usize| format!("line {number} of the key file is wrong");
    let first = good.find('k').map(|_| good.lines().take(lines - 2).map(|line| line.len() + 1).sum::<usize>()).unwrap();
    for (text, says) in [
        (cut(&good, good.len() - 2), wrong(lines)),
        (cut(&good, good.len() - 40), wrong(lines)),
        (cut(&good, first + 10), wrong(lines - 1)),
        (cut(&good, first), format!("ends after line {} without a key", lines - 2)),
        (String::new(), "ends after line 0 without a key".into()),
        (edited(&good), wrong(lines)),
        (format!("{good}{ONE}{TWO}\n"), wrong(lines + 1)),
        (format!("{good}{}", good.lines().last().unwrap()), wrong(lines + 1)),
    ] {
        write(&path, &text, 0o600);
        let error = KeyRing::from_file(&path).expect_err(&says);
        assert!(error.kind() == ErrorKind::Config && error.message().contains(&says), "{says}: {error}");
        shows_nothing(&error);
        let digits = good.lines().last().unwrap().split_once(':').unwrap().1;
        assert!(!format!("{error} {error:?}").contains(&digits[..12]));
    }
    write(&path, "\u{0}\u{1}", 0o600);
    assert!(KeyRing::from_file(&path).is_err());
    fs::write(&path, b"\xff\xfe").unwrap();
    assert_eq!(KeyRing::from_file(&path).unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(KeyRing::from_file(folder.path()).unwrap_err().kind(), ErrorKind::Config);
    let error = KeyRing::from_file(folder.path().join("not/there/keys")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(KeyRing::add_to_file(folder.path().join("keys")).unwrap_err().kind(), ErrorKind::Config);
}

#[tokio::test]
async fn a_new_key_in_the_file_reaches_every_process_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let running = KeyRing::from_file(&path).unwrap();
    let old = running.current();
    let before = seal(&running, "before").await;
    let new = KeyRing::add_to_file(&path).unwrap();
    assert_ne!(old, new);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let other = KeyRing::from_file(&path).unwrap();
    assert_eq!(other.ids(), [new.clone(), old.clone()]);
    let elsewhere = seal(&other, "elsewhere").await;
    assert_eq!(open(&running, &elsewhere).await.unwrap().expose(), "elsewhere");
    let after = seal(&running, "after").await;
    assert_eq!(Vault::key_of(&after).unwrap(), new);
    assert_eq!(open(&running, &before).await.unwrap().expose(), "before");
    let resealed = Vault::new(running).reseal(&place(), &before).await.unwrap().expect("another key");
    assert_eq!(open(&other, &resealed).await.unwrap().expose(), "before");
}

#[tokio::test]
async fn a_file_that_is_gone_or_broken_leaves_the_keys_of_a_running_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let running = KeyRing::from_file(&path).unwrap();
    let sealed = seal(&running, "s3cr3t").await;
    write(&path, "nonsense", 0o600);
    assert_eq!(open(&running, &sealed).await.unwrap().expose(), "s3cr3t");
    fs::remove_file(&path).unwrap();
    let again = seal(&running, "again").await;
    assert_eq!(open(&running, &again).await.unwrap().expose(), "again");
    let error = open(&running, &seal(&ring(format!("k1:{ONE}")).unwrap(), "x").await).await.unwrap_err();
    assert!(error.message().contains("`k1`") && error.get("file").is_some(), "{error}");
}

#[test]
fn keys_that_are_added_at_once_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let first = KeyRing::from_file(&path).unwrap().current();
    let mut added: Vec<String> = thread::scope(|scope| {
        let adding: Vec<_> = (0..8).map(|_| scope.spawn(|| KeyRing::add_to_file(&path).unwrap())).collect();
        adding.into_iter().map(|one| one.join().unwrap()).collect()
    });
    added.push(first);
    added.sort();
    let mut ids = KeyRing::from_file(&path).unwrap().ids();
    ids.sort();
    assert_eq!(ids, added);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_note_in_the_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    write(&path, &format!("# ours\n\nmain:{ONE}\n"), 0o600);
    let new = KeyRing::add_to_file(&path).unwrap();
    assert_eq!(KeyRing::from_file(&path).unwrap().ids(), [new.as_str(), "main"]);
    assert!(fs::read_to_string(&path).unwrap().starts_with("# ours\n"));
}
