//! What only a file system does: links, pipes, rights, names that are not text, and change.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::Path,
    sync::Arc,
    time::Duration,
};

use catchment_core::{
    Connector, Context, Entry, EntryKind, Error, ErrorKind, PageRequest, Registry, Result, Step, walk::walk,
};
use catchment_folder::Folder;
use futures::StreamExt;
use serde_json::{Value, json};
use tempfile::TempDir;

fn place() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn connect(settings: Value) -> Result<Arc<dyn Connector>> {
    Registry::new().with::<Folder>().connect("folder", settings, Context::local())
}

fn open(place: &Path) -> Arc<dyn Connector> {
    connect(json!({ "path": place })).expect("good settings")
}

fn following(place: &Path) -> Arc<dyn Connector> {
    connect(json!({ "path": place, "follow_links": true })).expect("good settings")
}

/// All entries of a walk, the branches that could not be listed, and whether it was complete.
async fn walked(connector: &dyn Connector) -> (Vec<Entry>, Vec<Error>, bool) {
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root");
    let mut steps = std::pin::pin!(walk(browse, root, PageRequest::first()));
    let (mut all, mut errors, mut complete) = (Vec::new(), Vec::new(), false);
    while let Some(step) = steps.next().await {
        match step {
            Step::Entries(entries) => all.extend(entries),
            Step::Unlisted { error, .. } => errors.push(error),
            Step::End(proof) => complete = proof.is_some(),
        }
    }
    (all, errors, complete)
}

async fn read(connector: &dyn Connector, entry: &Entry) -> Result<Vec<u8>> {
    connector.need_download()?.open(entry, None).await?.collect(1 << 30).await
}

fn named<'a>(entries: &'a [Entry], path: &str) -> &'a Entry {
    entries.iter().find(|entry| entry.path == path).unwrap_or_else(|| panic!("no `{path}` in {entries:?}"))
}

fn reason(entry: &Entry) -> &str {
    match &entry.kind {
        EntryKind::Special(reason) => reason,
        kind => panic!("`{}` is {kind:?}", entry.path),
    }
}

