//! Who may read: what lies outside, what fails, what is of a new kind, and groups.

mod fake;

use catchment_core::{Entry, Error, ErrorKind, PageRequest, Principal, Result};
use catchment_testkit::world::Key;
use fake::{Fake, problem};
use serde_json::json;
use tokio::time::Instant;

async fn refused<T: std::fmt::Debug>(call: impl Future<Output = Result<T>>) -> Error {
    call.await.expect_err("has to fail")
}

#[tokio::test]
async fn nobody_is_named_for_what_lies_outside_the_folder() {
    let fake = Fake::new().await;
    let inside = fake.put("a.txt", b"x");
    let outside = fake.world(|world| world.put(Key::OUTSIDE, "secret.txt", "x").expect("possible"));
    let connector = fake.connector();
    let permissions = connector.permissions().unwrap();
    let entry = |key| Entry::file(format!("{}/{}", fake::DRIVE, fake::item_id(key)), "x");
    permissions.grants(&entry(inside)).await.expect("told");
    permissions.grants(&entry(Key::ROOT)).await.expect("the folder itself is told of");
    for key in [outside, Key::OUTSIDE, Key::DRIVE] {
        assert_eq!(refused(permissions.grants(&entry(key))).await.kind(), ErrorKind::NotFound, "{key:?}");
    }
}

#[tokio::test]
async fn a_page_of_permissions_that_fails_and_grantees_of_new_kinds_widen_nothing() {
    let fake = Fake::new().await;
    fake.put("a.txt", b"x");
    let connector = fake.connector();
    let permissions = connector.permissions().unwrap();
    let entry = connector.need_browse().unwrap().lookup("a.txt").await.expect("found");
    let user = json!({ "roles": ["read"], "grantedToV2": { "user": { "id": "1", "email": "ada@contoso.com" } } });
    let page = |grants: serde_json::Value, more: bool| {
        let next = format!("http://{}/v1.0/drives/{}/items/x/permissions?$skiptoken=2", fake.address, fake::DRIVE);
        let mut page = json!({ "value": grants });
        if more {
            page["@odata.nextLink"] = next.into();
        }
        page.to_string()
    };
    for (status, body) in [(403, problem("accessDenied")), (404, problem("itemNotFound")), (200, "<html>".to_owned())] {
        fake.instead("/permissions", 200, page(json!([user]), true));
        fake.instead("/permissions", status, body);
        refused(permissions.grants(&entry)).await;
    }
    let odd = json!([
        { "roles": ["read"], "grantedToV2": { "crowd": { "id": "everybody" } } },
        { "roles": ["read"], "link": { "scope": "universe", "type": "view" } },
        { "roles": ["read"], "grantedToV2": { "siteUser": { "id": "9", "loginName": "c:0!.s|windows" } } },
        { "roles": ["read"], "grantedToV2": { "device": { "id": "d" } }, "grantedTo": { "user": { "email": "no@x.example" } } },
        { "roles": ["observe"], "grantedToV2": { "user": { "email": "no@x.example" } } },
        { "roles": ["read"] },
    ]);
    fake.instead("/permissions", 200, page(odd, true));
    fake.instead("/permissions", 200, page(json!([user]), false));
    let ada = Principal::User("ada@contoso.com".to_owned());
    assert_eq!(permissions.grants(&entry).await.expect("told"), [ada].into());
}

#[tokio::test]
async fn everybody_of_the_tenant_can_be_listed_and_a_group_of_a_site_cannot() {
    let fake = Fake::new().await;
    let connector = fake.connector();
    let permissions = connector.permissions().unwrap();
    let everybody = permissions.members("tenant", PageRequest::first()).await.unwrap();
    assert_eq!(everybody.items.len(), 2);
    let error = refused(permissions.members("site-group:b!d/3", PageRequest::first())).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    fake.instead("/groups/", 403, problem("Authorization_RequestDenied"));
    let error = refused(permissions.members("team", PageRequest::first())).await;
    assert_eq!((error.kind(), error.get("scope")), (ErrorKind::Forbidden, Some("GroupMember.Read.All")), "{error}");
}

/// <https://learn.microsoft.com/sharepoint/dev/general-development/how-to-avoid-getting-throttled-or-blocked-in-sharepoint-online>.
#[tokio::test(start_paused = true)]
async fn every_call_costs_the_resource_units_that_microsoft_counts() {
    let fake = Fake::new().await;
    fake.put("a.txt", b"x");
    // Ten at once, and then one every two seconds.
    let connector = fake.with(json!({ "client_id": "an app of its own", "resource_units": 40 }));
    let browse = connector.need_browse().unwrap();
    let root = browse.lookup("").await.expect("a root").id;
    let entry = browse.lookup("a.txt").await.expect("found");
    let permissions = connector.permissions().unwrap();
    permissions.grants(&entry).await.expect("told");
    permissions.grants(&entry).await.expect("told");
    // What was saved up is spent by now.
    for (what, units) in [("permissions", 5 + 1), ("a list", 2), ("an item", 1)] {
        let start = Instant::now();
        for _ in 0..10 {
            match what {
                "permissions" => drop(permissions.grants(&entry).await.expect("told")),
                "a list" => drop(browse.children(&root, PageRequest::first()).await.expect("listed")),
                _ => drop(browse.lookup("a.txt").await.expect("found")),
            }
        }
        let (took, wanted) = (start.elapsed().as_secs_f32(), (units * 2 * 10) as f32);
        // The call before the first is waited for as well.
        assert!((took - wanted).abs() <= 12.0, "{what}: {took} s for {wanted} s worth of units");
    }
}
