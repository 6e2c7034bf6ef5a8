//! Reading from signed addresses: at another host, expired, cut, damaged, of another version.

mod fake;

use catchment_core::{ByteRange, Connector, Entry, EntryKind, Error, ErrorKind, Result};
use catchment_testkit::faults::{Fault, FaultProxy};
use fake::{Fake, connect, settings};
use futures::TryStreamExt;

fn bytes() -> Vec<u8> {
    (0..3_000_000_u32).map(|at| (at % 251) as u8).collect()
}

async fn entry(connector: &dyn Connector, path: &str) -> Entry {
    connector.need_browse().expect("browse").lookup(path).await.expect("there")
}

async fn read(connector: &dyn Connector, entry: &Entry, range: Option<ByteRange>) -> Result<Vec<u8>> {
    connector.need_download()?.open(entry, range).await?.collect(1 << 23).await
}

async fn refused(connector: &dyn Connector, entry: &Entry) -> Error {
    read(connector, entry, None).await.expect_err("must be refused")
}

#[tokio::test]
async fn the_bytes_come_from_another_host_that_sees_no_credential() {
    let fake = Fake::new().await;
    let store = fake.elsewhere().await;
    fake.account().store = Some(store.address.to_string());
    fake.account().put("a.pdf", b"content");
    let mut settings = fake.settings();
    settings["user_id"] = "A1".into();
    let connector = connect(settings, catchment_core::Context::local()).expect("good settings");
    let entry = entry(connector.as_ref(), "a.pdf").await;
    assert_eq!(read(connector.as_ref(), &entry, None).await.expect("read"), b"content");
    let account = fake.account();
    let (request, status, _) =
        account.asked.iter().find(|(request, ..)| request.path.starts_with("/objects/")).expect("asked");
    let shown = format!("{:?}", request.headers);
    assert_eq!(*status, 200);
    assert!(!shown.contains(fake::APP) && !shown.contains("authorization") && !shown.contains("x-user-id"), "{shown}");
    // And the services that are to know on whose behalf do.
    let on_behalf = |name: &str| {
        account.asked.iter().filter(|(request, ..)| request.headers.iter().any(|(key, _)| key == name)).count()
    };
    assert!(on_behalf("x-user-id") > 3, "no call was made as the user");
}

#[tokio::test]
async fn an_address_that_expired_in_the_middle_is_asked_for_again() {
    let fake = Fake::new().await;
    let store = fake.elsewhere().await;
    let proxy = FaultProxy::start(store.address).await.expect("a proxy");
    fake.account().store = Some(proxy.address().to_string());
    // Each address is honoured once.
    fake.account().uses = 1;
    fake.account().put("large.pdf", &bytes());
    let connector = fake.connector();
    let entry = entry(connector.as_ref(), "large.pdf").await;
    proxy.then([Fault::CutBody(1_000_000), Fault::CutBody(500_000)]);
    assert_eq!(read(connector.as_ref(), &entry, None).await.expect("whole"), bytes());
    assert_eq!(fake.account().signed.len(), 3, "each part came from an address of its own");
    proxy.then([Fault::CutBody(100_000)]);
    let part = read(connector.as_ref(), &entry, Some(ByteRange::new(1_000, 2_000_000))).await.expect("a part");
    assert_eq!(part, bytes()[1_000..2_001_000]);
}

#[tokio::test]
async fn an_address_that_expired_before_it_was_used_is_asked_for_once_more() {
    let fake = Fake::new().await;
    let store = fake.elsewhere().await;
    let proxy = FaultProxy::start(store.address).await.expect("a proxy");
    fake.account().store = Some(proxy.address().to_string());
    fake.account().put("a.pdf", b"content");
    let connector = fake.connector();
    let entry = entry(connector.as_ref(), "a.pdf").await;
    let expired = || Fault::Status {
        status: 403,
        retry_after: None,
        body: "<Error><Code>AccessDenied</Code></Error>".to_owned(),
    };
    proxy.then([expired()]);
    assert_eq!(read(connector.as_ref(), &entry, None).await.expect("read"), b"content");
    proxy.set(expired());
    let error = refused(connector.as_ref(), &entry).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "an address is not a right: {error}");
    assert!(!format!("{error} {error:?}").contains("s1gn4ture"), "{error:?}");
}

#[tokio::test]
async fn a_file_that_gets_a_newer_version_in_the_middle_is_no_mixture() {
    let fake = Fake::new().await;
    let store = fake.elsewhere().await;
    let proxy = FaultProxy::start(store.address).await.expect("a proxy");
    fake.account().store = Some(proxy.address().to_string());
    fake.account().put("large.pdf", &bytes());
    let connector = fake.connector();
    let entry = entry(connector.as_ref(), "large.pdf").await;
    proxy.then([Fault::CutBody(1_000_000)]);
    let content = connector.need_download().expect("download").open(&entry, None).await.expect("opened");
    let version = content.version.clone();
    fake.account().put("large.pdf", b"another content");
    assert_eq!(content.collect(1 << 23).await.expect("the version that was opened"), bytes());
    assert_eq!(version.as_deref(), entry.fingerprint.as_ref().map(|mark| mark.as_str()));
    assert_eq!(refused(connector.as_ref(), &entry).await.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn damaged_bytes_are_found_by_their_hash() {
    let fake = Fake::new().await;
    fake.account().put("a.pdf", b"content");
    let connector = fake.connector();
    let entry = entry(connector.as_ref(), "a.pdf").await;
    fake.account().damaged = true;
    let content = connector.need_download().expect("download").open(&entry, None).await.expect("opened");
    let chunks: Result<Vec<_>> = content.body.try_collect().await;
    assert_eq!(chunks.expect_err("damaged").kind(), ErrorKind::Unreadable);
}

#[tokio::test]
async fn what_cannot_be_read_says_why() {
    let fake = Fake::new().await;
    let model = fake.account().put("model.rvt", b"x");
    fake.account().put("fresh.pdf", b"x");
    fake.account().unpublished.insert(model);
    let connector = fake.connector();
    let special = entry(connector.as_ref(), "model.rvt").await;
    assert!(matches!(&special.kind, EntryKind::Special(why) if why.contains("publish")), "{special:?}");
    assert_eq!(refused(connector.as_ref(), &special).await.kind(), ErrorKind::Unreadable);
    let fresh = entry(connector.as_ref(), "fresh.pdf").await;
    fake.account().chunked = true;
    assert_eq!(refused(connector.as_ref(), &fresh).await.kind(), ErrorKind::Unavailable);
    fake.account().remove("fresh.pdf");
    assert_eq!(refused(connector.as_ref(), &fresh).await.kind(), ErrorKind::NotFound, "a deleted file keeps its id");
}

#[tokio::test]
async fn a_file_costs_two_calls_and_its_bytes() {
    let fake = Fake::new().await;
    fake.account().put("deep/er/a.pdf", b"content");
    let connector = connect(settings(fake.address), catchment_core::Context::local()).expect("good settings");
    let entry = entry(connector.as_ref(), "deep/er/a.pdf").await;
    let before = fake.account().asked.len();
    read(connector.as_ref(), &entry, None).await.expect("read");
    let calls = fake.account().calls().split_off(before);
    assert_eq!(calls.len(), 3, "{calls:?}");
}
