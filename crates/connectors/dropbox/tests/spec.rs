//! Dropbox's own description (`spec/`) against what is sent, and what the stand-in of these tests
//! answers.

mod fake;
#[allow(unreachable_pub, reason = "a module of test programs")]
mod stone;

use std::{collections::BTreeSet, time::Duration};

use catchment_core::{ByteRange, Connector, PageRequest, Principal, Registry};
use catchment_dropbox::Dropbox;
use catchment_testkit::world::{Key, Op};
use fake::{Answer, Call, Document, Fake, Team};
use serde_json::{Value, json};
use stone::Description;

/// That a call is one that Dropbox describes, and its answer too.
fn holds(description: &Description, call: &Call) {
    let route = description.route(&call.route);
    let at = call.route.as_str();
    let header = |name: &str| call.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str());
    assert_eq!(call.method, "POST", "{at}");
    description.holds(&route["argument"], &call.argument, &format!("{at} argument"));
    match route["style"].as_str() {
        Some("rpc") => {
            assert_eq!((header("content-type"), header("dropbox-api-arg")), (Some("application/json"), None))
        }
        _ => assert_eq!((header("content-type"), header("dropbox-api-arg").is_some()), (None, true)),
    }
    let credential = header("authorization").is_some_and(|value| value.starts_with("Bearer "));
    assert_eq!(credential, route["auth"] != "noauth", "{at}");
    if let Some(root) = header("dropbox-api-path-root") {
        description.holds_named("common.PathRoot", &serde_json::from_str(root).expect("JSON"));
    }
    let error = &call.result["error"];
    match call.status {
        200 | 206 => description.holds(&route["result"], &call.result, &format!("{at} result")),
        409 => description.holds(&route["error"], error, &format!("{at} error")),
        401 => description.holds_named("auth.AuthError", error),
        403 => description.holds_named("auth.AccessError", error),
        422 => description.holds_named("common.PathRootError", error),
        429 => description.holds_named("auth.RateLimitError", error),
        status => assert!(call.result.is_null(), "{at}: {status} comes as text"),
    }
}

/// An account with one of everything.
async fn everything() -> Fake {
    let fake = Fake::new().await;
    let mut account = fake.account();
    account.scopes.insert("groups.read");
    account.team = Some(Team { root: "2000".to_owned(), member: Some("dbmid:AAAA") });
    let drive = &mut account.drive;
    for path in ["a.txt", "b.txt", "folder/inner.txt", "odd #%+\\ \n 🌊 é e\u{301} name.txt"] {
        drive.world.put(Key::ROOT, path, path.to_owned()).expect("put");
    }
    let paper = drive.world.put(Key::ROOT, "plan.paper", "x").expect("put");
    let exports = [("html", "<p>plan</p>".as_bytes().into())].into();
    drive.documents.insert(paper, Document { export_as: Some("html"), options: vec!["html"], exports });
    let gone = drive.world.put(Key::ROOT, "closed/x", "x").map(|_| drive.world.find(Key::ROOT, "closed"));
    drive.closed.extend(gone.expect("put"));
    let link = drive.world.put(Key::ROOT, "link", "x").expect("put");
    drive.links.insert(link);
    let folder = drive.world.find(Key::ROOT, "folder").expect("there");
    let file = drive.world.find(Key::ROOT, "b.txt").expect("there");
    for name in ["ada", "anna", "third"] {
        let with = Principal::User(format!("{name}@example.com"));
        for key in [folder, file] {
            drive.world.apply(Op::Share { key, with: with.clone() }).expect("shared");
        }
        drive.world.apply(Op::Join { group: "g:1".to_owned(), member: with }).expect("joined");
    }
    drive.world.apply(Op::Share { key: file, with: Principal::Group("g:1".to_owned()) }).expect("shared");
    drop(account);
    fake
}

