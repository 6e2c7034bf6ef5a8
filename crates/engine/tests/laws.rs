//! The laws, in their own words.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::{future::poll_fn, sync::atomic::Ordering, task::Poll};

use catchment_core::{EntryResult, Error, ErrorKind, Ledger};
use catchment_engine::{Event, Status};
use futures::StreamExt;
use support::{Fault, INTEGRATION, World};

fn unavailable() -> Error {
    Error::new(ErrorKind::Unavailable, "not now")
}

/// Law 1.
#[tokio::test]
async fn dropping_an_import_leaves_nothing_running() {
    let text = "x".repeat(1 << 10);
    let mut cut = 0;
    for polls in 0..100 {
        let world = World::new(&[]);
        for file in 0..12 {
            world.folder.put(&format!("f{file}"), text.clone());
        }
        let mut events = world.engine().import(world.everything());
        for _ in 0..polls {
            let _ = poll_fn(|cx| Poll::Ready(events.poll_next_unpin(cx))).await;
            tokio::task::yield_now().await;
        }
        cut += usize::from(world.folder.alive.load(Ordering::SeqCst) > 0);
        drop(events);
        assert_eq!(world.folder.alive.load(Ordering::SeqCst), 0, "a call or a body lives on after {polls} polls");
        let before = world.log.lock().unwrap().len();
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        assert_eq!(world.log.lock().unwrap().len(), before, "something went on after {polls} polls");
        // The next import finishes what this one began, and leaves one document of each.
        assert!(world.import().await.summary.complete);
        assert_eq!(world.index.paths().len(), 12);
        assert!(world.engine().verify(INTEGRATION, false).await.unwrap().is_clean());
    }
    assert!(cut > 10, "only {cut} were cut in the middle");
}

/// Law 2.
#[tokio::test]
async fn nothing_is_read_ahead_of_need() {
    let mut world = World::new(&[]);
    for file in 0..30 {
        world.folder.put(&format!("f{file:02}"), "text");
    }
    world.options.page = 10.try_into().unwrap();
    world.options.concurrency = 2;
    let mut events = world.engine().import(world.everything());
    assert_eq!(world.folder.pages.load(Ordering::SeqCst), 0, "nothing happens before the first poll");
    while !matches!(events.next().await, Some(Ok(Event::Finished(_)))) {}
    assert_eq!(world.folder.pages.load(Ordering::SeqCst), 1, "ten files wait, so no other page is asked for");
    while events.next().await.is_some() {}
    assert_eq!(world.folder.pages.load(Ordering::SeqCst), 3);
    assert!(world.folder.most_alive.load(Ordering::SeqCst) <= 3, "two files and a page at once");
}

/// Law 3.
#[tokio::test]
async fn the_ledger_moves_only_after_the_sink_has_acknowledged() {
    let world = World::new(&["a", "b", "c"]);
    world.index.fail("b", Error::internal("no"));
    let told = world.import().await;
    assert_eq!(told.status("b"), Status::Failed);
    let log = world.log.lock().unwrap().clone();
    for path in ["a", "c"] {
        let at = |what: &str| log.iter().position(|line| *line == format!("{what} {path}")).expect("logged");
        assert!(at("upsert") < at("record"));
    }
    let rows = world.ledger.entries(INTEGRATION, None, 10).await.unwrap();
    let settled: Vec<_> = rows.iter().map(|row| (row.path.as_str(), row.settled.is_some())).collect();
    assert_eq!(settled, [("a", true), ("b", false), ("c", true)]);
}

