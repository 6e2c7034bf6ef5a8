//! Team spaces, namespaces and shared folders: what paths are below.

mod fake;

use catchment_core::{Connector, Entry, ErrorKind, PageRequest, Step, walk::walk};
use catchment_testkit::world::Key;
use fake::{Fake, HOME, Team};
use futures::StreamExt;
use serde_json::{Value, json};

async fn paths(connector: &dyn Connector) -> Vec<String> {
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root");
    let mut steps = std::pin::pin!(walk(browse, root, PageRequest::first().limit(2)));
    let mut paths = Vec::new();
    while let Some(step) = steps.next().await {
        match step {
            Step::Entries(entries) => paths.extend(entries.into_iter().filter(Entry::is_file).map(|entry| entry.path)),
            Step::Unlisted { error, .. } => panic!("unlisted: {error}"),
            Step::End(complete) => assert!(complete.is_some()),
        }
    }
    paths.sort();
    paths
}

/// A folder of the team, and the member's own beside it.
async fn space() -> Fake {
    let fake = Fake::new().await;
    let mut account = fake.account();
    account.drive.world.put(Key::ROOT, "team.txt", "x").expect("put");
    account.drive.world.put(Key::OUTSIDE, "mine.txt", "x").expect("put");
    account.team = Some(Team { root: "2000".to_owned(), member: None });
    drop(account);
    fake
}

fn roots(fake: &Fake) -> Vec<Option<Value>> {
    let account = fake.account();
    let lists = account.calls.iter().filter(|call| call.route.starts_with("files/"));
    lists
        .map(|call| {
            let header = call.headers.iter().find(|(name, _)| name == "dropbox-api-path-root");
            header.map(|(_, value)| serde_json::from_str(value).expect("JSON"))
        })
        .collect()
}

#[tokio::test]
async fn a_teams_space_is_seen_from_its_root() {
    let fake = space().await;
    let all = fake.connect(json!({ "folder_path": "" })).expect("good settings");
    assert_eq!(paths(all.as_ref()).await, ["outside/mine.txt", "root/team.txt"]);
    let root = Some(json!({ ".tag": "root", "root": "2000" }));
    let roots = roots(&fake);
    assert!(roots.len() > 1 && roots.iter().all(|sent| *sent == root), "{roots:?}");
    let details = all.check().await.expect("an account").details;
    assert!(details.contains(&("namespace".to_owned(), "2000".to_owned())), "{details:?}");
    assert!(details.contains(&("team".to_owned(), "Analysts".to_owned())), "{details:?}");
}

#[tokio::test]
async fn an_account_without_a_team_says_nothing_of_roots() {
    let fake = Fake::new().await;
    fake.account().drive.world.put(Key::ROOT, "file.txt", "x").expect("put");
    assert_eq!(paths(fake.connector().as_ref()).await, ["file.txt"]);
    assert!(roots(&fake).iter().all(Option::is_none));
}

#[tokio::test]
async fn a_namespace_is_a_root_of_its_own() {
    let fake = space().await;
    let own = fake.connect(json!({ "folder_path": format!("ns:{HOME}") })).expect("good settings");
    assert_eq!(paths(own.as_ref()).await, ["mine.txt"]);
    let foreign = fake.connect(json!({ "folder_path": "ns:999" })).expect("good settings");
    let error = foreign.check().await.expect_err("not the account's");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Forbidden, Some("folder_path")));
}

#[tokio::test]
async fn a_root_that_changed_is_found_again_and_cursors_of_the_old_one_are_refused() {
    let fake = space().await;
    fake.account().drive.world.put(Key::ROOT, "another.txt", "x").expect("put");
    let connector = fake.connector();
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root").id;
    let page = browse.children(&root, PageRequest::first().limit(1)).await.expect("a page");
    let cursor = connector.changes().expect("a feed").now().await.expect("a cursor");
    let file = browse.lookup("team.txt").await.expect("a file");
    fake.account().team = Some(Team { root: "3000".to_owned(), member: None });

    let next = PageRequest::at(page.next.expect("more")).limit(1);
    let error = browse.children(&root, next).await.expect_err("of the old root");
    assert_eq!((error.kind(), error.get("code")), (ErrorKind::CursorExpired, Some("invalid_root/team")));
    let error = connector.changes().expect("a feed").changes(&cursor).await.expect_err("of the old root");
    assert_eq!(error.kind(), ErrorKind::CursorExpired);

    fake.account().team = Some(Team { root: "4000".to_owned(), member: None });
    assert_eq!(browse.children(&root, PageRequest::first()).await.expect("found again").items.len(), 2);
    fake.account().team = Some(Team { root: "5000".to_owned(), member: None });
    let content = connector.need_download().expect("download").open(&file, None).await.expect("found again");
    assert_eq!(content.collect(9).await.expect("read"), b"x");
}

