//! Changes beside one folder: of all shared drives, of what others shared, of the trash.

mod fake;

use std::collections::BTreeSet;

use catchment_core::{Change, Connector, Cursor, Error, ErrorKind};
use catchment_testkit::world::{Key, Mirror, Op};
use fake::{DRIVE, Fake, MINE, THEIRS, share};

/// What the feed tells of since a cursor, all pages of it: `+path` and `-id`.
async fn told(connector: &dyn Connector, since: &Cursor) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut cursor = since.clone();
    loop {
        let page = connector.changes().expect("changes").changes(&cursor).await.expect("a page");
        all.extend(page.changes.iter().map(|change| match change {
            Change::Upsert(entry) => format!("+{}", entry.path),
            Change::Remove(id) => format!("-{id}"),
        }));
        cursor = page.cursor;
        if !page.more {
            return all;
        }
    }
}

async fn now(connector: &dyn Connector) -> Cursor {
    connector.changes().expect("changes").now().await.expect("a cursor")
}

async fn refused(connector: &dyn Connector, since: &Cursor) -> Error {
    connector.changes().expect("changes").changes(since).await.expect_err("refused")
}

async fn agrees(connector: &dyn Connector, mirror: &mut Mirror) {
    mirror.follow(connector).await.expect("followed");
    let walked = Mirror::new(connector).await.expect("walked");
    assert_eq!(mirror.differences(&walked).expect("compared"), Vec::<String>::new());
}

fn set(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|one| (*one).to_owned()).collect()
}

#[tokio::test]
async fn all_shared_drives_are_followed_also_those_joined_later() {
    let drive = Fake::start().await;
    let board = drive.id_in(DRIVE + 1, Key::DRIVE);
    drive.join(&board, false);
    let connector = drive.connect_to("Shared drives");
    let mut mirror = Mirror::new(connector.as_ref()).await.expect("walked");
    drive.make(DRIVE, Key::ROOT, "plan.txt", Some(b"x"));
    drive.make(DRIVE + 1, Key::ROOT, "before.txt", Some(b"x"));
    agrees(connector.as_ref(), &mut mirror).await;
    drive.join(&board, true);
    agrees(connector.as_ref(), &mut mirror).await;
    let paths: Vec<_> = mirror.entries().expect("entries").into_iter().map(|(path, _)| path).collect();
    assert!(paths.contains(&"Board/root/before.txt".to_owned()), "{paths:?}");
    drive.make(DRIVE + 1, Key::ROOT, "since.txt", Some(b"x"));
    drive.make(MINE, Key::ROOT, "not of a drive.txt", Some(b"x"));
    agrees(connector.as_ref(), &mut mirror).await;
    drive.join(&board, false);
    agrees(connector.as_ref(), &mut mirror).await;
    assert!(mirror.entries().expect("entries").iter().all(|(path, _)| !path.starts_with("Board")));
}

#[tokio::test]
async fn a_drive_that_is_left_while_its_log_is_read_is_removed() {
    let drive = Fake::start().await;
    let connector = drive.connect_to("Shared drives");
    let board = drive.id_in(DRIVE + 1, Key::DRIVE);
    let cursor = now(connector.as_ref()).await;
    // Its log is gone, and the person's log does not say so yet.
    drive.lock().joined.remove(&board);
    drive.make(DRIVE, Key::ROOT, "plan.txt", Some(b"x"));
    assert_eq!(told(connector.as_ref(), &cursor).await, set(&[&format!("-{board}"), "+Marketing/root/plan.txt"]));
}

#[tokio::test]
async fn what_others_share_and_take_back_is_followed() {
    let drive = Fake::start().await;
    let folder = drive.make(THEIRS, Key::ROOT, "theirs", None);
    share(&mut drive.lock().corpora[THEIRS], folder);
    let connector = drive.connect_to("Shared with me");
    let mut mirror = Mirror::new(connector.as_ref()).await.expect("walked");
    let file = drive.make(THEIRS, folder, "inside.txt", Some(b"x"));
    drive.make(MINE, Key::ROOT, "mine.txt", Some(b"x"));
    agrees(connector.as_ref(), &mut mirror).await;
    assert_eq!(mirror.entries().expect("entries").len(), 2);
    let op = Op::Move { key: file, parent: Key::OUTSIDE };
    drive.lock().corpora[THEIRS].apply(op);
    agrees(connector.as_ref(), &mut mirror).await;
    assert_eq!(mirror.entries().expect("entries").len(), 1);
}