/// Law 3, for what replaces something.
#[tokio::test]
async fn the_ledger_vouches_for_no_document_while_it_is_replaced() {
    let world = World::new(&["a"]);
    world.import().await;
    let first = world.ledger.entries(INTEGRATION, None, 10).await.unwrap()[0].settled.clone();
    assert!(first.is_some());
    world.folder.put("a", "second");
    world.ledger.fail("record a", Error::internal("the process ends here"));
    world.refused(world.everything()).await;
    assert_eq!(world.index.text("a").as_deref(), Some("second"), "the new document was acknowledged");
    assert_eq!(world.ledger.entries(INTEGRATION, None, 10).await.unwrap()[0].settled, None);
    // Even if the source goes back to what was recorded first.
    world.folder.put("a", "a");
    world.folder.change("a", |entry| entry.fingerprint = Some(catchment_core::Fingerprint::new("v1")));
    assert_eq!(world.import().await.status("a"), Status::Ingested);
    assert_eq!(world.index.text("a").as_deref(), Some("a"));
}

/// Law 4.
#[tokio::test]
async fn only_a_complete_listing_may_remove() {
    let world = World::new(&["a/1", "a/2", "b/1", "b/2"]);
    world.import().await;
    world.folder.delete("a/2");
    world.folder.unlisted("b", ErrorKind::Forbidden);
    let told = world.import().await;
    assert!(!told.summary.complete);
    assert!(told.events.iter().any(|event| matches!(event, Event::Unlisted { path, .. } if path == "b")));
    assert_eq!(world.index.paths(), ["a/1", "a/2", "b/1", "b/2"]);
    assert_eq!((world.logged("bury"), world.logged("finish Partial")), (0, 1));

    world.folder.unlisted("b", None);
    let told = world.import().await;
    assert!(told.summary.complete);
    assert_eq!(world.index.paths(), ["a/1", "b/1", "b/2"]);
    assert_eq!(told.summary.removed, 1);
}

/// Law 5.
#[tokio::test]
async fn a_missing_right_never_becomes_an_empty_list() {
    let world = World::new(&["a", "b"]);
    world.import().await;
    world.folder.unlisted("", ErrorKind::Forbidden);
    let told = world.import().await;
    assert!(!told.summary.complete);
    assert_eq!(world.index.paths(), ["a", "b"]);

    world.folder.unlisted("", ErrorKind::Unauthenticated);
    let error = world.refused(world.everything()).await;
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert_eq!(world.logged("finish Aborted"), 1);
    assert_eq!(world.index.paths(), ["a", "b"]);
}

/// Law 7.
#[tokio::test]
async fn one_items_failure_is_data() {
    let world = World::new(&["good", "forbidden", "gone"]);
    world.folder.put("broken", "broken");
    world.folder.faults("forbidden", [Fault::Refused(|| Error::new(ErrorKind::Forbidden, "grant access"))]);
    world.folder.faults("gone", [Fault::Gone]);
    let told = world.import().await;
    assert_eq!((told.summary.ingested, told.summary.failed, told.summary.complete), (1, 3, true));
    assert_eq!(told.kind("broken"), Some(ErrorKind::Unreadable));
    assert_eq!(told.kind("forbidden"), Some(ErrorKind::Forbidden));
    assert_eq!(told.kind("gone"), Some(ErrorKind::NotFound));
    assert_eq!(world.index.paths(), ["good"]);
}

/// Law 7.
#[tokio::test]
async fn a_failure_is_not_tried_again_before_its_time() {
    let world = World::new(&["a"]);
    world.folder.put("a", "broken");
    assert_eq!(world.import().await.status("a"), Status::Failed);
    let told = world.import().await;
    assert_eq!((told.status("a"), told.kind("a")), (Status::Quarantined, Some(ErrorKind::Unreadable)));
    assert_eq!(world.folder.ranges("a").len(), 1, "it was downloaded once");

    // When its time has come, when it changes, and when everything is asked for.
    let run = world.ledger.begin(INTEGRATION, &[]).await.unwrap();
    let entry = catchment_core::Browse::lookup(&*world.folder, "a").await.unwrap();
    let due = EntryResult::Failed { kind: ErrorKind::Timeout, message: "x".into(), pause: Some(Default::default()) };
    world.ledger.record(&run, &[(entry, due)]).await.unwrap();
    assert_eq!(world.import().await.status("a"), Status::Failed);
    assert_eq!(world.import().await.status("a"), Status::Quarantined);
    let mut full = world.everything();
    full.full = true;
    assert_eq!(world.run(full).await.unwrap().status("a"), Status::Failed);
    world.folder.put("a", "mended");
    assert_eq!(world.import().await.status("a"), Status::Ingested);
}

