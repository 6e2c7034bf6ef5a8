//! What becomes of files.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::sync::atomic::Ordering;

use catchment_core::{ErrorKind, Fingerprint, Tenant};
use catchment_engine::{Event, Import, Status};
use support::{Fault, INTEGRATION, World};

#[tokio::test]
async fn a_file_arrives_with_all_that_is_known_of_it() {
    let world = World::new(&["reports/2026/dam.txt"]);
    world.folder.change("reports/2026/dam.txt", |entry| entry.web_url = Some("https://example.com/dam".into()));
    let import = Import { portfolio: Some("rivers".into()), ..world.everything() };
    let told = world.run(import).await.unwrap();
    assert!(matches!(told.events[0], Event::Listed { found: 1 }));
    assert!(matches!(&told.events[1], Event::Started { path, size: Some(20), .. } if path == "reports/2026/dam.txt"));
    let result = told.file("reports/2026/dam.txt");
    assert_eq!((result.status, result.chunks, result.bytes, &result.error), (Status::Ingested, 2, 20, &None));

    let documents = world.index.documents.lock().unwrap();
    let document = documents.values().next().unwrap();
    assert_eq!(document.key.integration, INTEGRATION);
    assert_eq!(document.tenant, Tenant::local());
    assert_eq!((document.name.as_str(), document.path.as_str()), ("dam.txt", "reports/2026/dam.txt"));
    assert_eq!((document.vendor.as_str(), document.mime.as_str()), ("folder", "text/plain"));
    assert_eq!(document.portfolio.as_deref(), Some("rivers"));
    assert_eq!(document.web_url.as_deref(), Some("https://example.com/dam"));
    // printf 'reports/2026/dam.txt' | sha256sum
    assert_eq!(document.content_hash, "54f882b161b6e0847d5786516d7fd9a5f38440fd380e1748e073923627ef0756");
}

#[tokio::test]
async fn what_has_not_changed_is_not_read_again() {
    let world = World::new(&["a", "b"]);
    world.import().await;
    let told = world.import().await;
    assert_eq!((told.summary.unchanged, told.summary.bytes), (2, 0));
    assert_eq!(told.file("a").chunks, 2);
    assert_eq!(world.folder.ranges("a").len(), 1);

    world.folder.put("a", "other");
    let told = world.import().await;
    assert_eq!((told.status("a"), told.status("b")), (Status::Ingested, Status::Unchanged));
    assert_eq!(world.index.text("a").as_deref(), Some("other"));

    let told = world.run(Import { full: true, ..world.everything() }).await.unwrap();
    assert_eq!(told.summary.ingested, 2, "unless everything is asked for");
}

#[tokio::test]
async fn the_same_bytes_under_another_fingerprint_are_not_parsed_again() {
    let world = World::new(&["a"]);
    world.import().await;
    world.folder.put("a", "a");
    let told = world.import().await;
    assert_eq!((told.status("a"), told.file("a").bytes, told.file("a").chunks), (Status::Unchanged, 1, 2));
    assert_eq!(world.parser.parsed.load(Ordering::Relaxed), 1);
    world.import().await;
    assert_eq!(world.folder.ranges("a").len(), 2, "the new fingerprint was recorded");
}

#[tokio::test]
async fn a_file_without_a_fingerprint_is_read_to_find_out() {
    let world = World::new(&["a"]);
    world.folder.change("a", |entry| entry.fingerprint = None);
    for (status, reads) in [(Status::Ingested, 1), (Status::Unchanged, 2)] {
        assert_eq!(world.import().await.status("a"), status);
        assert_eq!(world.folder.ranges("a").len(), reads);
    }
}

#[tokio::test]
async fn another_portfolio_is_another_document() {
    let world = World::new(&["a"]);
    world.import().await;
    let rivers = || Import { portfolio: Some("rivers".into()), ..world.everything() };
    assert_eq!(world.run(rivers()).await.unwrap().status("a"), Status::Ingested);
    assert_eq!(world.run(rivers()).await.unwrap().status("a"), Status::Unchanged);
}

#[tokio::test]
async fn a_file_that_moved_is_cited_under_its_new_path() {
    let world = World::new(&["old/a"]);
    world.import().await;
    world.folder.rename("old/a", "new/b");
    assert_eq!(world.import().await.status("new/b"), Status::Ingested);
    assert_eq!(world.index.paths(), ["new/b"]);
}

#[tokio::test]
async fn an_entry_is_processed_once_however_often_it_is_met() {
    let world = World::new(&["a/1", "a/2", "b/1"]);
    let told = world.run(world.below(&["a", "a/1", "b", "a/", "b/1"])).await.unwrap();
    assert_eq!((told.summary.files(), told.summary.ingested), (3, 3));
    // One file under two paths: the second one is met as well, but the id is known.
    world.folder.put("c/1", "c/1");
    world.folder.change("c/1", |entry| entry.id = "a/1".into());
    let told = world.run(Import { full: true, ..world.below(&["a", "c"]) }).await.unwrap();
    assert_eq!(told.summary.files(), 2);
    told.file("a/1");
}

#[tokio::test]
async fn a_path_may_be_a_file() {
    let world = World::new(&["a/1", "a/2"]);
    let told = world.run(world.below(&["a/1"])).await.unwrap();
    assert_eq!((told.status("a/1"), told.summary.files(), told.summary.complete), (Status::Ingested, 1, true));
}

