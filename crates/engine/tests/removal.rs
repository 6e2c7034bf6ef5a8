//! Removals: what is gone, what only seems to be, and what comes back.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::time::Duration;

use catchment_core::{EntryResult, Error, ErrorKind, Ledger};
use catchment_engine::{Event, Import, Status};
use futures::FutureExt;
use support::{INTEGRATION, World};

/// A world with so many files, imported.
async fn imported(files: usize) -> World {
    let world = World::new(&[]);
    for file in 0..files {
        let path = format!("f{file:03}");
        world.folder.put(&path, &path);
    }
    assert_eq!(world.import().await.summary.ingested, files as u64);
    world
}

#[tokio::test]
async fn what_is_gone_leaves_the_index() {
    let world = imported(5).await;
    world.folder.delete("f003");
    let told = world.import().await;
    assert_eq!((told.summary.gone, told.summary.removed, told.summary.parked), (1, 1, 0));
    assert!(told.events.iter().any(|event| matches!(event, Event::Removed { path, .. } if path == "f003")));
    assert_eq!(world.index.text("f003"), None);
    assert_eq!(world.ledger.entries(INTEGRATION, None, 10).await.unwrap().len(), 4, "and the ledger");
    assert_eq!(world.import().await.summary.removed, 0);
}

#[tokio::test]
async fn much_that_is_gone_waits_for_a_person() {
    let world = imported(200).await;
    for file in 0..60 {
        world.folder.delete(&format!("f{file:03}"));
    }
    world.folder.put("new", "new");
    // The new one counts from the second import on.
    for of in [200, 201] {
        let told = world.import().await;
        assert!(told.events.contains(&Event::Parked { root: String::new(), gone: 60, of }), "{:?}", told.summary);
        assert_eq!((told.summary.parked, told.summary.removed, world.index.paths().len()), (60, 0, 201));
    }
    let approved = Import { approve_removals: true, ..world.everything() };
    let told = world.run(approved).await.unwrap();
    assert_eq!((told.summary.parked, told.summary.removed, world.index.paths().len()), (0, 60, 141));
}

#[tokio::test]
async fn a_folder_that_is_suddenly_empty_is_not_believed() {
    let world = imported(3).await;
    for file in ["f000", "f001", "f002"] {
        world.folder.delete(file);
    }
    let told = world.import().await;
    assert_eq!((told.summary.complete, told.summary.parked, world.index.paths().len()), (true, 3, 3));
}

#[tokio::test]
async fn only_what_was_listed_is_compared() {
    let world = World::new(&["a/1", "a/2", "ab/1", "b/1"]);
    world.import().await;
    for path in ["a/2", "ab/1", "b/1"] {
        world.folder.delete(path);
    }
    let told = world.run(world.below(&["a"])).await.unwrap();
    assert_eq!(told.summary.removed, 1);
    assert_eq!(world.index.paths(), ["a/1", "ab/1", "b/1"]);
}

#[tokio::test]
async fn a_path_that_is_not_there_any_more_removes_nothing() {
    let world = World::new(&["a/1", "a/2", "b/1"]);
    world.import().await;
    world.folder.delete("a/1");
    assert_eq!(world.refused(world.below(&["a/1"])).await.kind(), ErrorKind::NotFound);
    world.run(world.below(&["a/1", "b"])).await.unwrap();
    assert_eq!(world.index.paths(), ["a/1", "a/2", "b/1"], "it may be a disk that is not mounted");
    world.run(world.below(&["a"])).await.unwrap();
    assert_eq!(world.index.paths(), ["a/2", "b/1"], "the folder above knows");
}

#[tokio::test]
async fn a_removal_can_be_undone_within_its_grace() {
    let mut world = imported(5).await;
    world.options.grace = Duration::from_secs(3_600);
    let before = catchment_core::Browse::lookup(&*world.folder, "f003").await.unwrap();
    world.folder.delete("f003");
    let told = world.import().await;
    assert_eq!((told.summary.gone, told.summary.removed), (1, 0));
    assert!(world.index.text("f003").is_some());
    world.folder.put("f003", "f003");
    world.folder.change("f003", |entry| *entry = before);
    assert_eq!(world.import().await.status("f003"), Status::Unchanged, "it was never away");
    world.options.grace = Duration::ZERO;
    assert_eq!(world.import().await.summary.removed, 0);
}

#[tokio::test]
async fn what_comes_back_after_its_removal_is_ingested_again() {
    let world = imported(5).await;
    world.folder.delete("f003");
    world.import().await;
    world.folder.put("f003", "f003");
    assert_eq!(world.import().await.status("f003"), Status::Ingested);
    assert!(world.index.text("f003").is_some());
}

#[tokio::test]
async fn a_removal_that_was_cut_short_is_finished_by_the_next_import() {
    type Cut = fn(&World);
    let cuts: [(&str, Cut); 2] = [
        ("the index", |world| *world.index.fail_remove.lock().unwrap() = Some(Error::internal("ends here"))),
        ("the ledger", |world| world.ledger.fail("forget", Error::internal("ends here"))),
    ];
    for (whose, cut) in cuts {
        for comes_back in [false, true] {
            let world = imported(5).await;
            let before = catchment_core::Browse::lookup(&*world.folder, "f003").await.unwrap();
            world.folder.delete("f003");
            cut(&world);
            world.refused(world.everything()).await;
            assert!(world.engine().verify(INTEGRATION, false).await.unwrap().is_clean(), "{whose}");
            if comes_back {
                world.folder.put("f003", "f003");
                world.folder.change("f003", |entry| *entry = before);
            }
            world.import().await;
            assert_eq!(world.index.text("f003").is_some(), comes_back, "{whose}");
            let report = world.engine().verify(INTEGRATION, false).await.unwrap();
            assert!(report.is_clean() && report.unsettled == 0, "{whose}: {report:?}");
        }
    }
}

#[tokio::test]
async fn what_another_import_met_during_its_removal_is_ingested_once_more() {
    let world = imported(5).await;
    let entry = catchment_core::Browse::lookup(&*world.folder, "f003").await.unwrap();
    let ledger = world.ledger.clone();
    let again = entry.clone();
    *world.index.before_remove.lock().unwrap() = Some(Box::new(move || {
        let hash = "the hash of a document that is about to be removed".to_owned();
        let result = EntryResult::Ingested { content_hash: hash, chunks: 2, portfolio: None };
        let other = async {
            let run = ledger.begin(INTEGRATION, &[]).await.unwrap();
            ledger.seen(&run, std::slice::from_ref(&again)).await.unwrap();
            ledger.record(&run, &[(again.clone(), result)]).await.unwrap();
        };
        other.now_or_never().expect("this ledger never waits");
    }));
    world.folder.delete("f003");
    assert_eq!(world.import().await.summary.removed, 0, "it is not gone");
    assert_eq!(world.index.text("f003"), None, "but its document is");
    world.folder.put("f003", "f003");
    world.folder.change("f003", |now| *now = entry);
    assert_eq!(world.import().await.status("f003"), Status::Ingested, "the fingerprint is not believed");
}

#[tokio::test]
async fn many_removals_go_in_batches() {
    let mut world = imported(1_200).await;
    world.options.breaker.entries = u64::MAX;
    for file in 0..1_100 {
        world.folder.delete(&format!("f{file:03}"));
    }
    assert_eq!(world.import().await.summary.removed, 1_100);
    assert_eq!(world.logged("forget"), 3);
    assert_eq!(world.index.paths().len(), 100);
}