#[tokio::test]
async fn links_are_listed_and_not_followed() {
    let place = place();
    fs::create_dir(place.path().join("real")).expect("a folder");
    fs::write(place.path().join("real/file"), "x").expect("a file");
    symlink("real", place.path().join("folder link")).expect("a link");
    symlink("real/file", place.path().join("file link")).expect("a link");
    let connector = open(place.path());
    let (all, errors, complete) = walked(connector.as_ref()).await;
    assert!(errors.is_empty() && complete);
    assert_eq!(all.len(), 4, "{all:?}");
    for link in ["folder link", "file link"] {
        assert!(reason(named(&all, link)).contains("follow_links"));
        let opened = read(connector.as_ref(), named(&all, link)).await.expect_err("not followed");
        assert_eq!(opened.kind(), ErrorKind::Unreadable);
    }
    let browse = connector.need_browse().expect("browse");
    assert_eq!(browse.lookup("folder link/file").await.expect_err("through a link").kind(), ErrorKind::NotFound);
    let forged = Entry::file("folder link/file", "folder link/file");
    assert_eq!(read(connector.as_ref(), &forged).await.expect_err("through a link").kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn followed_links_stay_inside_and_end() {
    let place = place();
    let root = place.path().join("root");
    fs::create_dir_all(root.join("a/b")).expect("folders");
    fs::write(root.join("a/b/file"), "inside").expect("a file");
    fs::write(place.path().join("secret"), "outside").expect("a file");
    symlink("a/b", root.join("short cut")).expect("a link");
    symlink("..", root.join("a/b/back")).expect("a link");
    symlink("../..", root.join("a/b/top")).expect("a link");
    symlink("self", root.join("self")).expect("a link");
    symlink("nowhere", root.join("dangling")).expect("a link");
    symlink("../secret", root.join("out")).expect("a link");
    symlink(place.path().join("secret"), root.join("absolute")).expect("a link");
    symlink("../..", root.join("a/up and out")).expect("a link");
    let connector = following(&root);
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
    let place = place();
    for one in 0..5 {
        fs::create_dir(place.path().join(format!("d{one}"))).expect("a folder");
        for other in (0..5).filter(|other| *other != one) {
            symlink(format!("../d{other}"), place.path().join(format!("d{one}/l{other}"))).expect("a link");
        }
    }
    let (all, errors, complete) = walked(following(place.path()).as_ref()).await;
    assert!(errors.is_empty() && complete && all.len() < 2_000, "{} entries", all.len());
}

#[tokio::test]
async fn pipes_sockets_and_devices_are_listed_and_never_opened() {
    let place = place();
    let pipe = place.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).expect("a pipe");
    let _socket = std::os::unix::net::UnixListener::bind(place.path().join("socket")).expect("a socket");
    for connector in [open(place.path()), following(place.path())] {
        let (all, _, complete) = walked(connector.as_ref()).await;
        assert!(complete);
        assert!(reason(named(&all, "pipe")).contains("pipe"));
        assert!(reason(named(&all, "socket")).contains("socket"));
        for name in ["pipe", "socket"] {
            let forged = Entry::file(name, name);
            let opened = tokio::time::timeout(Duration::from_secs(20), read(connector.as_ref(), &forged));
            let error = opened.await.expect("no hang").expect_err("no content");
            assert_eq!(error.kind(), ErrorKind::Unreadable, "{error}");
        }
    }
}

#[tokio::test]
async fn names_that_are_not_text_can_be_read() {
    let place = place();
    for name in [&b"caf\xe9"[..], b"\xff\xfe", b"caf\xc3\xa9", b"100%", b"%E9"] {
        fs::write(place.path().join(OsStr::from_bytes(name)), name).expect("a file");
    }
    fs::create_dir(place.path().join(OsStr::from_bytes(b"d\xe9"))).expect("a folder");
    fs::write(place.path().join(OsStr::from_bytes(b"d\xe9/in")), "in").expect("a file");
    let connector = open(place.path());
    let (all, errors, complete) = walked(connector.as_ref()).await;
    assert!(errors.is_empty() && complete);
    let files: Vec<_> = all.iter().filter(|entry| entry.is_file()).collect();
    assert_eq!(files.len(), 6);
    let mut contents = Vec::new();
    for file in files {
        contents.push(read(connector.as_ref(), file).await.expect("readable"));
        let again = connector.need_browse().expect("browse").lookup(&file.path).await.expect("found as it is shown");
        assert_eq!(again.id, file.id, "{}", file.path);
    }
    contents.sort();
    assert_eq!(contents, [&b"%E9"[..], b"100%", b"caf\xc3\xa9", b"caf\xe9", b"in", b"\xff\xfe"]);
}

#[tokio::test]
async fn paths_longer_than_the_system_takes_at_once_are_read() {
    use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
    let place = place();
    // Names of 255 bytes, 5,000 in all: no single call can name what is below.
    let names: Vec<String> = (0..20).map(|level| format!("{level:02}{}", "n".repeat(253))).collect();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let mut above = openat(CWD, place.path(), flags, Mode::empty()).expect("the place");
    for name in &names {
        mkdirat(&above, name.as_str(), Mode::RWXU).expect("a folder");
        above = openat(&above, name.as_str(), flags, Mode::empty()).expect("the folder");
    }
    let file = openat(&above, "file", OFlags::CREATE | OFlags::WRONLY, Mode::RWXU).expect("a file");
    rustix::io::write(&file, b"deep").expect("written");
    let path = format!("{}/file", names.join("/"));
    for connector in [open(place.path()), following(place.path())] {
        let (all, errors, complete) = walked(connector.as_ref()).await;
        assert!(errors.is_empty() && complete, "{errors:?}");
        assert_eq!(read(connector.as_ref(), named(&all, &path)).await.expect("readable"), b"deep");
        let found = connector.need_browse().expect("browse").lookup(&path).await.expect("found");
        assert_eq!(found.id, named(&all, &path).id);
    }
}

#[tokio::test]
async fn dates_of_any_clock_are_taken_as_they_are() {
    let place = place();
    let hour = Duration::from_secs(3600);
    let epoch = std::time::SystemTime::UNIX_EPOCH;
    let now = std::time::SystemTime::now();
    let centuries = Duration::from_secs(400 * 365 * 86_400);
    for (name, time) in [
        ("ahead", now + hour),
        ("behind", now - hour),
        ("before the epoch", epoch - hour * 24 * 365),
        ("far", epoch + centuries),
    ] {
        let path = place.path().join(name);
        fs::write(&path, name).expect("a file");
        let file = fs::File::options().write(true).open(&path).expect("there");
        // Not every file system keeps every date.
        if file.set_modified(time).is_err() {
            continue;
        }
        let connector = open(place.path());
        let browse = connector.need_browse().expect("browse");
        let entry = browse.lookup(name).await.expect("listed");
        assert_eq!(read(connector.as_ref(), &entry).await.expect("readable"), name.as_bytes());
        fs::write(&path, name.to_uppercase()).expect("replaced");
        file.set_modified(time).expect("a date");
        let later = browse.lookup(name).await.expect("listed");
        assert_ne!(later.fingerprint, entry.fingerprint, "{name}: a change that keeps size and date is noticed");
    }
}

#[tokio::test]
async fn a_folder_that_became_a_file_holds_nothing_and_hides_nothing() {
    let place = place();
    for path in ["a/file", "b/file"] {
        fs::create_dir_all(place.path().join(path).parent().expect("a parent")).expect("folders");
        fs::write(place.path().join(path), path).expect("a file");
    }
    let connector = open(place.path());
    let browse = connector.need_browse().expect("browse");
    let listed = browse.lookup("a").await.expect("a folder");
    fs::remove_dir_all(place.path().join("a")).expect("gone");
    fs::write(place.path().join("a"), "a file now").expect("a file");
    let error = browse.children(&listed.id, PageRequest::first()).await.expect_err("a file has no children");
    assert!(error.is_item(), "{error}");
    let (all, errors, complete) = walked(connector.as_ref()).await;
    assert!(errors.is_empty() && complete, "{errors:?}");
    assert_eq!(all.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["a", "b", "b/file"]);
    assert_eq!(read(connector.as_ref(), named(&all, "a")).await.expect("readable"), b"a file now");
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_never_passes_for_whole() {
    let place = place();
    let path = place.path().join("file");
    for change in ["shorter", "longer", "same size"] {
        fs::write(&path, vec![b'a'; 3 << 20]).expect("a file");
        let connector = open(place.path());
        let entry = connector.need_browse().expect("browse").lookup("file").await.expect("there");
        let mut body = connector.need_download().expect("download").open(&entry, None).await.expect("opened").body;
        body.next().await.expect("a chunk").expect("good so far");
        // Until the clock of the file system has moved on.
        let mark = || fs::metadata(&path).and_then(|metadata| metadata.modified()).expect("there");
        let before = mark();
        while mark() == before {
            match change {
                "shorter" => fs::File::options().write(true).open(&path).expect("there").set_len(1 << 20).expect("cut"),
                "longer" => fs::write(&path, vec![b'b'; 4 << 20]).expect("replaced"),
                _ => fs::write(&path, vec![b'b'; 3 << 20]).expect("replaced"),
            }
        }
        let rest: Vec<_> = body.collect().await;
        let error = rest.into_iter().find_map(Result::err).unwrap_or_else(|| panic!("{change}: noticed"));
        assert_eq!(error.kind(), ErrorKind::Conflict, "{change}: {error}");
    }
}

#[tokio::test]
async fn a_file_that_changed_since_it_was_listed_is_a_conflict() {
    let place = place();
    let path = place.path().join("file");
    fs::write(&path, "one").expect("a file");
    let connector = open(place.path());
    let mut entry = connector.need_browse().expect("browse").lookup("file").await.expect("there");
    fs::write(&path, "another").expect("replaced");
    assert_eq!(read(connector.as_ref(), &entry).await.expect_err("changed").kind(), ErrorKind::Conflict);
    entry.fingerprint = None;
    assert_eq!(read(connector.as_ref(), &entry).await.expect("any version"), b"another");
}

#[tokio::test]
async fn a_file_that_vanishes_is_missing_and_nothing_else() {
    let place = place();
    for name in ["a", "b", "c"] {
        fs::write(place.path().join(name), name).expect("a file");
    }
    let connector = open(place.path());
    let browse = connector.need_browse().expect("browse");
    let first = browse.children(&"".into(), PageRequest::first().limit(1)).await.expect("a page");
    fs::remove_file(place.path().join("b")).expect("gone");
    let rest = browse.children(&"".into(), PageRequest::at(first.next.expect("more"))).await.expect("no error");
    assert_eq!(rest.items.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["c"]);
    fs::remove_dir_all(place.path()).expect("gone");
    let error = browse.children(&"".into(), PageRequest::first()).await.expect_err("the root is gone");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("path")));
}

