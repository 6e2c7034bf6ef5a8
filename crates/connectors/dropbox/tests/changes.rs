//! The feed: deletions by path, moves as deletion and something new, cursors that are good no more.

mod fake;

use std::time::Duration;

use catchment_core::{Change, ChangePage, Changes, Connector, Cursor, ErrorKind};
use catchment_testkit::world::{Expected, Folders, Key, Mirror, Node, Op, Rules, World};
use fake::{Answer, Fake, ROOT, Team};
use serde_json::json;

fn expected(node: &Node, world: &World) -> Expected {
    let path = world.path_from(Key::DRIVE, node.key).expect("there");
    Expected { id: Some(format!("/{}", path.to_lowercase()).into()), fingerprint: None }
}

fn agrees(mirror: &Mirror, fake: &Fake, after: &str) {
    let account = fake.account();
    let world = &account.drive.world;
    let differ = mirror.differences_from(world, Folders::All, |node| expected(node, world)).expect("comparable");
    assert!(differ.is_empty(), "after {after}: {}", differ.join("; "));
}

fn rules() -> Rules {
    Rules::default().without_cases().with_outside()
}

async fn page(connector: &dyn Connector, since: &Cursor) -> ChangePage {
    feed(connector).changes(since).await.expect("a page")
}

fn feed(connector: &dyn Connector) -> &dyn Changes {
    connector.changes().expect("a feed")
}

fn removed(page: &ChangePage) -> Vec<&str> {
    let ids = page.changes.iter().filter_map(|change| match change {
        Change::Remove(id) => Some(id.as_str()),
        Change::Upsert(_) => None,
    });
    ids.collect()
}

#[tokio::test]
async fn whatever_happens_the_feed_leads_to_what_is_there() {
    for seed in 0..40 {
        let fake = Fake::new().await;
        let history = rules().seeded(&fake.account().drive.world, seed, 40);
        let connector = fake.connector();
        let mut mirror = Mirror::new(connector.as_ref()).await.expect("a mirror");
        let mut stale = mirror.clone();
        for (number, ops) in history.chunks(7).enumerate() {
            for op in ops {
                fake.account().drive.world.apply(op.clone()).expect("possible");
            }
            mirror.follow(connector.as_ref()).await.expect("followed");
            agrees(&mirror, &fake, &format!("chunk {number} of history {seed}"));
        }
        stale.follow(connector.as_ref()).await.expect("followed");
        agrees(&stale, &fake, &format!("all of history {seed} at once"));
    }
}

#[tokio::test]
async fn a_deletion_names_the_entry_that_was_listed() {
    let fake = Fake::new().await;
    let key = fake.account().drive.world.put(Key::ROOT, "Folder/Report.PDF", "x").expect("put");
    let connector = fake.connector();
    let browse = connector.need_browse().expect("browse");
    let listed = browse.lookup("folder/REPORT.pdf").await.expect("a file");
    assert_eq!((listed.path.as_str(), listed.name.as_str()), ("Folder/Report.PDF", "Report.PDF"));
    let cursor = feed(connector.as_ref()).now().await.expect("a cursor");
    fake.account().drive.world.apply(Op::Delete { key }).expect("deleted");
    assert_eq!(removed(&page(connector.as_ref(), &cursor).await), [listed.id.as_str()]);
}

#[tokio::test]
async fn a_move_is_a_deletion_and_something_new() {
    let fake = Fake::new().await;
    let key = fake.account().drive.world.put(Key::ROOT, "a/file.txt", "x").expect("put");
    let parent = fake.account().drive.world.put_folder(Key::ROOT, "b").expect("put");
    let connector = fake.connector();
    let cursor = feed(connector.as_ref()).now().await.expect("a cursor");
    fake.account().drive.world.apply(Op::Move { key, parent }).expect("moved");
    let page = page(connector.as_ref(), &cursor).await;
    assert_eq!(removed(&page), [format!("{ROOT}/a/file.txt")]);
    assert!(
        page.changes
            .iter()
            .any(|change| matches!(change, Change::Upsert(entry) if entry.id.as_str() == format!("{ROOT}/b/file.txt")))
    );
}

#[tokio::test]
async fn a_file_in_the_place_of_a_folder_has_nothing_below_it() {
    let fake = Fake::new().await;
    fake.account().drive.world.put(Key::ROOT, "thing/inner/file.txt", "x").expect("put");
    let connector = fake.connector();
    let mut mirror = Mirror::new(connector.as_ref()).await.expect("a mirror");
    fake.account().drive.world.remove(Key::ROOT, "thing").expect("removed");
    fake.account().drive.world.put(Key::ROOT, "thing", "y").expect("put");
    mirror.follow(connector.as_ref()).await.expect("followed");
    agrees(&mirror, &fake, "a file took the folder's place");
}

#[tokio::test]
async fn a_cursor_that_dropbox_has_forgotten_means_list_again() {
    let fake = Fake::new().await;
    let connector = fake.connector();
    let cursor = feed(connector.as_ref()).now().await.expect("a cursor");
    fake.account().drive.world.put(Key::ROOT, "new.txt", "x").expect("put");
    let now = fake.account().drive.world.version();
    fake.account().drive.forgotten = now;
    let error = feed(connector.as_ref()).changes(&cursor).await.expect_err("reset");
    assert_eq!((error.kind(), error.get("code")), (ErrorKind::CursorExpired, Some("reset")));
}

