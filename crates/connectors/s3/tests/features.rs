//! What only S3 does: keys that are no paths, archives, rights, and its many errors.

mod store;

use std::collections::BTreeMap;

use catchment_core::{
    ByteRange, Context, Entry, EntryKind, Error, ErrorKind, IntegrationId, PageRequest, Registry, Tenant,
};
use catchment_s3::S3;
use catchment_testkit::{backends, faults::Fault};
use serde_json::{Value, json};
use store::{Store, behind, flat, read, xml};

async fn moto() -> Store {
    Store::new(backends::moto()).await
}

#[tokio::test]
async fn keys_are_not_paths() {
    let store = moto().await;
    let keys = [
        "a",
        "a/b",
        "a//b",
        "/lead",
        "//two",
        "a/./b",
        "a/../b",
        "../up",
        "dots/..",
        "x/.hidden",
        "plus+and%2Band 100%",
        "q?a=b&c#d",
        "tab\tand line",
        "ctl\u{1}\u{7f}",
        "quote'\"<>&amp;",
        "שלום/🌊",
        "back\\slash",
        "trail.",
        "tilde~*()!",
    ];
    for key in keys {
        store.put(key, key.as_bytes()).await;
    }
    let connector = store.connect(json!({})).expect("good settings");
    let all = flat(connector.as_ref()).await.expect("a list");
    let by_id: BTreeMap<&str, &Entry> = all.iter().map(|entry| (entry.id.as_str(), entry)).collect();
    assert_eq!(by_id.len(), keys.len(), "{all:?}");
    for key in keys {
        let entry = by_id.get(key).unwrap_or_else(|| panic!("no `{key}` in {all:?}"));
        let content = read(connector.as_ref(), entry).await.unwrap_or_else(|error| panic!("`{key}`: {error}"));
        assert_eq!(content, key.as_bytes(), "`{key}`");
    }
}

#[tokio::test]
async fn keys_as_long_as_a_store_allows_are_read() {
    // 1,024 bytes, in segments that a disk can hold as well, and none that one can; and two normal forms.
    let deep = format!("{}/{}", vec!["ü".repeat(100); 5].join("/"), "x".repeat(19));
    let apart = ["e\u{301} apart", "\u{e9} together"];
    for (server, whole) in [(backends::moto(), true), (backends::rclone(), false)] {
        let store = Store::new(server).await;
        let mut keys = vec![deep.clone(), format!("{}/{}", "p".repeat(200), "n".repeat(199))];
        keys.extend(apart.map(str::to_owned));
        keys.extend(whole.then(|| "k".repeat(1_024)));
        keys.sort();
        for key in &keys {
            store.put(key, key.as_bytes()).await;
        }
        let connector = store.connect(json!({})).expect("good settings");
        let all = flat(connector.as_ref()).await.expect("a list");
        assert_eq!(all.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), keys);
        for entry in &all {
            assert_eq!(read(connector.as_ref(), entry).await.expect("readable"), entry.id.as_str().as_bytes());
            let found = connector.need_browse().expect("browse").lookup(&entry.path).await.expect("found");
            assert_eq!((&found.id, &found.fingerprint), (&entry.id, &entry.fingerprint));
        }
    }
}

#[tokio::test]
async fn a_key_and_a_prefix_of_one_name_are_both_there() {
    let store = moto().await;
    for key in ["a", "a/b", "a/", "a//c", "old_$folder$", "b/"] {
        store.put(key, if key.ends_with(['/', '$']) { b"" } else { b"x" }).await;
    }
    let connector = store.connect(json!({})).expect("good settings");
    let browse = connector.need_browse().expect("browse");
    let page = browse.children(&"".into(), PageRequest::first()).await.expect("a page");
    let ids: Vec<_> = page.items.iter().map(|entry| (entry.id.as_str(), entry.is_container())).collect();
    assert_eq!(ids, [("a", false), ("a/", true), ("b/", true)]);
    let below = browse.children(&"a/".into(), PageRequest::first()).await.expect("a page");
    let ids: Vec<_> = below.items.iter().map(|entry| (entry.id.as_str(), entry.name.as_str())).collect();
    assert_eq!(ids, [("a//", ""), ("a/b", "b")]);
    let odd = browse.children(&"a//".into(), PageRequest::first()).await.expect("a page");
    assert_eq!(odd.items[0].path, "a//c");
    assert!(browse.lookup("b/").await.expect("as people write a folder").is_container());
    assert_eq!(flat(connector.as_ref()).await.expect("a list").len(), 3);
}

