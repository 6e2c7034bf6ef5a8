//! What lists hold: names, twins, shortcuts, documents, shared drives, and what others shared.

mod fake;

use std::time::Duration;

use catchment_core::{Browse, Connector, Entry, EntryKind, ErrorKind, PageRequest, Retry, walk};
use catchment_testkit::{
    faults::{Fault, FaultProxy},
    world::Key,
};
use fake::{DRIVE, FOLDER, Fake, MINE, Quirk, THEIRS, connect, share};
use futures::{StreamExt, TryStreamExt, pin_mut};
use serde_json::json;
use tokio::time::Instant;

fn browse(connector: &dyn Connector) -> &dyn Browse {
    connector.browse().expect("browse")
}

async fn all(connector: &dyn Connector) -> Vec<Entry> {
    let root = browse(connector).lookup("").await.expect("a root");
    let steps = walk::walk(browse(connector), root, PageRequest::first());
    pin_mut!(steps);
    let mut all = Vec::new();
    while let Some(step) = steps.next().await {
        match step {
            walk::Step::Entries(entries) => all.extend(entries),
            walk::Step::Unlisted { error, .. } => panic!("not listed: {error}"),
            walk::Step::End(proof) => assert!(proof.is_some(), "no proof"),
        }
    }
    all
}

fn paths(entries: &[Entry]) -> Vec<&str> {
    let mut paths: Vec<_> = entries.iter().map(|entry| entry.path.as_str()).collect();
    paths.sort_unstable();
    paths
}

async fn search(connector: &dyn Connector, words: &str, under: &str) -> Vec<String> {
    let under = browse(connector).lookup(under).await.expect("there");
    let found: Vec<_> = walk::search(browse(connector), words, under).try_collect().await.expect("found");
    let mut paths: Vec<_> = found.into_iter().map(|entry: Entry| entry.path).collect();
    paths.sort();
    paths
}

fn special(entry: &Entry) -> &str {
    match &entry.kind {
        EntryKind::Special(reason) => reason,
        other => panic!("`{}` is {other:?}", entry.path),
    }
}

#[tokio::test]
async fn twins_are_told_apart_by_id_and_the_oldest_has_the_path() {
    let drive = Fake::start().await;
    let first = drive.make(MINE, Key::ROOT, "twin.txt", Some(b"first"));
    drive.make(MINE, Key::ROOT, "twin.txt", Some(b"second"));
    let (empty, full) = (drive.make(MINE, Key::ROOT, "folder", None), drive.make(MINE, Key::ROOT, "folder", None));
    drive.make(MINE, full, "below.txt", Some(b"x"));
    let connector = drive.connect();
    let mut ids: Vec<_> = all(connector.as_ref()).await.into_iter().map(|entry| entry.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5, "each has an id of its own");
    let browse = browse(connector.as_ref());
    assert_eq!(browse.lookup("twin.txt").await.expect("there").id.as_str(), drive.id(first));
    assert_eq!(browse.lookup("folder").await.expect("there").id.as_str(), drive.id(empty));
    assert_eq!(browse.lookup("folder/below.txt").await.expect("in the other").path, "folder/below.txt");
}

