//! What goes wrong with Microsoft: lapsed links, damaged bytes, circles, foreign hosts, odd paths, storms.

mod fake;

use catchment_core::{
    ByteRange, Change, Connector, Context, Cursor, Entry, EntryKind, Error, ErrorKind, PageRequest, Result, Retry,
    async_trait,
};
use catchment_testkit::world::Key;
use fake::{Fake, problem};
use serde_json::json;

async fn listed(connector: &dyn Connector, path: &str) -> Entry {
    connector.need_browse().expect("browse").lookup(path).await.expect("found")
}

async fn read(connector: &dyn Connector, entry: &Entry) -> Result<Vec<u8>> {
    connector.need_download()?.open(entry, None).await?.collect(64 << 20).await
}

async fn refused<T: std::fmt::Debug>(call: impl Future<Output = Result<T>>) -> Error {
    call.await.expect_err("has to fail")
}

#[tokio::test]
async fn a_link_that_lapses_is_fetched_again_and_no_credential_leaves() {
    let fake = Fake::new().await;
    let content: Vec<u8> = (0..3 << 20).map(|at: u32| (at % 251) as u8).collect();
    fake.put("film.bin", &content);
    let connector = fake.connector();
    let entry = listed(connector.as_ref(), "film.bin").await;
    // Each link is good for one read, and the first two reads break off.
    fake.cloud().reads = 1;
    fake.cloud().cuts = [1 << 20, 1 << 20].into();
    assert_eq!(read(connector.as_ref(), &entry).await.expect("the whole"), content);
    assert_eq!(fake.count("/download/"), 3);
    assert!(!fake.cloud().leaked, "a credential went to the host of the bytes");
    // A link that is dead on arrival is fetched again once, and not for ever.
    fake.cloud().reads = 0;
    let error = refused(read(connector.as_ref(), &entry)).await;
    assert_eq!(fake.count("/download/"), 5, "{error}");
}

#[tokio::test]
async fn content_that_is_not_its_hash_is_refused_unless_sharepoint_rewrites_it() {
    let fake = Fake::new().await;
    fake.put("data.bin", b"content");
    fake.put("text.docx", b"content");
    let connector = fake.connector();
    fake.cloud().damaged = true;
    let entry = listed(connector.as_ref(), "data.bin").await;
    let error = refused(read(connector.as_ref(), &entry)).await;
    assert_eq!(error.kind(), ErrorKind::Unreadable, "{error}");
    // A part has no hash of its own.
    let part = connector.need_download().unwrap().open(&entry, Some(ByteRange::new(0, 3))).await.unwrap();
    assert_eq!(part.collect(9).await.unwrap().len(), 3);
    let office = listed(connector.as_ref(), "text.docx").await;
    assert_eq!(read(connector.as_ref(), &office).await.expect("kept").len(), 7);
}

#[tokio::test]
async fn a_change_of_metadata_alone_does_not_stop_a_transfer() {
    let fake = Fake::new().await;
    let content = vec![3; 2 << 20];
    let key = fake.put("film.bin", &content);
    let connector = fake.connector();
    let entry = listed(connector.as_ref(), "film.bin").await;
    fake.cloud().cuts = [1 << 20].into();
    let content_of = connector.need_download().unwrap().open(&entry, None).await.expect("opened");
    let rename = catchment_testkit::world::Op::Rename { key, name: "movie.bin".to_owned() };
    fake.world(|world| world.apply(rename).map(drop).expect("possible"));
    assert_eq!(content_of.collect(4 << 20).await.expect("the whole"), content);
}

