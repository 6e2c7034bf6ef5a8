//! Verifying and repairing.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use catchment_core::{DocumentKey, EntryId, Error, Ingestor};
use catchment_engine::{Problem, Report};
use support::{INTEGRATION, World};

async fn verify(world: &World, repair: bool) -> Report {
    world.engine().verify(INTEGRATION, repair).await.unwrap()
}

/// Files enough for several pages on either side.
async fn imported() -> World {
    let world = World::new(&[]);
    for file in 0..1_300 {
        let path = format!("f{file:04}");
        world.folder.put(&path, &path);
    }
    world.import().await;
    world
}

#[tokio::test]
async fn what_agrees_is_clean() {
    let world = imported().await;
    let report = verify(&world, false).await;
    assert_eq!(report, Report { checked: 1_300, ..Report::default() });
}

#[tokio::test]
async fn each_difference_is_found_named_and_repaired() {
    let world = imported().await;
    let gone: Vec<EntryId> = ["f0000", "f0600", "f1299"].map(EntryId::from).into();
    let keys: Vec<_> =
        gone.iter().map(|entry| DocumentKey { integration: INTEGRATION, entry: entry.clone() }).collect();
    world.index.remove(&keys).await.unwrap();
    {
        let mut documents = world.index.documents.lock().unwrap();
        documents.get_mut(&EntryId::from("f0700")).unwrap().content_hash = "other".into();
        for stray in ["a", "f0700!", "z"] {
            let mut document = documents[&EntryId::from("f0001")].clone();
            document.key.entry = stray.into();
            documents.insert(stray.into(), document);
        }
    }
    let expected = [
        ("a", Problem::Orphan),
        ("f0000", Problem::Missing),
        ("f0600", Problem::Missing),
        ("f0700", Problem::Mismatch),
        ("f0700!", Problem::Orphan),
        ("f1299", Problem::Missing),
        ("z", Problem::Orphan),
    ];
    for repair in [false, false, true] {
        let report = verify(&world, repair).await;
        assert!(!report.is_clean());
        assert_eq!((report.missing_in_index, report.mismatched, report.orphans_in_index), (3, 1, 3));
        let found: Vec<_> = report.findings.iter().map(|it| (it.entry.as_str(), it.problem)).collect();
        assert_eq!(found, expected);
        assert_eq!(report.findings[1].path.as_deref(), Some("f0000"));
        assert_eq!(report.repaired, if repair { 7 } else { 0 }, "looking changes nothing");
    }
    assert!(verify(&world, false).await.is_clean());
    let told = world.import().await;
    assert_eq!((told.summary.ingested, told.summary.unchanged), (4, 1_296));
    assert_eq!(verify(&world, false).await, Report { checked: 1_300, ..Report::default() });
}

#[tokio::test]
async fn more_differences_than_a_page_are_repaired_and_the_first_hundred_named() {
    let world = imported().await;
    world.index.documents.lock().unwrap().clear();
    let report = verify(&world, true).await;
    assert_eq!((report.missing_in_index, report.repaired, report.findings.len()), (1_300, 1_300, 100));
    assert_eq!(world.import().await.summary.ingested, 1_300);
}

#[tokio::test]
async fn what_an_interrupted_import_left_needs_no_repair() {
    let world = World::new(&["a", "b"]);
    world.import().await;
    world.folder.put("a", "second");
    world.folder.put("new", "new");
    for path in ["a", "new"] {
        world.ledger.fail(&format!("record {path}"), Error::internal("ends here"));
        world.refused(world.below(&[path])).await;
    }
    let report = verify(&world, true).await;
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.checked, report.unsettled, report.repaired), (1, 2, 0));
    assert_eq!(world.import().await.summary.ingested, 2);
    assert_eq!(verify(&world, false).await, Report { checked: 3, ..Report::default() });
}

#[tokio::test]
async fn a_repair_beside_a_running_import_loses_nothing() {
    use futures::StreamExt;
    // However far the import has come when the repair strikes.
    for events_before in 0..12 {
        let world = World::new(&["a", "b", "c", "d"]);
        world.import().await;
        world.index.documents.lock().unwrap().remove(&EntryId::from("a"));
        world.folder.put("b", "second");
        let mut events = world.engine().import(world.everything());
        for _ in 0..events_before {
            let _ = events.next().await;
        }
        verify(&world, true).await;
        while events.next().await.is_some() {}
        // Whatever the import recorded, the next one makes it good.
        world.import().await;
        let report = verify(&world, false).await;
        assert!(report.is_clean() && report.checked == 4, "after {events_before} events: {report:?}");
        assert_eq!(world.index.text("b").as_deref(), Some("second"));
    }
}
