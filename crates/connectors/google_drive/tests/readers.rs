//! Who may read, as the service tells it.

mod fake;

use std::collections::BTreeSet;

use catchment_core::{Connector, Entry, ErrorKind, PageRequest, Principal};
use catchment_testkit::world::{Key, Op};
use fake::{Fake, MINE, OWNER};
use serde_json::json;

async fn entry(connector: &dyn Connector, path: &str) -> Entry {
    connector.browse().expect("browse").lookup(path).await.expect(path)
}

async fn readers(connector: &dyn Connector, path: &str) -> BTreeSet<Principal> {
    let entry = entry(connector, path).await;
    connector.permissions().expect("permissions").grants(&entry).await.expect("told")
}

fn user(email: &str) -> Principal {
    Principal::User(email.to_owned())
}

#[tokio::test]
async fn everyone_who_may_read_is_told_over_many_pages() {
    let drive = Fake::start().await;
    drive.make(MINE, Key::ROOT, "file.txt", Some(b"x"));
    let mut wanted = BTreeSet::from([user(OWNER)]);
    for number in 0..250 {
        let with = user(&format!("reader-{number}@example.com"));
        wanted.insert(with.clone());
        drive.world(|world| world.apply(Op::Share { key: Key::ROOT, with }).map(|_| ()).expect("shared"));
    }
    assert_eq!(readers(drive.connect().as_ref(), "file.txt").await, wanted);
}

#[tokio::test]
async fn a_link_is_no_permission_to_be_found() {
    let drive = Fake::start().await;
    let key = drive.make(MINE, Key::ROOT, "linked.txt", Some(b"x"));
    let permissions = json!([
        { "id": "anyoneWithLink", "type": "anyone", "role": "reader", "allowFileDiscovery": false },
        { "id": "8", "type": "user", "role": "reader", "emailAddress": "gone@example.com", "deleted": true },
        { "id": "9", "type": "user", "role": "reader", "emailAddress": "name@example.com", "view": "metadata" },
    ]);
    drive.patch(MINE, key, json!({ "_permissions": permissions }));
    assert_eq!(readers(drive.connect().as_ref(), "linked.txt").await, BTreeSet::from([user(OWNER)]));
}

#[tokio::test]
async fn a_shortcut_is_read_by_whoever_reads_its_target() {
    let drive = Fake::start().await;
    let target = drive.make(MINE, Key::OUTSIDE, "target.txt", Some(b"x"));
    drive.world(|world| {
        world.apply(Op::Share { key: target, with: user("anna@example.com") }).map(|_| ()).expect("shared");
        world.apply(Op::Share { key: Key::ROOT, with: user("everybody@example.com") }).map(|_| ()).expect("shared");
    });
    drive.shortcut("shortcut", &drive.id(target), "text/plain");
    let wanted = BTreeSet::from([user(OWNER), user("anna@example.com")]);
    assert_eq!(readers(drive.connect().as_ref(), "shortcut").await, wanted);
}

#[tokio::test]
async fn what_may_not_be_asked_is_an_error_and_never_nobody() {
    let drive = Fake::start().await;
    let key = drive.make(MINE, Key::ROOT, "closed.txt", Some(b"x"));
    drive.patch(MINE, key, json!({ "_closed": true }));
    let half = drive.make(MINE, Key::ROOT, "half.txt", Some(b"x"));
    drive.patch(MINE, half, json!({ "_half_closed": true }));
    for number in 0..150 {
        let with = user(&format!("reader-{number}@example.com"));
        drive.world(|world| world.apply(Op::Share { key: half, with }).map(|_| ()).expect("shared"));
    }
    let outside = drive.make(MINE, Key::OUTSIDE, "outside.txt", Some(b"x"));
    let connector = drive.connect();
    let permissions = connector.permissions().expect("permissions");
    let closed = entry(connector.as_ref(), "closed.txt").await;
    assert_eq!(permissions.grants(&closed).await.expect_err("closed").kind(), ErrorKind::Forbidden);
    let half = entry(connector.as_ref(), "half.txt").await;
    assert_eq!(permissions.grants(&half).await.expect_err("the second page is refused").kind(), ErrorKind::Forbidden);
    let outside = Entry::file(drive.id(outside), "outside.txt");
    assert_eq!(permissions.grants(&outside).await.expect_err("outside").kind(), ErrorKind::NotFound);
    let error = permissions.members("staff@example.com", PageRequest::first()).await.expect_err("no directory");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
