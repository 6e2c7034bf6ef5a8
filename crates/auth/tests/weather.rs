//! Authorizers in any weather: several processes, a vendor that has its moods, a store that goes
//! away, callers that give up, in any order. As long as the vendor's answers arrive, it never
//! sees a refresh token twice.

mod vendor;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use catchment_auth::oauth::{Authorizer, Authorizers, Exchange, Granted, MemoryTokens};
use catchment_core::{
    Error, ErrorKind, Fence, IntegrationId, Result, Revision, Secret, TokenStore, Tokens, async_trait,
};
use futures::future::join_all;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tokio::time::{Instant, sleep, timeout};
use vendor::{KEY, holding, tokens};

/// What somebody does, in which of the processes, and how long after the one before, in
/// milliseconds.
#[derive(Debug, Clone)]
struct Event {
    process: usize,
    after: u64,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    /// Asks for a token, and gives up after so many milliseconds.
    Token(u64),
    /// Says that the token it has is not accepted.
    Rejected,
    Refresh,
    /// The process starts again: it knows nothing any more.
    Forget,
    /// The store is away for so many milliseconds.
    Outage(u64),
    /// The next answer of the vendor takes so many milliseconds, or is an error.
    Mood(u64, Option<ErrorKind>),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let passing = prop_oneof![Just(ErrorKind::Unavailable), Just(ErrorKind::Timeout), Just(ErrorKind::Protocol)];
    let what = prop_oneof![
        4 => (0..100_000_u64).prop_map(What::Token),
        4 => Just(What::Rejected),
        4 => Just(What::Refresh),
        1 => Just(What::Forget),
        // With the slowest answer and a pause before storing, still shorter than a lease.
        3 => (0..34_000_u64).prop_map(What::Outage),
        3 => (0..50_000_u64, proptest::option::weighted(0.2, passing)).prop_map(|(takes, fails)| What::Mood(takes, fails)),
    ];
    let event = (0..PROCESSES, 0..20_000_u64, what).prop_map(|(process, after, what)| Event { process, after, what });
    proptest::collection::vec(event, 1..60)
}

const PROCESSES: usize = 3;

/// Exchanges a refresh token once.
#[derive(Debug, Default)]
struct Strict {
    good: AtomicUsize,
    inside: AtomicUsize,
    mood: Mutex<(u64, Option<ErrorKind>)>,
    /// What it never wants to see.
    wrong: Mutex<Vec<String>>,
}

#[async_trait]
impl Exchange for Strict {
    async fn refresh(&self, refresh: &Secret) -> Result<Granted> {
        let (takes, fails) = std::mem::take(&mut *self.mood.lock().expect("a lock"));
        if self.inside.fetch_add(1, Ordering::SeqCst) > 0 {
            self.wrong.lock().expect("a lock").push("two at once".into());
        }
        sleep(Duration::from_millis(takes)).await;
        self.inside.fetch_sub(1, Ordering::SeqCst);
        if let Some(kind) = fails {
            return Err(Error::new(kind, "no"));
        }
        let good = self.good.load(Ordering::SeqCst);
        if refresh.expose() != format!("r{good}") {
            self.wrong.lock().expect("a lock").push(format!("{} and not r{good}", refresh.expose()));
            return Err(Error::new(ErrorKind::Unauthenticated, "authorize again"));
        }
        let next = self.good.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Granted {
            access: format!("a{next}").into(),
            refresh: Some(format!("r{next}").into()),
            lives: Some(Duration::from_secs(3600)),
            scopes: None,
        })
    }
}

/// A store that is away now and then.
#[derive(Debug)]
struct Moody {
    inner: Arc<MemoryTokens>,
    away: Mutex<Instant>,
}

impl Moody {
    /// Not again within half a minute: what is away for longer than a lease may cost a grant.
    fn goes_away(&self, lasts: Duration) {
        let mut away = self.away.lock().expect("a lock");
        if away.elapsed() > Duration::from_secs(30) {
            *away = Instant::now() + lasts;
        }
    }

