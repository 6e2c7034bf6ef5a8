//! Who asks, what a check finds out, and who may read.

mod fake;

use std::collections::BTreeSet;

use catchment_core::{Context, ErrorKind, PageRequest, Principal};
use catchment_testkit::world::Key;
use fake::{CLIENT_ID, Fake, HUB, PROJECT, connect};
use serde_json::json;

#[tokio::test]
async fn an_app_signs_in_once_however_many_ask() {
    let fake = Fake::new().await;
    let connector = fake.connector();
    let checks = (0..20).map(|_| connector.check());
    let accounts = futures::future::join_all(checks).await;
    let account = accounts.into_iter().next().expect("a check").expect("connected");
    assert_eq!((account.id.as_str(), account.name.as_str()), (CLIENT_ID, "Acme"));
    assert_eq!(fake.account().exchanges, 1);
}

#[tokio::test]
async fn a_person_is_named() {
    let fake = Fake::new().await;
    let account = fake.person().check().await.expect("connected");
    assert_eq!((account.id.as_str(), account.name.as_str()), ("A1", "Ada"));
    assert_eq!(account.email.as_deref(), Some("ada@example.com"));
    assert!(account.avatar_url.is_some());
    assert_eq!(fake.account().exchanges, 0);
    let error = connect(json!({}), Context::local()).expect_err("nobody consented");
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
}

#[tokio::test]
async fn an_account_that_does_not_know_the_app_is_told_whom_to_add() {
    let fake = Fake::new().await;
    fake.account().provisioned = false;
    let error = fake.connector().check().await.expect_err("not added");
    assert_eq!((error.kind(), error.get("client_id")), (ErrorKind::Forbidden, Some(CLIENT_ID)), "{error}");
    assert!(error.message().contains("Custom Integrations"), "{error}");
}

#[tokio::test]
async fn a_refusal_says_what_is_missing() {
    let cases = [
        ("/hubs", 403, "AUTH-010", Some(("scope", "data:read"))),
        ("/userinfo", 403, "AUTH-010", Some(("scope", "user-profile:read"))),
        ("/hubs", 403, "AUTH-001", Some(("field", "client_id"))),
        ("/hubs", 403, "BIM360DM_ERROR", None),
    ];
    for (path, status, code, pair) in cases {
        let fake = Fake::new().await;
        fake.account().refuses.push((path.to_owned(), status, code.to_owned()));
        let error = fake.person().check().await.expect_err(code);
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{code}: {error}");
        assert_eq!(pair.and_then(|(name, _)| error.get(name)), pair.map(|(_, value)| value), "{code}: {error}");
        assert!(!error.to_string().contains("planted"), "a vendor's words became a message: {error}");
    }
}

#[test]
fn settings_are_held_against_each_other() {
    let base = json!({ "grant_type": "client_credentials", "client_id": "a", "client_secret": "b" });
    let wrong = [
        ("client_id", json!(null)),
        ("client_secret", json!(" ")),
        ("url", json!("http://h")),
        ("url", json!("https://h/data")),
    ];
    for (field, value) in wrong {
        let mut settings = base.clone();
        settings[field] = value;
        let error = connect(settings, Context::local()).expect_err(field);
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some(field)), "{error}");
    }
    let error = connect(json!({ "user_id": "A1" }), Context::local()).expect_err("nobody to act as");
    assert_eq!(error.get("field"), Some("user_id"), "{error}");
    connect(base, Context::local()).expect("good settings");
}

#[tokio::test]
async fn who_may_view_a_folder_reads_its_files() {
    let fake = Fake::new().await;
    fake.account().put("minutes/a.pdf", b"x");
    fake.account().staffed = true;
    let connector = fake.connector();
    let (browse, permissions) =
        (connector.need_browse().expect("browse"), connector.permissions().expect("permissions"));
    let group = |kind: &str| Principal::Group(format!("{HUB}|{PROJECT}|{kind}"));
    let readers = BTreeSet::from([
        Principal::User("ada@example.com".to_owned()),
        group("role|7"),
        group("company|c9"),
        group("admins|"),
    ]);
    for path in ["minutes", "minutes/a.pdf"] {
        let entry = browse.lookup(path).await.expect("there");
        assert_eq!(permissions.grants(&entry).await.expect("told"), readers, "{path}");
    }
    let file = browse.lookup("minutes/a.pdf").await.expect("there");
    fake.account().refuses.push(("/permissions".to_owned(), 403, "ACCESS_DENIED".to_owned()));
    assert_eq!(permissions.grants(&file).await.expect_err("not told").kind(), ErrorKind::Forbidden);
    fake.account().refuses.clear();
    fake.account().remove("minutes/a.pdf");
    assert_eq!(permissions.grants(&file).await.expect_err("gone").kind(), ErrorKind::NotFound);
    let mut outside = file.clone();
    let key = fake.account().world.put(Key::OUTSIDE, "b.pdf", &b"x"[..]).expect("a file");
    outside.id = format!("item|{HUB}|{PROJECT}|urn:adsk.wipprod:dm.lineage:{key}").into();
    assert_eq!(permissions.grants(&outside).await.expect_err("outside").kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_group_has_the_active_users_that_belong_to_it() {
    let fake = Fake::new().await;
    let connector = fake.connector();
    let permissions = connector.permissions().expect("permissions");
    for (kind, count, first) in [
        ("role|7", 83, "user0@example.com"),
        ("company|c9", 1, "user1@example.com"),
        ("admins|", 1, "user2@example.com"),
    ] {
        let group = format!("{HUB}|{PROJECT}|{kind}");
        let (mut members, mut request) = (Vec::new(), PageRequest::first());
        loop {
            let page = permissions.members(&group, request).await.expect("a page");
            members.extend(page.items);
            let Some(next) = page.next else { break };
            request = PageRequest::at(next);
        }
        assert_eq!(members.len(), count, "{kind}");
        let few = permissions.members(&group, PageRequest::first().limit(3)).await.expect("a page");
        assert!(few.items.len() <= 3 && few.next.is_some(), "{kind}: {few:?}");
        assert_eq!(members[0], Principal::User(first.to_owned()), "{kind}");
    }
    for elsewhere in [format!("{HUB}|b.2a6c-other|role|7"), "role|7".to_owned()] {
        let error = permissions.members(&elsewhere, PageRequest::first()).await.expect_err("not below the root");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
}
