//! What becomes of listings and files while they change, and while connections end under them.

mod place;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use catchment_core::{ByteRange, ErrorKind, PageRequest, Result};
use catchment_testkit::{
    backends,
    tcp::{TcpProxy, Trouble},
};
use futures::{StreamExt, future::join_all};
use place::{Place, date, read, stranger, walked};
use serde_json::json;

fn openssh() -> Place {
    Place::new(backends::openssh())
}

#[tokio::test]
async fn a_change_is_noticed_whatever_the_clocks_say() {
    let place = openssh();
    place.put("root/file".as_ref(), b"one");
    let connector = place.open();
    let browse = connector.need_browse().expect("browse");
    let mut before = browse.lookup("file").await.expect("there");
    let now = SystemTime::now();
    let hour = Duration::from_secs(3600);
    // A clock an hour ahead, one an hour behind, and a file put back from long ago.
    for time in [now + hour, now - hour, SystemTime::UNIX_EPOCH + hour] {
        date(&place.path("root/file"), time);
        let after = browse.lookup("file").await.expect("there");
        assert_ne!(after.fingerprint, before.fingerprint);
        assert_eq!(browse.lookup("file").await.expect("there").fingerprint, after.fingerprint, "and not again");
        let error = read(connector.as_ref(), &before).await.expect_err("changed");
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(read(connector.as_ref(), &after).await.expect("the same"), b"one");
        before = after;
    }
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_never_passes_for_whole() {
    let place = openssh();
    let path = place.path("root/file");
    for change in ["shorter", "longer", "same size"] {
        place.put("root/file".as_ref(), &vec![b'a'; 12 << 20]);
        let connector = place.open();
        let entry = connector.need_browse().expect("browse").lookup("file").await.expect("there");
        let mut body = connector.need_download().expect("download").open(&entry, None).await.expect("opened").body;
        body.next().await.expect("a chunk").expect("good so far");
        match change {
            "shorter" => fs::File::options().write(true).open(&path).expect("there").set_len(8 << 20).expect("cut"),
            "longer" => fs::write(&path, vec![b'b'; 13 << 20]).expect("replaced"),
            _ => fs::write(&path, vec![b'b'; 12 << 20]).expect("replaced"),
        }
        date(&path, SystemTime::now() + Duration::from_secs(5));
        let rest: Vec<_> = body.collect().await;
        let error = rest.into_iter().find_map(Result::err).unwrap_or_else(|| panic!("{change}: noticed"));
        assert_eq!(error.kind(), ErrorKind::Conflict, "{change}: {error}");
    }
}

/// Bytes that differ from place to place.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 7 + at / 8191 * 31) as u8).collect()
}

#[tokio::test]
async fn reading_goes_on_where_the_connection_ended() {
    let place = openssh();
    let content = pattern(20 << 20);
    place.put("root/file".as_ref(), &content);
    let proxy = TcpProxy::start(place.server.address).await.expect("a proxy");
    let connector = place.connect(json!({"url": proxy.address().to_string()})).expect("good settings");
    let entry = connector.need_browse().expect("browse").lookup("file").await.expect("there");
    let mut body = connector.need_download().expect("download").open(&entry, None).await.expect("opened").exact().body;
    let mut came = Vec::new();
    while let Some(chunk) = body.next().await {
        let before = came.len() >> 22;
        came.extend_from_slice(&chunk.expect("goes on"));
        if came.len() >> 22 != before {
            proxy.cut();
        }
    }
    assert!(came == content, "{} bytes came", came.len());
    assert!(proxy.connections() >= 4, "{} connections", proxy.connections());
}

