//! What only a real server shows: keys of every kind, host keys, links, names and rights.

mod place;

use std::{
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use catchment_core::{Context, Entry, EntryKind, Error, ErrorKind, IntegrationId, PageRequest, Tenant};
use catchment_testkit::backends::{self, PASSPHRASE};
use place::{Place, connect, named, read, stranger, walked};
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
async fn what_was_read_through_a_link_does_not_pass_for_gone_when_its_target_is_closed() {
    let place = openssh();
    place.put("root/closed/below/file".as_ref(), b"x");
    symlink("closed/below", place.path("root/link")).expect("a link");
    let settings = json!({"username": place.server.limited, "follow_links": true});
    let connector = place.connect(settings).expect("good settings");
    let (all, _, complete) = walked(connector.as_ref()).await;
    assert!(complete && all.iter().any(|entry| entry.path == "link/file"), "{all:?}");
    fs::set_permissions(place.path("root/closed"), fs::Permissions::from_mode(0o000)).expect("rights");
    let (_, errors, complete) = walked(connector.as_ref()).await;
    fs::set_permissions(place.path("root/closed"), fs::Permissions::from_mode(0o700)).expect("rights");
    assert!(!complete, "nobody knows what is there");
    let told: Vec<_> = errors.iter().map(|error| (error.kind(), error.get("path"))).collect();
    assert!(told.contains(&(ErrorKind::Forbidden, Some("link"))), "{errors:?}");
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
