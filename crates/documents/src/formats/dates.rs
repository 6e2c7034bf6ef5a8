//! Dates as files write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// A date in ISO 8601, complete or not, with or without an offset. Without one it is taken as UTC.
pub(crate) fn iso(raw: &str) -> Option<DateTime<Utc>> {
    let raw = raw.trim();
    if let Ok(date) = DateTime::parse_from_rfc3339(raw) {
        return Some(date.to_utc());
    }
    if let Ok(date) = DateTime::parse_from_rfc2822(raw) {
        return Some(date.to_utc());
    }
    let bare = raw.trim_end_matches('Z');
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
        if let Ok(date) = NaiveDateTime::parse_from_str(bare, form) {
            return Some(date.and_utc());
        }
    }
    NaiveDate::parse_from_str(bare, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0).map(|date| date.and_utc())
}

/// Windows file time: 100 ns since 1601. Zero means that nothing is known.
pub(crate) fn filetime(ticks: u64) -> Option<DateTime<Utc>> {
    const TO_UNIX: u64 = 11_644_473_600;
    let seconds = (ticks / 10_000_000).checked_sub(TO_UNIX)?;
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_come_in_many_shapes() {
        for raw in
            ["2024-05-06T07:08:09Z", "2024-05-06T09:08:09+02:00", "2024-05-06T07:08:09.123", "2024-05-06 07:08:09"]
        {
            assert_eq!(iso(raw).map(|date| date.timestamp()), Some(1_714_979_289), "{raw}");
        }
        assert_eq!(iso("2024-05-06").map(|date| date.timestamp()), Some(1_714_953_600));
        assert_eq!(iso("yesterday"), None);
        assert_eq!(filetime(0), None);
        assert_eq!(filetime(133_594_528_890_000_000).map(|date| date.timestamp()), Some(1_714_979_289));
    }
}
