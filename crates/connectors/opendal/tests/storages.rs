//! What the suite does not ask: whom a connection may reach, what is not there, names that OpenDAL
//! would change, files that change while they are read, and services of one's own.

mod servers;

use std::sync::Arc;

use catchment_core::{
    Connector, Context, Entry, EntryKind, ErrorKind, Fingerprint, PageRequest, Registry, Result, Step, walk::walk,
};
use catchment_opendal::{OpenDal, Reach, Service, add};
use catchment_testkit::faults::{Fault, FaultProxy};
use futures::StreamExt;
use serde_json::{Value, json};
use servers::{Bucket, Folder, PREFIX, swift::Container};

fn connect_as(settings: Value, cx: Context) -> Result<Arc<dyn Connector>> {
    Registry::new().with::<OpenDal>().connect("opendal", settings, cx)
}

fn connect(settings: Value) -> Arc<dyn Connector> {
    connect_as(settings, Context::local()).expect("good settings")
}

/// A context that may not reach private networks.
fn public_only() -> Context {
    Context { host_access: false, private_network: false, ..Context::local() }
}

async fn children(connector: &dyn Connector, id: &str) -> Result<Vec<Entry>> {
    let page = connector.need_browse()?.children(&id.into(), PageRequest::first()).await?;
    assert!(page.next.is_none(), "one page is enough");
    Ok(page.items)
}

#[tokio::test]
async fn private_addresses_are_guarded_whatever_the_service() {
    let folder = Folder::webdav();
    let connector = connect_as(folder.settings(), public_only()).expect("good settings");
    let error = connector.check().await.expect_err("a private address");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("url")), "{error}");

    let error = connect_as(Folder::ftp().settings(), public_only()).expect_err("nothing guards it");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("uri")), "{error}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_not_an_empty_one() {
    for folder in [Folder::webdav(), Folder::ftp()] {
        folder.put("there/file.txt", b"x");
        folder.put_folder("empty");
        let connector = connect(folder.settings());
        assert_eq!(children(&*connector, "empty/").await.expect("an empty folder"), []);
        let error = children(&*connector, "missing/").await.expect_err("no such folder");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");

        let mut settings = folder.settings();
        settings["folder_path"] = format!("{}/missing", settings["folder_path"].as_str().expect("a path")).into();
        let error = connect(settings).check().await.expect_err("no such folder");
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("folder_path")), "{error}");
        assert!(!folder.path("missing").exists(), "reading has made the folder");
    }
}

