//! Contents: hashes, what breaks off, what changes meanwhile, exports, redirects.

mod fake;

use std::sync::{Arc, Mutex};

use axum::{Router, extract::Request, routing::any};
use catchment_core::{ByteRange, Connector, Content, Entry, ErrorKind, Result};
use catchment_testkit::{
    faults::{Fault, FaultProxy},
    world::Key,
};
use fake::{Answer, Document, Fake};
use futures::StreamExt;
use serde_json::json;
use tokio::net::TcpListener;

const LARGE: usize = 9 << 20;

fn large() -> Vec<u8> {
    (0..LARGE).map(|at| (at % 251) as u8).collect()
}

async fn listed(connector: &dyn Connector, path: &str) -> Entry {
    connector.need_browse().expect("browse").lookup(path).await.expect("there")
}

async fn open(connector: &dyn Connector, entry: &Entry, range: Option<ByteRange>) -> Result<Content> {
    connector.need_download()?.open(entry, range).await
}

async fn read(connector: &dyn Connector, entry: &Entry) -> Result<Vec<u8>> {
    open(connector, entry, None).await?.collect(1 << 24).await
}

/// A Paper document, which is exported alone.
fn paper(fake: &Fake) -> Key {
    let mut account = fake.account();
    let key = account.drive.world.put(Key::ROOT, "Plan.paper", "source").expect("put");
    let exports = [("html", "<h1>Plan</h1>"), ("markdown", "# Plan")];
    let exports = exports.map(|(format, text)| (format, text.as_bytes().into())).into();
    let document = Document { export_as: Some("html"), options: vec!["html", "markdown"], exports };
    account.drive.documents.insert(key, document);
    key
}

#[tokio::test]
async fn a_hash_that_does_not_match_fails_the_whole_file_and_no_part_of_it() {
    let fake = Fake::new().await;
    let key = fake.account().drive.world.put(Key::ROOT, "file.bin", large()).expect("put");
    fake.account().drive.hashes.insert(key, "0".repeat(64));
    let connector = fake.connector();
    let entry = listed(connector.as_ref(), "file.bin").await;
    let error = read(connector.as_ref(), &entry).await.expect_err("damaged");
    assert_eq!(error.kind(), ErrorKind::Unreadable);
    let part = open(connector.as_ref(), &entry, Some(ByteRange::new(5, 9))).await.expect("opened");
    assert_eq!(part.collect(9).await.expect("read"), large()[5..14]);
}

#[tokio::test]
async fn a_body_that_breaks_off_goes_on_with_the_same_revision_though_the_file_has_changed() {
    let fake = Fake::new().await;
    fake.account().drive.world.put(Key::ROOT, "file.bin", large()).expect("put");
    let proxy = FaultProxy::start(fake.address).await.expect("a proxy");
    let connector = fake.connect(json!({ "url": format!("http://{}", proxy.address()) })).expect("good settings");
    let entry = listed(connector.as_ref(), "file.bin").await;
    proxy.then([Fault::CutBody(5 << 20)]);
    let content = open(connector.as_ref(), &entry, None).await.expect("opened");
    fake.account().drive.world.put(Key::ROOT, "file.bin", "another").expect("put");
    assert!(content.collect(1 << 24).await.expect("all of it") == large());
    let calls = fake.account().calls.clone();
    let resumed = calls.last().expect("a call");
    let header =
        |name: &str| resumed.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str());
    assert_eq!(resumed.argument["path"], format!("rev:{}", entry.fingerprint.expect("a revision").as_str()));
    assert!(header("range").is_some_and(|range| range.starts_with("bytes=5242880-")), "{:?}", header("range"));
}

#[tokio::test]
async fn a_body_that_breaks_off_for_good_is_an_error() {
    let fake = Fake::new().await;
    fake.account().drive.world.put(Key::ROOT, "file.bin", large()).expect("put");
    let proxy = FaultProxy::start(fake.address).await.expect("a proxy");
    let connector = fake.connect(json!({ "url": format!("http://{}", proxy.address()) })).expect("good settings");
    let entry = listed(connector.as_ref(), "file.bin").await;
    proxy.set(Fault::CutBody(1000));
    let error = read(connector.as_ref(), &entry).await.expect_err("cut");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(fake.count("files/download"), 4, "the first and three more");
}

#[tokio::test]
async fn paper_is_exported_to_what_can_be_read() {
    let fake = Fake::new().await;
    paper(&fake);
    let connector = fake.connector();
    let entry = listed(connector.as_ref(), "Plan.paper").await;
    assert!(entry.is_file() && entry.size.is_none() && entry.hash.is_none(), "{entry:?}");
    assert_eq!(entry.mime.as_deref(), Some("text/html"));
    let content = open(connector.as_ref(), &entry, None).await.expect("opened");
    assert_eq!((content.size, content.mime.as_deref()), (Some(13), Some("text/html")));
    assert_eq!(content.version.as_deref(), entry.fingerprint.as_ref().map(|mark| mark.as_str()));
    assert_eq!(content.collect(99).await.expect("read"), b"<h1>Plan</h1>");
    for (range, wanted) in [
        (ByteRange::new(4, 4), &b"Plan"[..]),
        (ByteRange::from(8), b"</h1>"),
        (ByteRange::new(0, 99), b"<h1>Plan</h1>"),
        (ByteRange::new(3, 0), b""),
        (ByteRange::from(99), b""),
    ] {
        let content = open(connector.as_ref(), &entry, Some(range)).await.expect("opened");
        assert_eq!(content.collect(99).await.expect("read"), wanted, "{range:?}");
    }
    assert_eq!(fake.count("files/download"), 0);
}