#[tokio::test]
async fn archived_objects_are_listed_with_what_to_do() {
    let store = moto().await;
    store.put_with("cold", &[("x-amz-storage-class", "GLACIER")], b"x").await;
    store.put_with("cool", &[("x-amz-storage-class", "STANDARD_IA")], b"y").await;
    let connector = store.connect(json!({})).expect("good settings");
    let all = flat(connector.as_ref()).await.expect("a list");
    assert!(matches!(&all[0].kind, EntryKind::Special(reason) if reason.contains("restore")), "{all:?}");
    assert_eq!(read(connector.as_ref(), &all[1]).await.expect("readable"), b"y");
    let error = read(connector.as_ref(), &all[0]).await.expect_err("archived");
    assert_eq!((error.kind(), error.get("path")), (ErrorKind::Unreadable, Some("cold")), "{error}");
}

#[tokio::test]
async fn content_encoding_is_not_undone() {
    let store = moto().await;
    let stored = b"\x1f\x8b\x08 not even gzip, but stored like this";
    store.put_with("a.gz", &[("content-encoding", "gzip")], stored).await;
    let connector = store.connect(json!({})).expect("good settings");
    let entry = connector.need_browse().expect("browse").lookup("a.gz").await.expect("there");
    assert_eq!(entry.size, Some(stored.len() as u64));
    assert_eq!(read(connector.as_ref(), &entry).await.expect("as stored"), stored);
}

#[tokio::test]
async fn an_object_that_changed_since_it_was_listed_is_a_conflict() {
    for server in [backends::moto(), backends::rclone()] {
        let store = Store::new(server).await;
        store.put("a", b"one").await;
        let connector = store.connect(json!({})).expect("good settings");
        let mut entry = connector.need_browse().expect("browse").lookup("a").await.expect("there");
        store.put("a", b"two").await;
        assert_eq!(read(connector.as_ref(), &entry).await.expect_err("changed").kind(), ErrorKind::Conflict);
        entry.fingerprint = None;
        assert_eq!(read(connector.as_ref(), &entry).await.expect("any version"), b"two");
    }
}

#[tokio::test]
async fn an_object_that_may_not_be_read_is_one_error() {
    let store = moto().await;
    store.put("open/a", b"a").await;
    store.put("secret/b", b"b").await;
    let limited = store.server.limited.clone().expect("moto knows rights");
    let settings = store.settings_of(&limited, store.server.address);
    let connector = Registry::new().with::<S3>().connect("s3", settings, Context::local()).expect("good settings");
    connector.check().await.expect("the first key may be read");
    let all = flat(connector.as_ref()).await.expect("a list");
    assert_eq!(read(connector.as_ref(), &all[0]).await.expect("allowed"), b"a");
    let error = read(connector.as_ref(), &all[1]).await.expect_err("not allowed");
    assert_eq!((error.kind(), error.get("path")), (ErrorKind::Forbidden, Some("secret/b")));
}

#[tokio::test]
async fn what_is_wrong_with_the_settings_is_named() {
    let store = moto().await;
    for (change, field) in [
        (json!({"bucket_name": "there-is-no-such-bucket"}), "bucket_name"),
        (json!({"access_key_id": "AKIANOBODY"}), "access_key_id"),
        (json!({"secret_access_key": "wrong"}), "secret_access_key"),
    ] {
        let error = store.connect(change.clone()).expect("plausible").check().await.expect_err("wrong");
        assert_eq!(error.get("field"), Some(field), "{change}: {error}");
    }
    for (change, field) in [
        (json!({"secret_access_key": null}), "secret_access_key"),
        (json!({"access_key_id": null}), "access_key_id"),
        (json!({"access_key_id": "ASIATEMPORARY"}), "session_token"),
        (json!({"anonymous": true}), "anonymous"),
        (json!({"region": ""}), "region"),
        (json!({"bucket_name": "a/b"}), "bucket_name"),
        (json!({"bucket_name": "data--use1-az4--x-s3"}), "bucket_name"),
        (json!({"url": "http://127.0.0.1:1", "allow_http": false}), "url"),
        (json!({"bucket": "x"}), "bucket"),
    ] {
        let error = store.connect(change.clone()).expect_err("must be refused");
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some(field)), "{change}: {error}");
    }
}