#[tokio::test]
async fn a_path_that_is_not_there_is_the_error_when_it_is_the_only_one() {
    let world = World::new(&["a"]);
    let error = world.refused(world.below(&["nowhere"])).await;
    assert_eq!((error.kind(), error.get("path")), (ErrorKind::NotFound, Some("nowhere")));
    assert_eq!(world.refused(world.below(&["no", "where"])).await.kind(), ErrorKind::NotFound);

    let told = world.run(world.below(&["nowhere", "a"])).await.unwrap();
    assert_eq!((told.summary.ingested, told.summary.complete), (1, false));
    assert!(told.events.iter().any(|event| matches!(event, Event::Unlisted { path, .. } if path == "nowhere")));
}

#[tokio::test]
async fn what_has_no_content_is_skipped_with_its_reason() {
    let world = World::new(&["a"]);
    world.folder.special("pipe", "a named pipe");
    world.folder.put("empty", "");
    world.folder.put("unsized", "");
    world.folder.change("unsized", |entry| entry.size = None);
    let told = world.import().await;
    assert_eq!(told.status("pipe"), Status::Skipped);
    assert_eq!(told.file("pipe").error.as_ref().unwrap().message, "a named pipe");
    for path in ["empty", "unsized"] {
        assert_eq!((told.status(path), told.kind(path)), (Status::Failed, Some(ErrorKind::Unreadable)));
        assert!(told.file(path).error.as_ref().unwrap().message.contains("empty"));
    }
    assert!(world.folder.ranges("empty").is_empty(), "it was not even opened");
}

#[tokio::test]
async fn a_document_whose_file_was_archived_stays() {
    let world = World::new(&["a"]);
    world.import().await;
    world.folder.special("a", "archived: restore it first");
    let told = world.import().await;
    assert_eq!((told.status("a"), told.summary.removed), (Status::Skipped, 0));
    assert_eq!(world.index.paths(), ["a"]);
}

#[tokio::test]
async fn a_file_over_the_limit_is_not_downloaded() {
    let mut world = World::new(&[]);
    world.options.max_bytes = Some(200_000);
    let large = "x".repeat(300_000);
    world.folder.put("known", &large);
    world.folder.put("unknown", &large);
    world.folder.change("unknown", |entry| entry.size = None);
    world.folder.put("fits", "x".repeat(200_000));
    let told = world.import().await;
    for path in ["known", "unknown"] {
        assert_eq!((told.status(path), told.kind(path)), (Status::Failed, Some(ErrorKind::TooLarge)));
    }
    assert_eq!(told.status("fits"), Status::Ingested);
    assert!(world.folder.ranges("known").is_empty());
    assert_eq!(world.folder.given.load(Ordering::SeqCst), 200_000, "the announced size is enough to know");
}

#[tokio::test]
async fn a_file_that_changes_meanwhile_is_taken_as_it_is_then() {
    let world = World::new(&["a", "restless"]);
    world.folder.faults("a", [Fault::Changed("second")]);
    world.folder.faults("restless", vec![Fault::Changed("never the same"); 9]);
    let told = world.import().await;
    assert_eq!(told.status("a"), Status::Ingested);
    assert_eq!(world.index.text("a").as_deref(), Some("second"));
    assert_eq!((told.status("restless"), told.kind("restless")), (Status::Failed, Some(ErrorKind::Conflict)));
    assert_eq!(world.import().await.status("a"), Status::Unchanged, "the fingerprint is the one of these bytes");
}

#[tokio::test]
async fn a_large_file_goes_through_a_temporary_one() {
    let mut world = World::new(&[]);
    let dir = tempfile::tempdir().unwrap();
    world.options.temporary = dir.path().into();
    world.options.in_memory = 100_000;
    world.folder.put("large", "x".repeat(100_001));
    world.folder.put("small", "x".repeat(100_000));
    world.folder.put("broken", "broken".repeat(50_000));
    let told = world.import().await;
    assert_eq!((told.status("large"), told.status("small")), (Status::Ingested, Status::Ingested));
    assert_eq!(told.status("broken"), Status::Failed);
    assert_eq!(world.parser.on_disk.load(Ordering::Relaxed), 2);
    assert_eq!(world.index.text("large").unwrap().len(), 100_001);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");

    world.options.temporary = dir.path().join("not-there");
    world.folder.put("large", "y".repeat(100_001));
    let error = world.refused(world.everything()).await;
    assert!(error.message().contains("temporary file"), "{error}");
}

#[tokio::test]
async fn two_imports_of_one_file_at_once_end_with_one_document() {
    let world = World::new(&["a", "b", "c"]);
    let (first, second) = tokio::join!(world.run(world.everything()), world.run(world.everything()));
    for told in [first.unwrap(), second.unwrap()] {
        assert_eq!((told.summary.failed, told.summary.complete), (0, true));
    }
    assert_eq!(world.index.paths(), ["a", "b", "c"]);
    let report = world.engine().verify(INTEGRATION, false).await.unwrap();
    assert!(report.is_clean() && report.unsettled == 0, "{report:?}");
    assert_eq!(world.import().await.summary.unchanged, 3);
}

#[tokio::test]
async fn a_fingerprint_that_comes_back_is_believed_only_if_its_content_is_held() {
    let world = World::new(&["a"]);
    world.import().await;
    world.folder.put("a", "broken");
    assert_eq!(world.import().await.status("a"), Status::Failed);
    assert_eq!(world.index.text("a").as_deref(), Some("a"), "what was ingested before stays");
    world.folder.put("a", "a");
    world.folder.change("a", |entry| entry.fingerprint = Some(Fingerprint::new("v1")));
    assert_eq!(world.import().await.status("a"), Status::Unchanged);
}
