//! What the store and the network do that they should not.

mod store;

use std::time::Duration;

use catchment_core::{Error, ErrorKind, PageRequest, PageToken, Retry, Step, walk::walk};
use catchment_testkit::{backends, faults::Fault};
use futures::StreamExt;
use serde_json::json;
use store::{Store, behind, flat, heard, read, xml};
use tokio::net::TcpListener;

async fn moto() -> Store {
    Store::new(backends::moto()).await
}

/// A page of a list with these keys, and another behind it if there is a token.
fn page(keys: &[&str], next: &str) -> Fault {
    let objects: String = keys
        .iter()
        .map(|key| format!("<Contents><Key>{key}</Key><Size>1</Size><ETag>&quot;e&quot;</ETag></Contents>"))
        .collect();
    let next = match next {
        "" => "<IsTruncated>false</IsTruncated>".to_owned(),
        next => format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{next}</NextContinuationToken>"),
    };
    let body = format!("<ListBucketResult>{objects}{next}</ListBucketResult>");
    Fault::Status { status: 200, retry_after: None, body }
}

/// An answer with these headers.
fn raw(status: &str, headers: &str, body: &str) -> Fault {
    let length = body.len();
    Fault::Raw(format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes())
}

#[tokio::test]
async fn a_list_that_broke_off_is_asked_for_again() {
    let store = moto().await;
    store.put("a", b"a").await;
    let cut = "<?xml version=\"1.0\"?><ListBucketResult><Contents><Key>b</Key></Contents><IsTrunc";
    let cut = Fault::Status { status: 200, retry_after: None, body: cut.to_owned() };
    let late = xml(200, "InternalError", "");
    let (proxy, connector) = behind(&store, vec![cut, late]).await;
    let page = connector.need_browse().expect("browse").children(&"".into(), PageRequest::first()).await;
    assert_eq!(page.expect("the third answer").items[0].id.as_str(), "a");
    assert_eq!(proxy.seen().len(), 3);
}

#[tokio::test]
async fn a_lapsed_token_goes_on_behind_the_last_key() {
    let store = moto().await;
    for number in 0..9 {
        store.put(&format!("{number}"), b"x").await;
        store.put(&format!("d{number}/x"), b"x").await;
    }
    let (proxy, connector) = behind(&store, Vec::new()).await;
    let browse = connector.need_browse().expect("browse");
    let mut request = PageRequest::first().limit(4);
    let mut all: Vec<String> = Vec::new();
    loop {
        let page = browse.children(&"".into(), request.clone()).await.expect("a page");
        all.extend(page.items.into_iter().map(|entry| entry.id.to_string()));
        let Some(next) = page.next else { break };
        request.token = Some(next);
        proxy.then([xml(400, "InvalidArgument", "<ArgumentName>continuation-token</ArgumentName>")]);
    }
    let wanted: Vec<_> = (0..9).map(|n| n.to_string()).chain((0..9).map(|n| format!("d{n}/"))).collect();
    assert_eq!(all, wanted);
}

#[tokio::test]
async fn a_token_of_nobody_is_an_error() {
    let store = moto().await;
    let connector = store.connect(json!({})).expect("good settings");
    let token = PageToken::new("made up");
    let answer = connector.need_browse().expect("browse").children(&"".into(), PageRequest::at(token)).await;
    // Stores differ in what they make of it; none may take it for the end in silence.
    if let Ok(page) = answer {
        assert!(page.items.is_empty(), "{page:?}");
    }
}