#[tokio::test]
async fn a_name_is_found_as_it_is_written() {
    let drive = Fake::start().await;
    let slashed = drive.make(MINE, Key::ROOT, "a quarter", None);
    // The world has no such name, but the service does.
    drive.patch(MINE, slashed, json!({ "name": "Q1/Q2" }));
    drive.make(MINE, slashed, "it's \\ here.txt", Some(b"x"));
    drive.make(MINE, Key::ROOT, "Report.pdf", Some(b"x"));
    let connector = drive.connect();
    let met = all(connector.as_ref()).await;
    assert_eq!(paths(&met), ["Q1／Q2", "Q1／Q2/it's \\ here.txt", "Report.pdf"]);
    assert_eq!(met.iter().find(|entry| entry.path == "Q1／Q2").expect("met").name, "Q1/Q2");
    let browse = browse(connector.as_ref());
    assert_eq!(browse.lookup("Q1／Q2/it's \\ here.txt").await.expect("there").name, "it's \\ here.txt");
    let error = browse.lookup("report.PDF").await.expect_err("another name, though Google finds it");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_shortcut_is_its_target_under_another_name() {
    let drive = Fake::start().await;
    let target = drive.make(MINE, Key::OUTSIDE, "minutes.txt", Some(b"the minutes"));
    drive.shortcut("Minutes of May", &drive.id(target), "text/plain");
    drive.shortcut("to the top", &drive.id(Key::ROOT), FOLDER);
    drive.shortcut("dangling", "1a0000000000000000000000000000ffff", "text/plain");
    let connector = drive.connect();
    let met = all(connector.as_ref()).await;
    let find = |name: &str| met.iter().find(|entry| entry.name == name).expect(name);
    let minutes = find("Minutes of May");
    assert!(minutes.is_file() && minutes.size == Some(11), "{minutes:?}");
    assert_ne!(minutes.id.as_str(), drive.id(target), "the target may be met as well");
    let content = connector.download().expect("download").open(minutes, None).await.expect("opened");
    assert_eq!(content.collect(100).await.expect("read"), b"the minutes");
    assert!(special(find("to the top")).contains(&drive.id(Key::ROOT)), "{met:?}");
    assert!(special(find("dangling")).contains("gone"), "{met:?}");
    let loops = browse(connector.as_ref()).children(&find("to the top").id, PageRequest::first()).await;
    assert!(loops.is_err(), "a shortcut is not entered");
}

#[tokio::test]
async fn documents_are_files_and_what_cannot_be_exported_says_so() {
    let drive = Fake::start().await;
    for (name, kind) in [("Plan", "document"), ("Sheet", "spreadsheet"), ("Form", "form"), ("App", "drive-sdk.7")] {
        drive.native(name, kind, json!({}));
    }
    let closed = drive.make(MINE, Key::ROOT, "closed.pdf", Some(b"x"));
    drive.patch(MINE, closed, json!({ "capabilities": { "canDownload": false } }));
    let met = all(drive.connect().as_ref()).await;
    let find = |name: &str| met.iter().find(|entry| entry.name == name).expect(name);
    assert!(find("Plan").mime.as_deref().expect("a type").ends_with("wordprocessingml.document"));
    assert!(find("Sheet").mime.as_deref().expect("a type").ends_with("spreadsheetml.sheet"));
    assert!(find("Plan").is_file() && find("Plan").size.is_none(), "its size is not that of the export");
    assert!(special(find("Form")).contains("form") && special(find("App")).contains("application"));
    assert!(special(find("closed.pdf")).contains("owner"));
}

#[tokio::test]
async fn what_is_in_the_trash_is_not_there() {
    let drive = Fake::start().await;
    let gone = drive.make(MINE, Key::ROOT, "gone for good", None);
    let trashed = drive.make(MINE, Key::ROOT, "trashed with what is in it", None);
    assert!(gone.0 % 2 == 1 && trashed.0 % 2 == 0, "every other one is trashed");
    let below = drive.make(MINE, trashed, "below.txt", Some(b"x"));
    drive.make(MINE, Key::ROOT, "stays.txt", Some(b"x"));
    let connector = drive.connect();
    let file = browse(connector.as_ref()).lookup("trashed with what is in it/below.txt").await.expect("there");
    for name in ["trashed with what is in it", "gone for good"] {
        drive.world(|world| world.remove(Key::ROOT, name).expect("removed"));
    }
    assert_eq!(paths(&all(connector.as_ref()).await), ["stays.txt"]);
    assert_eq!(file.id.as_str(), drive.id(below));
    let error = connector.download().expect("download").open(&file, None).await.expect_err("in the trash");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn shared_drives_are_read_alone_or_all_at_once() {
    let drive = Fake::start().await;
    let folder = drive.make(DRIVE, Key::DRIVE, "2026", None);
    drive.make(DRIVE, folder, "plan.txt", Some(b"the plan"));
    drive.make(DRIVE + 1, Key::DRIVE, "board.txt", Some(b"secret plan"));
    let one = drive.connect_to("Shared drives/Marketing");
    assert_eq!(one.check().await.expect("checked").details[0].1, "Marketing");
    // Every world has two folders of its own.
    assert_eq!(paths(&all(one.as_ref()).await), ["2026", "2026/plan.txt", "outside", "root"]);
    assert_eq!(search(one.as_ref(), "plan", "").await, ["2026/plan.txt"]);
    let below = drive.connect_to("Shared drives/Marketing/2026");
    assert_eq!(paths(&all(below.as_ref()).await), ["plan.txt"]);
    let by_id = drive.connect_to(&drive.id_in(DRIVE, Key::DRIVE));
    assert_eq!(by_id.check().await.expect("checked").details[0].1, "Marketing");

    let every = drive.connect_to("Shared drives");
    let met = all(every.as_ref()).await;
    assert!(paths(&met).contains(&"Marketing/2026/plan.txt") && paths(&met).contains(&"Board/board.txt"), "{met:?}");
    assert_eq!(search(every.as_ref(), "plan", "").await, ["Board/board.txt", "Marketing/2026/plan.txt"]);
    assert_eq!(search(every.as_ref(), "plan", "Board").await, ["Board/board.txt"]);
    for entry in &met {
        let found = browse(every.as_ref()).lookup(&entry.path).await.expect("found");
        assert_eq!((&found.id, &found.parent), (&entry.id, &entry.parent), "{}", entry.path);
    }
    // A connector that has met nothing finds the way up from an id alone.
    let fresh = drive.connect_to("Shared drives");
    let page = browse(fresh.as_ref()).children(&drive.id_in(DRIVE, folder).into(), PageRequest::first()).await;
    assert_eq!(paths(&page.expect("listed").items), ["Marketing/2026/plan.txt"]);
}

#[tokio::test]
async fn what_others_shared_is_met_once() {
    let drive = Fake::start().await;
    let hidden = drive.make(THEIRS, Key::ROOT, "hidden", None);
    let folder = drive.make(THEIRS, hidden, "shared folder", None);
    let inside = drive.make(THEIRS, folder, "inside.txt", Some(b"x"));
    let alone = drive.make(THEIRS, hidden, "alone.txt", Some(b"y"));
    drive.make(THEIRS, hidden, "secret.txt", Some(b"z"));
    for key in [folder, inside, alone] {
        share(&mut drive.lock().corpora[THEIRS], key);
    }
    let connector = drive.connect_to("Shared with me");
    let met = all(connector.as_ref()).await;
    assert_eq!(paths(&met), ["alone.txt", "shared folder", "shared folder/inside.txt"]);
    for entry in &met {
        assert_eq!(browse(connector.as_ref()).lookup(&entry.path).await.expect("found").id, entry.id);
    }
    assert_eq!(search(connector.as_ref(), "inside", "").await, ["shared folder/inside.txt"]);
    assert_eq!(paths(&all(drive.connect_to("shared with me/shared folder").as_ref()).await), ["inside.txt"]);
    let mine = connector.download().expect("download");
    let outside = drive.make(MINE, Key::ROOT, "mine.txt", Some(b"x"));
    let error = mine.open(&Entry::file(drive.id(outside), "mine.txt"), None).await.expect_err("not shared");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_search_finds_words_below_a_folder_and_nothing_elsewhere() {
    let drive = Fake::start().await;
    for path in ["a/minutes.txt", "a/b/old minutes.txt", "c/minutes.txt"] {
        drive.world(|world| world.put(Key::ROOT, path, "x").expect("put"));
    }
    drive.world(|world| world.put(Key::ROOT, "a/letter.txt", "see the minutes").expect("put"));
    drive.world(|world| world.put(Key::OUTSIDE, "minutes.txt", "x").expect("put"));
    drive.lock().longest_page = 2;
    let connector = drive.connect();
    let wanted = ["a/b/old minutes.txt", "a/letter.txt", "a/minutes.txt"];
    assert_eq!(search(connector.as_ref(), "Minutes", "a").await, wanted);
    assert_eq!(search(connector.as_ref(), "minutes", "").await.len(), 4);
    assert!(search(connector.as_ref(), "it's not \\ there", "").await.is_empty());
}

#[tokio::test]
async fn a_list_that_is_odd_is_never_taken_for_a_shorter_one() {
    let drive = Fake::start().await;
    for number in 0..6 {
        drive.make(MINE, Key::ROOT, &format!("{number}.txt"), Some(b"x"));
    }
    let connector = drive.connect();
    let browse = browse(connector.as_ref());
    let root = browse.lookup("").await.expect("a root").id;
    drive.lock().quirk = Quirk::EmptyPageFirst;
    assert_eq!(all(connector.as_ref()).await.len(), 6, "an empty page is not the end");
    assert_eq!(browse.lookup("3.txt").await.expect("on the second page").name, "3.txt");

    drive.lock().quirk = Quirk::Circle;
    let mut request = PageRequest::first();
    let error = loop {
        match browse.children(&root, request).await {
            Ok(page) => request = PageRequest::at(page.next.expect("always another")),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert_eq!(browse.lookup("missing.txt").await.expect_err("a circle").kind(), ErrorKind::Protocol);

    drive.lock().quirk = Quirk::Incomplete;
    let error = browse.children(&root, PageRequest::first()).await.expect_err("not complete");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_page_token_that_google_does_not_know_means_list_again() {
    let drive = Fake::start().await;
    let connector = drive.connect();
    let root = browse(connector.as_ref()).lookup("").await.expect("a root").id;
    let token = catchment_core::PageToken::new("stale");
    let error = browse(connector.as_ref()).children(&root, PageRequest::at(token)).await.expect_err("stale");
    assert_eq!(error.kind(), ErrorKind::CursorExpired, "{error}");
}

#[tokio::test]
async fn a_storm_of_throttles_is_sat_out() {
    let drive = Fake::start().await;
    drive.make(MINE, Key::ROOT, "file.txt", Some(b"x"));
    let proxy = FaultProxy::start(drive.address).await.expect("a proxy");
    let connector = connect(drive.settings_at(proxy.address())).expect("good settings");
    let root = browse(connector.as_ref()).lookup("").await.expect("a root").id;
    let slow = |status| Fault::Status {
        status,
        retry_after: None,
        body: json!({ "error": { "code": status, "errors": [{ "reason": "rateLimitExceeded" }] } }).to_string(),
    };
    let before = proxy.seen().len();
    proxy.then([slow(403), slow(429)]);
    let page = browse(connector.as_ref()).children(&root, PageRequest::first()).await.expect("in the end");
    assert_eq!((page.items.len(), proxy.seen().len() - before), (1, 3));
}

/// The branches of a walk that were not listed, whether it was complete, and what it met.
async fn walked(connector: &dyn Connector) -> (Vec<(String, ErrorKind)>, bool, usize) {
    let root = Entry::container(browse(connector).lookup("").await.expect("a root").id, "");
    let (mut unlisted, mut complete, mut met) = (Vec::new(), false, 0);
    let steps = walk::walk(browse(connector), root, PageRequest::first());
    pin_mut!(steps);
    while let Some(step) = steps.next().await {
        match step {
            walk::Step::Entries(entries) => met += entries.len(),
            walk::Step::Unlisted { container, error } => unlisted.push((container.path.clone(), error.kind())),
            walk::Step::End(proof) => complete = proof.is_some(),
        }
    }
    (unlisted, complete, met)
}

#[tokio::test]
async fn a_folder_that_is_closed_to_the_account_is_an_unknown_branch_and_not_an_empty_one() {
    let drive = Fake::start().await;
    drive.make(MINE, Key::ROOT, "open.txt", Some(b"x"));
    let closed = drive.make(MINE, Key::ROOT, "closed", None);
    drive.make(MINE, closed, "inside.txt", Some(b"x"));
    let connector = drive.connect();
    assert_eq!(walked(connector.as_ref()).await, (Vec::new(), true, 3));
    drive.patch(MINE, closed, json!({ "capabilities": { "canDownload": false, "canListChildren": false } }));
    for connector in [connector, drive.connect()] {
        let unlisted = vec![("closed".to_owned(), ErrorKind::Forbidden)];
        assert_eq!(walked(connector.as_ref()).await, (unlisted, false, 2));
    }
    let error = drive.connect_to(&drive.id(closed)).check().await.expect_err("nothing could be read");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Forbidden, Some("folder_path")), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_minute_of_503_passes_and_nothing_is_gone_for_it() {
    let drive = Fake::start().await;
    drive.make(MINE, Key::ROOT, "file.txt", Some(b"x"));
    let connector = drive.connect();
    let root = browse(connector.as_ref()).lookup("").await.expect("a root").id;
    drive.lock().down_until = Some(Instant::now() + Duration::from_secs(60));
    let error = browse(connector.as_ref()).children(&root, PageRequest::first()).await.expect_err("a minute is long");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Backoff), "{error}");
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(walked(connector.as_ref()).await, (Vec::new(), true, 1));
}