    fn open(&self) -> Result<&MemoryTokens> {
        match *self.away.lock().expect("a lock") > Instant::now() {
            true => Err(Error::new(ErrorKind::Unavailable, "the database is down")),
            false => Ok(&self.inner),
        }
    }
}

#[async_trait]
impl TokenStore for Moody {
    async fn load(&self, key: IntegrationId) -> Result<Option<(Tokens, Revision)>> {
        self.open()?.load(key).await
    }

    async fn swap(&self, key: IntegrationId, expect: Option<Revision>, tokens: &Tokens) -> Result<bool> {
        self.open()?.swap(key, expect, tokens).await
    }

    async fn lease(&self, key: IntegrationId, ttl: Duration) -> Result<Option<Fence>> {
        self.open()?.lease(key, ttl).await
    }

    async fn release(&self, key: IntegrationId, fence: Fence) -> Result<()> {
        self.open()?.release(key, fence).await
    }

    async fn remove(&self, key: IntegrationId) -> Result<()> {
        self.open()?.remove(key).await
    }
}

async fn no_refresh_token_is_seen_twice(events: Vec<Event>) -> std::result::Result<(), TestCaseError> {
    let inner = holding(tokens("a0", 61)).await;
    let store = Arc::new(Moody { inner: Arc::clone(&inner), away: Mutex::new(Instant::now()) });
    let vendor = Arc::new(Strict::default());
    let processes: Vec<_> = (0..PROCESSES).map(|_| Authorizers::new(Arc::clone(&store) as _)).collect();
    let authorizers: Vec<_> = processes.iter().map(|all| all.of(KEY, Arc::clone(&vendor) as _)).collect();
    let mut calls = Vec::new();
    for Event { process, after, what } in events {
        sleep(Duration::from_millis(after)).await;
        let authorizer: Authorizer = authorizers[process].clone();
        match what {
            What::Token(patience) => calls.push(tokio::spawn(async move {
                let call = timeout(Duration::from_millis(patience), authorizer.token());
                call.await.map_or(Ok(()), |token| token.map(drop))
            })),
            What::Rejected => calls.push(tokio::spawn(async move {
                let token = authorizer.token().await?;
                authorizer.rejected(&token).await
            })),
            What::Refresh => calls.push(tokio::spawn(async move { authorizer.refresh_now().await.map(drop) })),
            What::Forget => processes[process].forget(KEY),
            What::Outage(lasts) => store.goes_away(Duration::from_millis(lasts)),
            What::Mood(takes, fails) => *vendor.mood.lock().expect("a lock") = (takes, fails),
        }
    }
    for call in join_all(calls).await {
        // What is asked for in bad weather may fail, but nobody is told to authorize again.
        let failed = call.expect("no panic").err().map(|error| error.kind());
        prop_assert_ne!(failed, Some(ErrorKind::Unauthenticated));
    }
    // The weather clears up, and every pause ends.
    *vendor.mood.lock().expect("a lock") = Default::default();
    sleep(Duration::from_secs(600)).await;
    for authorizer in &authorizers {
        authorizer.refresh_now().await.expect("the grant lives");
    }
    let (stored, _) = inner.load(KEY).await.expect("loaded").expect("tokens");
    let good = vendor.good.load(Ordering::SeqCst);
    prop_assert_eq!(stored.refresh.expect("one").expose().to_owned(), format!("r{good}"), "nothing is lost");
    prop_assert_eq!(vendor.wrong.lock().expect("a lock").clone(), Vec::<String>::new());
    Ok(())
}

#[test]
fn in_any_weather_no_refresh_token_is_seen_twice_and_none_is_lost() {
    let mut runner = TestRunner::new(Config { cases: 500, failure_persistence: None, ..Config::default() });
    let tried = runner.run(&events(), |events| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(no_refresh_token_is_seen_twice(events))
    });
    tried.unwrap_or_else(|error| panic!("{error}"));
}
