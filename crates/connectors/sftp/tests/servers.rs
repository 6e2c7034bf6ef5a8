//! Servers that are not what they seem, ask oddly, or keep to the letter of the protocol alone.

mod odd;
mod place;

use std::{
    borrow::Cow,
    sync::{Arc, atomic::Ordering},
};

use catchment_core::{ByteRange, Connector, Context, ErrorKind, Result};
use catchment_testkit::backends;
use odd::{Lets, Odd, OddServer, PASSWORD, content, start};
use place::{connect, named, read, stranger, walked};
use russh::{Preferred, cipher, kex};
use serde_json::{Value, json};

async fn server(lets: Lets, odd: Odd) -> OddServer {
    start(lets, odd, Preferred::DEFAULT, &stranger()).await
}

fn open(server: &OddServer, changes: Value) -> Result<Arc<dyn Connector>> {
    let settings = json!({
        "url": server.address.to_string(),
        "username": "ann",
        "password": PASSWORD,
        "folder_path": "/data",
        "host_key": server.key,
        "timeout_seconds": 5,
    });
    connect(settings, changes, Context::local())
}

async fn odd(odd: Odd) -> (OddServer, Arc<dyn Connector>) {
    let server = server(Lets::Password, odd).await;
    let connector = open(&server, json!({})).expect("good settings");
    (server, connector)
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_with_another_key() {
    let server = server(Lets::Password, Odd::Nothing).await;
    let other = &backends::openssh().host_keys[0];
    let print = "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA";
    let revoked = format!("{}\n@revoked * {}", server.key, server.key);
    for pin in [json!(other), json!(print), json!(revoked), Value::Null] {
        let connector = open(&server, json!({ "host_key": pin })).expect("good settings");
        let error = connector.check().await.expect_err("another key");
        assert_eq!((error.kind(), error.get("step")), (ErrorKind::Config, Some("host key")), "{pin}: {error}");
        assert!(error.get("seen").is_some_and(|seen| seen.starts_with("SHA256:")), "{error}");
        assert_eq!(server.attempts.load(Ordering::SeqCst), 0, "{pin}: somebody tried to log in");
    }
    let connector = open(&server, json!({})).expect("good settings");
    connector.check().await.expect("its own key");
    assert!(server.attempts.load(Ordering::SeqCst) > 0, "attempts are counted");
}

#[tokio::test]
async fn who_was_believed_first_is_believed_alone() {
    let first = server(Lets::Password, Odd::Nothing).await;
    let proxy = catchment_testkit::tcp::TcpProxy::start(first.address).await.expect("a proxy");
    let trusting = json!({ "host_key": null, "trust_on_first_use": true, "url": proxy.address().to_string() });
    let connector = open(&first, trusting).expect("good settings");
    connector.check().await.expect("believed");
    let second = server(Lets::Password, Odd::Nothing).await;
    proxy.lead_to(second.address);
    proxy.cut();
    let error = connector.check().await.expect_err("another key");
    assert_eq!((error.kind(), error.get("step")), (ErrorKind::Config, Some("host key")), "{error}");
    assert_eq!(second.attempts.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_password_is_given_by_a_prompt_where_that_is_the_only_way() {
    let prompting = server(Lets::Prompt, Odd::Nothing).await;
    open(&prompting, json!({})).expect("good settings").check().await.expect("let in");
    let error = open(&prompting, json!({"password": "wrong"})).expect("plausible").check().await.expect_err("wrong");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Unauthenticated, Some("password")), "{error}");
    let two = server(Lets::TwoPrompts, Odd::Nothing).await;
    let error = open(&two, json!({})).expect("plausible").check().await.expect_err("a second factor");
    assert!(error.kind() == ErrorKind::Unauthenticated && error.message().contains("second factor"), "{error}");
}

#[tokio::test]
async fn a_key_and_a_password_are_given_where_both_are_wanted() {
    let both = server(Lets::KeyAndPassword, Odd::Nothing).await;
    let key = stranger();
    open(&both, json!({"private_key": key})).expect("good settings").check().await.expect("let in");
    let alone = open(&both, json!({"private_key": key, "password": null})).expect("plausible");
    let error = alone.check().await.expect_err("the password is missing");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Unauthenticated, Some("password")), "{error}");
    let wrong = open(&both, json!({"private_key": key, "password": "wrong"})).expect("plausible");
    assert_eq!(wrong.check().await.expect_err("wrong").get("field"), Some("password"));
    let no_key = open(&both, json!({})).expect("plausible").check().await.expect_err("the key is missing");
    assert_eq!(no_key.get("field"), Some("private_key"), "{no_key}");
}

#[tokio::test]
async fn a_server_that_hangs_up_says_nothing_about_the_credential() {
    let hasty = server(Lets::HangsUp, Odd::Nothing).await;
    let error = open(&hasty, json!({})).expect("good settings").check().await.expect_err("hung up");
    assert_eq!((error.kind(), error.get("step")), (ErrorKind::Unavailable, Some("login")), "{error}");
}

