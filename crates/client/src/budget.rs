//! Budgets: how fast one tenant may call one vendor, shared by every client of the process.

use std::{
    borrow::Cow,
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use tokio::time::{Instant, sleep_until};

/// How many units of cost a tenant may spend at a vendor in a time.
///
/// All clients of one process with the same vendor, tenant and lane draw on one budget; the
/// numbers of the first of them count. A 429 pauses all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    rate: Option<Rate>,
    lane: Cow<'static, str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rate {
    units: NonZeroU32,
    per: Duration,
    burst: NonZeroU32,
}

impl Budget {
    /// No rate of our own; the vendor's pauses are still obeyed. The default.
    pub fn unlimited() -> Self {
        Self { rate: None, lane: Cow::Borrowed("") }
    }

    /// `units` of cost a second. 0 counts as 1.
    pub fn per_second(units: u32) -> Self {
        Self::per(units, Duration::from_secs(1))
    }

    /// `units` of cost a minute.
    pub fn per_minute(units: u32) -> Self {
        Self::per(units, Duration::from_secs(60))
    }

    /// `units` of cost an hour.
    pub fn per_hour(units: u32) -> Self {
        Self::per(units, Duration::from_secs(3600))
    }

    fn per(units: u32, per: Duration) -> Self {
        let units = NonZeroU32::new(units).unwrap_or(NonZeroU32::MIN);
        Self { rate: Some(Rate { units, per, burst: NonZeroU32::MIN }), lane: Cow::Borrowed("") }
    }

    /// Up to `units` at once after a rest; 1 unless given. A call that costs more is charged this.
    #[must_use]
    pub fn burst(mut self, units: u32) -> Self {
        if let Some(rate) = &mut self.rate {
            rate.burst = NonZeroU32::new(units).unwrap_or(NonZeroU32::MIN);
        }
        self
    }

    /// A budget of its own beside the vendor's general one, for vendors that count per method.
    #[must_use]
    pub fn lane(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.lane = name.into();
        self
    }
}

/// What a budget has spent, and when it may go on.
#[derive(Debug)]
pub(crate) struct Meter {
    limiter: Option<RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>>,
    burst: NonZeroU32,
    clock: TokioClock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    paused_until: Option<Instant>,
    used: Instant,
}

/// governor's clock on tokio's time, so that a paused test clock moves both.
#[derive(Debug, Clone, Copy)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.0)
    }
}

