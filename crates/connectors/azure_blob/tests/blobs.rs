//! What is in a container: names that are no paths, markers, tiers, hashes, versions.

mod store;

use std::collections::BTreeMap;

use catchment_client::Method;
use catchment_core::{Entry, EntryKind, ErrorKind, PageRequest};
use serde_json::json;
use store::{Store, flat, read};

#[tokio::test]
async fn names_are_not_paths() {
    let store = Store::new().await;
    let long = format!("long/{}", "x".repeat(395));
    let longest = "ü".repeat(1_024);
    let names = [
        "a",
        "a/b",
        "a//b",
        "/lead",
        "//two",
        "x/.hidden",
        ".../dots",
        "plus+and%2Band 100%",
        "q?a=b&c#d",
        "tab\tand\nline",
        "quote'\"<>&amp;",
        "שלום/🌊",
        "é together",
        "e\u{301} apart",
        "trail.",
        " spaces ",
        "tilde~*()!",
        &long,
        &longest,
    ];
    for name in names {
        store.put(name, name.as_bytes()).await;
    }
    let connector = store.connect(json!({})).expect("good settings");
    let all = flat(connector.as_ref(), 5).await.expect("a list");
    let by_id: BTreeMap<&str, &Entry> = all.iter().map(|entry| (entry.id.as_str(), entry)).collect();
    assert_eq!((by_id.len(), all.len()), (names.len(), names.len()), "{all:?}");
    for name in names {
        let entry = by_id.get(name).unwrap_or_else(|| panic!("no `{name}` in {all:?}"));
        let content = read(connector.as_ref(), entry).await.unwrap_or_else(|error| panic!("`{name}`: {error}"));
        assert_eq!(content, name.as_bytes(), "`{name}`");
        let again = connector.need_browse().expect("browse").lookup(&entry.path).await.expect("there");
        assert_eq!(again.id, entry.id);
        assert_eq!((again.hash, again.created, again.mime), (entry.hash.clone(), entry.created, entry.mime.clone()));
    }
}

