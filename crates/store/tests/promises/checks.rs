//! Looking after integrations, and how they stand.

use std::{collections::BTreeSet, time::Duration};

use catchment_core::{ErrorKind, IntegrationId, Tenant};
use catchment_store::{Connected, Integration, IntegrationChange, NewIntegration, Past, Status, Store, Success};
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use serde_json::json;

use crate::support::{Subject, new, strangers, tokens};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) async fn what_is_due_is_taken_once_and_again_after_a_term(subject: &Subject) {
    let stores = [subject.store.clone(), subject.again().await];
    let mut made = Vec::new();
    for number in 0..30 {
        let scoped = subject.store.scoped(Tenant::new(format!("org-{}", number % 3), "ann"));
        let new = NewIntegration { secrets: Vec::new(), ..new(&number.to_string()) };
        made.push(scoped.create(new).await.expect("made").id);
    }
    let now = Utc::now();
    let pages = join_all((0..8).map(|number| stores[number % 2].due_checks(now, 4, DAY))).await;
    let mut taken: Vec<_> = pages.into_iter().flat_map(|page| page.expect("answered")).map(|one| one.id).collect();
    // Those that another server was just taking were skipped.
    taken.extend(due(&subject.store, now).await);
    let distinct: BTreeSet<_> = taken.iter().copied().collect();
    assert_eq!((taken.len(), distinct.into_iter().collect::<Vec<_>>()), (30, made.clone()), "each of them once");

    assert!(due(&subject.store, now + TimeDelta::hours(23)).await.is_empty());
    assert_eq!(due(&subject.store, now + TimeDelta::hours(24)).await, made, "nobody said they were looked at");
}

pub(crate) async fn what_was_looked_at_is_due_when_that_was_said(subject: &Subject) {
    let ann = subject.ann();
    let (one, two) = (ann.create(new("one")).await.expect("made"), ann.create(new("two")).await.expect("made"));
    let (now, mark) = (Utc::now(), ann.integrations_mark().await.expect("a mark"));
    let page = subject.store.due_checks(now, 10, DAY).await.expect("answered");
    assert_eq!(sorted(page), [one.clone(), two.clone()], "as they are listed");
    ann.checked(one.id, now + TimeDelta::hours(2)).await.expect("noted");
    ann.checked(two.id, now + TimeDelta::hours(1)).await.expect("noted");
    assert_eq!(ann.integrations_mark().await.expect("a mark"), mark, "lists show nothing of it");

    assert!(due(&subject.store, now + TimeDelta::minutes(59)).await.is_empty());
    let later = now + TimeDelta::hours(3);
    let first = subject.store.due_checks(later, 1, DAY).await.expect("answered");
    assert_eq!(first[0].id, two.id, "what has waited longest");
    assert_eq!(due(&subject.store, later).await, [one.id]);
    for stranger in strangers(&subject.store) {
        assert_eq!(stranger.checked(one.id, now).await.expect_err("not theirs").kind(), ErrorKind::NotFound);
    }
    assert!(due(&subject.store, later).await.is_empty(), "and nothing has changed");
}

pub(crate) async fn what_is_disconnected_is_not_looked_at(subject: &Subject) {
    let ann = subject.ann();
    let id = ann.create(new("one")).await.expect("made").id;
    let later = Utc::now() + TimeDelta::days(9);
    ann.disconnect(id).await.expect("disconnected");
    ann.checked(id, Utc::now()).await.expect("too late, and no harm");
    assert!(due(&subject.store, later).await.is_empty());
    ann.connected(id, Connected::default()).await.expect("connected");
    assert_eq!(due(&subject.store, Utc::now()).await, [id]);
    ann.checked(id, later + TimeDelta::days(1)).await.expect("noted");
    ann.connected(id, Connected::default()).await.expect("connected");
    assert_eq!(due(&subject.store, Utc::now()).await, [id], "another connection");

    ann.disconnect(id).await.expect("disconnected");
    let active = IntegrationChange { status: Some(Status::Active), ..IntegrationChange::default() };
    ann.update(id, None, active).await.expect("filled in again");
    assert_eq!(due(&subject.store, Utc::now()).await, [id]);

    let past = Past { status: Status::Disconnected, connected_at: None, last_sync: None, errors: 0, last_error: None };
    ann.recall(id, &past).await.expect("recalled");
    assert!(due(&subject.store, later).await.is_empty(), "it was disconnected elsewhere");
}