#[tokio::test]
async fn wrong_settings_say_what_to_do() {
    let place = place();
    let file = place.path().join("file");
    fs::write(&file, "x").expect("a file");
    for (path, says) in [(place.path().join("missing"), "no such folder"), (file, "this is a file")] {
        let error = open(&path).check().await.expect_err("not a folder");
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("path")));
        assert!(error.message().contains(says), "{error}");
    }
    let account = open(place.path()).check().await.expect("a folder");
    assert_eq!(account.id, place.path().to_str().expect("UTF-8"));
    assert_eq!(connect(json!({ "path": "" })).expect_err("empty").get("field"), Some("path"));
}

#[tokio::test]
async fn what_is_left_out_cannot_be_reached() {
    let place = place();
    for path in ["keep/a.pdf", "keep/a.txt", "drop/a.pdf", ".git/a.pdf"] {
        fs::create_dir_all(place.path().join(path).parent().expect("a parent")).expect("folders");
        fs::write(place.path().join(path), path).expect("a file");
    }
    let settings = json!({ "path": place.path(), "hidden": false, "include": ["*.pdf"], "exclude": ["drop/"] });
    let connector = connect(settings).expect("good settings");
    let (all, _, complete) = walked(connector.as_ref()).await;
    assert!(complete);
    assert_eq!(all.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["keep", "keep/a.pdf"]);
    for path in ["keep/a.txt", "drop", "drop/a.pdf", ".git/a.pdf"] {
        let error = connector.need_browse().expect("browse").lookup(path).await.expect_err("left out");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{path}");
        assert!(read(connector.as_ref(), &Entry::file(path, path)).await.is_err(), "{path}");
    }
}

