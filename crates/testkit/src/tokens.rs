//! The contract of token stores: one test for each promise, for every implementation.
//!
//! ```ignore
//! async fn fixture() -> Subject { .. }
//! catchment_testkit::token_store_contract!(fixture);
//! ```

use std::{any::Any, sync::Arc, time::Duration};

use catchment_core::{Fence, IntegrationId, Revision, Secret, TokenStore, Tokens};
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;

/// An empty store to try.
pub struct Subject {
    /// The store.
    pub store: Arc<dyn TokenStore>,
    /// The same store as another process has it, or as another handle, where there is no process.
    pub other_handle: Arc<dyn TokenStore>,
    /// An integration it knows.
    pub integration: IntegrationId,
    /// Another one.
    pub other: IntegrationId,
    /// What has to live as long: a directory, a server.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// Makes one test of each promise of a [`TokenStore`]. Takes the name of an
/// `async fn() -> Subject`. The caller needs `tokio` with its macros.
#[macro_export]
macro_rules! token_store_contract {
    ($fixture:path) => {
        $crate::token_store_contract!(@tests $fixture;
            nothing_is_there_at_first,
            what_was_stored_is_loaded,
            tokens_may_hold_anything,
            a_swap_needs_the_revision_that_stands,
            of_many_swaps_at_once_one_succeeds,
            no_revision_is_given_twice,
            removed_tokens_are_gone,
            a_lease_is_held_once,
            of_many_who_want_a_lease_one_gets_it,
            a_lapsed_lease_is_taken_over,
            who_has_lost_a_lease_cannot_give_it_back,
            fences_grow,
            a_lease_needs_no_tokens,
            integrations_are_apart,
        );
    };
    (@tests $fixture:path; $($name:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $name() {
            $crate::tokens::$name(&$fixture().await).await;
        })*
    };
}

/// Long enough not to lapse in a test.
const LONG: Duration = Duration::from_secs(600);

impl Subject {
    async fn load(&self) -> Option<(Tokens, Revision)> {
        let here = self.store.load(self.integration).await.expect("tokens are loaded");
        let there = self.other_handle.load(self.integration).await.expect("tokens are loaded");
        assert_eq!(here.as_ref().map(shown), there.as_ref().map(shown), "another handle sees the same");
        here
    }

    async fn swap(&self, expect: Option<Revision>, access: &str) -> bool {
        self.store.swap(self.integration, expect, &tokens(access)).await.expect("a swap is answered")
    }

    async fn revision(&self) -> Option<Revision> {
        self.load().await.map(|(_, revision)| revision)
    }

    async fn lease(&self, ttl: Duration) -> Option<Fence> {
        self.store.lease(self.integration, ttl).await.expect("a lease is answered")
    }

    async fn release(&self, fence: Fence) {
        self.store.release(self.integration, fence).await.expect("a lease is given back");
    }

