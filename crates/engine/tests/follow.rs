//! Following a feed: what it saves, what it must not miss, and when everything is listed after all.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use catchment_core::{Connector, Error, ErrorKind, Following, Ledger};
use catchment_engine::{Event, Import, Summary};
use catchment_testkit::world::{Key, Op};
use futures::{FutureExt, StreamExt};
use support::{Followed, INTEGRATION};

/// Whether it followed so many changes, without a listing.
fn assert_followed(followed: &Followed, summary: &Summary, changes: u64) {
    assert_eq!((summary.followed, summary.complete, followed.listings()), (Some(changes), true, 0), "{summary:?}");
}

async fn assert_same(followed: &Followed) {
    assert_eq!(followed.differences().await, Vec::<String>::new());
}

/// Imported once, so that there is a cursor.
async fn of(paths: &[&str]) -> Followed {
    let followed = Followed::of(paths);
    let summary = followed.import().await;
    assert_eq!((summary.followed, summary.complete, summary.ingested), (None, true, paths.len() as u64));
    assert!(followed.listings() > 0);
    followed
}

async fn cursor(followed: &Followed) -> Option<String> {
    let run = followed.ledger.begin(INTEGRATION, &[]).await.unwrap();
    let feed = followed.ledger.take_feed(&run).await.unwrap();
    feed.map(|feed| feed.cursor.as_str().to_owned())
}

#[tokio::test]
async fn where_nothing_happened_one_question_is_asked() {
    let followed = of(&["a/1", "a/2", "b"]).await;
    let summary = followed.import().await;
    assert_followed(&followed, &summary, 0);
    assert_eq!((summary.files(), followed.drive.pages.load(Ordering::SeqCst)), (0, 1));
}

#[tokio::test]
async fn what_changed_is_read_and_nothing_else() {
    let followed = of(&["a/1", "a/2", "b"]).await;
    followed.put("a/1", "another");
    followed.put("a/3", "new");
    let key = followed.key("b");
    followed.apply(Op::Delete { key });
    followed.drive.opened.store(0, Ordering::SeqCst);
    let summary = followed.import().await;
    assert_followed(&followed, &summary, 3);
    assert_eq!((summary.ingested, summary.gone, summary.removed), (2, 1, 1));
    assert_eq!(followed.drive.opened.load(Ordering::SeqCst), 2);
    assert_same(&followed).await;
}

#[tokio::test]
async fn the_documents_of_a_moved_folder_carry_their_new_paths() {
    let followed = of(&["a/deep/1", "a/2", "b/3"]).await;
    let (key, parent) = (followed.key("a"), followed.key("b"));
    followed.apply(Op::Move { key, parent });
    let summary = followed.import().await;
    assert_followed(&followed, &summary, 1);
    assert_eq!((summary.ingested, summary.gone), (2, 0));
    let mut paths = followed.index.paths();
    paths.sort();
    assert_eq!(paths, ["b/3", "b/a/2", "b/a/deep/1"]);
    assert_same(&followed).await;
}

#[tokio::test]
async fn a_removed_folder_takes_along_what_is_below_it() {
    let followed = of(&["a/deep/1", "a/2", "b"]).await;
    let key = followed.key("a");
    followed.apply(Op::Delete { key });
    let summary = followed.import().await;
    assert_eq!((summary.followed, summary.removed), (Some(4), 2), "{summary:?}");
    assert_eq!(followed.index.paths(), ["b"]);
    assert_same(&followed).await;
}

#[tokio::test]
async fn what_comes_from_outside_with_its_folder_is_listed() {
    let followed = of(&["a"]).await;
    followed.drive.world().put(Key::OUTSIDE, "in/deep/1", "one").unwrap();
    let key = followed.drive.world().find(Key::OUTSIDE, "in").unwrap();
    assert_eq!(followed.import().await.ingested, 0);
    followed.apply(Op::Move { key, parent: Key::ROOT });
    let summary = followed.import().await;
    assert_eq!((summary.followed, summary.ingested), (Some(1), 1));
    assert_eq!(followed.listings(), 2, "the folder and the one in it");
    assert_same(&followed).await;
}

#[tokio::test]
async fn a_file_in_the_place_of_a_folder_ends_what_was_below() {
    let followed = of(&["a/1", "b"]).await;
    let key = followed.key("a");
    followed.apply(Op::Delete { key });
    followed.put("a", "a file");
    assert_eq!(followed.import().await.ingested, 1);
    assert_same(&followed).await;
}

