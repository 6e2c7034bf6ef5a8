//! What is asked of every one of them.

use std::time::Duration;

use catchment_core::{Browse, ByteRange, Download, Entry, Error, ErrorKind, PageRequest, Result, Retry};

use super::{
    CONTENT, VENDORS, Vendor,
    server::{Server, Trouble},
    storage,
};
use crate::storage::Storage;

async fn start(vendor: &'static Vendor) -> (Server, Storage) {
    let server = Server::start(vendor).await;
    let storage = storage(vendor, &server);
    (server, storage)
}

async fn children(storage: &Storage, id: &str) -> Result<Vec<Entry>> {
    let page = storage.children(&id.into(), PageRequest::first()).await?;
    assert!(page.next.is_none(), "all fits on a page of ours");
    let mut items = page.items;
    items.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(items)
}

async fn refused(storage: &Storage, vendor: &Vendor) -> Error {
    children(storage, "").await.map(|_| ()).expect_err(vendor.scheme)
}

#[tokio::test]
async fn a_folder_is_listed_whole_and_each_file_can_be_told_from_its_next_version() {
    for vendor in VENDORS {
        let (server, storage) = start(vendor).await;
        let listed = children(&storage, "").await.unwrap_or_else(|error| panic!("{}: {error:?}", vendor.scheme));
        let ids: Vec<_> = listed.iter().map(|entry| entry.id.as_str()).collect();
        assert_eq!(ids, ["a.txt", "b.txt", "sub/"], "{}", vendor.scheme);
        for file in &listed[..2] {
            assert!(file.is_file() && file.size == Some(CONTENT.len() as u64), "{}: {file:?}", vendor.scheme);
            assert!(file.fingerprint.is_some(), "{}: {file:?}", vendor.scheme);
        }
        let lists = server.asked().len();
        assert!(!vendor.pages || lists >= 2, "{}: two pages make two calls", vendor.scheme);
        let below = children(&storage, "sub/").await.unwrap_or_else(|error| panic!("{}: {error:?}", vendor.scheme));
        assert_eq!(below.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), ["sub/c.txt"], "{}", vendor.scheme);
    }
}

#[tokio::test]
async fn a_file_is_found_and_read_whole_and_in_part() {
    for vendor in VENDORS {
        let (_server, storage) = start(vendor).await;
        let scheme = vendor.scheme;
        let looked_up = storage.lookup("a.txt").await.unwrap_or_else(|error| panic!("{scheme}: {error:?}"));
        let listed = children(&storage, "").await.expect(scheme).remove(0);
        assert_eq!((&looked_up.id, looked_up.size), (&listed.id, listed.size), "{scheme}");
        for entry in [looked_up, listed] {
            let read = async |range: Option<ByteRange>| storage.open(&entry, range).await?.collect(100).await;
            let whole = read(None).await.unwrap_or_else(|error| panic!("{scheme}: {error:?}, {entry:?}"));
            assert_eq!(whole, CONTENT, "{scheme}");
            let part = read(Some(ByteRange::new(3, 4))).await.unwrap_or_else(|error| panic!("{scheme}: {error:?}"));
            assert_eq!(part, CONTENT[3..7], "{scheme}");
        }
        let folder = storage.lookup("sub").await.unwrap_or_else(|error| panic!("{scheme}: {error:?}"));
        assert!(folder.is_container(), "{scheme}: {folder:?}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    for vendor in VENDORS {
        let (_server, storage) = start(vendor).await;
        let scheme = vendor.scheme;
        let error = storage.lookup("missing.txt").await.map(|_| ()).expect_err(scheme);
        assert_eq!(error.kind(), ErrorKind::NotFound, "{scheme}: {error:?}");
        let mut file = children(&storage, "").await.expect(scheme).remove(0);
        file.id = "missing.txt".into();
        let error = storage.open(&file, None).await.map(|_| ()).expect_err(scheme);
        assert!(matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict), "{scheme}: {error:?}");
        if storage.real_folders {
            let error = children(&storage, "missing/").await.map(|_| ()).expect_err(scheme);
            assert_eq!(error.kind(), ErrorKind::NotFound, "{scheme}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_refused_credential_and_a_missing_right_are_told_apart_from_an_empty_folder() {
    for vendor in VENDORS {
        let (server, storage) = start(vendor).await;
        for (status, kind) in [(vendor.refuses, None), (401, Some(ErrorKind::Unauthenticated)), (403, None)] {
            server.set(Trouble::Refused(status));
            let error = refused(&storage, vendor).await;
            let wanted = kind.map_or_else(|| vec![ErrorKind::Unauthenticated, ErrorKind::Forbidden], |kind| vec![kind]);
            assert!(wanted.contains(&error.kind()), "{} {status}: {error:?}", vendor.scheme);
        }
        server.set(Trouble::Refused(404));
        let error = refused(&storage, vendor).await;
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("folder_path")), "{}", vendor.scheme);
        server.set(Trouble::Html);
        let error = refused(&storage, vendor).await;
        assert_eq!(error.kind(), ErrorKind::Protocol, "{}: {error:?}", vendor.scheme);
    }
}

#[tokio::test]
async fn a_service_that_asks_to_wait_is_waited_for_or_the_wait_handed_on() {
    for vendor in VENDORS {
        let (server, storage) = start(vendor).await;
        server.set(Trouble::Once(0));
        let listed = children(&storage, "").await.unwrap_or_else(|error| panic!("{}: {error:?}", vendor.scheme));
        assert_eq!(listed.len(), 3, "{}", vendor.scheme);
        server.set(Trouble::Slow(3_600));
        let error = refused(&storage, vendor).await;
        let wanted = (ErrorKind::RateLimited, Retry::After(Duration::from_secs(3_600)));
        assert_eq!((error.kind(), error.retry()), wanted, "{}: {error:?}", vendor.scheme);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_never_a_shorter_file() {
    for vendor in VENDORS {
        let (server, storage) = start(vendor).await;
        let file = children(&storage, "").await.expect(vendor.scheme).remove(0);
        server.set(Trouble::Cut);
        let read = async { storage.open(&file, None).await?.collect(100).await };
        let error = read.await.map(|_| ()).expect_err(vendor.scheme);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{}: {error:?}", vendor.scheme);
    }
}

#[tokio::test]
async fn a_list_that_goes_on_nowhere_is_an_error() {
    for vendor in VENDORS.iter().filter(|vendor| ["oss", "cos", "obs"].contains(&vendor.scheme)) {
        let (server, storage) = start(vendor).await;
        server.set(Trouble::Lost);
        let error = refused(&storage, vendor).await;
        assert_eq!(error.kind(), ErrorKind::Protocol, "{}: {error:?}", vendor.scheme);
    }
}

#[tokio::test]
async fn nothing_is_asked_without_a_credential_and_none_goes_to_another_host() {
    for vendor in VENDORS {
        let (server, storage) = start(vendor).await;
        let file = children(&storage, "").await.expect(vendor.scheme).remove(0);
        storage.open(&file, None).await.expect(vendor.scheme);
        for ask in server.asked() {
            // A link for one download says all by itself.
            let link = ask.host.starts_with("downloads.");
            let signs_in = ask.method == "POST";
            let has = !ask.header("authorization").is_empty();
            assert!(has != link || signs_in, "{}: {ask:?}", vendor.scheme);
        }
    }
}
