//! Connecting, and the tokens that come of it.

use catchment_core::{Account, Entry, ErrorKind, IntegrationId, Ledger, Tenant, TokenStore, Tokens};
use catchment_store::{AuditList, Connected, Integration, IntegrationChange, List, Scoped, Status, Success};
use chrono::TimeDelta;
use serde_json::json;

use crate::support::{Subject, new, strangers, tokens};

pub(crate) async fn what_is_connected_again_keeps_its_id_settings_and_history(subject: &Subject) {
    let ann = subject.ann();
    let made = ann.create(new("Reports")).await.expect("made");
    let run = ann.begin(made.id, &[]).await.expect("begun");
    ann.seen(&run, &[Entry::file("a", "a")]).await.expect("seen");
    for status in [Status::Disconnected, Status::Expired, Status::Revoked, Status::Error] {
        match status {
            Status::Disconnected => drop(ann.disconnect(made.id).await.expect("disconnected")),
            _ => ann.failed(made.id, status, "sign in again").await.expect("noted"),
        }
        let before = ann.integration(made.id).await.expect("found");
        assert_eq!(before.status, status);
        let connected = Connected { tokens: Some(tokens("a")), account: Some(account("7")), ..Connected::default() };
        let after = ann.connected(made.id, connected).await.expect("connected");
        assert_eq!((after.status, after.errors, &after.last_error), (Status::Active, 0, &None));
        assert_eq!((after.id, &after.settings, after.created_at), (made.id, &made.settings, made.created_at));
        assert!(after.revision > before.revision && after.connected_at > before.connected_at);
        assert_eq!(after.account, Some(account("7")));
        assert_eq!(ann.integration(made.id).await.expect("found"), after);
        assert_eq!(ann.entries(made.id, None, 9).await.expect("listed").len(), 1);
        let log = ann.audit(&AuditList { limit: 1, ..AuditList::default() }).await.expect("listed");
        assert_eq!(log[0].action, "integration.connect");
        assert_eq!(log[0].detail, json!({ "account": "7", "scopes": ["files.read", "profile"] }));
    }
}

pub(crate) async fn connecting_changes_settings_and_secrets_in_the_same_step(subject: &Subject) {
    let ann = subject.ann();
    let made = ann.create(new("Reports")).await.expect("made");
    let change = IntegrationChange {
        settings: Some(json!({ "bucket": "other" })),
        secrets: vec![("key".into(), None), ("token".into(), Some("planted-secret-3".into()))],
        ..IntegrationChange::default()
    };
    let after = ann.connected(made.id, Connected { change, ..Connected::default() }).await.expect("connected");
    assert_eq!((&after.settings, after.name.as_str()), (&json!({ "bucket": "other" }), "Reports"));
    assert_eq!(after.secret_fields, ["secret_access_key", "token"]);
    assert_eq!((&after.grant, &after.account), (&None, &None), "it signs in by its settings");
}

pub(crate) async fn a_new_one_is_connected_from_the_start(subject: &Subject) {
    let ann = subject.ann();
    let made = ann.create_connected(new("Reports"), Some(tokens("a")), Some(account("7"))).await.expect("made");
    assert_eq!((made.status, made.revision, made.account.as_ref()), (Status::Active, 1, Some(&account("7"))));
    assert_eq!(made.secret_fields, ["key", "secret_access_key"]);
    assert_eq!(ann.integration(made.id).await.expect("found"), made);
    assert_eq!(held(&ann, made.id).await.as_deref(), Some("planted-access-a"));
    let log = ann.audit(&AuditList::default()).await.expect("listed");
    let actions: Vec<_> = log.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["integration.connect", "integration.create"]);
}