#[tokio::test]
async fn links_in_circles_and_to_other_hosts_end_a_listing() {
    let fake = Fake::new().await;
    for number in 0..3 {
        fake.put(&format!("{number}.txt"), b"x");
    }
    let connector = fake.connector();
    let browse = connector.need_browse().unwrap();
    let root = browse.lookup("").await.unwrap().id;
    let page = |link: &str| json!({ "value": [], "@odata.nextLink": link }).to_string();
    let link =
        |at: u32| format!("http://{}/v1.0/drives/{}/items/x/children?$skiptoken={at}", fake.address, fake::DRIVE);
    for at in [1, 2, 1, 2, 1, 2] {
        fake.instead("children", 200, page(&link(at)));
    }
    let mut request = PageRequest::first();
    let error = loop {
        match browse.children(&root, request.clone()).await {
            Ok(page) => request.token = Some(page.next.expect("a next page")),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    fake.cloud().instead.clear();
    fake.instead("children", 200, page("https://evil.example/v1.0/next"));
    let error = refused(browse.children(&root, PageRequest::first())).await;
    assert_eq!((error.kind(), error.get("to")), (ErrorKind::Protocol, Some("evil.example")), "{error}");
}

#[tokio::test]
async fn both_styles_of_a_reset_and_a_link_of_another_drive_expire_the_cursor() {
    let fake = Fake::new().await;
    let connector = fake.connector();
    let changes = connector.changes().unwrap();
    let cursor = changes.now().await.unwrap();
    for code in ["resyncChangesApplyDifferences", "resyncChangesUploadDifferences", "resyncRequired"] {
        let fresh = format!("http://{}/v1.0/drives/{}/root/delta", fake.address, fake::DRIVE);
        fake.instead_with("root/delta", 410, vec![("location", fresh)], problem(code));
        let error = refused(changes.changes(&cursor)).await;
        assert_eq!(error.kind(), ErrorKind::CursorExpired, "{code}: {error}");
    }
    let (ours, other) = (format!("drives/{}/", fake::DRIVE), format!("drives/{}/", fake::OTHER));
    let foreign = Cursor::new(cursor.as_str().replace(&ours, &other));
    assert_ne!(foreign, cursor);
    assert_eq!(refused(changes.changes(&foreign)).await.kind(), ErrorKind::CursorExpired);
    // The link is right, and what comes is another drive's all the same.
    let item =
        json!({ "id": "01X", "name": "x", "file": {}, "parentReference": { "driveId": "b!foreign", "id": "01Y" } });
    let link = format!("http://{}/v1.0/drives/{}/root/delta?token=v1", fake.address, fake::DRIVE);
    fake.instead("root/delta", 200, json!({ "value": [item], "@odata.deltaLink": link }).to_string());
    assert_eq!(refused(changes.changes(&cursor)).await.kind(), ErrorKind::CursorExpired);
}

#[tokio::test]
async fn a_connected_folder_that_is_deleted_says_so() {
    let fake = Fake::new().await;
    let connector = fake.connector();
    let changes = connector.changes().unwrap();
    let cursor = changes.now().await.unwrap();
    let gone = json!({ "id": fake::item_id(Key::ROOT), "deleted": {}, "parentReference": { "driveId": fake::DRIVE } });
    let link = format!("http://{}/v1.0/drives/{}/root/delta?token=v1", fake.address, fake::DRIVE);
    fake.instead("root/delta", 200, json!({ "value": [gone], "@odata.deltaLink": link }).to_string());
    let error = refused(changes.changes(&cursor)).await;
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::NotFound, Some("folder_path")), "{error}");
}

#[tokio::test]
async fn notebooks_shortcuts_and_malware_are_listed_and_not_read() {
    let fake = Fake::new().await;
    for (name, facets) in [
        ("notes", json!({ "file": null, "package": { "type": "oneNote" } })),
        ("shortcut", json!({ "file": null, "folder": {}, "remoteItem": { "id": "x" } })),
        ("virus.exe", json!({ "malware": { "description": "bad" } })),
    ] {
        let key = fake.put(name, b"x");
        fake.cloud().facets.insert((fake::DRIVE.to_owned(), key), facets);
    }
    let connector = fake.connector();
    let browse = connector.need_browse().unwrap();
    let root = browse.lookup("").await.unwrap().id;
    let page = browse.children(&root, PageRequest::first()).await.unwrap();
    assert_eq!(page.items.len(), 3);
    for entry in page.items {
        assert!(matches!(entry.kind, EntryKind::Special(_)), "{entry:?}");
        let as_file = Entry::file(entry.id.clone(), entry.path.clone());
        assert_eq!(refused(read(connector.as_ref(), &as_file)).await.kind(), ErrorKind::Unreadable);
    }
}