#[tokio::test]
async fn a_shared_server_lends_neither_its_keys_nor_its_network() {
    let store = moto().await;
    let cx = Context::shared(Tenant::new("acme", "ann"), IntegrationId(1));
    let registry = Registry::new().with::<S3>();
    let refused = |settings: Value| registry.connect("s3", settings, cx.clone());
    let error = match refused(store.settings()) {
        Err(error) => error,
        Ok(connector) => connector.check().await.expect_err("a private address"),
    };
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("url")), "{error}");
    let error = refused(json!({ "bucket_name": "b" })).expect_err("no keys");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("access_key_id")));
}

#[tokio::test]
async fn a_public_bucket_needs_no_keys() {
    let store = Store::new(backends::moto_open()).await;
    store.put_with("a", &[("x-amz-acl", "public-read")], b"a").await;
    let unsigned = json!({"anonymous": true, "access_key_id": null, "secret_access_key": null});
    let connector = store.connect(unsigned).expect("good settings");
    let entry = connector.need_browse().expect("browse").lookup("a").await.expect("public");
    assert_eq!(read(connector.as_ref(), &entry).await.expect("public"), b"a");
}

#[tokio::test]
async fn ranges_past_the_end_and_of_empty_objects_are_empty() {
    let store = moto().await;
    store.put("empty", b"").await;
    let connector = store.connect(json!({})).expect("good settings");
    let entry = connector.need_browse().expect("browse").lookup("empty").await.expect("there");
    for range in [ByteRange::from(0), ByteRange::new(0, 10), ByteRange::from(5), ByteRange::new(0, 0)] {
        let content = connector.need_download().expect("download").open(&entry, Some(range)).await.expect("empty");
        assert!(content.collect(10).await.expect("empty").is_empty());
    }
}

#[tokio::test]
async fn each_code_says_who_has_to_act() {
    use ErrorKind::{Config, Forbidden, RateLimited, Unauthenticated, Unavailable};
    let store = moto().await;
    for (status, code, kind, says) in [
        (400, "ExpiredToken", Unauthenticated, "the session has expired"),
        (400, "InvalidToken", Unauthenticated, "session token"),
        (403, "RequestTimeTooSkewed", Config, "clock"),
        (403, "AccessDenied", Forbidden, "s3:ListBucket"),
        (403, "AllAccessDisabled", Forbidden, "s3:ListBucket"),
        (301, "PermanentRedirect", Config, "region"),
        (400, "InvalidBucketName", Config, "name"),
    ] {
        let (_proxy, connector) = behind(&store, vec![xml(status, code, "")]).await;
        let error = connector.check().await.expect_err(code);
        assert_eq!(error.kind(), kind, "{code}: {error}");
        assert!(error.to_string().contains(says) && error.to_string().contains(code), "{code}: {error}");
    }
    for (status, code, kind) in [(503, "SlowDown", RateLimited), (500, "InternalError", Unavailable)] {
        let (proxy, connector) = behind(&store, Vec::new()).await;
        let body = format!("<Error><Code>{code}</Code></Error>");
        proxy.set(Fault::Status { status, retry_after: Some(7200), body });
        let error = connector.check().await.expect_err(code);
        assert_eq!(error.kind(), kind, "{code}: {error}");
    }
}

#[tokio::test]
async fn many_pages_hold_every_key_once() {
    let store = moto().await;
    let puts = (0..2_300).map(|number| {
        let store = &store;
        async move { store.put(&format!("k{number:05}"), b"").await }
    });
    let mut puts = futures::stream::iter(puts);
    let mut under_way = futures::stream::FuturesUnordered::new();
    use futures::StreamExt;
    loop {
        while under_way.len() < 16
            && let Some(put) = puts.next().await
        {
            under_way.push(put);
        }
        if under_way.next().await.is_none() {
            break;
        }
    }
    let connector = store.connect(json!({})).expect("good settings");
    let ids: Vec<_> =
        flat(connector.as_ref()).await.expect("a list").into_iter().map(|entry| entry.id.to_string()).collect();
    assert_eq!(ids, (0..2_300).map(|number| format!("k{number:05}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn no_secret_is_in_any_error() {
    let store = moto().await;
    let secret = store.server.admin.secret.clone();
    let shows = |error: &Error| format!("{error} {error:?}");
    for status in [400, 401, 403, 500] {
        let (proxy, connector) = behind(&store, Vec::new()).await;
        let echo = format!("<Error><Code>Odd</Code><Message>{secret}</Message></Error>");
        proxy.set(Fault::Status { status, retry_after: Some(7200), body: echo });
        let error = connector.check().await.expect_err("refused");
        assert!(!shows(&error).contains(&secret), "{status}");
    }
}