pub(crate) async fn a_list_shows_the_grant_as_it_stands(subject: &Subject) {
    let ann = subject.ann();
    let made = connected(&ann, "a").await;
    let first = tokens("a");
    let grant = made.grant.clone().expect("a grant");
    assert_eq!((&grant.scopes, grant.expires, grant.refreshable), (&first.scopes, first.expires, true));
    assert_eq!(grant.refreshed_at, first.issued);

    let (_, revision) = subject.store.load(made.id).await.expect("loaded").expect("tokens");
    let (later, mark) = (first.issued + TimeDelta::days(1), ann.integrations_mark().await.expect("a mark"));
    let refreshed = Tokens { issued: later, expires: None, refresh: None, scopes: vec!["x y".into()], ..tokens("b") };
    assert!(subject.store.swap(made.id, Some(revision), &refreshed).await.expect("answered"));
    assert_ne!(ann.integrations_mark().await.expect("a mark"), mark, "a list shows something else now");
    let list = ann.integrations(&List::default()).await.expect("listed");
    let grant = list[0].grant.clone().expect("a grant");
    assert_eq!((grant.scopes, grant.expires, grant.refreshable), (vec!["x y".into()], None, false));
    assert_eq!(grant.refreshed_at, later);
    assert_eq!((list[0].revision, list[0].updated_at), (made.revision, made.updated_at), "no person changed it");

    subject.store.remove(made.id).await.expect("removed");
    assert_eq!(ann.integration(made.id).await.expect("found").grant, None);
}

pub(crate) async fn what_is_disconnected_has_no_tokens(subject: &Subject) {
    let ann = subject.ann();
    let made = connected(&ann, "a").await;
    let gone = ann.disconnect(made.id).await.expect("disconnected");
    assert_eq!((gone.status, &gone.grant), (Status::Disconnected, &None));
    assert_eq!((&gone.account, gone.connected_at), (&made.account, made.connected_at), "whose it was stays");
    assert_eq!(ann.integration(made.id).await.expect("found"), gone);
    assert_eq!(held(&ann, made.id).await, None);
    assert!(subject.store.load(made.id).await.expect("loaded").is_none());

    let again = connected(&ann, "b").await;
    ann.connected(again.id, Connected::default()).await.expect("connected by its settings");
    assert_eq!(held(&ann, again.id).await, None, "what was granted before is not left behind");
    ann.delete(again.id).await.expect("deleted");
    assert_eq!(ann.tokens(again.id).await.expect_err("gone").kind(), ErrorKind::NotFound);
    assert!(subject.store.load(again.id).await.expect("loaded").is_none());
}

pub(crate) async fn a_refresh_that_ends_after_a_disconnect_brings_nothing_back(subject: &Subject) {
    let ann = subject.ann();
    let id = connected(&ann, "a").await.id;
    let (_, old) = subject.store.load(id).await.expect("loaded").expect("tokens");
    ann.disconnect(id).await.expect("disconnected");
    for expect in [Some(old), None] {
        assert!(!subject.store.swap(id, expect, &tokens("late")).await.expect("answered"), "{expect:?}");
    }
    assert!(subject.store.load(id).await.expect("loaded").is_none());
    assert_eq!(ann.integration(id).await.expect("found").grant, None);

    let again = Connected { tokens: Some(tokens("b")), ..Connected::default() };
    ann.connected(id, again).await.expect("connected");
    assert!(!subject.store.swap(id, Some(old), &tokens("late")).await.expect("answered"));
    assert_eq!(held(&ann, id).await.as_deref(), Some("planted-access-b"));

    ann.delete(id).await.expect("deleted");
    assert!(!subject.store.swap(id, Some(old), &tokens("late")).await.expect("answered"));
    assert_eq!(subject.store.swap(id, None, &tokens("late")).await.expect_err("gone").kind(), ErrorKind::NotFound);
}

pub(crate) async fn whoever_is_first_a_disconnect_wins_over_a_refresh(subject: &Subject) {
    let ann = subject.ann();
    let id = connected(&ann, "a").await.id;
    let other = subject.again().await;
    for round in 0..12 {
        let fresh = Connected { tokens: Some(tokens("a")), ..Connected::default() };
        ann.connected(id, fresh).await.expect("connected");
        let (_, revision) = subject.store.load(id).await.expect("loaded").expect("tokens");
        let late = tokens("late");
        // One begins a little earlier in every second round.
        let disconnect = async {
            if round % 2 == 0 {
                subject.store.ready().await.expect("ready");
            }
            ann.disconnect(id).await
        };
        let (swap, gone) = tokio::join!(other.swap(id, Some(revision), &late), disconnect);
        gone.expect("disconnected");
        swap.expect("answered");
        assert!(subject.store.load(id).await.expect("loaded").is_none());
        assert_eq!(ann.integration(id).await.expect("found").grant, None);
    }
}

