//! Who may read: shared folders, files shared by themselves, and what fails closed.

mod fake;

use std::collections::BTreeSet;

use catchment_core::{Connector, ErrorKind, PageRequest, Principal, Result};
use catchment_testkit::world::{Key, Op};
use fake::{Answer, Fake};
use serde_json::json;

async fn readers(connector: &dyn Connector, path: &str) -> Result<BTreeSet<Principal>> {
    let entry = connector.need_browse()?.lookup(path).await?;
    connector.permissions().expect("permissions").grants(&entry).await
}

fn user(name: &str) -> Principal {
    Principal::User(format!("{name}@example.com"))
}

fn share(fake: &Fake, path: &str, with: Principal) {
    let mut account = fake.account();
    let key = account.drive.world.find(Key::ROOT, path).expect("there");
    account.drive.world.apply(Op::Share { key, with }).expect("shared");
}

async fn folder() -> Fake {
    let fake = Fake::new().await;
    for path in ["own.txt", "shared/a.txt", "shared/b.txt", "shared/deep/c.txt"] {
        fake.account().drive.world.put(Key::ROOT, path, "x").expect("put");
    }
    share(&fake, "shared", user("Ada"));
    share(&fake, "shared", user("anna"));
    share(&fake, "shared", Principal::Group("g:1".to_owned()));
    fake
}

#[tokio::test]
async fn what_is_not_shared_is_the_accounts_own() {
    let fake = folder().await;
    assert_eq!(readers(fake.connector().as_ref(), "own.txt").await.expect("readers"), [user("owner")].into());
    fake.account().email_verified = false;
    let own = [Principal::User(fake::ACCOUNT.to_owned())].into();
    assert_eq!(readers(fake.connector().as_ref(), "own.txt").await.expect("readers"), own);
}

#[tokio::test]
async fn a_shared_folder_is_asked_about_once_for_all_that_is_in_it() {
    let fake = folder().await;
    let connector = fake.connector();
    let members = [user("owner"), user("ada"), user("anna"), Principal::Group("g:1".to_owned())].into();
    for path in ["shared", "shared/a.txt", "shared/b.txt", "shared/deep", "shared/deep/c.txt"] {
        assert_eq!(readers(connector.as_ref(), path).await.expect("readers"), members, "{path}");
    }
    assert_eq!(fake.count("sharing/list_folder_members"), 1);
    assert!(fake.count("sharing/list_folder_members/continue") > 0, "all of it came on one page");
}

#[tokio::test]
async fn a_file_that_is_shared_by_itself_is_asked_about_by_itself() {
    let fake = folder().await;
    share(&fake, "shared/a.txt", user("guest"));
    let connector = fake.connector();
    assert!(readers(connector.as_ref(), "shared/a.txt").await.expect("readers").contains(&user("guest")));
    assert!(!readers(connector.as_ref(), "shared/b.txt").await.expect("readers").contains(&user("guest")));
    assert_eq!(fake.count("sharing/list_file_members"), 1);
}

#[tokio::test]
async fn a_missing_right_is_an_error_and_never_a_shorter_list() {
    let fake = folder().await;
    fake.account().scopes.remove("sharing.read");
    let error = readers(fake.connector().as_ref(), "shared/a.txt").await.expect_err("no right");
    assert_eq!((error.kind(), error.get("scope")), (ErrorKind::Forbidden, Some("sharing.read")));

    let fake = folder().await;
    for (tags, kind) in
        [(&["access_error", "not_a_member"][..], ErrorKind::Forbidden), (&["invalid_cursor"], ErrorKind::CursorExpired)]
    {
        fake.then("sharing/list_folder_members/continue", Answer::tags(tags));
        let error = readers(fake.connector().as_ref(), "shared/a.txt").await.expect_err("the second page failed");
        assert_eq!(error.kind(), kind, "{tags:?}");
    }
    let again = json!({ "users": [], "groups": [], "invitees": [], "cursor": "same" });
    fake.then("sharing/list_folder_members", Answer::json(again.clone()));
    fake.then("sharing/list_folder_members/continue", Answer::json(again));
    let error = readers(fake.connector().as_ref(), "shared/a.txt").await.expect_err("a loop");
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn nobody_is_named_for_a_folder_that_shows_nothing() {
    let fake = folder().await;
    let closed = fake.account().drive.world.find(Key::ROOT, "shared/deep").expect("there");
    fake.account().drive.closed.insert(closed);
    let error = readers(fake.connector().as_ref(), "shared/deep").await.expect_err("closed");
    assert_eq!(error.kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn groups_are_opened_for_team_apps_alone() {
    let fake = folder().await;
    {
        let mut account = fake.account();
        for member in ["ada", "anna", "owner"] {
            let join = Op::Join { group: "g:1".to_owned(), member: user(member) };
            account.drive.world.apply(join).expect("joined");
        }
    }
    let connector = fake.connector();
    let permissions = connector.permissions().expect("permissions");
    let error = permissions.members("g:1", PageRequest::first()).await.expect_err("no right");
    assert_eq!((error.kind(), error.get("scope")), (ErrorKind::Forbidden, Some("groups.read")));

    fake.account().scopes.insert("groups.read");
    let first = permissions.members("g:1", PageRequest::first().limit(2)).await.expect("a page");
    let second = permissions.members("g:1", PageRequest::at(first.next.expect("more"))).await.expect("a page");
    let all: BTreeSet<_> = first.items.into_iter().chain(second.items).collect();
    assert_eq!((all, second.next), ([user("ada"), user("anna"), user("owner")].into(), None));
    let error = permissions.members("g:2", PageRequest::first()).await.expect_err("no group");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn members_who_are_suspended_or_only_invited_read_nothing() {
    let fake = folder().await;
    fake.account().scopes.insert("groups.read");
    let member = |email: &str, status: &str| json!({ "profile": { "email": email, "account_id": "dbid:1", "status": { ".tag": status } } });
    let members = [
        member("ada@example.com", "active"),
        member("x@example.com", "suspended"),
        member("y@example.com", "invited"),
        member("z@example.com", "removed"),
    ];
    let page = json!({ "members": members, "cursor": "c", "has_more": false });
    fake.then("team/groups/members/list", Answer::json(page));
    let connector = fake.connector();
    let page = connector.permissions().expect("permissions").members("g:1", PageRequest::first()).await;
    assert_eq!(page.expect("a page").items, [user("ada")]);
}
