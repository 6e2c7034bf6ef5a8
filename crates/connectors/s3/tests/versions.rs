//! Versions of objects, and objects that are encrypted with a key the store does not keep.

mod store;

use catchment_core::{ErrorKind, PageRequest};
use catchment_testkit::{
    backends,
    faults::{Fault, FaultProxy},
    tcp::{TcpProxy, Trouble},
};
use futures::StreamExt;
use serde_json::json;
use store::{Store, heard};
use tokio::net::TcpListener;

const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_read_goes_on_with_its_version_when_another_takes_its_place() {
    let store = Store::new(backends::moto()).await;
    store.keep_versions().await;
    let first: Vec<u8> = (0..8 * MIB).map(|at| (at / 251) as u8).collect();
    store.put("large.bin", &first).await;
    let proxy = TcpProxy::start(store.server.address).await.expect("a proxy");
    let connector = store.connect(json!({ "url": format!("http://{}", proxy.address()) })).expect("good settings");
    let entry = connector.need_browse().expect("browse").lookup("large.bin").await.expect("listed");
    proxy.cut();
    proxy.set(Trouble::CutAfter(MIB as u64 * 3 / 2));
    let mut body = connector.need_download().expect("download").open(&entry, None).await.expect("opened").body;
    let mut came = body.next().await.expect("a chunk").expect("bytes").to_vec();
    store.put("large.bin", b"another").await;
    while let Some(chunk) = body.next().await {
        came.extend_from_slice(&chunk.expect("the version that was opened"));
    }
    assert!(came == first, "{} bytes of {} came, or others", came.len(), first.len());
    assert!(proxy.connections() > 5, "{} connections: nothing was cut", proxy.connections());
    let error = connector.need_download().expect("download").open(&entry, None).await.expect_err("it has changed");
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn what_a_delete_marker_hides_is_not_listed() {
    let store = Store::new(backends::moto()).await;
    store.keep_versions().await;
    for key in ["a/kept.txt", "a/hidden.txt"] {
        store.put(key, b"x").await;
    }
    let connector = store.connect(json!({})).expect("good settings");
    let browse = connector.need_browse().expect("browse");
    let hidden = browse.lookup("a/hidden.txt").await.expect("listed");
    store.remove("a/hidden.txt").await;
    let under = browse.lookup("").await.expect("a root").id;
    let page = browse.flat().expect("flat").descendants(&under, PageRequest::first()).await.expect("a page");
    assert_eq!(page.items.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["a/kept.txt"]);
    let error = connector.need_download().expect("download").open(&hidden, None).await.expect_err("it is hidden");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_customer_key_goes_along_signed_with_every_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let store = Store::new(backends::moto()).await;
    store.put("sealed.txt", b"x").await;
    let entry = store.connect(json!({})).expect("good settings");
    let entry = entry.need_browse().expect("browse").lookup("sealed.txt").await.expect("listed");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let connector = store.connect(json!({ "url": url, "customer_key": key })).expect("good settings");
    let heard = tokio::spawn(heard(listener));
    let content = connector.need_download().expect("download").open(&entry, None).await.expect("opened");
    assert_eq!(content.collect(9).await.expect("a byte"), b"x");
    let head = heard.await.expect("a call");
    let name = "x-amz-server-side-encryption-customer";
    assert!(head.contains(&format!("{name}-algorithm: aes256\r\n")), "{head}");
    assert!(head.contains(&format!("{name}-key: {}\r\n", key.to_lowercase())), "{head}");
    let signed = head.lines().find_map(|line| line.split_once("signedheaders=")).expect("a signature").1;
    assert!(signed.contains(&format!("{name}-key;{name}-key-md5")), "{signed}");
}

#[tokio::test]
async fn whoever_pays_says_so_with_every_call() {
    let store = Store::new(backends::moto()).await;
    store.put("a", b"x").await;
    let entry = store.connect(json!({})).expect("good settings");
    let entry = entry.need_browse().expect("browse").lookup("a").await.expect("listed");
    for pays in [true, false] {
        for reads in [true, false] {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let url = format!("http://{}", listener.local_addr().expect("an address"));
            let connector = store.connect(json!({ "url": url, "requester_pays": pays })).expect("good settings");
            let heard = tokio::spawn(heard(listener));
            if reads {
                let _ = connector.need_download().expect("download").open(&entry, None).await;
            } else {
                let _ = connector.need_browse().expect("browse").children(&"".into(), PageRequest::first()).await;
            }
            let head = heard.await.expect("a call");
            assert_eq!(head.contains("x-amz-request-payer: requester\r\n"), pays, "{head}");
            let signed = head.lines().find_map(|line| line.split_once("signedheaders=")).expect("a signature").1;
            assert_eq!(signed.contains("x-amz-request-payer"), pays, "{signed}");
        }
    }
}

#[tokio::test]
async fn an_object_that_wants_a_key_says_which_setting() {
    let store = Store::new(backends::moto()).await;
    store.put("sealed.txt", b"x").await;
    let proxy = FaultProxy::start(store.server.address).await.expect("a proxy");
    let connector = store.connect(json!({ "url": format!("http://{}", proxy.address()) })).expect("good settings");
    let entry = connector.need_browse().expect("browse").lookup("sealed.txt").await.expect("listed");
    let body = "<Error><Code>InvalidRequest</Code><Message>The object was stored using a form of Server Side \
                Encryption. The correct parameters must be provided.</Message></Error>";
    proxy.set(Fault::Status { status: 400, retry_after: None, body: body.to_owned() });
    let error = connector.need_download().expect("download").open(&entry, None).await.expect_err("no key");
    assert_eq!(error.kind(), ErrorKind::Unreadable);
    assert!(error.to_string().contains("customer_key"), "{error}");
}