#[tokio::test]
async fn an_export_of_another_revision_is_a_conflict() {
    let fake = Fake::new().await;
    paper(&fake);
    let connector = fake.connector();
    let entry = listed(connector.as_ref(), "Plan.paper").await;
    fake.account().drive.world.put(Key::ROOT, "Plan.paper", "rewritten").expect("put");
    let error = read(connector.as_ref(), &entry).await.expect_err("changed");
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn an_entry_without_a_fingerprint_is_read_or_exported_as_it_is() {
    let fake = Fake::new().await;
    paper(&fake);
    fake.account().drive.world.put(Key::ROOT, "file.txt", "plain").expect("put");
    let connector = fake.connector();
    for (id, wanted) in [("plan.paper", "<h1>Plan</h1>"), ("file.txt", "plain")] {
        let content = read(connector.as_ref(), &Entry::file(format!("{}/{id}", fake::ROOT), "x")).await.expect("read");
        assert_eq!(content, wanted.as_bytes(), "{id}");
    }
}

#[tokio::test]
async fn what_cannot_be_had_is_special_and_says_why() {
    let fake = Fake::new().await;
    {
        let mut account = fake.account();
        let drive = &mut account.drive;
        let closed = drive.world.put(Key::ROOT, "closed.gdoc", "").expect("put");
        drive.documents.insert(closed, Document::default());
        let link = drive.world.put(Key::ROOT, "link", "").expect("put");
        drive.links.insert(link);
    }
    let connector = fake.connector();
    for (path, word) in [("closed.gdoc", "export"), ("link", "symbolic link")] {
        let kind = format!("{:?}", listed(connector.as_ref(), path).await.kind);
        assert!(kind.starts_with("Special") && kind.contains(word), "{path}: {kind}");
    }
}

#[tokio::test]
async fn one_files_failure_is_the_files_alone() {
    let fake = Fake::new().await;
    fake.account().drive.world.put(Key::ROOT, "file.txt", "x").expect("put");
    let connector = fake.connector();
    let entry = listed(connector.as_ref(), "file.txt").await;
    for (tags, kind) in [
        (&["path", "not_found"][..], ErrorKind::NotFound),
        (&["path", "restricted_content"], ErrorKind::Unreadable),
        (&["path", "locked"], ErrorKind::Unreadable),
        (&["unsupported_file"], ErrorKind::Unsupported),
        (&["path", "not_file"], ErrorKind::Unsupported),
    ] {
        fake.then("files/download", Answer::tags(tags));
        let error = read(connector.as_ref(), &entry).await.expect_err("refused");
        assert_eq!((error.kind(), error.is_item()), (kind, true), "{tags:?}");
        assert_eq!((error.get("code"), error.get("path")), (Some(tags.join("/").as_str()), Some("file.txt")));
    }
    assert_eq!(read(connector.as_ref(), &entry).await.expect("read"), b"x");
}

#[tokio::test]
async fn content_that_does_not_say_what_it_is_of_is_an_error() {
    let fake = Fake::new().await;
    fake.account().drive.world.put(Key::ROOT, "file.txt", "x").expect("put");
    let connector = fake.connector();
    let entry = listed(connector.as_ref(), "file.txt").await;
    for answer in [Answer::text(200, "x"), Answer::text(200, "x").header("dropbox-api-result", "{}")] {
        fake.then("files/download", answer);
        let error = read(connector.as_ref(), &entry).await.expect_err("unsaid");
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_takes_no_credential_along() {
    let fake = Fake::new().await;
    fake.account().drive.world.put(Key::ROOT, "file.txt", "x").expect("put");
    let connector = fake.connector();
    let entry = listed(connector.as_ref(), "file.txt").await;
    let came: Arc<Mutex<Vec<_>>> = Arc::default();
    let keep = Arc::clone(&came);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let elsewhere = format!("http://{}/", listener.local_addr().expect("an address"));
    let app = Router::new().fallback(any(move |request: Request| async move {
        keep.lock().expect("not poisoned").push(request.headers().clone());
    }));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    for status in [302, 307] {
        fake.then("files/download", Answer::text(status, "").header("location", elsewhere.clone()));
        read(connector.as_ref(), &entry).await.expect_err("nothing of use is there");
    }
    server.abort();
    let came = came.lock().expect("not poisoned");
    assert_eq!(came.len(), 2);
    assert!(came.iter().all(|headers| !headers.contains_key("authorization")), "{came:?}");
}

#[tokio::test]
async fn a_list_is_not_sent_to_another_host() {
    let fake = Fake::new().await;
    let connector = fake.connector();
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root").id;
    fake.then("files/list_folder", Answer::text(307, "").header("location", "http://127.0.0.2:9/"));
    let error = browse.children(&root, Default::default()).await.expect_err("redirected");
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn a_long_file_is_not_read_into_memory() {
    let fake = Fake::new().await;
    fake.account().drive.world.put(Key::ROOT, "file.bin", large()).expect("put");
    let connector = fake.connector();
    let entry = listed(connector.as_ref(), "file.bin").await;
    let mut body = open(connector.as_ref(), &entry, None).await.expect("opened").body;
    let first = body.next().await.expect("a chunk").expect("read");
    assert!(first.len() < LARGE / 4, "{} bytes came at once", first.len());
}