type Key = (String, String, Cow<'static, str>);
static METERS: OnceLock<Mutex<HashMap<Key, Arc<Meter>>>> = OnceLock::new();

/// A meter nobody holds is forgotten after this long without a call, unless it is paused.
const FORGET_AFTER: Duration = Duration::from_secs(3600);

impl Meter {
    /// The process-wide meter for this vendor, tenant and lane.
    pub(crate) fn shared(vendor: &str, tenant: &str, budget: &Budget) -> Arc<Self> {
        let mut meters = locked(METERS.get_or_init(Mutex::default));
        let key = (vendor.to_owned(), tenant.to_owned(), budget.lane.clone());
        if let Some(meter) = meters.get(&key) {
            return Arc::clone(meter);
        }
        meters.retain(|_, meter| Arc::strong_count(meter) > 1 || !meter.is_forgettable());
        let meter = Arc::new(Self::new(budget));
        meters.insert(key, Arc::clone(&meter));
        meter
    }

    fn new(budget: &Budget) -> Self {
        let clock = TokioClock(Instant::now());
        let quota = budget.rate.and_then(|rate| {
            let one = rate.per / rate.units.get();
            Some(Quota::with_period(one.max(Duration::from_nanos(1)))?.allow_burst(rate.burst))
        });
        Self {
            limiter: quota.map(|quota| RateLimiter::new(quota, InMemoryState::default(), clock)),
            burst: budget.rate.map_or(NonZeroU32::MAX, |rate| rate.burst),
            clock,
            state: Mutex::new(State { paused_until: None, used: Instant::now() }),
        }
    }

    /// Waits until `cost` units may be spent, and spends them. Gives the time still to wait when
    /// that would be after `deadline`, at once and without spending. Cancel-safe: nothing is
    /// spent by a wait that is dropped.
    pub(crate) async fn spend(&self, cost: u32, deadline: Instant) -> Result<(), Duration> {
        let cost = NonZeroU32::new(cost).map(|cost| cost.min(self.burst));
        loop {
            let Some(ready) = self.ready(cost) else { return Ok(()) };
            if ready > deadline {
                return Err(ready.saturating_duration_since(Instant::now()));
            }
            sleep_until(ready).await;
        }
    }

    /// Nobody spends before `pause` has passed. A shorter pause does not cut a longer one.
    pub(crate) fn pause(&self, pause: Duration) {
        let mut state = locked(&self.state);
        state.paused_until = state.paused_until.max(Some(Instant::now() + pause));
    }

    /// `None` when the units were spent, else when to ask again.
    fn ready(&self, cost: Option<NonZeroU32>) -> Option<Instant> {
        let now = Instant::now();
        let mut state = locked(&self.state);
        state.used = now;
        if let Some(until) = state.paused_until.filter(|until| *until > now) {
            return Some(until);
        }
        // The cost was capped at the burst, so the limiter can always serve it in the end.
        let refused = self.limiter.as_ref()?.check_n(cost?).ok()?.err()?;
        let wait = refused.wait_time_from(self.clock.now());
        // A wait that rounds to nothing would spin.
        Some(now + wait.max(Duration::from_millis(1)))
    }

    fn is_forgettable(&self) -> bool {
        let now = Instant::now();
        let state = locked(&self.state);
        state.paused_until.is_none_or(|until| until <= now) && now.saturating_duration_since(state.used) > FORGET_AFTER
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn far() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    #[tokio::test(start_paused = true)]
    async fn a_budget_lets_the_burst_through_and_then_keeps_the_rate() {
        let meter = Meter::new(&Budget::per_second(10).burst(20));
        let start = Instant::now();
        for _ in 0..20 {
            meter.spend(1, far()).await.unwrap();
        }
        assert!(start.elapsed() < Duration::from_millis(5), "{:?}", start.elapsed());
        for _ in 0..10 {
            meter.spend(1, far()).await.unwrap();
        }
        let took = start.elapsed().as_millis();
        assert!((990..1020).contains(&took), "{took} ms");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_costs_more_waits_longer() {
        let meter = Meter::new(&Budget::per_second(10).burst(5));
        let start = Instant::now();
        for _ in 0..5 {
            meter.spend(5, far()).await.unwrap();
        }
        let took = start.elapsed().as_millis();
        assert!((1990..2020).contains(&took), "{took} ms");
        meter.spend(1_000_000, far()).await.expect("a cost over the burst is served in the end");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everybody_and_is_not_cut_short() {
        let meter = Meter::new(&Budget::unlimited());
        meter.pause(Duration::from_secs(30));
        meter.pause(Duration::from_secs(2));
        let start = Instant::now();
        meter.spend(1, far()).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_deadline_fails_at_once() {
        let meter = Meter::new(&Budget::unlimited());
        meter.pause(Duration::from_secs(30));
        let start = Instant::now();
        let wait = meter.spend(1, start + Duration::from_secs(5)).await.unwrap_err();
        assert_eq!((wait.as_secs(), start.elapsed()), (30, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn vendor_tenant_and_lane_have_budgets_of_their_own() {
        let shared = |vendor, tenant, budget: &Budget| Meter::shared(vendor, tenant, budget);
        let budget = Budget::per_second(1);
        let one = shared("budget-test", "a", &budget);
        assert!(Arc::ptr_eq(&one, &shared("budget-test", "a", &Budget::per_second(99))));
        for other in [
            shared("budget-test", "b", &budget),
            shared("budget-test-2", "a", &budget),
            shared("budget-test", "a", &budget.clone().lane("search")),
        ] {
            assert!(!Arc::ptr_eq(&one, &other));
        }
    }
}
