//! A valid token for each call, whatever happens around it.

mod vendor;

use std::{sync::Arc, time::Duration};

use catchment_auth::oauth::{Authorizer, Authorizers, MemoryTokens};
use catchment_client::Authorize;
use catchment_core::{ErrorKind, Secret, TokenStore, Tokens};
use chrono::Utc;
use futures::{future::join_all, poll};
use vendor::{Flaky, KEY, Vendor, holding, process, tokens};

async fn token(authorizer: &Authorizer) -> String {
    authorizer.token().await.expect("a token").expose().to_owned()
}

async fn stored(store: &MemoryTokens) -> Tokens {
    store.load(KEY).await.expect("loaded").expect("tokens").0
}

#[tokio::test]
async fn a_fresh_token_is_given_as_it_is() {
    let (store, vendor) = (holding(tokens("a0", 10)).await, Vendor::new(true));
    let authorizer = process(&store, &vendor);
    for _ in 0..10 {
        assert_eq!(token(&authorizer).await, "a0");
    }
    assert_eq!(vendor.asked(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_callers_in_eight_processes_cause_one_exchange() {
    let (store, vendor) = (holding(tokens("a0", 61)).await, Vendor::new(true));
    let processes: Vec<_> = (0..8).map(|_| process(&store, &vendor)).collect();
    let calls = (0..1_000).map(|number| {
        let authorizer = processes[number % 8].clone();
        tokio::spawn(async move { token(&authorizer).await })
    });
    for call in join_all(calls).await {
        assert_eq!(call.unwrap(), "a1");
    }
    assert_eq!((vendor.asked(), vendor.most_at_once()), (1, 1));
}

#[tokio::test]
async fn two_connectors_of_one_integration_share_an_authorizer() {
    let (store, vendor) = (holding(tokens("a0", 61)).await, Vendor::held(true));
    let authorizers = Authorizers::new(store);
    let (one, two) = (authorizers.of(KEY, vendor.clone()), authorizers.of(KEY, vendor.clone()));
    let (mut first, mut second) = (Box::pin(one.token()), Box::pin(two.token()));
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    vendor.let_through(1);
    assert_eq!(first.await.unwrap().expose(), second.await.unwrap().expose());
    assert_eq!(vendor.asked(), 1);
}

#[tokio::test]
async fn a_token_is_refreshed_in_the_background_when_most_of_its_life_is_over() {
    let (store, vendor) = (holding(tokens("a0", 47)).await, Vendor::held(true));
    assert_eq!(token(&process(&store, &vendor)).await, "a0");
    assert_eq!(vendor.asked(), 0, "at 78 %");

    let (store, vendor) = (holding(tokens("a0", 40)).await, Vendor::held(true));
    let authorizer = process(&store, &vendor);
    assert_eq!(token(&authorizer).await, "a0");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(9 * 60)).await;
    tokio::time::resume();
    // The wall clock has not moved: what is stored is as old as the test says.
    let (_, revision) = store.load(KEY).await.unwrap().unwrap();
    assert!(store.swap(KEY, Some(revision), &tokens("a0", 49)).await.unwrap());
    assert_eq!(token(&authorizer).await, "a0", "nobody waits");
    vendor.was_asked(1).await;
    assert_eq!(token(&authorizer).await, "a0");
    vendor.let_through(1);
    while token(&authorizer).await == "a0" {
        tokio::task::yield_now().await;
    }
    assert_eq!((token(&authorizer).await.as_str(), vendor.asked()), ("a1", 1));
}

#[tokio::test]
async fn a_token_without_an_end_is_refreshed_when_it_is_rejected() {
    let endless = Tokens { expires: None, ..tokens("a0", 100_000) };
    let (store, vendor) = (holding(endless).await, Vendor::new(true));
    let authorizer = process(&store, &vendor);
    assert_eq!((token(&authorizer).await.as_str(), vendor.asked()), ("a0", 0));
    authorizer.rejected(&"a0".into()).await.unwrap();
    assert_eq!((token(&authorizer).await.as_str(), vendor.asked()), ("a1", 1));
}

#[tokio::test]
async fn a_rejected_token_is_exchanged_once_however_many_say_so() {
    let (store, vendor) = (holding(tokens("a0", 10)).await, Vendor::new(true));
    let processes = [process(&store, &vendor), process(&store, &vendor)];
    let headers = join_all(processes.iter().map(Authorize::header)).await;
    assert!(headers.iter().all(|header| header.as_ref().unwrap().expose() == "Bearer a0"));
    let rejected = (0..100).map(|number| Authorize::rejected(&processes[number % 2], headers[0].as_ref().unwrap()));
    assert!(join_all(rejected).await.iter().all(Result::is_ok));
    for process in &processes {
        assert_eq!(token(process).await, "a1");
    }
    assert_eq!(vendor.asked(), 1);
}

#[tokio::test]
async fn a_token_rejected_as_soon_as_it_is_issued_is_not_exchanged_again() {
    let (store, vendor) = (holding(tokens("a0", 61)).await, Vendor::new(true));
    let authorizer = process(&store, &vendor);
    assert_eq!(token(&authorizer).await, "a1");
    let error = authorizer.rejected(&"a1".into()).await.unwrap_err();
    assert_eq!((error.kind(), vendor.asked()), (ErrorKind::Unavailable, 1), "{error}");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
    authorizer.rejected(&"a1".into()).await.unwrap();
    assert_eq!(token(&authorizer).await, "a2");
}

#[tokio::test]
async fn an_exchange_runs_to_its_end_though_its_caller_is_gone() {
    let (store, vendor) = (holding(tokens("a0", 61)).await, Vendor::held(true));
    let authorizer = process(&store, &vendor);
    let mut call = Box::pin(authorizer.token());
    assert!(poll!(&mut call).is_pending());
    vendor.was_asked(1).await;
    drop(call);
    drop(authorizer);
    vendor.let_through(1);
    while stored(&store).await.access.expose() == "a0" {
        tokio::task::yield_now().await;
    }
    let kept = stored(&store).await;
    assert_eq!((kept.access.expose(), kept.refresh.unwrap().expose()), ("a1", "r1"));
}

#[tokio::test(start_paused = true)]
async fn a_new_token_is_stored_before_it_is_used() {
    let inner = holding(tokens("a0", 61)).await;
    let store = Flaky::down(&inner, 5);
    let vendor = Vendor::new(true);
    let authorizer = process(&store, &vendor);
    let begun = tokio::time::Instant::now();
    assert_eq!(token(&authorizer).await, "a1");
    assert_eq!(stored(&inner).await.access.expose(), "a1");
    assert_eq!((vendor.asked(), begun.elapsed().as_secs()), (1, 1 + 2 + 4 + 5 + 5), "it was not given earlier");
}

#[tokio::test]
async fn an_omitted_refresh_token_keeps_the_old_one() {
    let (store, vendor) = (holding(tokens("a0", 61)).await, Vendor::new(false));
    assert_eq!(token(&process(&store, &vendor)).await, "a1");
    let kept = stored(&store).await;
    assert_eq!((kept.refresh.unwrap().expose(), kept.scopes), ("r0", vec!["files.read".to_owned()]));
    let lives = (kept.expires.unwrap() - Utc::now()).num_seconds();
    assert!((3590..=3600).contains(&lives), "{lives}");
}

#[tokio::test]
async fn what_the_vendor_refuses_for_certain_is_asked_once_and_ends_with_a_new_grant() {
    let (store, vendor) = (holding(tokens("a0", 61)).await, Vendor::new(true));
    vendor.fails([ErrorKind::Unauthenticated]);
    let authorizer = process(&store, &vendor);
    for _ in 0..10 {
        assert_eq!(authorizer.token().await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    }
    assert_eq!(vendor.asked(), 1);
    let (_, revision) = store.load(KEY).await.unwrap().unwrap();
    assert!(store.swap(KEY, Some(revision), &tokens("authorized", 0)).await.unwrap());
    assert_eq!(token(&authorizer).await, "authorized");
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_tried_again_with_growing_pauses() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Timeout, ErrorKind::Protocol, ErrorKind::Config] {
        let (store, vendor) = (holding(tokens("a0", 61)).await, Vendor::new(true));
        vendor.fails([kind; 3]);
        let authorizer = process(&store, &vendor);
        for (asked, pause) in [(1, 1), (2, 2), (3, 4)] {
            for _ in 0..10 {
                assert_eq!(authorizer.token().await.unwrap_err().kind(), kind);
            }
            assert_eq!(vendor.asked(), asked);
            tokio::time::advance(Duration::from_secs(pause)).await;
        }
        assert_eq!(token(&authorizer).await, "a4");
    }
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_never_answers_is_given_up_before_the_lease_lapses() {
    let (store, vendor) = (holding(tokens("a0", 61)).await, Vendor::held(true));
    let (one, two) = (process(&store, &vendor), process(&store, &vendor));
    let begun = tokio::time::Instant::now();
    let waits = tokio::spawn(async move { two.token().await });
    assert_eq!(one.token().await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(begun.elapsed().as_secs(), 60);
    vendor.let_through(1);
    assert_eq!(waits.await.unwrap().unwrap().expose(), "a2", "then the other has its turn");
    assert_eq!(vendor.most_at_once(), 1);
}

#[tokio::test]
async fn a_refusal_of_a_token_that_was_replaced_meanwhile_means_nothing() {
    let (store, vendor) = (holding(tokens("a0", 61)).await, Vendor::held(true));
    vendor.fails([ErrorKind::Unauthenticated]);
    let authorizer = process(&store, &vendor);
    let mut call = Box::pin(authorizer.token());
    assert!(poll!(&mut call).is_pending());
    vendor.was_asked(1).await;
    let (_, revision) = store.load(KEY).await.unwrap().unwrap();
    assert!(store.swap(KEY, Some(revision), &tokens("authorized", 0)).await.unwrap());
    vendor.let_through(1);
    assert_eq!(call.await.unwrap().expose(), "authorized");
}

#[tokio::test]
async fn whoever_gets_the_lease_looks_again_before_asking() {
    let inner = holding(tokens("a0", 61)).await;
    let store = Flaky::down(&inner, 0);
    *store.quicker.lock().unwrap() = Some(tokens("quicker", 0));
    let vendor = Vendor::new(true);
    assert_eq!(token(&process(&store, &vendor)).await, "quicker");
    assert_eq!(vendor.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_comes_too_late_to_store_takes_what_is_stored() {
    let inner = holding(tokens("a0", 61)).await;
    // Down for 1, 2, 4, 5, 5 .. seconds: longer than the lease.
    let late = Flaky::down(&inner, 20);
    let vendor = Vendor::new(false);
    let (slow, quick) = (process(&late, &vendor), process(&inner, &vendor));
    let waits = tokio::spawn(async move { (slow.token().await, slow) });
    vendor.was_asked(1).await;
    assert_eq!(quick.token().await.unwrap_err().kind(), ErrorKind::Timeout, "a caller waits 90 seconds at the most");
    assert_eq!(token(&quick).await, "a2");
    let (first, slow) = waits.await.unwrap();
    assert_eq!(first.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(token(&slow).await, "a2", "and not what it was granted itself");
    assert_eq!(stored(&inner).await.access.expose(), "a2");
    assert_eq!(vendor.asked(), 2);
}

#[tokio::test]
async fn a_connection_without_tokens_wants_a_person() {
    let vendor = Vendor::new(true);
    let error = process(&Arc::new(MemoryTokens::default()), &vendor).token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    let store = holding(Tokens { refresh: None, ..tokens("a0", 61) }).await;
    let authorizer = process(&store, &vendor);
    assert_eq!(authorizer.token().await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    assert_eq!(vendor.asked(), 0);
    store.remove(KEY).await.unwrap();
    assert_eq!(authorizer.token().await.unwrap_err().kind(), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn what_was_forgotten_is_read_from_the_store_again() {
    let (store, vendor) = (holding(tokens("a0", 10)).await, Vendor::held(true));
    let authorizers = Authorizers::new(Arc::clone(&store) as _);
    let authorizer = authorizers.of(KEY, vendor.clone());
    assert_eq!(token(&authorizer).await, "a0");
    let (_, revision) = store.load(KEY).await.unwrap().unwrap();
    assert!(store.swap(KEY, Some(revision), &tokens("authorized", 0)).await.unwrap());
    assert_eq!(token(&authorizer).await, "a0", "it is still good");
    authorizers.forget(KEY);
    assert_eq!(token(&authorizer).await, "authorized");

    // What is on its way while all is forgotten brings nothing back.
    let was = Secret::new("authorized");
    let mut rejected = Box::pin(authorizer.rejected(&was));
    assert!(poll!(&mut rejected).is_pending());
    vendor.was_asked(1).await;
    vendor.let_through(1);
    while stored(&store).await.access.expose() != "a1" {
        tokio::task::yield_now().await;
        authorizers.forget(KEY);
    }
    store.remove(KEY).await.unwrap();
    rejected.await.unwrap();
    assert_eq!(authorizer.token().await.unwrap_err().kind(), ErrorKind::Unauthenticated);

    // And whoever connects anew may exchange in another way.
    assert!(store.swap(KEY, None, &tokens("a0", 61)).await.unwrap());
    let other = Vendor::new(true);
    assert_eq!(token(&authorizers.of(KEY, other.clone())).await, "a1");
    assert_eq!((vendor.asked(), other.asked()), (1, 1));
}

#[tokio::test]
async fn no_token_is_shown() {
    let planted = Tokens { refresh: Some("planted-r".into()), ..tokens("planted-a", 10) };
    let store = holding(planted).await;
    let authorizers = Authorizers::new(Arc::clone(&store) as _);
    let authorizer = authorizers.of(KEY, Vendor::new(true));
    assert_eq!(token(&authorizer).await, "planted-a");
    let header: Secret = authorizer.header().await.unwrap();
    let shown = format!("{authorizers:?} {authorizer:?} {store:?} {header:?}");
    assert!(!shown.contains("planted"), "{shown}");
}