#[tokio::test]
async fn reading_does_not_go_on_in_another_version() {
    let place = openssh();
    place.put("root/file".as_ref(), &vec![b'a'; 20 << 20]);
    let proxy = TcpProxy::start(place.server.address).await.expect("a proxy");
    let connector = place.connect(json!({"url": proxy.address().to_string()})).expect("good settings");
    let entry = connector.need_browse().expect("browse").lookup("file").await.expect("there");
    let mut body = connector.need_download().expect("download").open(&entry, None).await.expect("opened").body;
    body.next().await.expect("a chunk").expect("good so far");
    place.put("root/file".as_ref(), &vec![b'b'; 20 << 20]);
    proxy.cut();
    let rest: Vec<_> = body.collect().await;
    let error = rest.into_iter().find_map(Result::err).expect("noticed");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

#[tokio::test]
async fn a_large_folder_comes_in_pages_each_name_once() {
    let place = openssh();
    let many = 5_000;
    for number in 0..many {
        fs::write(place.path(&format!("root/a name of some length {number}")), "").expect("a file");
    }
    let proxy = TcpProxy::start(place.server.address).await.expect("a proxy");
    let connector = place.connect(json!({"url": proxy.address().to_string()})).expect("good settings");
    let browse = connector.need_browse().expect("browse");
    let mut names = std::collections::BTreeSet::new();
    let mut request = PageRequest::first().limit(700);
    loop {
        let page = browse.children(&"".into(), request.clone()).await.expect("a page");
        for entry in page.items {
            assert!(names.insert(entry.name), "twice");
        }
        // In the middle the connection ends, and the folder is read again up to here.
        if names.len() == 2_100 {
            proxy.cut();
        }
        let Some(next) = page.next else { break };
        request.token = Some(next);
    }
    assert_eq!((names.len(), proxy.connections()), (many, 2));
}

#[tokio::test]
async fn a_listing_that_nobody_can_continue_is_an_error() {
    let place = openssh();
    for number in 0..300 {
        fs::write(place.path(&format!("root/{number}")), "").expect("a file");
    }
    let first = place.open();
    let page = first.need_browse().expect("browse").children(&"".into(), PageRequest::first().limit(100)).await;
    let page = page.expect("a page");
    let given = page.items[0].path.clone();
    fs::remove_file(place.path("root").join(given)).expect("gone");
    let token = page.next.expect("more");
    let fresh = place.open();
    let error = fresh.need_browse().expect("browse").children(&"".into(), PageRequest::at(token)).await;
    assert_eq!(error.expect_err("nobody knows what is missing").kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn many_calls_share_few_connections_and_leave_nothing_open() {
    let place = openssh();
    for number in 0..200 {
        place.put(&PathBuf::from(format!("root/{number}")), &pattern(100_000 + number));
    }
    let proxy = TcpProxy::start(place.server.address).await.expect("a proxy");
    let settings = json!({"url": proxy.address().to_string(), "max_connections": 3});
    let connector = place.connect(settings).expect("good settings");
    let (all, _, complete) = walked(connector.as_ref()).await;
    assert!(complete && all.len() == 200);
    let reads = all.iter().map(|entry| read(connector.as_ref(), entry));
    for (entry, content) in all.iter().zip(join_all(reads).await) {
        let number: usize = entry.name.parse().expect("a number");
        assert!(content.expect("readable") == pattern(100_000 + number), "{number}");
    }
    assert!(proxy.connections() <= 3, "{} connections", proxy.connections());
    // Bodies that nobody reads, and calls that nobody waits for.
    for entry in &all {
        let download = connector.need_download().expect("download");
        let mut body = download.open(entry, None).await.expect("opened").body;
        let _ = futures::poll!(body.next());
        let _ = futures::poll!(std::pin::pin!(download.open(entry, Some(ByteRange::from(7)))));
    }
    let folder = fs::canonicalize(place.path("root")).expect("there");
    let mut turns = 0;
    while open_below(&folder) > 0 {
        assert!(turns < 200, "{} files are still open at the server", open_below(&folder));
        turns += 1;
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    connector.check().await.expect("and it still works");
}

/// How many files below a folder the processes of this machine have open.
fn open_below(folder: &Path) -> usize {
    let processes = fs::read_dir("/proc").expect("Linux").flatten();
    let files = processes.filter_map(|process| fs::read_dir(process.path().join("fd")).ok());
    let links = files.flat_map(|files| files.flatten().filter_map(|file| fs::read_link(file.path()).ok()));
    links.filter(|file| file.starts_with(folder) && file != folder).count()
}

#[tokio::test]
async fn a_server_that_bears_one_connection_is_read_over_one() {
    let place = openssh();
    for number in 0..40 {
        place.put(&PathBuf::from(format!("root/{number}")), b"x");
    }
    let proxy = TcpProxy::start(place.server.address).await.expect("a proxy");
    let settings = json!({"url": proxy.address().to_string(), "max_connections": 4});
    let connector = place.connect(settings).expect("good settings");
    let (all, _, complete) = walked(connector.as_ref()).await;
    assert!(complete && all.len() == 40);
    proxy.set(Trouble::Close);
    for content in join_all(all.iter().map(|entry| read(connector.as_ref(), entry))).await {
        assert_eq!(content.expect("over the one there is"), b"x");
    }
    assert!(proxy.connections() > 1 && proxy.open() == 1, "another was tried, and one is left");
}

#[tokio::test]
async fn a_server_that_comes_back_is_used_again() {
    let place = openssh();
    place.put("root/file".as_ref(), b"x");
    let proxy = TcpProxy::start(place.server.address).await.expect("a proxy");
    let connector = place.connect(json!({"url": proxy.address().to_string()})).expect("good settings");
    connector.check().await.expect("there");
    proxy.set(Trouble::Close);
    proxy.cut();
    let error = connector.check().await.expect_err("away");
    assert_eq!((error.kind(), error.get("step")), (ErrorKind::Unavailable, Some("network")), "{error}");
    proxy.set(Trouble::None);
    connector.check().await.expect("back");
}

#[tokio::test]
async fn a_refused_login_is_not_tried_again_at_once() {
    let place = openssh();
    let proxy = TcpProxy::start(place.server.address).await.expect("a proxy");
    let settings = json!({"url": proxy.address().to_string(), "private_key": stranger()});
    let connector = place.connect(settings).expect("good settings");
    for _ in 0..5 {
        let error = connector.check().await.expect_err("refused");
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Unauthenticated, Some("private_key")));
    }
    assert_eq!(proxy.connections(), 1, "servers lock accounts after a few");
}