/// Everything that can be asked, of everything.
async fn ask(fake: &Fake, connector: &dyn Connector) {
    connector.check().await.expect("an account");
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root").id;
    let changes = connector.changes().expect("a feed");
    let cursor = changes.now().await.expect("a cursor");
    let mut request = PageRequest::first().limit(2);
    let mut all = Vec::new();
    loop {
        let page = browse.children(&root, request.clone()).await.expect("a page");
        all.extend(page.items);
        match page.next {
            Some(next) => request.token = Some(next),
            None => break,
        }
    }
    browse.flat().expect("flat").descendants(&root, PageRequest::first()).await.expect("a page");
    let found = browse.search("t", &root, PageRequest::first().limit(1)).await.expect("a page");
    browse.search("t", &root, PageRequest::at(found.next.expect("more"))).await.expect("a page");
    browse.lookup("missing").await.expect_err("not there");
    browse.children(&format!("{}/a.txt", fake::ROOT).into(), PageRequest::first()).await.expect_err("a file");

    let download = connector.need_download().expect("download");
    for entry in all.iter().filter(|entry| entry.is_file()) {
        download.open(entry, None).await.expect("opened").collect(99).await.expect("read");
        download.open(entry, Some(ByteRange::new(1, 2))).await.expect("opened").collect(99).await.expect("read");
    }
    let permissions = connector.permissions().expect("permissions");
    for entry in all.iter().filter(|entry| entry.name != "closed") {
        permissions.grants(entry).await.expect("readers");
    }
    let members = permissions.members("g:1", PageRequest::first().limit(2)).await.expect("a page");
    permissions.members("g:1", PageRequest::at(members.next.expect("more"))).await.expect("a page");

    {
        let mut account = fake.account();
        account.drive.world.remove(Key::ROOT, "a.txt").expect("removed");
        account.drive.world.put(Key::ROOT, "new.txt", "x").expect("put");
    }
    assert!(changes.wait(&cursor, Duration::from_secs(60)).await.expect("waited"));
    changes.changes(&cursor).await.expect("changes");
    fake.account().drive.forgotten = u64::MAX;
    changes.changes(&cursor).await.expect_err("reset");
    fake.account().team = Some(Team { root: "3000".to_owned(), member: Some("dbmid:AAAA") });
    browse.children(&root, PageRequest::first()).await.expect("found again");
    fake.account().scopes.clear();
    connector.check().await.expect_err("no scope");
    let limited = json!({ "reason": { ".tag": "too_many_requests" }, "retry_after": 300 });
    let limited = json!({ "error_summary": "too_many_requests/..", "error": limited });
    fake.then("users/get_current_account", Answer::status(429, limited));
    connector.check().await.expect_err("throttled");
}

#[tokio::test]
async fn every_request_and_every_answer_is_one_that_dropbox_describes() {
    let description = Description::read();
    let fake = everything().await;
    let connector = fake.connect(json!({ "member": "dbmid:AAAA" })).expect("good settings");
    ask(&fake, connector.as_ref()).await;
    let account = fake.account();
    account.calls.iter().for_each(|call| holds(&description, call));
    let called: BTreeSet<_> = account.calls.iter().map(|call| call.route.as_str()).collect();
    assert_eq!(called, description.routes(), "every route of the cut is called, and no other");
    let statuses: BTreeSet<_> = account.calls.iter().map(|call| call.status).collect();
    assert_eq!(statuses, [200, 206, 401, 409, 422, 429].into());
    let tags = |tag: &str| account.calls.iter().any(|call| call.result["entries"].to_string().contains(tag));
    assert!(tags("\"deleted\"") && tags("\"file\"") && tags("\"folder\"") && tags("no_access"));
}

#[test]
fn the_scopes_that_are_asked_for_are_those_of_the_routes() {
    let description = Description::read();
    let routes = description.routes();
    // A person's consent gives no right to a team's groups.
    let scopes = routes.iter().map(|route| description.route(route)).filter(|route| route["auth"] != "team");
    let scopes: BTreeSet<_> = scopes.map(|route| route["scope"].as_str().expect("a scope")).collect();
    let registry = Registry::new().with::<Dropbox>();
    let oauth = registry.manifest("dropbox").expect("a manifest").oauth.expect("OAuth");
    assert_eq!(oauth.scopes.iter().copied().collect::<BTreeSet<_>>(), scopes);
}

#[test]
fn what_is_not_described_is_found() {
    let description = Description::read();
    let fits = |name: &'static str, value: Value| {
        std::panic::catch_unwind(|| Description::read().holds_named(name, &value)).is_ok()
    };
    assert!(fits("files.ListFolderArg", json!({ "path": "/a", "limit": 2000 })));
    for wrong in [
        json!({}),
        json!({ "path": "a" }),
        json!({ "path": "/a", "limit": 2001 }),
        json!({ "path": "/a", "recursively": true }),
        json!({ "path": "/a", "recursive": "yes" }),
        json!([]),
    ] {
        assert!(!fits("files.ListFolderArg", wrong.clone()), "{wrong}");
    }
    assert!(fits("common.PathRoot", json!({ ".tag": "root", "root": "12" })));
    assert!(!fits("common.PathRoot", json!({ ".tag": "top", "top": "12" })));
    assert!(!fits("common.PathRoot", json!({ ".tag": "root" })));
    description.holds_named("files.ListFolderError", &json!({ ".tag": "path", "path": { ".tag": "malformed_path" } }));
}