#[tokio::test]
async fn what_everyone_would_meet_ends_the_import_at_once() {
    for kind in [ErrorKind::Unauthenticated, ErrorKind::Config] {
        let mut world = World::new(&[]);
        world.options.concurrency = 1;
        for file in 0..100 {
            let path = format!("f{file}");
            world.folder.put(&path, "text");
            let refused = if kind == ErrorKind::Config {
                Fault::Refused(|| Error::config("region", "give the right one"))
            } else {
                Fault::Refused(|| Error::new(ErrorKind::Unauthenticated, "sign in again"))
            };
            world.folder.faults(&path, [refused]);
        }
        assert_eq!(world.refused(world.everything()).await.kind(), kind);
        assert_eq!((world.logged("record"), world.logged("finish Aborted")), (0, 1));
    }
}

#[tokio::test]
async fn what_is_in_the_index_when_an_import_ends_is_recorded() {
    let mut world = World::new(&["a", "b", "c", "d"]);
    world.options.concurrency = 1;
    world.ledger.slow.store(true, Ordering::SeqCst);
    world.folder.faults("d", [Fault::Refused(|| Error::new(ErrorKind::Unauthenticated, "sign in again"))]);
    let items: Vec<_> = world.engine().import(world.everything()).collect().await;
    let finished = items.iter().filter(|item| matches!(item, Ok(Event::Finished(_)))).count();
    assert!(finished == 3 && items.last().is_some_and(Result::is_err), "{items:?}");
    let rows = world.ledger.entries(INTEGRATION, None, 10).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.settled.is_some()).count(), 3);
    assert!(world.logged("finish Aborted") == 1);
}

#[tokio::test]
async fn no_file_waits_for_the_ledger() {
    let mut world = World::new(&["a", "b", "c", "d", "e", "f"]);
    world.options.concurrency = 1;
    world.ledger.slow.store(true, Ordering::SeqCst);
    assert_eq!(world.import().await.summary.ingested, 6);
    let log = world.log.lock().unwrap().clone();
    let at = |line: &str| log.iter().position(|it| it == line).expect("logged");
    assert!(at("upsert f") < at("record b"), "while a was recorded, the others went on: {log:?}");
    assert!(at("record b") + 4 == at("record f"), "and were recorded together: {log:?}");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_down_ends_the_import_after_a_while() {
    let mut world = World::new(&[]);
    world.options.concurrency = 1;
    world.options.retries.times = 0;
    for file in 0..100 {
        let path = format!("f{file:03}");
        world.folder.put(&path, "text");
        // A good one in between: it is not down.
        if file != 20 {
            world.folder.faults(&path, [Fault::Refused(unavailable)]);
        }
    }
    let error = world.refused(world.everything()).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("the source is down"), "{error}");
    assert_eq!(world.logged("record"), 21 + 25);
}

#[tokio::test]
async fn an_error_of_the_ledger_or_of_the_sink_ends_the_import() {
    for call in ["begin", "seen", "record", "unseen", "take"] {
        let world = World::new(&["a"]);
        world.ledger.fail(call, unavailable().never_retry());
        assert_eq!(world.refused(world.everything()).await.kind(), ErrorKind::Unavailable, "{call}");
        assert_eq!(world.logged("finish Aborted"), usize::from(call != "begin"), "{call}");
    }
    let world = World::new(&["a"]);
    world.index.fail("a", unavailable().never_retry());
    assert_eq!(world.refused(world.everything()).await.kind(), ErrorKind::Unavailable);
    world.index.fail("a", unavailable());
    assert_eq!(world.import().await.status("a"), Status::Failed, "one that passes is this document's");
}