#[tokio::test]
async fn a_cursor_that_has_expired_means_listing_again() {
    let followed = of(&["a", "b"]).await;
    followed.put("c", "new");
    *followed.drive.forgotten.lock().unwrap() = u64::MAX;
    let told = followed.run(followed.everything()).await.unwrap();
    let why = told.events.iter().find_map(|event| match event {
        Event::Unfollowed { error } => Some(error.kind),
        _ => None,
    });
    assert_eq!((why, told.summary.followed), (Some(ErrorKind::CursorExpired), None));
    assert_eq!((told.summary.ingested, told.summary.unchanged), (1, 2));
    assert_same(&followed).await;
    *followed.drive.forgotten.lock().unwrap() = 0;
    followed.listings();
    assert_followed(&followed, &followed.import().await, 0);
}

#[tokio::test]
async fn an_import_of_some_paths_lists_and_leaves_the_cursor_alone() {
    let followed = of(&["a/1", "b/2"]).await;
    let before = cursor(&followed).await;
    followed.put("a/1", "another");
    followed.put("b/2", "another");
    let import = Import { paths: vec!["a".into()], ..followed.everything() };
    let summary = followed.run(import).await.unwrap().summary;
    assert_eq!((summary.followed, summary.ingested), (None, 1));
    assert_eq!(cursor(&followed).await, before);
    followed.listings();
    let summary = followed.import().await;
    assert_followed(&followed, &summary, 2);
    assert_eq!((summary.ingested, summary.unchanged), (1, 1));
    assert_same(&followed).await;
}

#[tokio::test]
async fn a_full_import_or_another_portfolio_lists() {
    let followed = of(&["a"]).await;
    let full = Import { full: true, ..followed.everything() };
    let summary = followed.run(full).await.unwrap().summary;
    assert_eq!((summary.followed, summary.ingested), (None, 1));
    let into = || Import { portfolio: Some("rivers".into()), ..followed.everything() };
    let summary = followed.run(into()).await.unwrap().summary;
    assert_eq!((summary.followed, summary.ingested), (None, 1));
    followed.listings();
    assert_followed(&followed, &followed.run(into()).await.unwrap().summary, 0);
}

#[tokio::test]
async fn a_feed_is_trusted_for_so_long_and_then_everything_is_listed() {
    let mut followed = of(&["a"]).await;
    followed.options.trust_feed = Duration::from_nanos(1);
    assert_eq!(followed.import().await.followed, None);
    followed.options.trust_feed = Duration::from_secs(3600);
    followed.listings();
    assert_followed(&followed, &followed.import().await, 0);
    followed.options.trust_feed = Duration::ZERO;
    assert_eq!(followed.import().await.followed, None);
    assert_eq!(cursor(&followed).await, None, "it is not followed at all");
}

#[tokio::test]
async fn a_flat_listing_leaves_no_cursor_because_it_shows_no_folders() {
    let followed = Followed::of(&["a/deep/1", "b"]);
    followed.drive.flat.store(true, Ordering::SeqCst);
    assert_eq!(followed.import().await.ingested, 2);
    assert_eq!(cursor(&followed).await, None);
    let key = followed.key("a");
    followed.apply(Op::Delete { key });
    let summary = followed.import().await;
    assert_eq!((summary.followed, summary.removed), (None, 1));
    assert_same(&followed).await;
}

#[tokio::test]
async fn a_listing_that_is_not_complete_leaves_no_cursor() {
    let followed = Followed::of(&["a/1", "b/2"]);
    followed.drive.refused.lock().unwrap().insert(followed.key("a"), ErrorKind::Forbidden);
    assert!(!followed.import().await.complete);
    assert_eq!(cursor(&followed).await, None);
    followed.drive.refused.lock().unwrap().clear();
    let summary = followed.import().await;
    assert_eq!((summary.followed, summary.ingested), (None, 1));
    assert_same(&followed).await;
}

