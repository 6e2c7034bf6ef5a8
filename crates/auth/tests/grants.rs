//! How grants end, who is told, and which of two exchanges counts.

mod vendor;

use std::{sync::Arc, time::Duration};

use catchment_auth::oauth::{Authorizer, Authorizers, MemoryTokens, Watch};
use catchment_core::{ErrorKind, IntegrationId, TokenStore, Tokens, async_trait};
use chrono::{TimeDelta, Utc};
use futures::future::join_all;
use tokio::time::{Instant, advance, sleep};
use vendor::{Flaky, KEY, Vendor, holding, process, tokens, watched};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn token(authorizer: &Authorizer) -> String {
    authorizer.token().await.expect("a token").expose().to_owned()
}

async fn stored(store: &MemoryTokens) -> Tokens {
    store.load(KEY).await.expect("loaded").expect("tokens").0
}

#[tokio::test]
async fn a_grant_that_was_not_used_for_too_long_has_expired_and_any_other_was_revoked() {
    let days = |days: i64| tokens("a0", days * 24 * 60);
    for (held, idle, how) in
        [(days(59), Some(60 * DAY), "revoked"), (days(61), Some(60 * DAY), "expired"), (days(10_000), None, "revoked")]
    {
        let (store, vendor) = (holding(held).await, Vendor::new(true));
        *vendor.idle.lock().unwrap() = idle;
        vendor.fails([ErrorKind::Unauthenticated]);
        let (authorizer, diary) = watched(&store, &vendor);
        for _ in 0..10 {
            let error = authorizer.token().await.unwrap_err();
            assert_eq!((error.kind(), error.get("grant")), (ErrorKind::Unauthenticated, Some(how)));
        }
        assert_eq!(diary.read(), [format!("refused 7 {how}")], "told once");
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_refreshed_expires_by_itself_or_is_revoked_by_somebody() {
    let vendor = Vendor::new(true);
    let (ended, diary) = watched(&holding(Tokens { refresh: None, ..tokens("a0", 61) }).await, &vendor);
    for _ in 0..3 {
        assert_eq!(ended.token().await.unwrap_err().get("grant"), Some("expired"));
    }
    assert_eq!(diary.read(), ["refused 7 expired"]);

    let endless = Tokens { refresh: None, expires: None, ..tokens("a0", 100_000) };
    let (rejected, diary) = watched(&holding(endless).await, &vendor);
    assert_eq!(rejected.rejected(&"a0".into()).await.unwrap_err().get("grant"), Some("revoked"));
    assert_eq!(diary.read(), ["refused 7 revoked"]);
    assert_eq!(token(&rejected).await, "a0", "the vendor may have had a bad hour");

    let (none, diary) = watched(&Arc::new(MemoryTokens::default()), &vendor);
    assert_eq!(none.token().await.unwrap_err().get("grant"), None);
    assert!(diary.read().is_empty(), "nobody has authorized yet");
}

#[tokio::test(start_paused = true)]
async fn what_passes_ends_no_grant_and_what_was_refreshed_is_told() {
    let (store, vendor) = (holding(tokens("a0", 61)).await, Vendor::new(true));
    vendor.fails([ErrorKind::Unavailable, ErrorKind::Timeout, ErrorKind::Protocol, ErrorKind::Config]);
    let (authorizer, diary) = watched(&store, &vendor);
    for pause in [1, 2, 4, 8] {
        for _ in 0..3 {
            assert_eq!(authorizer.token().await.unwrap_err().get("grant"), None);
        }
        advance(Duration::from_secs(pause)).await;
    }
    assert_eq!(token(&authorizer).await, "a5");
    assert_eq!(diary.read(), ["troubled 7", "troubled 7", "troubled 7", "troubled 7", "refreshed 7"]);
}

/// Never comes to an end.
#[derive(Debug)]
struct Hangs;

#[async_trait]
impl Watch for Hangs {
    async fn refreshed(&self, _: IntegrationId) {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn who_watches_and_hangs_holds_nobody_up_for_long() {
    let store = holding(tokens("a0", 61)).await;
    let authorizer = Authorizers::new(store).watched_by(Arc::new(Hangs)).of(KEY, Vendor::new(true));
    let begun = Instant::now();
    assert_eq!(token(&authorizer).await, "a1");
    assert_eq!(begun.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn a_good_token_can_be_refreshed_all_the_same_and_once_however_many_ask() {
    let (store, vendor) = (holding(tokens("a0", 1)).await, Vendor::new(true));
    let (one, two) = (process(&store, &vendor), process(&store, &vendor));
    assert_eq!((token(&one).await.as_str(), token(&two).await.as_str()), ("a0", "a0"));
    let all = join_all((0..50).map(|number| if number % 2 == 0 { one.refresh_now() } else { two.refresh_now() })).await;
    assert!(all.into_iter().all(|tokens| tokens.unwrap().access.expose() == "a1"));
    assert_eq!((vendor.asked(), token(&one).await.as_str()), (1, "a1"));
    // The other process has an older one, and asks for what is newer than the store's.
    assert_eq!(one.refresh_now().await.unwrap().access.expose(), "a2");
    assert_eq!(two.refresh_now().await.unwrap().access.expose(), "a3");
    assert_eq!((vendor.asked(), token(&two).await.as_str()), (3, "a3"));
}

#[tokio::test]
async fn a_token_that_cannot_be_refreshed_stays_when_somebody_asks_for_it() {
    let endless = Tokens { refresh: None, expires: None, ..tokens("a0", 100_000) };
    let (store, vendor) = (holding(endless).await, Vendor::new(true));
    assert_eq!(process(&store, &vendor).refresh_now().await.unwrap().access.expose(), "a0");
    let (store, vendor) = (holding(Tokens { refresh: None, ..tokens("a0", 61) }).await, Vendor::new(true));
    assert_eq!(process(&store, &vendor).refresh_now().await.unwrap_err().get("grant"), Some("expired"));
    assert_eq!(vendor.asked(), 0);
}

#[tokio::test]
async fn a_token_of_a_host_whose_clock_is_ahead_is_replaced_when_it_is_rejected() {
    let issued = Utc::now() + TimeDelta::hours(1);
    let ahead = Tokens { issued, expires: Some(issued + TimeDelta::hours(1)), ..tokens("a0", 0) };
    let (store, vendor) = (holding(ahead).await, Vendor::new(true));
    let authorizer = process(&store, &vendor);
    assert_eq!(token(&authorizer).await, "a0");
    authorizer.rejected(&"a0".into()).await.unwrap();
    assert_eq!(token(&authorizer).await, "a1");
    let lives = stored(&store).await.expires.unwrap() - Utc::now();
    assert!(lives <= TimeDelta::hours(1), "by our own clock");
}

/// One process has exchanged and cannot store, and another takes over its lease.
async fn late(rotates: bool) -> (Arc<MemoryTokens>, Arc<Vendor>, [tokio::task::JoinHandle<()>; 2], [Authorizer; 2]) {
    let inner = holding(tokens("a0", 61)).await;
    // Fails after 0, 1, 3, 7, 12, 17 .. 87 seconds, and works after that; the lease is over after 90.
    let down = Flaky::down(&inner, 20);
    let vendor = Vendor::held(rotates);
    let (slow, quick) = (process(&down, &vendor), process(&inner, &vendor));
    let waits = |authorizer: &Authorizer| {
        let authorizer = authorizer.clone();
        tokio::spawn(async move { drop(authorizer.token().await) })
    };
    let first = waits(&slow);
    vendor.was_asked(1).await;
    vendor.let_through(1);
    let second = waits(&quick);
    sleep(Duration::from_secs(140)).await;
    assert_eq!((vendor.asked(), vendor.most_at_once()), (2, 1));
    assert_eq!(stored(&inner).await.access.expose(), "a0", "the later exchange comes first");
    (inner, vendor, [first, second], [slow, quick])
}

#[tokio::test(start_paused = true)]
async fn a_store_that_comes_back_before_the_lease_ends_has_the_token_before_anybody_else_asks() {
    let inner = holding(tokens("a0", 61)).await;
    // Works again after 87 seconds.
    let down = Flaky::down(&inner, 19);
    let vendor = Vendor::new(true);
    let (slow, quick) = (process(&down, &vendor), process(&inner, &vendor));
    let first = tokio::spawn(async move { slow.token().await.map(drop) });
    vendor.was_asked(1).await;
    assert_eq!(token(&quick).await, "a1");
    first.await.unwrap().unwrap();
    assert_eq!(vendor.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_removed_before_it_could_be_stored_is_not_stored_for_ever() {
    let inner = holding(tokens("a0", 61)).await;
    let down = Flaky::down(&inner, usize::MAX);
    let vendor = Vendor::new(true);
    let slow = process(&down, &vendor);
    let asked = tokio::spawn(async move { slow.token().await });
    vendor.was_asked(1).await;
    inner.remove(KEY).await.unwrap();
    let begun = Instant::now();
    assert_eq!(asked.await.unwrap().unwrap_err().kind(), ErrorKind::Unauthenticated);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_outlives_its_lease_does_not_win_over_a_later_one() {
    let (store, vendor, waits, [slow, quick]) = late(false).await;
    vendor.let_through(1);
    join_all(waits).await;
    assert_eq!((token(&quick).await.as_str(), token(&slow).await.as_str()), ("a2", "a2"));
    assert_eq!((stored(&store).await.access.expose(), vendor.asked()), ("a2", 2));
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_outlives_its_lease_counts_if_the_later_one_is_refused() {
    let (store, vendor, waits, [slow, quick]) = late(true).await;
    vendor.let_through(1);
    join_all(waits).await;
    // The vendor refused the old refresh token, which the first exchange had spent.
    while stored(&store).await.access.expose() == "a0" {
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((token(&slow).await.as_str(), token(&quick).await.as_str()), ("a1", "a1"));
    assert_eq!((stored(&store).await.refresh.unwrap().expose(), vendor.asked()), ("r1", 2));
}
