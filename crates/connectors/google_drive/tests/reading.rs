//! Contents: versions, damage, redirects, exports and their limits, files that Google flags.

mod fake;

use catchment_core::{ByteRange, Connector, Entry, Error, ErrorKind, Result};
use catchment_testkit::{
    faults::{Fault, FaultProxy},
    world::{Key, Op},
};
use fake::{Fake, MINE, connect};
use serde_json::json;

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// More than the buffers between, so that a cut is noticed in the middle.
const LARGE: usize = 3 << 20;

fn bytes() -> Vec<u8> {
    (0..LARGE).map(|at| (at / 7 % 251) as u8).collect()
}

async fn find(connector: &dyn Connector, path: &str) -> Entry {
    connector.browse().expect("browse").lookup(path).await.expect(path)
}

async fn read(connector: &dyn Connector, path: &str) -> Result<Vec<u8>> {
    let entry = find(connector, path).await;
    connector.download().expect("download").open(&entry, None).await?.collect(1 << 24).await
}

async fn refused(connector: &dyn Connector, path: &str) -> Error {
    read(connector, path).await.map(|came| came.len()).expect_err("refused")
}

#[tokio::test]
async fn a_body_that_breaks_off_goes_on_where_it_was() {
    let drive = Fake::start().await;
    drive.make(MINE, Key::ROOT, "large.bin", Some(&bytes()));
    let proxy = FaultProxy::start(drive.address).await.expect("a proxy");
    let connector = connect(drive.settings_at(proxy.address())).expect("good settings");
    let entry = find(connector.as_ref(), "large.bin").await;
    let download = connector.download().expect("download");
    let before = proxy.seen().len();
    proxy.then([Fault::None, Fault::CutBody(1_000_000)]);
    let whole = download.open(&entry, None).await.expect("opened").collect(1 << 24).await.expect("whole");
    assert!(whole == bytes());
    // What it is; the bytes, cut; the rest; and what it is still.
    assert_eq!(proxy.seen().len() - before, 4);
    proxy.then([Fault::None, Fault::CutBody(100_000)]);
    let range = Some(ByteRange::new(1_000, 2_000_000));
    let part = download.open(&entry, range).await.expect("opened").collect(1 << 24).await.expect("whole");
    assert!(part == bytes()[1_000..2_001_000]);
}