#[tokio::test]
async fn a_name_that_opendal_would_change_is_listed_as_special() {
    let folder = Folder::webdav();
    folder.put("space behind ", b"secret");
    folder.put("space behind", b"another");
    let connector = connect(folder.settings());
    let listed = children(&*connector, "").await.expect("a folder");
    let odd = listed.iter().find(|entry| entry.name == "space behind ").expect("listed");
    assert!(matches!(&odd.kind, EntryKind::Special(reason) if reason.contains("white space")), "{odd:?}");
    let error = connector.need_download().expect("it reads").open(odd, None).await.expect_err("not to be asked for");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_a_conflict() {
    for folder in [Folder::webdav(), Folder::ftp()] {
        folder.put("file.bin", &vec![1; 32 << 20]);
        let connector = connect(folder.settings());
        let entry = children(&*connector, "").await.expect("a folder").remove(0);
        let download = connector.need_download().expect("it reads");
        // Without a mark of its own that could be confirmed while it is opened.
        let stamp = Fingerprint::of_size_and_time(32 << 20, entry.modified.expect("a time"));
        let mut plain = entry.clone();
        plain.fingerprint = Some(stamp);
        let mut body = download.open(&plain, None).await.expect("a file").body;
        body.next().await.expect("a chunk").expect("no error");
        folder.put("file.bin", &vec![2; (32 << 20) + 1]);
        let rest: Vec<_> = body.collect().await;
        let error = rest.into_iter().find_map(Result::err).expect("another file by now");
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");

        let error = download.open(&entry, None).await.expect_err("another file by now");
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
}

#[tokio::test]
async fn a_whole_tree_goes_on_behind_a_name() {
    let bucket = Bucket::new().await;
    let mut wanted = Vec::new();
    for number in 0..12 {
        let path = format!("{}/{number:02}", number % 3);
        bucket.put(&path, b"x").await;
        wanted.push(path);
    }
    wanted.sort();
    let settings = bucket.settings_at(bucket.server.address);
    let mut request = PageRequest::first().limit(5);
    let mut listed = Vec::new();
    loop {
        // A new connector for each page knows nothing but the token.
        let connector = connect(settings.clone());
        let flat = connector.need_browse().expect("it lists").flat().expect("whole trees");
        let page = flat.descendants(&"".into(), request.clone()).await.expect("a page");
        assert!(page.items.len() <= 5);
        listed.extend(page.items.into_iter().map(|entry| entry.path));
        let Some(next) = page.next else { break };
        request.token = Some(next);
    }
    assert_eq!(listed, wanted);
}

#[tokio::test]
async fn a_folder_that_changed_between_two_processes_is_not_guessed_at() {
    let folder = Folder::webdav();
    for number in 10..20 {
        folder.put(&format!("{number}.txt"), b"x");
    }
    let first = connect(folder.settings());
    let page = first.need_browse().expect("it lists").children(&"".into(), PageRequest::first().limit(5)).await;
    let token = page.expect("a page").next.expect("more");
    folder.remove("12.txt");
    let other = connect(folder.settings());
    let page = other.need_browse().expect("it lists").children(&"".into(), PageRequest::at(token)).await;
    let error = page.expect_err("nobody knows what is missing");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_damaged_file_does_not_pass() {
    let bucket = Bucket::new().await;
    bucket.put("file.bin", b"content").await;
    let connector = connect(bucket.settings_at(bucket.server.address));
    let mut entry = connector.need_browse().expect("it lists").lookup("file.bin").await.expect("a file");
    let download = connector.need_download().expect("it reads");
    assert_eq!(download.open(&entry, None).await.expect("a file").collect(100).await.expect("whole"), b"content");
    entry.hash.as_mut().expect("Google gives one").value = "1B2M2Y8AsgTpgAmY7PhCfg==".to_owned();
    let error = download.open(&entry, None).await.expect("a file").collect(100).await.expect_err("another hash");
    assert_eq!(error.kind(), ErrorKind::Unreadable, "{error}");
}

#[tokio::test]
async fn an_object_of_swift_that_is_stored_in_parts_is_read_whole() {
    let container = Container::new().await;
    let parts = [vec![1; 1 << 20], vec![2; 1 << 10]];
    let mut manifest = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        container.call("PUT", &format!("parts/{number}"), &[], &[], part).await.expect("a part");
        manifest.push(json!({ "path": format!("/{}/parts/{number}", container.name) }));
    }
    let manifest = serde_json::to_vec(&manifest).expect("JSON");
    let fixed = format!("{PREFIX}/fixed.bin");
    let made = container.call("PUT", &fixed, &[("multipart-manifest", "put")], &[], &manifest).await;
    made.expect("an object in fixed parts");
    let by_name = [("x-object-manifest", format!("{}/parts/", container.name))];
    let by_name = by_name.each_ref().map(|(name, value)| (*name, value.as_str()));
    container.call("PUT", &format!("{PREFIX}/by name.bin"), &[], &by_name, b"").await.expect("an object of all parts");

    let connector = connect(container.settings());
    let download = connector.need_download().expect("it reads");
    let listed = children(&*connector, "").await.expect("a folder");
    assert_eq!(listed.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["by name.bin", "fixed.bin"]);
    for entry in listed {
        let whole = download.open(&entry, None).await.expect("opened").collect(2 << 20).await.expect("whole");
        assert!(whole == parts.concat(), "{}: {} bytes", entry.path, whole.len());
        // The same name with other content is told, however it is stored.
        container.put(&entry.path, b"another").await;
        let error = download.open(&entry, None).await.expect_err("another file by now");
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
}

#[tokio::test]
async fn an_answer_of_another_host_gets_no_credential() {
    let folder = Folder::webdav();
    folder.put("file.txt", b"x");
    let thief = FaultProxy::start(folder.server.address).await.expect("a proxy");
    let proxy = FaultProxy::start(folder.server.address).await.expect("a proxy");
    let connector = connect(folder.settings_at(proxy.address()));
    let moved =
        format!("HTTP/1.1 302 Found\r\nlocation: http://{}/elsewhere/\r\ncontent-length: 0\r\n\r\n", thief.address());
    proxy.set(Fault::Raw(moved.into_bytes()));
    let error = connector.check().await.expect_err("a redirect to somebody else");
    // A body is not carried there, so the other host was not even asked.
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert!(thief.seen().is_empty(), "{:?}", thief.seen());
}

#[tokio::test]
async fn a_service_of_ones_own_is_reached_as_it_says() {
    add(Service::of::<opendal::services::Memory>("memory", Reach::Host));
    let settings = json!({"uri": "memory://"});
    let error = connect_as(settings.clone(), public_only()).expect_err("of the host");
    assert_eq!(error.get("field"), Some("uri"), "{error}");
    let connector = connect(settings);
    connector.check().await.expect("it is there");
    let browse = connector.need_browse().expect("it lists");
    let root = browse.lookup("").await.expect("the root");
    let steps: Vec<_> = walk(browse, root, PageRequest::first()).collect().await;
    assert!(matches!(steps.last(), Some(Step::End(Some(_)))), "a complete walk: {steps:?}");
}