#[tokio::test]
async fn an_empty_page_in_the_middle_is_not_the_end() {
    let store = moto().await;
    let (proxy, connector) = behind(&store, vec![page(&["a"], "one"), page(&[], "two"), page(&["b"], "")]).await;
    let all = flat(connector.as_ref()).await.expect("a list");
    assert_eq!(all.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(proxy.seen().len(), 3);
}

#[tokio::test]
async fn a_token_that_lapses_behind_an_empty_page_does_not_begin_anew() {
    let store = moto().await;
    let lapsed = xml(400, "InvalidArgument", "<ArgumentName>continuation-token</ArgumentName>");
    let pages = vec![page(&["a"], "one"), page(&[], "two"), lapsed, page(&["b"], "")];
    let (proxy, connector) = behind(&store, pages).await;
    let all = flat(connector.as_ref()).await.expect("a list");
    assert_eq!(all.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let last = proxy.seen().pop().expect("calls").line;
    assert!(last.contains("start-after=a&") || last.ends_with("start-after=a"), "{last}");
}

#[tokio::test]
async fn a_right_that_ends_in_the_middle_of_a_list_proves_nothing() {
    let store = moto().await;
    let (_proxy, connector) = behind(&store, vec![page(&["a"], "one"), xml(403, "AccessDenied", "")]).await;
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root");
    let steps: Vec<Step> = walk(browse, root, PageRequest::first()).collect().await;
    assert!(matches!(&steps[0], Step::Entries(entries) if entries[0].path == "a"), "{steps:?}");
    let forbidden = |error: &Error| error.kind() == ErrorKind::Forbidden;
    assert!(matches!(&steps[1], Step::Unlisted { error, .. } if forbidden(error)), "{steps:?}");
    assert!(matches!(&steps[2..], [Step::End(None)]), "what was not listed counts as unknown: {steps:?}");
}

#[tokio::test]
async fn tokens_that_lead_round_are_an_error() {
    let store = moto().await;
    for circle in [vec!["one"], vec!["one", "two"], vec!["one", "two", "three"]] {
        let around = circle.iter().cycle().take(30).map(|token| page(&["a"], token)).collect();
        let (proxy, connector) = behind(&store, around).await;
        let error = flat(connector.as_ref()).await.expect_err("it would never end");
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        assert!(proxy.seen().len() < 12, "{} calls", proxy.seen().len());
    }
}

#[tokio::test]
async fn what_was_not_asked_for_is_not_listed() {
    let store = moto().await;
    let (proxy, _) = behind(&store, Vec::new()).await;
    let settings = json!({ "url": format!("http://{}", proxy.address()), "folder_path": "root" });
    let connector = store.connect(settings).expect("good settings");
    for outside in ["secret/a", "root", "../root/a"] {
        proxy.set(page(&["root/a", outside], ""));
        let error = flat(connector.as_ref()).await.expect_err("outside");
        assert_eq!(error.kind(), ErrorKind::Protocol, "{outside}: {error}");
    }
    proxy.set(page(&["root/a"], ""));
    assert_eq!(flat(connector.as_ref()).await.expect("a list").len(), 1);
}

#[tokio::test]
async fn a_web_page_is_no_object() {
    let store = moto().await;
    store.put("a", b"a").await;
    let (proxy, connector) = behind(&store, Vec::new()).await;
    let entry = connector.need_browse().expect("browse").lookup("a").await.expect("there");
    proxy.set(raw("200 OK", "content-type: text/html\r\n", "<html><title>Sign in</title></html>"));
    let error = read(connector.as_ref(), &entry).await.expect_err("not the object");
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
}

#[tokio::test]
async fn bytes_that_are_not_those_of_the_checksum_are_an_error() {
    let store = moto().await;
    store.put("plain", b"as it was stored").await;
    // The server keeps what uploaders say.
    let wrong = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let headers = [("x-amz-sdk-checksum-algorithm", "SHA256"), ("x-amz-checksum-sha256", wrong)];
    store.put_with("wrong", &headers, b"not nothing").await;
    let (proxy, connector) = behind(&store, Vec::new()).await;
    let all = flat(connector.as_ref()).await.expect("a list");
    assert_eq!(read(connector.as_ref(), &all[0]).await.expect("good"), b"as it was stored");
    let error = read(connector.as_ref(), &all[1]).await.expect_err("another checksum");
    assert_eq!((error.kind(), error.get("checksum")), (ErrorKind::Unreadable, Some("sha256")), "{error}");
    let etag = all[0].fingerprint.as_ref().expect("an ETag").as_str();
    let damaged = |more: &str| raw("200 OK", &format!("etag: {etag}\r\n{more}"), "as it was storeD");
    proxy.then([damaged("")]);
    let error = read(connector.as_ref(), &all[0]).await.expect_err("damaged");
    assert_eq!((error.kind(), error.get("checksum")), (ErrorKind::Unreadable, Some("md5")), "{error}");
    // Its ETag is no MD5.
    proxy.then([damaged("x-amz-server-side-encryption: aws:kms\r\n")]);
    assert_eq!(read(connector.as_ref(), &all[0]).await.expect("nobody knows"), b"as it was storeD");
}

#[tokio::test(flavor = "current_thread")]
async fn a_store_that_is_away_for_a_minute_is_unavailable_and_then_read_again() {
    let store = moto().await;
    let (proxy, connector) = behind(&store, Vec::new()).await;
    for fault in [xml(503, "SlowDown", ""), xml(503, "ServiceUnavailable", ""), raw("503 No", "", "<html></html>")] {
        tokio::time::pause();
        let start = tokio::time::Instant::now();
        proxy.set(fault);
        let error = flat(connector.as_ref()).await.expect_err("away");
        assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::RateLimited), "{error}");
        assert_ne!(error.retry(), Retry::Never, "{error}");
        tokio::time::sleep(Duration::from_secs(60).saturating_sub(start.elapsed())).await;
        proxy.set(page(&["a"], ""));
        assert_eq!(flat(connector.as_ref()).await.expect("back").len(), 1);
        assert!(proxy.seen().len() < 40, "{} calls", proxy.seen().len());
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_clock_that_is_off_by_an_hour_is_named_with_the_stores() {
    let store = moto().await;
    let hour = Duration::from_secs(3600);
    let now = std::time::SystemTime::now();
    for date in [now + hour, now - hour].map(httpdate::fmt_http_date) {
        let body = "<Error><Code>RequestTimeTooSkewed</Code></Error>";
        let (_proxy, connector) = behind(&store, vec![raw("403 No", &format!("date: {date}\r\n"), body)]).await;
        let error = connector.check().await.expect_err("too far off");
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("clock")), "{error}");
        assert_eq!(error.get("store's time"), Some(date.as_str()));
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_takes_no_credential_along() {
    let store = moto().await;
    store.put("a", b"a").await;
    let key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    for status in ["301 Moved", "302 Found", "307 Go", "308 Go"] {
        let elsewhere = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = elsewhere.local_addr().expect("an address");
        let (proxy, connector) = behind(&store, Vec::new()).await;
        let entry = connector.need_browse().expect("browse").lookup("a").await.expect("there");
        let settings = json!({
            "url": format!("http://{}", proxy.address()), "customer_key": key, "session_token": "the session's token",
        });
        let connector = store.connect(settings).expect("good settings");
        proxy.set(raw(status, &format!("location: http://{address}/b/a\r\n"), ""));
        let heard = tokio::spawn(heard(elsewhere));
        let _ = read(connector.as_ref(), &entry).await;
        let head = heard.await.expect("a call");
        assert!(head.starts_with("get /b/a"), "{head}");
        for secret in ["authorization", "signature", "the session's token", &key.to_lowercase()] {
            assert!(!head.contains(secret), "{status}: {secret} in {head}");
        }
    }
}

#[tokio::test]
async fn a_bucket_in_another_region_is_asked_there() {
    let store = moto().await;
    store.put("a", b"a").await;
    let wrong = xml(400, "AuthorizationHeaderMalformed", "<Region>eu-central-1</Region>");
    let (proxy, connector) = behind(&store, vec![wrong]).await;
    let account = connector.check().await.expect("the second call has the right region");
    assert!(account.details.contains(&("region".to_owned(), "eu-central-1".to_owned())), "{account:?}");
    assert_eq!(proxy.seen().len(), 3);
    let (proxy, connector) = behind(&store, Vec::new()).await;
    proxy.set(xml(400, "AuthorizationHeaderMalformed", "<Region>eu-central-1</Region>"));
    let error = connector.check().await.expect_err("a store that sends us round");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("region")), "{error}");
    assert_eq!(proxy.seen().len(), 2);
}

#[tokio::test]
async fn a_region_that_stands_in_a_header_alone_is_gone_to() {
    let store = moto().await;
    for status in ["301 Moved", "307 Go", "400 Bad"] {
        let elsewhere = raw(status, "x-amz-bucket-region: eu-central-1\r\n", "");
        let (proxy, connector) = behind(&store, vec![elsewhere]).await;
        let account = connector.check().await.expect("the second call has the right region");
        assert!(account.details.contains(&("region".to_owned(), "eu-central-1".to_owned())), "{account:?}");
        assert!(proxy.seen().len() > 1);
    }
    // What would lead elsewhere, or nowhere, is no region.
    for region in ["evil.example.com/", "a.b", "", "x@y"] {
        let elsewhere = raw("301 Moved", &format!("x-amz-bucket-region: {region}\r\n"), "");
        let (proxy, connector) = behind(&store, vec![elsewhere]).await;
        let error = connector.check().await.expect_err("no region");
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("region")), "{region}: {error}");
        assert_eq!(proxy.seen().len(), 1);
    }
}
