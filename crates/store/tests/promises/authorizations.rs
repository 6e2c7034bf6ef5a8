//! Persons on their way to a vendor's consent page and back.

use catchment_core::{ErrorKind, IntegrationId};
use catchment_store::NewAuthorization;
use chrono::{TimeDelta, Utc};
use futures::future::join_all;

use crate::support::{Subject, ann, new, strangers};

pub(crate) async fn a_state_is_taken_once(subject: &Subject) {
    let scoped = subject.ann();
    let id = scoped.create(new("Reports")).await.expect("made").id;
    for (state, integration) in [("one", None), ("two", Some(id))] {
        scoped.begin_authorization(on_the_way(state, integration)).await.expect("begun");
        let taken = subject.again().await.take_authorization(state).await.expect("answered").expect("somebody");
        assert_eq!((&taken.tenant, taken.vendor.as_str(), taken.integration), (&ann(), "s3", integration));
        assert_eq!(taken.draft.expose(), format!("planted-draft-{state}"));
        assert!(subject.store.take_authorization(state).await.expect("answered").is_none(), "not twice");
    }
    assert!(subject.store.take_authorization("never was").await.expect("answered").is_none());
}

pub(crate) async fn of_many_who_bring_one_state_one_gets_it(subject: &Subject) {
    let stores = [subject.store.clone(), subject.again().await];
    for state in ["one", "two", "three"] {
        subject.ann().begin_authorization(on_the_way(state, None)).await.expect("begun");
        let takers = join_all((0..8).map(|number| stores[number % 2].take_authorization(state))).await;
        assert_eq!(takers.iter().filter(|taken| taken.as_ref().expect("answered").is_some()).count(), 1);
    }
}

pub(crate) async fn who_comes_too_late_is_not_known(subject: &Subject) {
    let late = NewAuthorization { expires_at: Utc::now() - TimeDelta::seconds(1), ..on_the_way("one", None) };
    subject.ann().begin_authorization(late).await.expect("begun");
    assert!(subject.store.take_authorization("one").await.expect("answered").is_none());
}

pub(crate) async fn nobody_authorizes_what_is_not_theirs(subject: &Subject) {
    let id = subject.ann().create(new("Reports")).await.expect("made").id;
    for stranger in strangers(&subject.store) {
        let refused = stranger.begin_authorization(on_the_way("one", Some(id))).await.expect_err("not theirs");
        assert_eq!(refused.kind(), ErrorKind::NotFound);
    }
    let root = subject.store.scoped(crate::support::admin("acme"));
    root.begin_authorization(on_the_way("one", Some(id))).await.expect("begun");
    let taken = subject.store.take_authorization("one").await.expect("answered").expect("somebody");
    assert_eq!(taken.tenant, ann(), "it stays hers");
    let refused = root.begin_authorization(on_the_way("two", None)).await.expect_err("whose?");
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
}

pub(crate) async fn a_disconnect_forgets_who_is_on_the_way(subject: &Subject) {
    let scoped = subject.ann();
    let (one, two) = (scoped.create(new("one")).await.expect("made"), scoped.create(new("two")).await.expect("made"));
    for (state, integration) in [("one", Some(one.id)), ("two", Some(two.id)), ("three", None)] {
        scoped.begin_authorization(on_the_way(state, integration)).await.expect("begun");
    }
    scoped.disconnect(one.id).await.expect("disconnected");
    scoped.delete(two.id).await.expect("deleted");
    for (state, known) in [("one", false), ("two", false), ("three", true)] {
        assert_eq!(subject.store.take_authorization(state).await.expect("answered").is_some(), known, "{state}");
    }
}

pub(crate) async fn a_draft_opens_for_its_own_state_and_organization_alone(subject: &Subject) {
    for changed in [
        "UPDATE authorizations SET organization = 'other'",
        "UPDATE authorizations SET draft = (SELECT draft FROM authorizations WHERE state_hash = 'other')",
    ] {
        let scoped = subject.ann();
        for state in ["one", "other"] {
            scoped.begin_authorization(on_the_way(state, None)).await.expect("begun");
        }
        subject.tamper(changed).await;
        let refused = subject.store.take_authorization("one").await.expect_err(changed);
        assert_eq!(refused.kind(), ErrorKind::Config);
        assert!(!format!("{refused:?}").contains("planted"), "{refused:?}");
        subject.tamper("DELETE FROM authorizations").await;
    }
}

pub(crate) async fn who_never_came_back_is_pruned(subject: &Subject) {
    let scoped = subject.ann();
    let late = NewAuthorization { expires_at: Utc::now() - TimeDelta::seconds(1), ..on_the_way("late", None) };
    scoped.begin_authorization(late).await.expect("begun");
    scoped.begin_authorization(on_the_way("one", None)).await.expect("begun");
    assert_eq!(subject.store.prune(std::time::Duration::ZERO).await.expect("pruned"), 1);
    assert_eq!(subject.store.prune(std::time::Duration::ZERO).await.expect("pruned"), 0);
    assert!(subject.store.take_authorization("one").await.expect("answered").is_some());
}

pub(crate) fn on_the_way(state: &str, integration: Option<IntegrationId>) -> NewAuthorization {
    NewAuthorization {
        state_hash: state.into(),
        vendor: "s3".into(),
        integration,
        draft: format!("planted-draft-{state}").into(),
        expires_at: Utc::now() + TimeDelta::minutes(10),
    }
}