#[tokio::test]
async fn a_cursor_of_another_folder_or_namespace_is_refused_unasked() {
    let fake = Fake::new().await;
    let cursor = feed(fake.connector().as_ref()).now().await.expect("a cursor");
    for elsewhere in
        [json!({ "folder_path": "/outside" }), json!({ "folder_path": "" }), json!({ "folder_path": "ns:1000" })]
    {
        let other = fake.connect(elsewhere.clone()).expect("good settings");
        let error = feed(other.as_ref()).changes(&cursor).await.expect_err("another place");
        assert_eq!(error.kind(), ErrorKind::CursorExpired, "{elsewhere}");
    }
    fake.account().team = Some(Team { root: "2000".to_owned(), member: None });
    let error = feed(fake.connector().as_ref()).changes(&cursor).await.expect_err("another root");
    assert_eq!(error.kind(), ErrorKind::CursorExpired);
    for nonsense in ["", "{}", "AAAA", "{\"namespace\":\"1000\"}"] {
        let error = feed(fake.connector().as_ref()).changes(&Cursor::new(nonsense)).await.expect_err("no cursor");
        assert_eq!(error.kind(), ErrorKind::CursorExpired, "{nonsense}");
    }
    assert_eq!(fake.count("files/list_folder/continue"), 0);
}

#[tokio::test]
async fn a_folder_that_went_away_removes_nothing() {
    for path in ["root/Deep/Folder", "root/Deep"] {
        let fake = Fake::new().await;
        fake.account().drive.world.put(Key::DRIVE, "root/Deep/Folder/file.txt", "x").expect("put");
        let connector = fake.connect(json!({ "folder_path": format!("{ROOT}/deep/folder") })).expect("good settings");
        let cursor = feed(connector.as_ref()).now().await.expect("a cursor");
        fake.account().drive.world.remove(Key::DRIVE, path).expect("removed");
        let error = feed(connector.as_ref()).changes(&cursor).await.expect_err("gone");
        assert_eq!(error.kind(), ErrorKind::CursorExpired, "{path}");
    }
}

#[tokio::test]
async fn a_cursor_that_does_not_move_is_an_error_and_no_loop() {
    let fake = Fake::new().await;
    let connector = fake.connector();
    let cursor = feed(connector.as_ref()).now().await.expect("a cursor");
    let dropbox: serde_json::Value = serde_json::from_str(cursor.as_str()).expect("JSON");
    let again = json!({ "entries": [], "cursor": dropbox["cursor"], "has_more": true });
    fake.then("files/list_folder/continue", Answer::json(again));
    let error = feed(connector.as_ref()).changes(&cursor).await.expect_err("a loop");
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn an_empty_page_in_the_middle_is_not_the_end() {
    let fake = Fake::new().await;
    let connector = fake.connector();
    let cursor = feed(connector.as_ref()).now().await.expect("a cursor");
    fake.then("files/list_folder/continue", Answer::json(json!({ "entries": [], "cursor": "more", "has_more": true })));
    let page = page(connector.as_ref(), &cursor).await;
    assert!(page.changes.is_empty() && page.more && page.cursor != cursor);
}

#[tokio::test]
async fn a_change_ends_the_wait_and_none_says_so() {
    let fake = Fake::new().await;
    let connector = fake.connector();
    let feed = feed(connector.as_ref());
    let cursor = feed.now().await.expect("a cursor");
    assert!(!feed.wait(&cursor, Duration::from_secs(7)).await.expect("waited"));
    fake.account().drive.world.put(Key::ROOT, "new.txt", "x").expect("put");
    assert!(feed.wait(&cursor, Duration::from_secs(7_000)).await.expect("waited"));
    let account = fake.account();
    let polls = account.calls.iter().filter(|call| call.route == "files/list_folder/longpoll");
    let timeouts: Vec<_> = polls.map(|call| call.argument["timeout"].as_u64()).collect();
    assert_eq!(timeouts, [Some(30), Some(480)], "what Dropbox takes");
}

#[tokio::test]
async fn a_wait_ends_in_time_and_leaves_dropbox_alone_when_told_to() {
    let fake = Fake::new().await;
    let connector = fake.connector();
    let feed = feed(connector.as_ref());
    let cursor = feed.now().await.expect("a cursor");
    let tired = json!({ "changes": true, "backoff": 3600 });
    fake.then("files/list_folder/longpoll", Answer::json(tired));
    assert!(feed.wait(&cursor, Duration::from_secs(60)).await.expect("waited"));
    tokio::time::pause();
    for _ in 0..3 {
        assert!(!feed.wait(&cursor, Duration::from_secs(60)).await.expect("waited"));
    }
    tokio::time::resume();
    assert_eq!(fake.count("files/list_folder/longpoll"), 1);
    let now = fake.account().drive.world.version() + 1;
    fake.account().drive.forgotten = now;
    let fresh = fake.connector();
    let error = fresh.changes().expect("a feed").wait(&cursor, Duration::from_secs(60)).await.expect_err("reset");
    assert_eq!(error.kind(), ErrorKind::CursorExpired);
}
