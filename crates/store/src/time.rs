//! Times in the database: microseconds since 1970, UTC.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Now, as it is stored.
pub(crate) fn now() -> i64 {
    Utc::now().timestamp_micros()
}

/// So long ago, as it is stored.
pub(crate) fn ago(time: Duration) -> i64 {
    now().saturating_sub(micros(time))
}

/// In so long, as it is stored.
pub(crate) fn from_now(time: Duration) -> i64 {
    now().saturating_add(micros(time))
}

/// A stored time. One that no calendar holds is its end.
pub(crate) fn at(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// So long, as a time that something may be added to.
pub(crate) fn lease(time: Duration) -> i64 {
    micros(time).min(i64::MAX / 2)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
