//! Times in the database: microseconds since 1970, UTC.

use chrono::{DateTime, Utc};

/// Now, as it is stored.
pub(crate) fn now() -> i64 {
    Utc::now().timestamp_micros()
}

/// A stored time. One that no calendar holds is its end.
pub(crate) fn at(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