/// Root may read everything, so as root this runs once more as nobody.
#[test]
fn what_may_not_be_read_is_forbidden_and_the_rest_goes_on() {
    let name = "what_may_not_be_read_is_forbidden_and_the_rest_goes_on";
    if rustix::process::geteuid().is_root() {
        // A copy, since nobody may not enter every folder that root builds in.
        let place = place();
        let copy = place.path().join("test");
        fs::copy(std::env::current_exe().expect("this program"), &copy).expect("a copy");
        fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("open");
        let run = std::process::Command::new("setpriv")
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .arg(&copy)
            .args(["--exact", name, "--nocapture"])
            .output()
            .expect("setpriv, of util-linux");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let out = String::from_utf8_lossy(&run.stdout);
        assert!(out.contains("1 passed"), "it ran: {out}");
        return;
    }
    let place = place();
    for path in ["open/file", "closed/below/file", "names only/file", "locked"] {
        fs::create_dir_all(place.path().join(path).parent().expect("a parent")).expect("folders");
        fs::write(place.path().join(path), "x").expect("a file");
    }
    symlink("closed/below", place.path().join("link")).expect("a link");
    let rights = |path: &str, mode: u32| {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(place.path().join(path), permissions).expect("rights");
    };
    rights("closed", 0o000);
    rights("names only", 0o400);
    rights("locked", 0o000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let connector = open(place.path());
        let (all, errors, complete) = walked(connector.as_ref()).await;
        assert!(!complete, "a folder that was not listed is noticed");
        assert_eq!(errors.iter().map(Error::kind).collect::<Vec<_>>(), [ErrorKind::Forbidden; 2]);
        assert_eq!(read(connector.as_ref(), named(&all, "open/file")).await.expect("readable"), b"x");
        let locked = read(connector.as_ref(), named(&all, "locked")).await.expect_err("locked");
        assert_eq!((locked.kind(), locked.get("path")), (ErrorKind::Forbidden, Some("locked")));
        let browse = connector.need_browse().expect("browse");
        let hidden = browse.lookup("names only/file").await.expect("a name is known");
        let below = browse.children(&hidden.id, PageRequest::first()).await;
        assert_eq!(below.expect_err("nobody knows what it is").kind(), ErrorKind::Forbidden);
        // What was read through the link before must not pass for gone.
        let (all, errors, complete) = walked(following(place.path()).as_ref()).await;
        assert!(!complete && named(&all, "link").is_container(), "{all:?}");
        assert!(errors.iter().any(|error| error.get("path") == Some("link")), "{errors:?}");
        assert_eq!(open(&place.path().join("closed")).check().await.expect_err("closed").kind(), ErrorKind::Forbidden);
    });
    rights("closed", 0o700);
    rights("names only", 0o700);
}