#[tokio::test]
async fn a_branch_that_cannot_be_listed_while_following_is_not_lost() {
    let followed = of(&["a"]).await;
    let key = followed.drive.world().put_folder(Key::ROOT, "new").unwrap();
    followed.put("new/1", "one");
    followed.put("z", "last");
    followed.drive.refused.lock().unwrap().insert(key, ErrorKind::Forbidden);
    let summary = followed.import().await;
    assert_eq!((summary.followed, summary.complete), (None, false), "{summary:?}");
    assert!(followed.index.paths().contains(&"z".to_owned()), "the rest is there");
    assert_eq!(cursor(&followed).await, None);
    followed.drive.refused.lock().unwrap().clear();
    assert!(followed.import().await.complete);
    assert_same(&followed).await;
}

#[tokio::test]
async fn more_removals_than_are_believed_are_looked_at_and_wait_for_a_person() {
    let paths: Vec<String> = (0..200).map(|n| format!("f{n:03}")).collect();
    let followed = of(&paths.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for path in &paths[..60] {
        let key = followed.key(path);
        followed.apply(Op::Delete { key });
    }
    for _ in 0..2 {
        let summary = followed.import().await;
        assert_eq!((summary.followed, summary.parked, summary.removed), (None, 60, 0), "{summary:?}");
        assert_eq!(cursor(&followed).await, None, "no feed would tell of them again");
    }
    let approved = Import { approve_removals: true, ..followed.everything() };
    assert_eq!(followed.run(approved).await.unwrap().summary.removed, 60);
    assert_same(&followed).await;
    // With the approval at once, nothing has to be listed.
    for path in &paths[60..120] {
        let key = followed.key(path);
        followed.apply(Op::Delete { key });
    }
    followed.listings();
    let approved = Import { approve_removals: true, ..followed.everything() };
    let summary = followed.run(approved).await.unwrap().summary;
    assert_followed(&followed, &summary, 60);
    assert_eq!(summary.removed, 60);
    assert_same(&followed).await;
}

#[tokio::test]
async fn removals_of_many_pages_count_together() {
    let mut followed = Followed::new(catchment_testkit::world::World::new(), support::Style::Latest, 10);
    for n in 0..200 {
        followed.put(&format!("f{n:03}"), "text");
    }
    followed.options.concurrency = 8;
    followed.import().await;
    for n in 0..60 {
        let key = followed.key(&format!("f{n:03}"));
        followed.apply(Op::Delete { key });
    }
    let summary = followed.import().await;
    assert_eq!((summary.followed, summary.gone, summary.removed, summary.parked), (None, 0, 0, 60), "{summary:?}");
    assert_eq!(followed.index.paths().len(), 200);
}

#[tokio::test]
async fn a_file_that_failed_for_a_reason_that_passes_is_tried_again_although_no_feed_tells_of_it() {
    let followed = of(&["a"]).await;
    let key = followed.put("late", "late");
    followed.drive.refused.lock().unwrap().insert(key, ErrorKind::Unavailable);
    let summary = followed.import().await;
    assert_eq!((summary.followed, summary.failed, summary.complete), (Some(1), 1, true));
    followed.drive.refused.lock().unwrap().clear();
    // Not before its pause is over.
    assert_eq!(followed.import().await.files(), 0);
    let run = followed.ledger.begin(INTEGRATION, &[]).await.unwrap();
    let failed = catchment_core::EntryResult::Failed {
        kind: ErrorKind::Unavailable,
        message: "not now".into(),
        pause: Some(Duration::ZERO),
    };
    let entry = followed.drive.browse().unwrap().lookup("late").await.unwrap();
    followed.ledger.record(&run, &[(entry, failed)]).await.unwrap();
    followed.listings();
    let summary = followed.import().await;
    assert_followed(&followed, &summary, 0);
    assert_eq!(summary.ingested, 1);
    assert_same(&followed).await;
}

#[tokio::test]
async fn what_is_due_and_not_where_it_was_is_found_by_a_listing() {
    let followed = of(&["a", "b"]).await;
    let key = followed.key("a");
    followed.ledger.invalidate(INTEGRATION, &[support::drive_id(key)]).await.unwrap();
    // Behind the end of the feed.
    followed.drive.world().apply(Op::Rename { key, name: "c".into() }).unwrap();
    let at = followed.drive.world().version();
    let run = followed.ledger.begin(INTEGRATION, &[]).await.unwrap();
    followed.ledger.take_feed(&run).await.unwrap();
    followed.ledger.move_feed(&run, &catchment_core::Cursor::new(format!("{at}.0"))).await.unwrap();
    assert_eq!(followed.import().await.followed, Some(0));
    assert_eq!(followed.import().await.followed, None, "the next import lists");
    assert_same(&followed).await;
}

#[tokio::test]
async fn a_feed_that_does_not_move_on_is_an_error_and_the_next_import_lists() {
    let followed = of(&["a"]).await;
    *followed.drive.stuck.lock().unwrap() = true;
    let error = followed.run(followed.everything()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    let summary = followed.import().await;
    assert_eq!((summary.followed, summary.complete), (None, true));
}

/// Law 3.
#[tokio::test]
async fn the_cursor_moves_after_everything_before_it_was_recorded() {
    let followed = of(&["a"]).await;
    let before = cursor(&followed).await;
    followed.put("b", "b");
    followed.put("c", "c");
    followed.index.fail("c", Error::new(ErrorKind::Unavailable, "the disk is full").never_retry());
    assert!(followed.run(followed.everything()).await.is_err());
    assert_eq!(cursor(&followed).await, before, "the same page comes again");
    let log = followed.ledger.log().lock().unwrap().clone();
    assert!(!log.iter().any(|line| line.starts_with("move feed")), "{log:?}");
    assert_eq!(followed.import().await.followed, Some(2));
    let log = followed.ledger.log().lock().unwrap().clone();
    let at = |what: &str| log.iter().rposition(|line| line.starts_with(what)).expect("logged");
    assert!(at("upsert c") < at("record c") && at("record c") < at("move feed"), "{log:?}");
    assert_same(&followed).await;
}

#[tokio::test]
async fn a_process_that_ends_before_the_cursor_moves_gets_the_same_page_again() {
    let followed = of(&["a/1", "b"]).await;
    followed.put("c", "c");
    let (key, parent) = (followed.key("b"), followed.key("a"));
    followed.apply(Op::Move { key, parent });
    followed.ledger.fail("move feed", Error::internal("the process ends here"));
    assert!(followed.run(followed.everything()).await.is_err());
    let summary = followed.import().await;
    assert_eq!((summary.followed, summary.ingested, summary.unchanged), (Some(2), 0, 2));
    assert_same(&followed).await;
}

#[tokio::test]
async fn what_happens_while_everything_is_listed_is_told_afterwards() {
    let followed = Arc::new(Followed::of(&["a/1", "b/2", "c/3"]));
    let mut events = followed.engine().import(followed.everything());
    while !matches!(events.next().await, Some(Ok(Event::Finished(_)))) {}
    // In a folder that has been listed by now, or has not been yet.
    for folder in ["a", "b", "c"] {
        followed.put(&format!("{folder}/new"), "new");
    }
    while events.next().await.is_some() {}
    let summary = followed.import().await;
    assert_eq!(summary.followed, Some(3));
    assert_same(&followed).await;
}

#[tokio::test]
async fn two_imports_at_once_stay_right() {
    for polls in 0..60 {
        let followed = of(&["a/1", "b/2"]).await;
        followed.put("a/3", "three");
        let (key, parent) = (followed.key("b"), followed.key("a"));
        followed.apply(Op::Move { key, parent });
        let mut first = followed.engine().import(followed.everything());
        for _ in 0..polls {
            let _ = first.next().now_or_never();
            tokio::task::yield_now().await;
        }
        followed.put("a/4", "four");
        let second = followed.import().await;
        assert!(second.complete);
        let key = followed.key("a/3");
        followed.apply(Op::Delete { key });
        while let Some(event) = first.next().await {
            event.unwrap();
        }
        assert!(followed.import().await.complete);
        assert_same(&followed).await;
    }
}

#[tokio::test]
async fn one_that_was_overtaken_lists_and_leaves_the_cursor_to_the_newer() {
    let followed = of(&["a"]).await;
    followed.put("b", "b");
    let mut first = followed.engine().import(followed.everything());
    while !matches!(first.next().await.unwrap().unwrap(), Event::Followed { .. }) {}
    let newer = followed.ledger.begin(INTEGRATION, &[]).await.unwrap();
    followed.ledger.take_feed(&newer).await.unwrap();
    let rest: Vec<_> = first.map(Result::unwrap).collect().await;
    assert!(rest.iter().any(|event| matches!(event, Event::Unfollowed { .. })), "{rest:?}");
    let Some(Event::Done(summary)) = rest.last() else { panic!("{rest:?}") };
    assert_eq!((summary.followed, summary.complete), (None, true));
    assert_same(&followed).await;
}