#[tokio::test]
async fn a_server_with_old_ciphers_alone_is_told_as_such() {
    for preferred in [
        Preferred { cipher: Cow::Borrowed(&[cipher::AES_128_CBC]), ..Preferred::DEFAULT },
        Preferred { kex: Cow::Borrowed(&[kex::DH_G14_SHA1]), ..Preferred::DEFAULT },
    ] {
        let old = start(Lets::Password, Odd::Nothing, preferred, &stranger()).await;
        let error = open(&old, json!({})).expect("plausible").check().await.expect_err("too old");
        assert_eq!((error.kind(), error.get("step")), (ErrorKind::Config, Some("network")), "{error:?}");
        assert!(error.message().contains("encryption") && error.get("of").is_some(), "{error}");
        assert_eq!(old.attempts.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn a_user_without_sftp_is_told_as_such() {
    let (_server, connector) = odd(Odd::NoSubsystem).await;
    let error = connector.check().await.expect_err("no SFTP");
    assert_eq!((error.kind(), error.get("step")), (ErrorKind::Forbidden, Some("subsystem")), "{error}");
    let (_server, connector) = odd(Odd::Chatter).await;
    let error = connector.check().await.expect_err("a login script");
    assert_eq!((error.kind(), error.get("step")), (ErrorKind::Protocol, Some("subsystem")), "{error}");
    assert!(error.message().contains("login script"));
}

#[tokio::test]
async fn handles_and_listings_of_any_shape_are_understood() {
    for shape in [Odd::Nothing, Odd::ShortReads, Odd::EmptyPages, Odd::NoAttributes, Odd::NoFstat] {
        let (_server, connector) = odd(shape).await;
        let (all, errors, complete) = walked(connector.as_ref()).await;
        assert!(errors.is_empty() && complete, "{shape:?}: {errors:?}");
        let wanted = if shape == Odd::EmptyPages {
            vec!["file 2.txt", "file 4.txt"]
        } else {
            vec!["file 1.txt", "file 2.txt", "file 3.txt", "file 4.txt"]
        };
        assert_eq!(all.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), wanted, "{shape:?}");
        let file = named(&all, "file 2.txt");
        assert!(file.is_file() && file.fingerprint.is_some(), "{shape:?}: {file:?}");
        let came = read(connector.as_ref(), file).await.unwrap_or_else(|error| panic!("{shape:?}: {error:?}"));
        assert!(came == content(), "{shape:?}: {} bytes", came.len());
    }
}

#[tokio::test]
async fn bytes_too_few_and_too_many_are_errors() {
    for (shape, kind) in [(Odd::EndsEarly, ErrorKind::Conflict), (Odd::LongReads, ErrorKind::Protocol)] {
        let (_server, connector) = odd(shape).await;
        let entry = connector.need_browse().expect("browse").lookup("file 1.txt").await.expect("there");
        let error = read(connector.as_ref(), &entry).await.expect_err("not the file");
        assert_eq!(error.kind(), kind, "{shape:?}: {error}");
    }
}

#[tokio::test]
async fn a_listing_that_fails_in_the_middle_is_not_the_shorter_one() {
    let (_server, connector) = odd(Odd::FailsInTheMiddle).await;
    let (_, errors, complete) = walked(connector.as_ref()).await;
    assert!(!complete && errors.len() == 1, "{errors:?}");
    assert!(!format!("{errors:?}").contains("secret words"), "what a server writes is no message");
}

#[tokio::test]
async fn a_server_with_host_keys_of_another_kind_alone_is_told_as_such() {
    let of_another_kind = backends::openssh().host_keys.iter().find(|key| key.starts_with("ssh-rsa")).cloned();
    let server = server(Lets::Password, Odd::Nothing).await;
    let connector = open(&server, json!({ "host_key": of_another_kind.expect("an RSA key") })).expect("good settings");
    let error = connector.check().await.expect_err("it has no such key");
    let marks = (error.kind(), error.get("step"), error.get("field"));
    assert_eq!(marks, (ErrorKind::Config, Some("host key"), Some("host_key")), "{error}");
    assert_eq!(server.attempts.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_folder_without_end_is_an_error() {
    for shape in [Odd::EmptyForEver, Odd::Anew] {
        let (_server, connector) = odd(shape).await;
        let (all, errors, complete) = walked(connector.as_ref()).await;
        assert!(!complete && all.len() <= 1_000, "{shape:?}: {} entries", all.len());
        assert_eq!(errors.iter().map(|error| error.kind()).collect::<Vec<_>>(), [ErrorKind::Protocol], "{shape:?}");
    }
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_no_entries() {
    let (_server, connector) = odd(Odd::Ways).await;
    let (all, errors, complete) = walked(connector.as_ref()).await;
    assert!(errors.is_empty() && complete, "{errors:?}");
    assert_eq!(all.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["file 1.txt"]);
}

#[tokio::test]
async fn what_may_not_be_looked_at_is_a_branch_that_was_not_listed() {
    let (_server, connector) = odd(Odd::Veiled).await;
    let (all, errors, complete) = walked(connector.as_ref()).await;
    assert!(!complete, "what is below it must not pass for gone");
    assert_eq!(all.len(), 4, "the others are not hidden by it: {all:?}");
    let told: Vec<_> = errors.iter().map(|error| (error.kind(), error.get("path"))).collect();
    assert_eq!(told, [(ErrorKind::Forbidden, Some("file 2.txt"))]);
}

#[tokio::test]
async fn a_size_beyond_all_files_is_not_believed() {
    let (_server, connector) = odd(Odd::Vast).await;
    let mut entry = connector.need_browse().expect("browse").lookup("file 1.txt").await.expect("there");
    assert_eq!(entry.size, Some(u64::MAX));
    let error = read(connector.as_ref(), &entry).await.expect_err("not so much");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    entry.fingerprint = None;
    let download = connector.need_download().expect("download");
    for range in [ByteRange::from(u64::MAX - 1), ByteRange::new(u64::MAX - 9, 9), ByteRange::new(u64::MAX, u64::MAX)] {
        let came = download.open(&entry, Some(range)).await.expect("opened").collect(10).await;
        assert!(came.is_err() || came.is_ok_and(|came| came.is_empty()), "{range:?}");
    }
}