#[tokio::test]
async fn the_trash_takes_away_and_gives_nothing_of_what_is_in_it() {
    let drive = Fake::start().await;
    drive.make(MINE, Key::ROOT, "first", None);
    let folder = drive.make(MINE, Key::ROOT, "trashed", None);
    let below = drive.make(MINE, folder, "below.txt", Some(b"x"));
    assert_eq!(folder.0 % 2, 0, "every other one is trashed");
    let connector = drive.connect();
    let cursor = now(connector.as_ref()).await;
    drive.world(|world| {
        world.apply(Op::Write { key: below, content: "y".into() }).map(|_| ()).expect("written");
        world.apply(Op::Delete { key: folder }).map(|_| ()).expect("trashed");
    });
    let wanted = [format!("-{}", drive.id(below)), format!("-{}", drive.id(folder))];
    assert_eq!(told(connector.as_ref(), &cursor).await, BTreeSet::from(wanted));
}

#[tokio::test]
async fn places_are_worked_out_from_folders_as_they_are_now() {
    let drive = Fake::start().await;
    let outer = drive.make(MINE, Key::ROOT, "outer", None);
    let inner = drive.make(MINE, outer, "inner", None);
    let file = drive.make(MINE, inner, "file.txt", Some(b"x"));
    let connector = drive.connect();
    // The connector has met the folders, and remembers them.
    Mirror::new(connector.as_ref()).await.expect("walked");
    drive.world(|world| {
        world.apply(Op::Move { key: outer, parent: Key::OUTSIDE }).map(|_| ()).expect("moved");
    });
    let cursor = now(connector.as_ref()).await;
    drive.world(|world| {
        world.apply(Op::Write { key: file, content: "y".into() }).map(|_| ()).expect("written");
    });
    // The move is older than the cursor, so the feed does not tell of it.
    assert_eq!(told(connector.as_ref(), &cursor).await, set(&[&format!("-{}", drive.id(file))]));
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_root_alone() {
    let drive = Fake::start().await;
    let connector = drive.connect();
    for other in [drive.id(Key::OUTSIDE), "Shared drives".to_owned(), "Shared with me".to_owned(), String::new()] {
        let cursor = now(drive.connect_to(&other).as_ref()).await;
        assert_eq!(refused(connector.as_ref(), &cursor).await.kind(), ErrorKind::CursorExpired, "{other}");
    }
    let cursor = now(connector.as_ref()).await;
    drive.lock().forgotten = true;
    assert_eq!(refused(connector.as_ref(), &cursor).await.kind(), ErrorKind::CursorExpired);
}

#[tokio::test]
async fn a_root_that_is_gone_is_walked_again_and_said_to_be_gone() {
    let drive = Fake::start().await;
    drive.make(MINE, Key::ROOT, "first", None);
    let folder = drive.make(MINE, Key::ROOT, "root of all", None);
    let connector = drive.connect_to(&drive.id(folder));
    let cursor = now(connector.as_ref()).await;
    drive.world(|world| world.apply(Op::Rename { key: folder, name: "renamed".into() }).map(|_| ()).expect("renamed"));
    assert_eq!(told(connector.as_ref(), &cursor).await, set(&[]), "the root is no entry");
    drive.world(|world| world.apply(Op::Delete { key: folder }).map(|_| ()).expect("trashed"));
    assert_eq!(refused(connector.as_ref(), &cursor).await.kind(), ErrorKind::CursorExpired);
    let error = connector.browse().expect("browse").lookup("").await.expect_err("in the trash");
    assert_eq!(error.get("field"), Some("folder_path"), "{error}");
}
