//! Verdicts: whether a promise was kept, and how it was broken if not.

use std::{future::Future, pin::Pin, time::Duration};

use catchment_core::Error;

use crate::fixture::Fixture;

/// Kept, or how it was broken.
pub type Verdict<T = ()> = Result<T, Broken>;

/// How a promise was broken.
#[derive(Debug)]
pub struct Broken(String);

/// A check on its way.
pub type Checking<'a> = Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;

/// One promise of a connector, and the check of it.
pub struct Promise<F> {
    /// The capability it belongs to, or `generic` or `network`.
    pub group: &'static str,
    /// The promise, as a sentence.
    pub name: &'static str,
    /// The check.
    pub check: for<'a> fn(&'a F) -> Checking<'a>,
}

/// Longer than any check that does not hang.
const LIMIT: Duration = Duration::from_secs(180);

impl<F: Fixture> Promise<F> {
    /// Checks the promise on a fixture. A check that hangs is a broken promise.
    pub async fn verdict(&self, fixture: &F) -> Verdict {
        match tokio::time::timeout(LIMIT, (self.check)(fixture)).await {
            Ok(verdict) => verdict,
            Err(_) => Err(format!("nothing happened for {LIMIT:?}").into()),
        }
    }

    /// The body of a test.
    ///
    /// # Panics
    /// When the promise is broken, or kept although the fixture has an excuse for breaking it.
    pub fn test(&self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
        let verdict = runtime.block_on(async {
            let fixture = F::new().await;
            self.verdict(&fixture).await
        });
        match (verdict, F::excuse(self.name)) {
            (Ok(()), None) | (Err(_), Some(_)) => {}
            (Err(broken), None) => panic!("{}: {}", self.name, broken),
            (Ok(()), Some(excuse)) => panic!("{}: kept, so take away the excuse: {excuse}", self.name),
        }
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Broken {
    fn from(how: String) -> Self {
        Self(how)
    }
}

impl From<&str> for Broken {
    fn from(how: &str) -> Self {
        Self(how.to_owned())
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self(format!("an error where none belongs: {error} [{error:?}]"))
    }
}

/// Ends the check with a broken promise unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($how:tt)+) => {
        if !$condition {
            return Err($crate::verdict::Broken::from(format!($($how)+)));
        }
    };
}
pub(crate) use ensure;

/// The error, which had to come.
pub(crate) fn must_fail<T>(result: Result<T, Error>, what: &str) -> Verdict<Error> {
    match result {
        Ok(_) => Err(format!("{what} succeeded").into()),
        Err(error) => Ok(error),
    }
}