#[tokio::test]
async fn a_file_that_changes_in_the_middle_is_no_mixture() {
    let drive = Fake::start().await;
    let key = drive.make(MINE, Key::ROOT, "large.bin", Some(&bytes()));
    let proxy = FaultProxy::start(drive.address).await.expect("a proxy");
    let connector = connect(drive.settings_at(proxy.address())).expect("good settings");
    let entry = find(connector.as_ref(), "large.bin").await;
    proxy.then([Fault::None, Fault::CutBody(1_000_000)]);
    let content = connector.download().expect("download").open(&entry, None).await.expect("opened");
    let other: Vec<u8> = bytes().into_iter().rev().collect();
    drive.world(|world| world.apply(Op::Write { key, content: other.into() }).map(|_| ()).expect("written"));
    let error = content.collect(1 << 24).await.map(|came| came.len()).expect_err("it has changed");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    let error = connector.download().expect("download").open(&entry, None).await.expect_err("another version");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

#[tokio::test]
async fn a_content_that_is_not_what_its_md5_says_ends_in_an_error() {
    let drive = Fake::start().await;
    let key = drive.make(MINE, Key::ROOT, "file.txt", Some(b"as it was"));
    drive.patch(MINE, key, json!({ "_damaged": "as it xxx" }));
    let connector = drive.connect();
    let error = refused(connector.as_ref(), "file.txt").await;
    assert_eq!((error.kind(), error.get("hash")), (ErrorKind::Conflict, Some("md5")), "{error}");
}

#[tokio::test]
async fn a_redirect_to_another_host_is_followed_without_the_token() {
    let (drive, other) = (Fake::start().await, FakeHost::start().await);
    let key = drive.make(MINE, Key::ROOT, "file.txt", Some(b"elsewhere"));
    drive.patch(MINE, key, json!({ "_redirect": format!("http://{}/content", other.address) }));
    let connector = drive.connect();
    assert_eq!(read(connector.as_ref(), "file.txt").await.expect("read"), b"elsewhere");
    let request = other.request.await.expect("asked");
    assert!(!request.to_lowercase().contains("authorization"), "{request}");
}

/// Another host, which answers once.
struct FakeHost {
    address: std::net::SocketAddr,
    request: tokio::task::JoinHandle<String>,
}

impl FakeHost {
    async fn start() -> Self {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let request = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a call");
            let mut request = vec![0; 8192];
            let length = stream.read(&mut request).await.expect("a request");
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 9\r\n\r\nelsewhere";
            stream.write_all(answer).await.expect("answered");
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        Self { address, request }
    }
}

#[tokio::test]
async fn a_web_page_in_place_of_a_file_is_an_error_unless_the_file_is_one() {
    let drive = Fake::start().await;
    drive.make(MINE, Key::ROOT, "page.html", Some(b"<html>mine</html>"));
    drive.make(MINE, Key::ROOT, "file.pdf", Some(b"%PDF"));
    let proxy = FaultProxy::start(drive.address).await.expect("a proxy");
    let connector = connect(drive.settings_at(proxy.address())).expect("good settings");
    assert_eq!(read(connector.as_ref(), "page.html").await.expect("a page"), b"<html>mine</html>");
    let entry = find(connector.as_ref(), "file.pdf").await;
    let page = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\nsign";
    proxy.then([Fault::None, Fault::Raw(page.into())]);
    let error = connector.download().expect("download").open(&entry, None).await.expect_err("a sign-in page");
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
}

#[tokio::test]
async fn a_document_is_exported_as_it_is_asked_for() {
    let drive = Fake::start().await;
    let texts = json!({ DOCX: "as docx", "application/pdf": "as pdf", "text/plain": "as text" });
    drive.native("Plan", "document", json!({ "_exports": texts }));
    for (wanted, text) in [("office", "as docx"), ("pdf", "as pdf"), ("text", "as text")] {
        let connector = drive.connect_with(json!({ "export_as": wanted }));
        assert_eq!(read(connector.as_ref(), "Plan").await.expect("exported"), text.as_bytes());
    }
    let connector = drive.connect();
    let entry = find(connector.as_ref(), "Plan").await;
    let download = connector.download().expect("download");
    let content = download.open(&entry, Some(ByteRange::new(0, 2))).await.expect("opened");
    assert_eq!(content.version.as_deref(), entry.fingerprint.as_ref().map(|mark| mark.as_str()));
    assert_eq!(content.collect(10).await.expect("read"), b"as");
    let error = download.open(&entry, Some(ByteRange::from(3))).await.expect_err("exports differ");
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let pdf = drive.connect_with(json!({ "export_as": "pdf" }));
    assert_ne!(find(pdf.as_ref(), "Plan").await.fingerprint, entry.fingerprint, "it has to be read anew");
    let error = pdf.download().expect("download").open(&entry, None).await.expect_err("another export");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

#[tokio::test]
async fn a_document_over_the_limit_comes_from_its_page_or_smaller_or_says_so() {
    let drive = Fake::start().await;
    let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let link = |id: &str, format: &str| format!("http://{}/docs/export?id={id}&format={format}", drive.address);
    let linked = drive.native("Linked", "document", json!({}));
    let own = json!({ "_exports": { DOCX: "from its page" }, "_too_large": [DOCX],
        "exportLinks": { DOCX: link(&drive.id(linked), DOCX) } });
    drive.patch(MINE, linked, with_type("document", own));
    let smaller = json!({ "_exports": { DOCX: "x", "text/plain": "as text" }, "_too_large": [DOCX],
        "exportLinks": { DOCX: "https://evil.test/docs" } });
    drive.native("Smaller", "document", smaller);
    drive.native("Too large", "spreadsheet", json!({ "_exports": { sheet: "x" }, "_too_large": [sheet] }));
    let connector = drive.connect();
    assert_eq!(read(connector.as_ref(), "Linked").await.expect("linked"), b"from its page");
    assert_eq!(read(connector.as_ref(), "Smaller").await.expect("smaller"), b"as text");
    let error = refused(connector.as_ref(), "Too large").await;
    assert_eq!((error.kind(), error.is_item()), (ErrorKind::TooLarge, true), "{error}");
}

fn with_type(kind: &str, mut patch: serde_json::Value) -> serde_json::Value {
    patch["mimeType"] = format!("application/vnd.google-apps.{kind}").into();
    patch["md5Checksum"] = serde_json::Value::Null;
    patch["headRevisionId"] = serde_json::Value::Null;
    patch
}

#[tokio::test]
async fn a_flagged_file_is_insisted_on_only_where_the_setting_says_so() {
    let drive = Fake::start().await;
    let key = drive.make(MINE, Key::ROOT, "flagged.exe", Some(b"it is mine"));
    drive.patch(MINE, key, json!({ "_abusive": true }));
    let error = refused(drive.connect().as_ref(), "flagged.exe").await;
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    assert!(drive.lock().exchanges.iter().all(|call| !call.query.iter().any(|(name, _)| name == "acknowledgeAbuse")));
    let insists = drive.connect_with(json!({ "acknowledge_abuse": true }));
    assert_eq!(read(insists.as_ref(), "flagged.exe").await.expect("insisted"), b"it is mine");
}

#[tokio::test]
async fn a_key_of_a_link_goes_along_with_what_it_opens() {
    let drive = Fake::start().await;
    let key = drive.make(MINE, Key::ROOT, "old.txt", Some(b"x"));
    drive.patch(MINE, key, json!({ "resourceKey": "0-key" }));
    let connector = drive.connect();
    read(connector.as_ref(), "old.txt").await.expect("read");
    let id = drive.id(key);
    let media = drive.calls(&id).into_iter().find(|call| call.query.iter().any(|(_, value)| value == "media"));
    let headers = media.expect("asked for").headers;
    assert!(headers.contains(&("x-goog-drive-resource-keys".to_owned(), format!("{id}/0-key"))), "{headers:?}");
}