pub(crate) async fn a_grant_that_is_gone_stays_so_until_something_succeeds(subject: &Subject) {
    let ann = subject.ann();
    let granted = |access| Connected { tokens: Some(tokens(access)), ..Connected::default() };
    let id = ann.create(new("one")).await.expect("made").id;
    for gone in [Status::Expired, Status::Revoked] {
        ann.connected(id, granted("a")).await.expect("connected");
        ann.failed(id, Status::Error, "no answer").await.expect("noted");
        assert_eq!(ann.integration(id).await.expect("found").status, Status::Error);
        ann.failed(id, gone, "authorize again").await.expect("noted");
        for other in [Status::Error, Status::Active] {
            ann.failed(id, other, "no answer").await.expect("noted");
        }
        let now = ann.integration(id).await.expect("found");
        assert_eq!((now.status, now.errors, now.last_error.as_deref()), (gone, 4, Some("no answer")));
        let change = IntegrationChange {
            settings: Some(json!({ "bucket": gone.as_str() })),
            secrets: vec![("key".into(), Some("planted-secret-4".into()))],
            status: Some(Status::Active),
            ..IntegrationChange::default()
        };
        let changed = ann.update(id, None, change).await.expect("changed");
        assert_eq!((changed.status, changed.errors), (gone, 4), "no setting brings a grant back");
        ann.succeeded(id, Success::Used).await.expect("noted");
        let now = ann.integration(id).await.expect("found");
        assert_eq!((now.status, now.errors, now.last_error), (Status::Active, 0, None));
        ann.failed(id, gone, "authorize again").await.expect("noted");
        assert_eq!(ann.connected(id, granted("b")).await.expect("connected").status, Status::Active);
    }
    ann.failed(id, Status::Expired, "authorize again").await.expect("noted");
    ann.failed(id, Status::Revoked, "authorize again").await.expect("noted");
    assert_eq!(ann.integration(id).await.expect("found").status, Status::Revoked, "it is known better now");
}

pub(crate) async fn a_key_that_ran_out_is_replaced_by_another(subject: &Subject) {
    let ann = subject.ann();
    let id = ann.create(new("one")).await.expect("made").id;
    ann.failed(id, Status::Expired, "give another key").await.expect("noted");
    let active = || IntegrationChange { status: Some(Status::Active), ..IntegrationChange::default() };
    let renamed = IntegrationChange { settings: Some(json!({ "bucket": "b" })), ..active() };
    assert_eq!(ann.update(id, None, renamed).await.expect("changed").status, Status::Expired);
    let erased = IntegrationChange { secrets: vec![("secret_access_key".into(), None)], ..active() };
    assert_eq!(ann.update(id, None, erased).await.expect("changed").status, Status::Expired);
    let replaced = IntegrationChange { secrets: vec![("key".into(), Some("planted-secret-4".into()))], ..active() };
    let now = ann.update(id, None, replaced).await.expect("changed");
    assert_eq!((now.status, now.errors), (Status::Active, 0));
}

async fn due(store: &Store, now: DateTime<Utc>) -> Vec<IntegrationId> {
    let page = store.due_checks(now, 1_000, DAY).await.expect("answered");
    sorted(page).into_iter().map(|one| one.id).collect()
}

fn sorted(mut page: Vec<Integration>) -> Vec<Integration> {
    page.sort_by_key(|one| one.id);
    page
}