    /// The lease, as soon as the one before has lapsed.
    async fn lease_after_lapse(&self) -> Fence {
        let taken = async {
            loop {
                if let Some(fence) = self.lease(LONG).await {
                    return fence;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), taken).await.expect("a lease lapses")
    }
}

fn tokens(access: &str) -> Tokens {
    let issued = DateTime::from_timestamp_millis(1_800_000_000_123).expect("a time");
    Tokens {
        access: access.into(),
        issued,
        refresh: Some(Secret::new(format!("refresh {access}"))),
        expires: Some(issued + TimeDelta::seconds(3600)),
        scopes: vec!["files.read".into(), "profile".into()],
    }
}

type Shown = (String, DateTime<Utc>, Option<String>, Option<DateTime<Utc>>, Vec<String>, Revision);

fn shown((tokens, revision): &(Tokens, Revision)) -> Shown {
    let refresh = tokens.refresh.as_ref().map(|refresh| refresh.expose().to_owned());
    (tokens.access.expose().to_owned(), tokens.issued, refresh, tokens.expires, tokens.scopes.clone(), *revision)
}

#[doc(hidden)]
pub async fn nothing_is_there_at_first(subject: &Subject) {
    assert!(subject.load().await.is_none());
    subject.store.remove(subject.integration).await.expect("nothing is removed, too");
    assert!(!subject.swap(Some(Revision(0)), "a").await && !subject.swap(Some(Revision(1)), "a").await);
    assert!(subject.load().await.is_none());
}

#[doc(hidden)]
pub async fn what_was_stored_is_loaded(subject: &Subject) {
    assert!(subject.swap(None, "a").await);
    let loaded = subject.load().await.expect("tokens");
    assert_eq!(shown(&loaded), shown(&(tokens("a"), loaded.1)));
    assert!(subject.swap(Some(loaded.1), "b").await);
    let again = subject.load().await.expect("tokens");
    assert_eq!(shown(&again), shown(&(tokens("b"), again.1)));
    assert!(again.1 > loaded.1, "revisions grow");
}

#[doc(hidden)]
pub async fn tokens_may_hold_anything(subject: &Subject) {
    let odd = Tokens {
        access: Secret::new(format!("\"\\\u{0}\n密码🔑{}", "long ".repeat(10_000))),
        issued: DateTime::from_timestamp_millis(-1).expect("a time"),
        refresh: None,
        expires: None,
        scopes: vec![String::new(), "a b,c\"".into(), "ü".into()],
    };
    assert!(subject.store.swap(subject.integration, None, &odd).await.expect("a swap is answered"));
    let loaded = subject.load().await.expect("tokens");
    assert_eq!(shown(&loaded), shown(&(odd, loaded.1)));
}

#[doc(hidden)]
pub async fn a_swap_needs_the_revision_that_stands(subject: &Subject) {
    assert!(subject.swap(None, "a").await);
    let first = subject.revision().await.expect("a revision");
    assert!(!subject.swap(None, "b").await, "there are tokens already");
    assert!(!subject.swap(Some(Revision(first.0 + 1)), "b").await);
    assert!(subject.swap(Some(first), "c").await);
    assert!(!subject.swap(Some(first), "d").await, "it has moved on");
    assert_eq!(subject.load().await.expect("tokens").0.access.expose(), "c");
}

#[doc(hidden)]
pub async fn of_many_swaps_at_once_one_succeeds(subject: &Subject) {
    let mut expect = None;
    for round in 0..3 {
        let swaps = (0..16).map(|number| async move {
            let store = if number % 2 == 0 { &subject.store } else { &subject.other_handle };
            let access = format!("{round} {number}");
            let swapped = store.swap(subject.integration, expect, &tokens(&access)).await.expect("it is answered");
            swapped.then_some(access)
        });
        let won: Vec<_> = join_all(swaps).await.into_iter().flatten().collect();
        assert_eq!(won.len(), 1, "{won:?}");
        let (tokens, revision) = subject.load().await.expect("tokens");
        assert_eq!(tokens.access.expose(), won[0]);
        expect = Some(revision);
    }
}

#[doc(hidden)]
pub async fn no_revision_is_given_twice(subject: &Subject) {
    let mut last = None;
    for round in 0..4 {
        assert!(subject.swap(None, "a").await);
        let revision = subject.revision().await;
        assert!(revision > last, "round {round}: {revision:?} after {last:?}");
        subject.store.remove(subject.integration).await.expect("removed");
        assert!(!subject.swap(revision, "late").await, "what was removed is not replaced");
        last = revision;
    }
}

#[doc(hidden)]
pub async fn removed_tokens_are_gone(subject: &Subject) {
    assert!(subject.swap(None, "a").await);
    subject.store.remove(subject.integration).await.expect("removed");
    assert!(subject.load().await.is_none());
    assert!(subject.swap(None, "b").await);
    assert_eq!(subject.load().await.expect("tokens").0.access.expose(), "b");
}

#[doc(hidden)]
pub async fn a_lease_is_held_once(subject: &Subject) {
    let fence = subject.lease(LONG).await.expect("it is free");
    assert_eq!(subject.lease(LONG).await, None);
    assert_eq!(subject.other_handle.lease(subject.integration, LONG).await.expect("answered"), None);
    subject.release(fence).await;
    assert!(subject.other_handle.lease(subject.integration, LONG).await.expect("answered").is_some());
}

#[doc(hidden)]
pub async fn of_many_who_want_a_lease_one_gets_it(subject: &Subject) {
    let leases = (0..16).map(|number| {
        let store = if number % 2 == 0 { &subject.store } else { &subject.other_handle };
        store.lease(subject.integration, LONG)
    });
    let got = join_all(leases).await.into_iter().filter(|lease| lease.as_ref().expect("answered").is_some()).count();
    assert_eq!(got, 1);
}

#[doc(hidden)]
pub async fn a_lapsed_lease_is_taken_over(subject: &Subject) {
    let first = subject.lease(Duration::from_millis(30)).await.expect("it is free");
    let second = subject.lease_after_lapse().await;
    assert!(second > first);
    assert_eq!(subject.lease(LONG).await, None);
}

#[doc(hidden)]
pub async fn who_has_lost_a_lease_cannot_give_it_back(subject: &Subject) {
    let lost = subject.lease(Duration::from_millis(30)).await.expect("it is free");
    let held = subject.lease_after_lapse().await;
    subject.release(lost).await;
    assert_eq!(subject.lease(LONG).await, None, "the later one stands");
    subject.release(held).await;
    subject.release(held).await;
    assert!(subject.lease(LONG).await.is_some());
}

#[doc(hidden)]
pub async fn fences_grow(subject: &Subject) {
    let mut last = None;
    for _ in 0..4 {
        let fence = subject.lease(LONG).await.expect("it is free");
        assert!(Some(fence) > last, "{fence:?} after {last:?}");
        subject.release(fence).await;
        subject.store.remove(subject.integration).await.expect("removed");
        last = Some(fence);
    }
}

#[doc(hidden)]
pub async fn a_lease_needs_no_tokens(subject: &Subject) {
    let fence = subject.lease(LONG).await.expect("it is free");
    assert!(subject.load().await.is_none());
    assert!(subject.swap(None, "a").await, "and hinders no swap: whoever authorizes holds none");
    subject.release(fence).await;
    assert_eq!(subject.load().await.expect("tokens").0.access.expose(), "a");
}

#[doc(hidden)]
pub async fn integrations_are_apart(subject: &Subject) {
    assert!(subject.swap(None, "a").await);
    assert!(subject.lease(LONG).await.is_some());
    let (store, other) = (&subject.store, subject.other);
    assert!(store.load(other).await.expect("loaded").is_none());
    assert!(store.lease(other, LONG).await.expect("answered").is_some());
    assert!(store.swap(other, None, &tokens("b")).await.expect("answered"));
    store.remove(other).await.expect("removed");
    assert_eq!(subject.load().await.expect("tokens").0.access.expose(), "a");
}