pub(crate) async fn tokens_copied_to_another_organization_are_refused(subject: &Subject) {
    let hers = connected(&subject.ann(), "a").await;
    let mallory = subject.store.scoped(Tenant::new("other", "mallory"));
    let theirs = connected(&mallory, "b").await;
    let copy = format!(
        "UPDATE tokens SET sealed = (SELECT sealed FROM tokens WHERE integration = {}) WHERE integration = {}",
        hers.id, theirs.id
    );
    subject.tamper(&copy).await;
    let refused = [
        mallory.tokens(theirs.id).await.expect_err("not theirs"),
        subject.store.load(theirs.id).await.expect_err("not theirs"),
    ];
    // The whole integration, id and all, under another organization.
    let stolen = format!("UPDATE integrations SET organization = 'other', user_id = 'mallory' WHERE id = {}", hers.id);
    subject.tamper(&stolen).await;
    let stolen = [
        mallory.tokens(hers.id).await.expect_err("not theirs"),
        subject.store.load(hers.id).await.expect_err("not theirs"),
    ];
    for error in refused.iter().chain(&stolen) {
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!format!("{error:?}").contains("planted"), "{error:?}");
    }
}

pub(crate) async fn another_tenants_grant_is_not_there(subject: &Subject) {
    let hers = connected(&subject.ann(), "a").await;
    for stranger in strangers(&subject.store) {
        let theirs = Connected { tokens: Some(tokens("theirs")), ..Connected::default() };
        let kinds = [
            stranger.tokens(hers.id).await.expect_err("not theirs").kind(),
            stranger.connected(hers.id, theirs).await.expect_err("not theirs").kind(),
            stranger.identified(hers.id, &account("8")).await.expect_err("not theirs").kind(),
        ];
        assert_eq!(kinds, [ErrorKind::NotFound; 3]);
    }
    assert_eq!(subject.ann().integration(hers.id).await.expect("found"), hers, "and nothing has changed");
    assert_eq!(held(&subject.ann(), hers.id).await.as_deref(), Some("planted-access-a"));
}

pub(crate) async fn an_identity_is_noted_when_it_is_a_new_one(subject: &Subject) {
    let ann = subject.ann();
    let made = ann.create(new("Reports")).await.expect("made");
    ann.identified(made.id, &account("7")).await.expect("noted");
    let now = ann.integration(made.id).await.expect("found");
    assert_eq!((now.account, now.revision), (Some(account("7")), made.revision));
    let mark = ann.integrations_mark().await.expect("a mark");
    ann.identified(made.id, &account("7")).await.expect("noted");
    ann.succeeded(made.id, Success::Used).await.expect("noted");
    let used = ann.integrations_mark().await.expect("a mark");
    ann.identified(made.id, &account("7")).await.expect("noted");
    assert!(mark != used && ann.integrations_mark().await.expect("a mark") == used, "nothing has changed");
    ann.identified(made.id, &account("8")).await.expect("noted");
    assert_ne!(ann.integrations_mark().await.expect("a mark"), used);
    assert_eq!(ann.integration(made.id).await.expect("found").account, Some(account("8")));
}

pub(crate) fn account(id: &str) -> Account {
    Account {
        id: id.into(),
        name: "Ann \u{0}\"O'Neill\"".into(),
        email: Some("ann@example.com".into()),
        avatar_url: Some("https://example.com/ann.png".into()),
        details: vec![("username".into(), "ann".into())],
    }
}

pub(crate) async fn connected(scoped: &Scoped, access: &str) -> Integration {
    scoped.create_connected(new("Reports"), Some(tokens(access)), Some(account("7"))).await.expect("made")
}

/// The access token as its owner gets it.
async fn held(scoped: &Scoped, id: IntegrationId) -> Option<String> {
    scoped.tokens(id).await.expect("opened").map(|tokens| tokens.access.expose().to_owned())
}