#[tokio::test]
async fn a_backslash_is_the_slash_that_the_service_makes_of_it() {
    let store = Store::new().await;
    store.put("back\\slash", b"x").await;
    let connector = store.connect(json!({})).expect("good settings");
    let browse = connector.need_browse().expect("browse");
    assert_eq!(flat(connector.as_ref(), 10).await.expect("a list")[0].id.as_str(), "back/slash");
    assert_eq!(browse.lookup("back\\slash").await.expect("there").id.as_str(), "back/slash");
    let two_ids = connector.need_download().expect("download").open(&Entry::file("back\\slash", "x"), None).await;
    assert_eq!(two_ids.expect_err("another id of the same").kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_name_no_blob_can_have_is_not_found() {
    let store = Store::new().await;
    let connector = store.connect(json!({})).expect("good settings");
    for path in ["x".repeat(2_000), "a/../b".to_owned(), "./a".to_owned()] {
        let error = connector.need_browse().expect("browse").lookup(&path).await.expect_err("nothing");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
}

#[tokio::test]
async fn directories_are_folders_and_no_documents() {
    let store = Store::new().await;
    let marker = [("x-ms-meta-hdi_isfolder", "true")];
    let loud = [("x-ms-meta-Hdi_IsFolder", "TRUE")];
    store.put_with("dir", &marker, b"").await;
    store.put("dir/file", b"x").await;
    store.put_with("other", &loud, b"").await;
    store.put("slash/", b"").await;
    store.put("a", b"1").await;
    store.put("a/b", b"2").await;
    let connector = store.connect(json!({})).expect("good settings");
    let browse = connector.need_browse().expect("browse");
    let page = browse.children(&"".into(), PageRequest::first()).await.expect("a page");
    let ids: Vec<_> = page.items.iter().map(|entry| (entry.id.as_str(), entry.is_container())).collect();
    assert_eq!(ids, [("a", false), ("a/", true), ("dir/", true), ("slash/", true)]);
    let all = flat(connector.as_ref(), 2).await.expect("a list");
    let files: Vec<_> = all.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(files, ["a", "a/b", "dir/file"]);
    for (path, id) in [("dir", "dir/"), ("dir/", "dir/"), ("other", "other/"), ("slash", "slash/"), ("a/", "a/")] {
        let found = browse.lookup(path).await.expect(path);
        assert_eq!((found.id.as_str(), found.is_container()), (id, true), "{path}");
    }
    assert!(browse.lookup("a").await.expect("the blob").is_file());
}

#[tokio::test]
async fn snapshots_are_not_listed() {
    let store = Store::new().await;
    store.put("a", b"one").await;
    store.send(Method::PUT, "a", "comp=snapshot", &[], b"").await;
    store.put("a", b"two").await;
    let connector = store.connect(json!({})).expect("good settings");
    let all = flat(connector.as_ref(), 10).await.expect("a list");
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(read(connector.as_ref(), &all[0]).await.expect("readable"), b"two");
}

#[tokio::test]
async fn archived_blobs_are_listed_with_what_to_do() {
    let store = Store::new().await;
    store.put_with("cold", &[("x-ms-access-tier", "Archive")], b"x").await;
    store.put_with("cool", &[("x-ms-access-tier", "Cool")], b"y").await;
    let connector = store.connect(json!({})).expect("good settings");
    connector.check().await.expect("an archived blob says nothing about rights");
    let all = flat(connector.as_ref(), 10).await.expect("a list");
    assert!(matches!(&all[0].kind, EntryKind::Special(reason) if reason.contains("access tier")), "{all:?}");
    assert_eq!(read(connector.as_ref(), &all[1]).await.expect("readable"), b"y");
    let error = read(connector.as_ref(), &all[0]).await.expect_err("archived");
    assert_eq!((error.kind(), error.get("path")), (ErrorKind::Unreadable, Some("cold")), "{error}");
}

#[tokio::test]
async fn content_encoding_is_not_undone() {
    let store = Store::new().await;
    let stored = b"\x1f\x8b\x08 not even gzip, but stored like this";
    store.put_with("a.gz", &[("x-ms-blob-content-encoding", "gzip")], stored).await;
    let connector = store.connect(json!({})).expect("good settings");
    let entry = connector.need_browse().expect("browse").lookup("a.gz").await.expect("there");
    assert_eq!(entry.size, Some(stored.len() as u64));
    assert_eq!(read(connector.as_ref(), &entry).await.expect("as stored"), stored);
}

#[tokio::test]
async fn a_blob_that_changed_since_it_was_listed_is_a_conflict() {
    let store = Store::new().await;
    for (before, after) in [(&b"one"[..], &b"two"[..]), (b"", b"no longer empty")] {
        store.put("a", before).await;
        let connector = store.connect(json!({})).expect("good settings");
        let mut entry = connector.need_browse().expect("browse").lookup("a").await.expect("there");
        store.put("a", after).await;
        assert_eq!(read(connector.as_ref(), &entry).await.expect_err("changed").kind(), ErrorKind::Conflict);
        entry.fingerprint = None;
        assert_eq!(read(connector.as_ref(), &entry).await.expect("any version"), after);
    }
}

#[tokio::test]
async fn what_does_not_match_its_hash_is_an_error() {
    let store = Store::new().await;
    store.put("a", b"content").await;
    let connector = store.connect(json!({})).expect("good settings");
    let browse = connector.need_browse().expect("browse");
    let hash = browse.lookup("a").await.expect("there").hash.expect("a hash");
    assert_eq!((hash.algorithm.as_str(), hash.value.as_str()), ("md5", "mgNkuembtIDdJeHwKEyFVQ=="));
    let wrong = [("x-ms-blob-content-md5", "XrY7u+Ae7tCTyyK7j1rNww==")];
    store.send(Method::PUT, "a", "comp=properties", &wrong, b"").await;
    let entry = browse.lookup("a").await.expect("there");
    let error = read(connector.as_ref(), &entry).await.expect_err("another content's hash");
    assert_eq!((error.kind(), error.is_item()), (ErrorKind::Unreadable, true), "{error}");
}

#[tokio::test]
async fn blocks_without_a_hash_are_read_as_they_are() {
    let store = Store::new().await;
    store.send(Method::PUT, "a", "comp=block&blockid=QQ%3D%3D", &[], b"in ").await;
    store.send(Method::PUT, "a", "comp=block&blockid=Qg%3D%3D", &[], b"blocks").await;
    let list = "<BlockList><Latest>QQ==</Latest><Latest>Qg==</Latest></BlockList>";
    store.send(Method::PUT, "a", "comp=blocklist", &[], list.as_bytes()).await;
    let connector = store.connect(json!({})).expect("good settings");
    let entry = connector.need_browse().expect("browse").lookup("a").await.expect("there");
    assert_eq!(entry.hash, None);
    assert_eq!(read(connector.as_ref(), &entry).await.expect("readable"), b"in blocks");
}
