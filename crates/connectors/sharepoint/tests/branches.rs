//! Branches that are not known, and listings that only seem to have ended: nothing is gone for them.

mod fake;

use std::time::Duration;

use catchment_core::{Change, Error, ErrorKind, PageRequest, Result, Retry, Step, walk};
use catchment_testkit::world::{Key, Op};
use fake::Fake;
use futures::StreamExt;
use serde_json::json;
use tokio::time::Instant;

async fn refused<T: std::fmt::Debug>(call: impl Future<Output = Result<T>>) -> Error {
    call.await.expect_err("has to fail")
}

#[tokio::test]
async fn a_folder_that_was_renamed_meanwhile_removes_nothing() {
    for name in ["above", "above/below"] {
        let fake = Fake::new().await;
        let above = fake.world(|world| world.put_folder(Key::DRIVE, "above/below").expect("possible"));
        let file = fake.world(|world| world.put(above, "deep/file.txt", "x").expect("possible"));
        let connector = fake.with(json!({ "folder_path": "Documents/above/below" }));
        let changes = connector.changes().unwrap();
        let cursor = changes.now().await.unwrap();
        let renamed = fake.world(|world| world.find(Key::DRIVE, name).expect("there"));
        fake.world(|world| {
            world.apply(Op::Rename { key: renamed, name: "other".to_owned() }).map(drop).expect("possible")
        });
        fake.world(|world| world.apply(Op::Write { key: file, content: "y".into() }).map(drop).expect("possible"));
        let error = refused(changes.changes(&cursor)).await;
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("folder_path")), "{name}: {error}");
        // Another folder that took the name is another place.
        fake.world(|world| world.put_folder(Key::DRIVE, "above/below").expect("possible"));
        assert_eq!(refused(changes.changes(&cursor)).await.kind(), ErrorKind::CursorExpired, "{name}");
    }
}

#[tokio::test]
async fn a_library_that_may_not_be_looked_at_is_an_unknown_branch() {
    let fake = Fake::new().await;
    fake.put("file.txt", b"x");
    fake.cloud().closed.insert(fake::OTHER.to_owned());
    let connector = fake.with(json!({ "folder_path": "/" }));
    connector.check().await.expect("the other libraries are open");
    let walked = async || {
        let browse = connector.need_browse().unwrap();
        let root = browse.lookup("").await.unwrap();
        walk::walk(browse, root, PageRequest::first()).collect::<Vec<Step>>().await
    };
    let steps = walked().await;
    let unlisted = steps.iter().find_map(|step| match step {
        Step::Unlisted { container, error } => Some((container.path.clone(), error.kind())),
        _ => None,
    });
    assert_eq!(unlisted, Some(("Plans".to_owned(), ErrorKind::Forbidden)), "{steps:?}");
    assert!(matches!(steps.last(), Some(Step::End(None))), "a walk that missed a library is not complete");
    let files = steps.iter().filter_map(|step| match step {
        Step::Entries(entries) => Some(entries.iter().filter(|entry| entry.is_file()).count()),
        _ => None,
    });
    assert_eq!(files.sum::<usize>(), 1, "the rest is listed");

    // The feed goes on beside it, and it is told of when it opens.
    let changes = connector.changes().unwrap();
    let cursor = changes.now().await.expect("a cursor");
    fake.cloud().closed.clear();
    let page = changes.changes(&cursor).await.expect("a page");
    let opened = |change: &Change| matches!(change, Change::Upsert(entry) if entry.path == "Plans" && !entry.id.as_str().ends_with("/root"));
    assert!(page.changes.iter().any(opened), "{:?}", page.changes);
    assert!(matches!(walked().await.last(), Some(Step::End(Some(_)))));
}

#[tokio::test]
async fn an_empty_page_in_the_middle_is_not_the_end() {
    let fake = Fake::new().await;
    for number in 0..3 {
        fake.put(&format!("{number}.txt"), b"x");
    }
    let connector = fake.connector();
    let browse = connector.need_browse().unwrap();
    let root = browse.lookup("").await.unwrap();
    let real =
        format!("http://{}/v1.0/drives/{}/items/{}/children", fake.address, fake::DRIVE, fake::item_id(Key::ROOT));
    let empty = |next: String| json!({ "value": [], "@odata.nextLink": next }).to_string();
    fake.instead("children", 200, empty(format!("{real}?$top=2")));
    let steps: Vec<Step> = walk::walk(browse, root, PageRequest::first()).collect().await;
    let met: usize = steps.iter().map(|step| if let Step::Entries(entries) = step { entries.len() } else { 0 }).sum();
    assert_eq!((met, matches!(steps.last(), Some(Step::End(Some(_))))), (3, true), "{steps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_minute_of_503_passes_and_nothing_is_gone_for_it() {
    let fake = Fake::new().await;
    fake.put("file.txt", b"x");
    let connector = fake.connector();
    let browse = connector.need_browse().unwrap();
    let root = browse.lookup("").await.unwrap();
    fake.cloud().down_until = Some(Instant::now() + Duration::from_secs(60));
    let walked = async || walk::walk(browse, root.clone(), PageRequest::first()).collect::<Vec<Step>>().await;
    let steps = walked().await;
    let passes = |step: &Step| matches!(step, Step::Unlisted { error, .. } if error.kind() == ErrorKind::Unavailable && error.retry() != Retry::Never);
    assert!(steps.iter().any(passes) && matches!(steps.last(), Some(Step::End(None))), "{steps:?}");
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(matches!(walked().await.last(), Some(Step::End(Some(_)))));
}