#[tokio::test]
async fn a_member_is_named_in_every_call() {
    let fake = space().await;
    fake.account().team = Some(Team { root: "2000".to_owned(), member: Some("dbmid:AAAA") });
    let connector = fake.connect(json!({ "member": "dbmid:AAAA" })).expect("good settings");
    let file = connector.need_browse().expect("browse").lookup("team.txt").await.expect("a file");
    connector.need_download().expect("download").open(&file, None).await.expect("opened");
    let account = fake.account();
    let named =
        |call: &&fake::Call| call.headers.contains(&("dropbox-api-select-user".to_owned(), "dbmid:AAAA".to_owned()));
    assert!(account.calls.len() > 2 && account.calls.iter().all(|call| named(&call)), "{:?}", account.calls);
}

#[tokio::test]
async fn a_folder_that_shows_nothing_is_unknown_and_not_empty() {
    let fake = Fake::new().await;
    {
        let mut account = fake.account();
        for path in ["a.txt", "closed/secret.txt", "z/b.txt"] {
            account.drive.world.put(Key::ROOT, path, "x").expect("put");
        }
        let closed = account.drive.world.find(Key::ROOT, "closed").expect("there");
        account.drive.closed.insert(closed);
    }
    let connector = fake.connector();
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root");
    for limit in [1, 2, 100] {
        let mut steps = std::pin::pin!(walk(browse, root.clone(), PageRequest::first().limit(limit)));
        let (mut met, mut refused) = (Vec::new(), Vec::new());
        while let Some(step) = steps.next().await {
            match step {
                Step::Entries(entries) => met.extend(entries.into_iter().map(|entry| entry.path)),
                Step::Unlisted { error, .. } => refused.push(error.kind()),
                Step::End(complete) => assert!(complete.is_none(), "a proof that nothing was missed"),
            }
        }
        assert_eq!(met, ["a.txt", "closed", "z", "z/b.txt"]);
        assert_eq!(refused, [ErrorKind::Forbidden]);
    }
    let folders = browse.children(&root.id, PageRequest::first()).await.expect("a page");
    let closed = folders.items.iter().find(|entry| entry.name == "closed").expect("it is there");
    assert!(closed.is_container() && browse.children(&closed.id, PageRequest::first()).await.is_err());
}

#[tokio::test]
async fn what_is_not_in_the_accounts_dropbox_is_special() {
    let fake = Fake::new().await;
    let connector = fake.connector();
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root").id;
    let folder = json!({ ".tag": "folder", "name": "Shared", "id": "id:kkkkkkkkkkkkkkkkkkk99" });
    let list = json!({ "entries": [folder], "cursor": "c", "has_more": false });
    fake.then("files/list_folder", fake::Answer::json(list));
    let page = browse.children(&root, PageRequest::first()).await.expect("a page");
    assert!(format!("{:?}", page.items[0].kind).contains("add it there"), "{:?}", page.items);
}

#[tokio::test]
async fn a_search_finds_names_below_the_folder_alone() {
    let fake = Fake::new().await;
    for (top, path) in
        [(Key::ROOT, "Report 1.pdf"), (Key::ROOT, "x/report 2.pdf"), (Key::ROOT, "x/other"), (Key::OUTSIDE, "report 3")]
    {
        fake.account().drive.world.put(top, path, "x").expect("put");
    }
    let connector = fake.connector();
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root").id;
    let first = browse.search("REPORT", &root, PageRequest::first().limit(1)).await.expect("a page");
    let next = PageRequest::at(first.next.clone().expect("more"));
    let second = browse.search("REPORT", &root, next).await.expect("a page");
    let found: Vec<_> = first.items.iter().chain(&second.items).map(|entry| entry.path.as_str()).collect();
    assert_eq!((found, second.next), (vec!["Report 1.pdf", "x/report 2.pdf"], None));
    let below = browse.lookup("X").await.expect("a folder").id;
    let found = browse.search("report", &below, PageRequest::first()).await.expect("a page").items;
    assert_eq!(found.len(), 1);
    for unasked in ["", " ", &"x".repeat(1001)] {
        let error = browse.search(unasked, &root, PageRequest::first()).await.expect_err("not for Dropbox");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}

#[tokio::test]
async fn lists_are_asked_for_one_after_the_other() {
    let fake = Fake::new().await;
    fake.account().drive.world.put(Key::ROOT, "file.txt", "x").expect("put");
    let proxy = catchment_testkit::faults::FaultProxy::start(fake.address).await.expect("a proxy");
    let connector = fake.connect(json!({ "url": format!("http://{}", proxy.address()) })).expect("good settings");
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root").id;
    let before = proxy.seen().len();
    let pause = std::time::Duration::from_millis(300);
    proxy.set(catchment_testkit::faults::Fault::Delay(pause));
    let page = || browse.children(&root, PageRequest::first());
    let (one, two) = tokio::join!(page(), page());
    assert_eq!(one.expect("a page"), two.expect("a page"));
    let seen = proxy.seen().split_off(before);
    assert!(seen.len() == 2 && seen[1].at - seen[0].at >= pause, "{seen:?}");
}
