//! What only a real server shows: keys of every kind, host keys, links, rights, changes, and
//! connections that end in the middle.

mod place;

use std::{
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use catchment_core::{
    ByteRange, Context, Entry, EntryKind, Error, ErrorKind, IntegrationId, PageRequest, Result, Tenant,
};
use catchment_testkit::{
    backends::{self, PASSPHRASE},
    tcp::{TcpProxy, Trouble},
};
use futures::{StreamExt, future::join_all};
use place::{Place, connect, date, named, read, stranger, walked};
use serde_json::{Value, json};

fn openssh() -> Place {
    Place::new(backends::openssh())
}

fn reason(entry: &Entry) -> &str {
    match &entry.kind {
        EntryKind::Special(reason) => reason,
        kind => panic!("`{}` is {kind:?}", entry.path),
    }
}

fn marks(error: &Error) -> (ErrorKind, Option<&str>, Option<&str>) {
    (error.kind(), error.get("step"), error.get("field"))
}

#[tokio::test]
async fn keys_of_every_kind_log_in() {
    let place = openssh();
    let mut tried = 0;
    for kind in ["ed25519", "ecdsa", "rsa"] {
        for form in ["", "-encrypted", "-pem", "-pem-encrypted", "-pkcs8", "-pkcs8-encrypted"] {
            if kind == "ed25519" && form.contains('p') && !form.starts_with("-encrypted") {
                continue;
            }
            let phrase = if form.ends_with("encrypted") { json!(PASSPHRASE) } else { Value::Null };
            let key = place.server.key(&format!("{kind}{form}"));
            // As it comes out of a form field.
            let pasted = key.trim().replace('\n', "\\n");
            let connector = place.connect(json!({ "private_key": pasted, "passphrase": phrase }));
            tried += 1;
            // The one form that is not read; it is told how to mend it.
            if (kind, form) == ("ecdsa", "-pem-encrypted") {
                assert!(connector.expect_err("not read").message().contains("ssh-keygen -p"));
                continue;
            }
            let account = connector.expect("good settings").check().await;
            let account = account.unwrap_or_else(|error| panic!("{kind}{form}: {error:?}"));
            assert!(account.id.contains(&place.server.user), "{account:?}");
        }
    }
    assert_eq!(tried, 14);
}

#[tokio::test]
async fn each_wrong_setting_is_named_with_its_step() {
    use ErrorKind::{Config, Forbidden, Unauthenticated};
    let place = openssh();
    place.put("root/file".as_ref(), b"x");
    let root = place.at_server();
    let encrypted = place.server.key("ed25519-encrypted");
    let other = fs::read_to_string(place.server.key_file("ed25519.pub")).expect("a key");
    for (change, kind, step, field) in [
        (json!({"private_key": stranger()}), Unauthenticated, "login", "private_key"),
        (json!({"private_key": null, "password": "x"}), Unauthenticated, "login", "private_key"),
        (json!({"private_key": encrypted, "passphrase": "wrong"}), Unauthenticated, "login", "passphrase"),
        (json!({"host_key": other}), Config, "host key", "host_key"),
        (json!({"host_key": null}), Config, "host key", "host_key"),
        (json!({"folder_path": format!("{root}/missing")}), Config, "path", "folder_path"),
        (json!({"folder_path": format!("{root}/file")}), Config, "path", "folder_path"),
        (json!({"url": "127.0.0.1:1"}), ErrorKind::Unavailable, "network", "url"),
        (json!({"url": "no-such-host.invalid"}), ErrorKind::Unavailable, "network", "url"),
    ] {
        let error = place.connect(change.clone()).expect("plausible").check().await.expect_err("wrong");
        assert_eq!(marks(&error), (kind, Some(step), Some(field)), "{change}: {error:?}");
    }
    for (change, field) in [
        (json!({"private_key": place.server.key("rsa.pub")}), "private_key"),
        (json!({"private_key": encrypted}), "passphrase"),
        (json!({"private_key": null, "passphrase": "x"}), "private_key"),
        (json!({"username": null}), "username"),
        (json!({"url": "ann@127.0.0.1"}), "username"),
        (json!({"url": "127.0.0.1/other"}), "folder_path"),
        (json!({"url": "https://127.0.0.1"}), "url"),
        (json!({"host_key": "hunter2"}), "host_key"),
        (json!({"host_key": format!("elsewhere {}", place.server.host_keys[0])}), "host_key"),
        (json!({"max_connections": 0}), "max_connections"),
        (json!({"timeout_seconds": 10_000}), "timeout_seconds"),
    ] {
        let error = place.connect(change.clone()).expect_err("must be refused");
        assert_eq!((error.kind(), error.get("field")), (Config, Some(field)), "{change}: {error}");
        assert!(!error.to_string().contains("hunter2"));
    }
    if place.server.limited != place.server.user {
        fs::set_permissions(place.path("root"), fs::Permissions::from_mode(0o700)).expect("rights");
        let limited = place.connect(json!({"username": place.server.limited})).expect("good settings");
        let error = limited.check().await.expect_err("no right");
        assert_eq!(marks(&error), (Forbidden, Some("path"), Some("folder_path")), "{error:?}");
    }
}

#[tokio::test]
async fn the_first_contact_shows_what_can_be_pinned() {
    let place = openssh();
    let unknown = place.connect(json!({"host_key": null})).expect("good settings");
    let seen = unknown.check().await.expect_err("not believed").get("seen").expect("a fingerprint").to_owned();
    assert!(seen.starts_with("SHA256:"), "{seen}");
    let shown = |account: catchment_core::Account| {
        account.details.into_iter().find(|(name, _)| name == "host key").expect("shown").1
    };
    let trusting = place.connect(json!({"host_key": null, "trust_on_first_use": true})).expect("good settings");
    assert_eq!(shown(trusting.check().await.expect("believed")), seen);
    let port = place.server.address.port();
    let lines: Vec<String> = place.server.host_keys.iter().map(|key| format!("[127.0.0.1]:{port} {key}")).collect();
    for pin in [seen.clone(), lines.join("\n"), place.server.host_keys[2].clone()] {
        let pinned = place.connect(json!({ "host_key": pin })).expect("good settings");
        let key = shown(pinned.check().await.unwrap_or_else(|error| panic!("{pin}: {error:?}")));
        // With one key of the three pinned, the server is asked for that one.
        assert_eq!(key == seen, !pin.starts_with("ssh-rsa"), "{pin}");
    }
}

#[tokio::test]
async fn links_are_listed_and_not_followed() {
    let place = openssh();
    place.put("root/real/file".as_ref(), b"x");
    symlink("real", place.path("root/folder link")).expect("a link");
    symlink("real/file", place.path("root/file link")).expect("a link");
    let connector = place.open();
    let (all, errors, complete) = walked(connector.as_ref()).await;
    assert!(errors.is_empty() && complete);
    assert_eq!(all.len(), 4, "{all:?}");
    for link in ["folder link", "file link"] {
        assert!(reason(named(&all, link)).contains("follow_links"));
        let opened = read(connector.as_ref(), named(&all, link)).await.expect_err("not followed");
        assert_eq!(opened.kind(), ErrorKind::Unreadable);
    }
    let browse = connector.need_browse().expect("browse");
    let through = "folder link/file";
    assert_eq!(browse.lookup(through).await.expect_err("through a link").kind(), ErrorKind::NotFound);
    let listed = browse.children(&"folder link".into(), PageRequest::first()).await;
    assert_eq!(listed.expect_err("through a link").kind(), ErrorKind::NotFound);
    let forged = Entry::file(through, through);
    assert_eq!(read(connector.as_ref(), &forged).await.expect_err("through a link").kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn followed_links_stay_inside_and_end() {
    let place = openssh();
    place.put("root/a/b/file".as_ref(), b"inside");
    place.put("secret".as_ref(), b"outside");
    for (to, link) in [
        (PathBuf::from("a/b"), "short cut"),
        ("..".into(), "a/b/back"),
        ("../..".into(), "a/b/top"),
        ("self".into(), "self"),
        ("nowhere".into(), "dangling"),
        ("../secret".into(), "out"),
        (place.path("secret"), "absolute"),
        ("../..".into(), "a/up and out"),
    ] {
        symlink(to, place.path("root").join(link)).expect("a link");
    }
    let connector = place.connect(json!({"follow_links": true})).expect("good settings");
    let (all, errors, complete) = walked(connector.as_ref()).await;
    assert!(errors.is_empty() && complete, "{errors:?}");
    assert!(all.len() < 30, "{} entries", all.len());
    assert_eq!(read(connector.as_ref(), named(&all, "short cut/file")).await.expect("followed"), b"inside");
    for (link, says) in [
        ("a/b/back", "holds it"),
        ("a/b/top", "holds it"),
        ("self", "itself"),
        ("dangling", "nothing"),
        ("out", "out of the folder"),
        ("absolute", "out of the folder"),
        ("a/up and out", "out of the folder"),
    ] {
        assert!(reason(named(&all, link)).contains(says), "{link}: {}", reason(named(&all, link)));
        assert!(read(connector.as_ref(), named(&all, link)).await.is_err(), "{link}");
    }
}

#[tokio::test]
async fn links_that_lead_across_each_other_end() {
    let place = openssh();
    for one in 0..5 {
        fs::create_dir(place.path(&format!("root/d{one}"))).expect("a folder");
        for other in (0..5).filter(|other| *other != one) {
            symlink(format!("../d{other}"), place.path(&format!("root/d{one}/l{other}"))).expect("a link");
        }
    }
    let connector = place.connect(json!({"follow_links": true})).expect("good settings");
    let (all, errors, complete) = walked(connector.as_ref()).await;
    assert!(errors.is_empty() && complete && all.len() < 2_000, "{} entries", all.len());
}

#[tokio::test]
async fn pipes_and_sockets_are_listed_and_never_opened() {
    let place = openssh();
    let made = Command::new("mkfifo").arg(place.path("root/pipe")).status().expect("mkfifo, of coreutils");
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(place.path("root/socket")).expect("a socket");
    let connector = place.connect(json!({"follow_links": true})).expect("good settings");
    let (all, _, complete) = walked(connector.as_ref()).await;
    assert!(complete && all.len() == 2);
    for name in ["pipe", "socket"] {
        assert!(reason(named(&all, name)).contains(name));
        let error = read(connector.as_ref(), &Entry::file(name, name)).await.expect_err("no content");
        assert_eq!(error.kind(), ErrorKind::Unreadable, "{error}");
    }
}

#[tokio::test]
async fn names_that_are_not_text_can_be_read() {
    let place = openssh();
    let put = |name: &[u8], bytes: &[u8]| {
        let path = Path::new("root").join(std::ffi::OsStr::from_bytes(name));
        place.put(&path, bytes);
    };
    for name in [&b"caf\xe9"[..], b"\xff\xfe", b"caf\xc3\xa9", b"100%", b"%E9", b"d\xe9/in"] {
        put(name, name);
    }
    let connector = place.open();
    let (all, errors, complete) = walked(connector.as_ref()).await;
    assert!(errors.is_empty() && complete);
    let files: Vec<_> = all.iter().filter(|entry| entry.is_file()).collect();
    let mut contents = Vec::new();
    for file in &files {
        contents.push(read(connector.as_ref(), file).await.expect("readable"));
        let again = connector.need_browse().expect("browse").lookup(&file.path).await.expect("found as it is shown");
        assert_eq!(again.id, file.id, "{}", file.path);
    }
    contents.sort();
    assert_eq!(contents, [&b"%E9"[..], b"100%", b"caf\xc3\xa9", b"caf\xe9", b"d\xe9/in", b"\xff\xfe"]);
}

#[tokio::test]
async fn names_as_long_as_a_disk_allows_are_read() {
    let place = openssh();
    let long = "ü".repeat(127);
    let path = format!("{long}/{long}/{long}");
    place.put(&Path::new("root").join(&path), b"deep");
    let connector = place.open();
    let entry = connector.need_browse().expect("browse").lookup(&path).await.expect("there");
    assert_eq!(read(connector.as_ref(), &entry).await.expect("readable"), b"deep");
}

#[tokio::test]
async fn a_branch_that_may_not_be_read_is_forbidden_and_never_empty() {
    let place = openssh();
    for path in ["open/file", "closed/file", "names only/file", "locked"] {
        place.put(&Path::new("root").join(path), b"x");
    }
    let rights = |path: &str, mode: u32| {
        fs::set_permissions(place.path("root").join(path), fs::Permissions::from_mode(mode)).expect("rights");
    };
    for (path, mode) in [("closed", 0o000), ("names only", 0o444), ("locked", 0o000)] {
        rights(path, mode);
    }
    let connector = place.connect(json!({"username": place.server.limited})).expect("good settings");
    let (all, errors, complete) = walked(connector.as_ref()).await;
    rights("closed", 0o700);
    rights("names only", 0o700);
    assert!(!complete, "a folder that was not listed is noticed");
    let closed: Vec<_> = errors.iter().map(|error| (error.kind(), error.get("path"))).collect();
    for path in ["closed", "names only"] {
        assert!(closed.contains(&(ErrorKind::Forbidden, Some(path))), "{path}: {errors:?}");
    }
    assert_eq!(read(connector.as_ref(), named(&all, "open/file")).await.expect("readable"), b"x");
    let locked = read(connector.as_ref(), named(&all, "locked")).await.expect_err("locked");
    assert_eq!((locked.kind(), locked.get("path")), (ErrorKind::Forbidden, Some("locked")));
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

#[tokio::test]
async fn a_shared_server_lends_neither_its_keys_nor_its_network() {
    let place = openssh();
    let cx = Context::shared(Tenant::new("acme", "ann"), IntegrationId(1));
    for url in [place.server.address.to_string(), format!("localhost:{}", place.server.address.port())] {
        let connector = connect(place.settings(), json!({ "url": url }), cx.clone()).expect("plausible");
        let error = connector.check().await.expect_err("a private address");
        assert_eq!(marks(&error), (ErrorKind::Config, Some("network"), Some("url")), "{error}");
    }
    let error = connect(place.settings(), json!({"private_key": null}), cx).expect_err("no agent");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("password")));
}

/// The agent is found through the environment; so this runs once more with one.
#[test]
fn the_agent_of_the_host_logs_in() {
    let name = "the_agent_of_the_host_logs_in";
    if std::env::var_os("CATCHMENT_TEST_AGENT").is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("agent");
        let mut agent = Command::new("ssh-agent");
        agent.args(["-D", "-a"]).arg(&socket).stdin(Stdio::null()).stdout(Stdio::null());
        let mut agent = agent.spawn().expect("ssh-agent, of openssh-client");
        while !socket.exists() {
            assert!(agent.try_wait().expect("a child").is_none(), "the agent ended");
            std::thread::yield_now();
        }
        let place = openssh();
        let key = folder.path().join("key");
        fs::copy(place.server.key_file("rsa"), &key).expect("a key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("rights");
        let added = Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &socket).status();
        let run = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", name, "--nocapture"])
            .env("SSH_AUTH_SOCK", &socket)
            .env("CATCHMENT_TEST_AGENT", "1")
            .output();
        agent.kill().expect("a child");
        agent.wait().expect("a child");
        assert!(added.expect("ssh-add").success());
        let run = run.expect("this program");
        let out = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && out.contains("1 passed"), "{out}{}", String::from_utf8_lossy(&run.stderr));
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let place = openssh();
        let connector = place.connect(json!({"private_key": null})).expect("the agent");
        connector.check().await.expect("let in");
    });
}
