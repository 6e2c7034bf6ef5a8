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

    /// Keeps a value that came another way.
    pub(crate) fn keep(&self, name: Name, value: V) {
        self.put(name, value, Instant::now() + self.lives);
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