#[tokio::test]
async fn a_storm_of_429_is_handed_on_with_its_time() {
    let fake = Fake::new().await;
    let connector = fake.connector();
    let browse = connector.need_browse().unwrap();
    let root = browse.lookup("").await.unwrap().id;
    for (status, code) in [(429, "activityLimitReached"), (503, "serviceNotAvailable"), (429, "")] {
        let fake = Fake::new().await;
        let connector = fake.with(json!({ "client_id": format!("app {status} {code}") }));
        connector.need_browse().unwrap().lookup("").await.unwrap();
        fake.instead_with("children", status, vec![("retry-after", "600".to_owned())], problem(code));
        let error = refused(connector.need_browse().unwrap().children(&root, PageRequest::first())).await;
        let waits = matches!(error.retry(), Retry::After(wait) if wait.as_secs() > 500);
        assert!(waits, "{status} {code} is {}: {error}", error.kind());
    }
    // Whoever else asks for the same app and tenant is not held up by another app's storm.
    browse.children(&root, PageRequest::first()).await.expect("listed");
}

#[tokio::test]
async fn a_path_that_is_too_long_is_not_found() {
    let fake = Fake::new().await;
    let connector = fake.connector();
    let long = vec!["a name of some length # % +"; 20].join("/");
    let error = refused(connector.need_browse().unwrap().lookup(&long)).await;
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn the_check_says_which_setting_is_wrong() {
    let fake = Fake::new().await;
    let onedrive = |user: &str| json!({ "url": null, "user_id": user, "tenant_id": "contoso.com", "folder_path": "/" });
    fake.with(onedrive("ada@contoso.com")).check().await.expect("a good OneDrive");
    for (more, field) in [
        (json!({ "url": "https://contoso.sharepoint.com/sites/None" }), "url"),
        (json!({ "folder_path": "No such library" }), "folder_path"),
        (json!({ "folder_path": "Documents/none" }), "folder_path"),
        (onedrive("nobody@contoso.com"), "user_id"),
        (json!({ "client_secret": "wrong" }), "client_secret"),
    ] {
        let error = refused(fake.with(more.clone()).check()).await;
        assert_eq!(error.get("field"), Some(field), "{more}: {error}");
        let kind = if field == "client_secret" { ErrorKind::Unauthenticated } else { ErrorKind::Config };
        assert_eq!(error.kind(), kind, "{more}: {error}");
    }
    let connector = fake.connector();
    fake.instead("/sites/Team", 403, problem("accessDenied"));
    let error = refused(connector.check()).await;
    assert_eq!((error.kind(), error.get("scope")), (ErrorKind::Forbidden, Some("Sites.Read.All")), "{error}");
    fake.instead("/children", 403, problem("accessDenied"));
    let error = refused(connector.check()).await;
    assert_eq!((error.kind(), error.get("scope")), (ErrorKind::Forbidden, Some("Files.Read.All")), "{error}");
    let page = "<html><title>Sign in</title></html>";
    fake.instead("/sites/Team", 200, page);
    let error = refused(connector.check()).await;
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Protocol, Some("graph_url")), "{error}");
}

/// A person's grant, as the program around the connector keeps it.
#[derive(Debug)]
struct Consent;

#[async_trait]
impl catchment_core::Authorize for Consent {
    async fn header(&self) -> Result<catchment_core::Secret> {
        Ok(format!("Bearer token-{}", usize::MAX).into())
    }

