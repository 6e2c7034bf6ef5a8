//! What the service and the network do that they should not.

mod store;

use std::time::Duration;

use catchment_core::{ByteRange, Error, ErrorKind, PageRequest, Retry, Step, walk::walk};
use catchment_testkit::faults::Fault;
use futures::StreamExt;
use serde_json::json;
use store::{Store, answer, behind, flat, read, sas};
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
async fn a_right_that_ends_in_the_middle_of_a_list_proves_nothing() {
    let store = Store::new().await;
    let (_proxy, connector) = behind(
        &store,
        vec![page("<Blob><Name>a</Name></Blob>", "one"), answer(403, "AuthorizationPermissionMismatch")],
    )
    .await;
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root");
    let steps: Vec<Step> = walk(browse, root, PageRequest::first()).collect().await;
    assert!(matches!(&steps[0], Step::Entries(entries) if entries[0].path == "a"), "{steps:?}");
    let forbidden = |error: &Error| error.kind() == ErrorKind::Forbidden;
    assert!(matches!(&steps[1], Step::Unlisted { error, .. } if forbidden(error)), "{steps:?}");
    assert!(matches!(&steps[2..], [Step::End(None)]), "what was not listed counts as unknown: {steps:?}");
}

#[tokio::test]
async fn markers_that_lead_round_are_an_error() {
    let store = Store::new().await;
    for blobs in ["<Blob><Name>d/a</Name></Blob>", ""] {
        let around = || ["one", "two", "three"].iter().cycle().take(30).map(|marker| page(blobs, marker));
        let (proxy, connector) = behind(&store, around().collect()).await;
        let error = flat(connector.as_ref(), 4).await.expect_err("it would never end");
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        assert!(proxy.seen().len() < 12, "{} calls", proxy.seen().len());
    }
    let around = ["one", "two"].iter().cycle().take(30).map(|marker| page("", marker));
    let (_proxy, connector) = behind(&store, [answer(404, "BlobNotFound")].into_iter().chain(around).collect()).await;
    let error = connector.need_browse().expect("browse").lookup("a").await.expect_err("it would never end");
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
}

#[tokio::test]
async fn what_was_not_asked_for_is_not_listed() {
    let store = Store::new().await;
    let (proxy, _) = behind(&store, Vec::new()).await;
    let settings = json!({
        "url": format!("http://{}", proxy.address()), "folder_path": format!("{}/root", store.container),
    });
    let connector = store.connect(settings).expect("good settings");
    for outside in ["secret/a", "root", "../root/a"] {
        proxy.set(page(&format!("<Blob><Name>root/a</Name></Blob><Blob><Name>{outside}</Name></Blob>"), ""));
        let error = flat(connector.as_ref(), 4).await.expect_err("outside");
        assert_eq!(error.kind(), ErrorKind::Protocol, "{outside}: {error}");
    }
    proxy.set(page("<Blob><Name>root/a</Name></Blob>", ""));
    assert_eq!(flat(connector.as_ref(), 4).await.expect("a list").len(), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_service_that_is_away_for_a_minute_is_unavailable_and_then_read_again() {
    let store = Store::new().await;
    let (proxy, connector) = behind(&store, Vec::new()).await;
    let html = Fault::Raw(b"HTTP/1.1 503 No\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\n<p/>".to_vec());
    for fault in [answer(503, "ServerBusy"), answer(500, "OperationTimedOut"), answer(429, "TooManyRequests"), html] {
        tokio::time::pause();
        let start = tokio::time::Instant::now();
        proxy.set(fault);
        let error = flat(connector.as_ref(), 4).await.expect_err("away");
        assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::RateLimited), "{error}");
        assert_ne!(error.retry(), Retry::Never, "{error}");
        tokio::time::sleep(Duration::from_secs(60).saturating_sub(start.elapsed())).await;
        proxy.set(page("<Blob><Name>a</Name></Blob>", ""));
        assert_eq!(flat(connector.as_ref(), 4).await.expect("back").len(), 1);
        assert!(proxy.seen().len() < 50, "{} calls", proxy.seen().len());
        tokio::time::resume();
    }
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
    store.put("there", b"x").await;
    let entry = connector.need_browse().expect("browse").lookup("there").await.expect("a blob");
    let body = "<html><head><title>Sign in</title></head></html>".to_owned();
    proxy.set(Fault::Status { status: 200, retry_after: None, body });
    let error = read(connector.as_ref(), &entry).await.expect_err("not the blob");
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    let error = connector.need_browse().expect("browse").lookup("a").await.expect_err("no blob");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Protocol, Some("url")), "{error}");
}

#[tokio::test]
async fn a_redirect_to_another_host_takes_no_signature_along() {
    let store = Store::new().await;
    let signature = store.sas(&sas::read_and_list());
    for change in [json!({}), json!({ "account_key": null, "sas_token": signature })] {
        let elsewhere = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = elsewhere.local_addr().expect("an address");
        let raw = format!("HTTP/1.1 307 Go\r\nlocation: http://{address}/c?comp=list\r\ncontent-length: 0\r\n\r\n");
        let (proxy, _) = behind(&store, Vec::new()).await;
        proxy.set(Fault::Raw(raw.into_bytes()));
        let mut settings = change;
        settings["url"] = format!("http://{}", proxy.address()).into();
        let connector = store.connect(settings).expect("good settings");
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
        for secret in ["authorization", "sharedkey", "sig=", "referer"] {
            assert!(!request.contains(secret), "{secret} in {request}");
        }
    }
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
