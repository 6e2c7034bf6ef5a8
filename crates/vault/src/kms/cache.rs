//! Data keys that were asked for a moment ago.
//!
//! A map of our own, because a key must be zeroized when its time is over: the caches there are
//! free what they evict whenever their reclamation comes to it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use catchment_core::{Error, Result, Retry};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use tokio::time::Instant;

/// What stands for an entry: a hash.
pub(crate) type Name = [u8; 32];

type Answer<V> = std::result::Result<(V, Instant), Arc<Error>>;
type Question<V> = Shared<BoxFuture<'static, Answer<V>>>;

/// Values that live for a while. Whoever asks for one that is being asked for waits for the same
/// answer, be it a value or an error; errors are not kept.
pub(crate) struct Cache<V: Clone> {
    lives: Duration,
    most: usize,
    slots: Mutex<Slots<V>>,
}

struct Slots<V: Clone> {
    all: HashMap<Name, Slot<V>>,
    /// When to look for what is over.
    sweep: Instant,
}

enum Slot<V: Clone> {
    /// Kept alive by those who wait.
    Asked(WeakShared<BoxFuture<'static, Answer<V>>>),
    Known(V, Instant),
}

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    pub(crate) fn new(lives: Duration, most: usize) -> Self {
        Self { lives, most, slots: Mutex::new(Slots { all: HashMap::new(), sweep: Instant::now() + lives }) }
    }

    /// The value of this name, asked for unless it is known. Cancel-safe: the question lives as
    /// long as somebody waits for its answer.
    pub(crate) async fn get(&self, name: Name, ask: impl FnOnce() -> BoxFuture<'static, Result<V>>) -> Result<V> {
        let question = match self.look(name, ask) {
            Ok(value) => return Ok(value),
            Err(question) => question,
        };
        match question.await {
            Ok((value, until)) => {
                self.put(name, value.clone(), until);
                Ok(value)
            }
            Err(error) => Err(again(error)),
        }
    }

    /// Keeps a value that came with the answer to another question, asked at `asked`.
    pub(crate) fn keep(&self, name: Name, value: V, asked: Instant) {
        self.put(name, value, asked + self.lives);
    }

    fn look(
        &self,
        name: Name,
        ask: impl FnOnce() -> BoxFuture<'static, Result<V>>,
    ) -> std::result::Result<V, Question<V>> {
        let now = Instant::now();
        let mut slots = self.lock();
        if slots.sweep <= now {
            slots.sweep(now);
            slots.sweep = now + self.lives / 8;
        }
        match slots.all.get(&name) {
            Some(Slot::Known(value, until)) if *until > now => return Ok(value.clone()),
            Some(Slot::Asked(question)) => {
                if let Some(question) = question.upgrade() {
                    return Err(question);
                }
            }
            _ => {}
        }
        // Its time runs from the question: what the answer says may have changed since.
        let until = now + self.lives;
        let answer = ask().map(move |answer| answer.map(|value| (value, until)).map_err(Arc::new));
        let question = answer.boxed().shared();
        if let Some(asked) = question.downgrade() {
            slots.insert(name, Slot::Asked(asked), self.most, now);
        }
        Err(question)
    }