    async fn rejected(&self, _: &catchment_core::Secret) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_person_who_consented_is_named_and_their_onedrive_is_read() {
    let fake = Fake::new().await;
    fake.put("mine.txt", b"x");
    let mut settings = fake.settings();
    for gone in ["client_id", "client_secret", "url"] {
        settings.as_object_mut().unwrap().remove(gone);
    }
    settings["folder_path"] = "root".into();
    let error = fake::connect(settings.clone()).expect_err("nobody has consented");
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    let cx = Context::local().with_grant(std::sync::Arc::new(Consent));
    let connector = fake::connect_in(settings, cx).unwrap();
    let account = connector.check().await.unwrap();
    assert_eq!((account.id.as_str(), account.name.as_str()), ("u-1", "Ada"));
    assert_eq!(account.email.as_deref(), Some("ada@contoso.com"));
    assert!(account.details.contains(&("username".to_owned(), "ada@contoso.com".to_owned())));
    assert!(listed(connector.as_ref(), "mine.txt").await.is_file());
}

#[tokio::test]
async fn a_site_shows_its_libraries_and_follows_those_that_come_and_go() {
    let fake = Fake::new().await;
    fake.put("file.txt", b"x");
    let connector = fake.with(json!({ "folder_path": "/" }));
    let browse = connector.need_browse().unwrap();
    let root = browse.lookup("").await.unwrap();
    let names = async || {
        let page = browse.children(&root.id, PageRequest::first()).await.unwrap();
        page.items.into_iter().map(|entry| entry.path).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["Documents", "Plans"]);
    let first = browse.children(&root.id, PageRequest::first().limit(1)).await.unwrap();
    assert_eq!((first.items.len(), first.next.is_some()), (1, true));
    assert_eq!(listed(connector.as_ref(), "Shared Documents/root/file.txt").await.path, "Documents/root/file.txt");
    let mut found = Vec::new();
    let mut request = PageRequest::first();
    loop {
        let page = browse.search("file", &root.id, request).await.unwrap();
        found.extend(page.items.into_iter().map(|entry| entry.path));
        let Some(next) = page.next else { break };
        request = PageRequest::at(next);
    }
    assert_eq!(found, ["Documents/root/file.txt"]);

    let changes = connector.changes().unwrap();
    let cursor = changes.now().await.unwrap();
    let plans = fake.cloud().drives.remove(fake::OTHER).unwrap();
    fake.cloud().drives.insert("b!third".to_owned(), plans);
    fake.cloud().drives.get_mut(fake::DRIVE).unwrap().name = "Files".to_owned();
    let mut told = Vec::new();
    let mut page = changes.changes(&cursor).await.unwrap();
    loop {
        told.extend(page.changes);
        if !page.more {
            break;
        }
        page = changes.changes(&page.cursor).await.unwrap();
    }
    let gone = format!("{}/{}", fake::OTHER, fake::item_id(Key::DRIVE));
    assert!(told.contains(&Change::Remove(gone.into())), "{told:?}");
    let upserts: Vec<_> = told
        .iter()
        .filter_map(|change| match change {
            Change::Upsert(entry) if entry.parent.as_ref() == Some(&root.id) => Some(entry.path.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(upserts, ["Files", "Plans"]);
}

#[tokio::test]
async fn a_certificate_signs_in_as_well() {
    let fake = Fake::new().await;
    let connector = fake.with(json!({ "client_secret": null, "certificate": include_str!("fake/certificate.pem") }));
    connector.check().await.expect("signed in");
    let form = fake.cloud().asked.iter().any(|asked| asked.path == "/contoso.onmicrosoft.com/oauth2/v2.0/token");
    assert!(form, "the tenant follows from the host of the site");
}

#[tokio::test]
async fn every_refusal_has_its_kind() {
    let fake = Fake::new().await;
    fake.put("a.txt", b"x");
    let connector = fake.connector();
    let browse = connector.need_browse().unwrap();
    let root = browse.lookup("").await.unwrap().id;
    let nested = |outer: &str, key: &str, inner: &str| {
        json!({ "error": { "code": outer, "message": "planted", key: { "code": inner, "date": "x" } } }).to_string()
    };
    for (status, body, kind) in [
        (402, problem("paymentRequired"), ErrorKind::Forbidden),
        (403, problem("accessDenied"), ErrorKind::Forbidden),
        (403, problem("accessRestricted"), ErrorKind::Forbidden),
        (403, nested("accessDenied", "innerError", "malwareDetected"), ErrorKind::Forbidden),
        (403, nested("accessDenied", "innererror", "insufficient_claims"), ErrorKind::Unauthenticated),
        (404, problem("itemNotFound"), ErrorKind::NotFound),
        (409, problem("nameAlreadyExists"), ErrorKind::Conflict),
        (412, problem("resourceModified"), ErrorKind::Conflict),
        (423, problem("resourceLocked"), ErrorKind::Conflict),
        (410, problem("syncStateNotFound"), ErrorKind::CursorExpired),
        (410, "<html>gone</html>".to_owned(), ErrorKind::CursorExpired),
        (400, problem("invalidRequest"), ErrorKind::Protocol),
        (400, nested("invalidRequest", "innerError", "pathIsTooLong"), ErrorKind::NotFound),
        (413, problem("requestEntityTooLarge"), ErrorKind::TooLarge),
        (200, "<html><title>Sign in</title></html>".to_owned(), ErrorKind::Protocol),
        (200, json!({ "value": null }).to_string(), ErrorKind::Protocol),
    ] {
        // Twice: after a token that is not accepted another one is tried.
        fake.instead("/children", status, body.clone());
        fake.instead("/children", status, body.clone());
        let error = refused(browse.children(&root, PageRequest::first())).await;
        fake.cloud().instead.clear();
        assert_eq!(error.kind(), kind, "{status} {body}: {error}");
        assert!(!format!("{error}").contains("planted"), "{error}");
    }
}
