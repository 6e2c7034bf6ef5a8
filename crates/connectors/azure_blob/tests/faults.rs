//! What the service and the network do that they should not.

mod store;

use catchment_core::{ByteRange, ErrorKind, PageRequest};
use catchment_testkit::faults::Fault;
use serde_json::json;
use store::{Store, answer, behind, flat, read};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// More than the buffers between, so that a cut is noticed in the middle.
const LARGE: usize = 3 << 20;

fn bytes() -> Vec<u8> {
    (0..LARGE).map(|at| (at / 7 % 251) as u8).collect()
}

fn page(blobs: &str, next: &str) -> Fault {
    let body =
        format!("<EnumerationResults><Blobs>{blobs}</Blobs><NextMarker>{next}</NextMarker></EnumerationResults>");
    Fault::Status { status: 200, retry_after: None, body }
}

#[tokio::test]
async fn a_body_that_breaks_off_goes_on_where_it_was() {
    let store = Store::new().await;
    store.put("large", &bytes()).await;
    let (proxy, connector) = behind(&store, Vec::new()).await;
    let entry = connector.need_browse().expect("browse").lookup("large").await.expect("there");
    let before = proxy.seen().len();
    proxy.then([Fault::CutBody(1_000_000), Fault::CutBody(500_000)]);
    assert_eq!(read(connector.as_ref(), &entry).await.expect("whole"), bytes());
    assert_eq!(proxy.seen().len() - before, 3);
    proxy.then([Fault::CutBody(100_000)]);
    let range = Some(ByteRange::new(1_000, 2_000_000));
    let content = connector.need_download().expect("download").open(&entry, range).await.expect("opened");
    assert_eq!(content.collect(1 << 22).await.expect("whole"), bytes()[1_000..2_001_000]);
}

#[tokio::test]
async fn a_blob_that_changes_in_the_middle_is_no_mixture() {
    let store = Store::new().await;
    store.put("large", &bytes()).await;
    let (proxy, connector) = behind(&store, Vec::new()).await;
    let entry = connector.need_browse().expect("browse").lookup("large").await.expect("there");
    proxy.then([Fault::CutBody(1_000_000)]);
    let content = connector.need_download().expect("download").open(&entry, None).await.expect("opened");
    store.put("large", b"another content").await;
    let error = content.collect(1 << 22).await.expect_err("it has changed");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

#[tokio::test]
async fn a_body_that_always_breaks_off_ends_with_an_error() {
    let store = Store::new().await;
    store.put("large", &bytes()).await;
    let (proxy, connector) = behind(&store, Vec::new()).await;
    let entry = connector.need_browse().expect("browse").lookup("large").await.expect("there");
    let before = proxy.seen().len();
    proxy.set(Fault::CutBody(1_000));
    let error = read(connector.as_ref(), &entry).await.expect_err("never whole");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(proxy.seen().len() - before, 4);
}

#[tokio::test]
async fn an_empty_page_in_the_middle_is_not_the_end() {
    let store = Store::new().await;
    for number in 0..6 {
        store.put(&format!("d/{number}"), b"x").await;
    }
    let (proxy, connector) = behind(&store, Vec::new()).await;
    proxy.then([page("", "a marker")]);
    assert_eq!(flat(connector.as_ref(), 4).await.expect("a list").len(), 6);
    proxy.then([answer(404, "BlobNotFound"), page("", "a marker")]);
    assert!(connector.need_browse().expect("browse").lookup("d").await.expect("there").is_container());
}

#[tokio::test]
async fn a_marker_that_leads_to_itself_is_an_error() {
    let store = Store::new().await;
    let (proxy, connector) = behind(&store, Vec::new()).await;
    proxy.set(page("<Blob><Name>a</Name></Blob>", "round"));
    let error = flat(connector.as_ref(), 4).await.expect_err("it would never end");
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert_eq!(proxy.seen().len(), 2);
    proxy.set(page("", "round"));
    proxy.then([answer(404, "BlobNotFound")]);
    let error = connector.need_browse().expect("browse").lookup("a").await.expect_err("it would never end");
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
}

#[tokio::test]
async fn a_list_that_broke_off_is_asked_for_again() {
    let store = Store::new().await;
    store.put("a", b"a").await;
    let cut = "<?xml version=\"1.0\"?><EnumerationResults><Blobs><Blob><Name>b</Name></Blob></Blo";
    let cut = Fault::Status { status: 200, retry_after: None, body: cut.to_owned() };
    let (proxy, connector) = behind(&store, vec![cut, answer(200, "InternalError")]).await;
    let page = connector.need_browse().expect("browse").children(&"".into(), PageRequest::first()).await;
    assert_eq!(page.expect("the third answer").items[0].id.as_str(), "a");
    assert_eq!(proxy.seen().len(), 3);
}

#[tokio::test]
async fn a_web_page_is_not_a_blob() {
    let store = Store::new().await;
    let (proxy, connector) = behind(&store, Vec::new()).await;
    let body = "<html><head><title>Sign in</title></head></html>".to_owned();
    proxy.set(Fault::Status { status: 200, retry_after: None, body });
    let error = connector.need_browse().expect("browse").lookup("a").await.expect_err("no blob");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Protocol, Some("url")), "{error}");
}

#[tokio::test]
async fn a_redirect_to_another_host_takes_no_signature_along() {
    let store = Store::new().await;
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = elsewhere.local_addr().expect("an address");
    let raw = format!("HTTP/1.1 307 Go\r\nlocation: http://{address}/c?comp=list\r\ncontent-length: 0\r\n\r\n");
    let (_proxy, connector) = behind(&store, vec![Fault::Raw(raw.into_bytes())]).await;
    let heard = tokio::spawn(async move {
        let (mut stream, _) = elsewhere.accept().await.expect("a request");
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.expect("a head");
        stream.write_all(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n").await.expect("answered");
        String::from_utf8_lossy(&request[..length]).to_ascii_lowercase()
    });
    connector.check().await.expect_err("somebody else answered");
    let request = heard.await.expect("heard");
    assert!(request.starts_with("get /c?comp=list"), "{request}");
    assert!(!request.contains("authorization") && !request.contains("sharedkey"), "{request}");
}

#[tokio::test]
async fn an_address_leads_to_a_blob() {
    let store = Store::new().await;
    store.put("minutes/a b.txt", b"x").await;
    let registry = catchment_core::Registry::new().with::<catchment_azure_blob::AzureBlob>();
    let endpoint = format!("http://{}", store.server.address);
    let address = format!("azure://{}/{}/minutes/a b.txt?endpoint={endpoint}", store.server.account, store.container);
    let (vendor, location) = registry.locate(&address).expect("an address");
    let mut settings = location.settings;
    settings["account_key"] = json!(store.server.key);
    let connector = registry.connect(vendor, settings, catchment_core::Context::local()).expect("good settings");
    let entry = connector.need_browse().expect("browse").lookup(&location.path).await.expect("there");
    assert_eq!(read(connector.as_ref(), &entry).await.expect("readable"), b"x");
}