    fn put(&self, name: Name, value: V, until: Instant) {
        let now = Instant::now();
        if until > now {
            self.lock().insert(name, Slot::Known(value, until), self.most, now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slots<V>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: Clone> Slots<V> {
    fn insert(&mut self, name: Name, slot: Slot<V>, most: usize, now: Instant) {
        if self.all.len() >= most && !self.all.contains_key(&name) {
            self.sweep(now);
            if self.all.len() >= most {
                let first = self.all.iter().min_by_key(|(_, slot)| slot.until(now)).map(|(name, _)| *name);
                first.and_then(|name| self.all.remove(&name));
            }
        }
        self.all.insert(name, slot);
    }

    fn sweep(&mut self, now: Instant) {
        self.all.retain(|_, slot| match slot {
            Slot::Known(_, until) => *until > now,
            Slot::Asked(question) => question.upgrade().is_some(),
        });
    }
}

impl<V: Clone> Slot<V> {
    fn until(&self, now: Instant) -> Instant {
        match self {
            Self::Known(_, until) => *until,
            Self::Asked(_) => now,
        }
    }
}

/// The same error for one more of those who waited.
fn again(error: Arc<Error>) -> Error {
    let error = match Arc::try_unwrap(error) {
        Ok(error) => return error,
        Err(error) => error,
    };
    let mut out = Error::new(error.kind(), error.message().to_owned());
    for (name, value) in error.context() {
        out = out.with(name, value);
    }
    out = match error.retry() {
        Retry::Never => out.never_retry(),
        Retry::After(wait) => out.retry_after(wait),
        Retry::Backoff => out,
    };
    out.source(error)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Weak,
        atomic::{AtomicUsize, Ordering},
    };

    use catchment_core::ErrorKind;
    use futures::future::join_all;
    use tokio::sync::oneshot;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn name(number: u8) -> Name {
        [number; 32]
    }

    async fn get(cache: &Cache<Arc<u8>>, number: u8, asked: &AtomicUsize) -> Arc<u8> {
        let ask = || {
            asked.fetch_add(1, Ordering::SeqCst);
            async move { Ok(Arc::new(number)) }.boxed()
        };
        cache.get(name(number), ask).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_lives_as_long_as_was_said_and_is_dropped_then() {
        let (cache, asked) = (Cache::new(MINUTE, 10), AtomicUsize::new(0));
        let first: Weak<u8> = Arc::downgrade(&get(&cache, 1, &asked).await);
        tokio::time::advance(MINUTE - Duration::from_millis(1)).await;
        get(&cache, 1, &asked).await;
        assert_eq!((asked.load(Ordering::SeqCst), first.strong_count()), (1, 1));
        tokio::time::advance(Duration::from_millis(1)).await;
        get(&cache, 2, &asked).await;
        assert_eq!(first.strong_count(), 0, "by whatever is asked next");
        get(&cache, 1, &asked).await;
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_no_more_values_than_was_said() {
        let (cache, asked) = (Cache::new(MINUTE, 3), AtomicUsize::new(0));
        let mut values = Vec::new();
        for number in 0..5 {
            values.push(Arc::downgrade(&get(&cache, number, &asked).await));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let alive: Vec<_> = values.iter().map(Weak::strong_count).collect();
        assert_eq!(alive, [0, 0, 1, 1, 1], "the oldest go first");
    }

    #[tokio::test]
    async fn who_asks_at_once_shares_the_answer_and_the_error() {
        let cache = Arc::new(Cache::<u8>::new(MINUTE, 10));
        for fails in [true, false] {
            let asked = AtomicUsize::new(0);
            let (answer, wait) = oneshot::channel::<()>();
            let wait = Mutex::new(Some(wait));
            let all = join_all((0..50).map(|_| {
                cache.get(name(1), || {
                    asked.fetch_add(1, Ordering::SeqCst);
                    let wait = wait.lock().unwrap().take();
                    async move {
                        wait.expect("asked once").await.unwrap();
                        let error = || Error::new(ErrorKind::Unavailable, "down").with("status", 503);
                        if fails { Err(error()) } else { Ok(7) }
                    }
                    .boxed()
                })
            }));
            let (all, sent) = tokio::join!(all, async { answer.send(()) });
            sent.unwrap();
            assert_eq!(asked.load(Ordering::SeqCst), 1);
            for answer in all {
                match answer {
                    Ok(value) => assert_eq!((value, fails), (7, false)),
                    Err(error) => {
                        assert_eq!((error.get("status"), error.retry(), fails), (Some("503"), Retry::Backoff, true));
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn a_question_nobody_waits_for_is_asked_anew() {
        let (cache, asked) = (Cache::new(MINUTE, 10), AtomicUsize::new(0));
        let mut waits = Box::pin(cache.get(name(1), || futures::future::pending().boxed()));
        assert!(futures::poll!(&mut waits).is_pending());
        drop(waits);
        assert_eq!(*get(&cache, 1, &asked).await, 1);
    }
}
