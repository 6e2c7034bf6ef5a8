//! What a vendor says about its limits, in the many ways vendors say it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, header};

/// No vendor means a pause longer than this; a larger number is a mistake or another unit.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// What the headers of an answer say about the vendor's limits.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Do not call before this much time has passed.
    pub retry_after: Option<Duration>,
    /// How much the window allows in all.
    pub limit: Option<u64>,
    /// How much of it is left.
    pub remaining: Option<u64>,
    /// When the window starts anew.
    pub reset: Option<Duration>,
}

impl Limits {
    /// Reads `Retry-After` (seconds or an HTTP date), `Retry-After-Ms`, `RateLimit` and
    /// `RateLimit-*` of the IETF drafts, and the `X-RateLimit-*` family, whose reset is seconds
    /// from now with some vendors and a Unix time with others.
    pub fn of(headers: &HeaderMap) -> Self {
        // The vendor's own clock, so that ours may be wrong.
        let now = text(headers, header::DATE.as_str())
            .and_then(|date| httpdate::parse_http_date(date).ok())
            .unwrap_or_else(SystemTime::now);
        let (mut limit, mut remaining, mut reset) = structured(headers);
        for prefix in ["ratelimit", "x-ratelimit", "x-rate-limit"] {
            let number = |name: &str| text(headers, &format!("{prefix}-{name}")).and_then(first_number);
            limit = limit.or_else(|| number("limit").map(|n| n as u64));
            remaining = remaining.or_else(|| number("remaining").map(|n| n as u64));
            reset = reset.or_else(|| number("reset-after").and_then(seconds));
            reset = reset.or_else(|| number("reset").and_then(|n| from_now(n, now)));
        }
        Self { retry_after: retry_after(headers, now), limit, remaining, reset }
    }

    /// How long to leave the vendor alone because its window is used up or nearly so.
    ///
    /// When a tenth of the window is left, what remains is spread over the time until it starts
    /// anew, so that the wall is not run into. `Retry-After` is not looked at: beside a success it
    /// says when to ask for a result, not how fast to call.
    pub(crate) fn pace(&self) -> Option<Duration> {
        match (self.remaining, self.reset) {
            (Some(0), Some(reset)) => Some(reset),
            (Some(left), Some(reset)) if self.limit.is_some_and(|limit| left.saturating_mul(10) < limit) => {
                Some(reset.div_f64((left + 1) as f64))
            }
            _ => None,
        }
    }
}

fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
        if let Some(milliseconds) = text(headers, name).and_then(first_number) {
            return seconds(milliseconds / 1000.0);
        }
    }
    let value = text(headers, header::RETRY_AFTER.as_str())?;
    match value.parse::<f64>() {
        Ok(number) => seconds(number),
        Err(_) => {
            let date = httpdate::parse_http_date(value).ok()?;
            Some(date.duration_since(now).unwrap_or_default().min(LONGEST))
        }
    }
}

/// `RateLimit: limit=10, remaining=5, reset=3` and `RateLimit: "name";r=5;t=3`.
fn structured(headers: &HeaderMap) -> (Option<u64>, Option<u64>, Option<Duration>) {
    let (mut limit, mut remaining, mut reset) = (None, None, None);
    for part in text(headers, "ratelimit").unwrap_or_default().split([',', ';']) {
        let Some((name, value)) = part.split_once('=') else { continue };
        let value = first_number(value);
        match name.trim() {
            "limit" | "q" => limit = value.map(|n| n as u64),
            "remaining" | "r" => remaining = value.map(|n| n as u64),
            "reset" | "t" => reset = value.and_then(seconds),
            _ => {}
        }
    }
    (limit, remaining, reset)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// The number in front of `100, 100;w=60`.
fn first_number(value: &str) -> Option<f64> {
    let value = value.trim();
    let end = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    value[..end].parse().ok()
}

fn seconds(number: f64) -> Option<Duration> {
    (number.is_finite() && number >= 0.0).then(|| Duration::from_secs_f64(number.min(LONGEST.as_secs_f64())))
}

/// A reset of 1,700,000,000 is a point in time, of 1,700,000,000,000 one in milliseconds, and of
/// 60 a number of seconds.
fn from_now(number: f64, now: SystemTime) -> Option<Duration> {
    let epoch = match number {
        n if n > 1e12 => n / 1000.0,
        n if n > 1e9 => n,
        n => return seconds(n),
    };
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    seconds((epoch - now).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(pairs: &[(&'static str, &str)]) -> Limits {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        Limits::of(&headers)
    }

    const DATE: (&str, &str) = ("date", "Wed, 21 Oct 2015 07:28:00 GMT");

    #[test]
    fn retry_after_is_read_as_seconds_as_milliseconds_and_as_a_date() {
        let after = |pairs: &[(&'static str, &str)]| limits(pairs).retry_after.map(|d| d.as_millis());
        assert_eq!(after(&[("retry-after", "7")]), Some(7_000));
        assert_eq!(after(&[("retry-after", "0.5")]), Some(500));
        assert_eq!(after(&[("retry-after-ms", "250"), ("retry-after", "9")]), Some(250));
        assert_eq!(after(&[DATE, ("retry-after", "Wed, 21 Oct 2015 07:30:00 GMT")]), Some(120_000));
        assert_eq!(after(&[DATE, ("retry-after", "Wed, 21 Oct 2015 07:00:00 GMT")]), Some(0));
        for nonsense in ["soon", "-5", "NaN", "inf", ""] {
            assert_eq!(after(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
        assert_eq!(limits(&[("retry-after", "1e300")]).retry_after, Some(LONGEST));
    }

    #[test]
    fn every_family_of_rate_headers_is_understood() {
        let expected =
            Limits { retry_after: None, limit: Some(100), remaining: Some(5), reset: Some(Duration::from_secs(30)) };
        assert_eq!(limits(&[("ratelimit", "limit=100, remaining=5, reset=30")]), expected);
        assert_eq!(limits(&[("ratelimit", "\"default\";q=100;r=5;t=30")]), expected);
        for prefix in ["ratelimit", "x-ratelimit", "x-rate-limit"] {
            for (name, reset) in
                [("reset", "30"), ("reset", "1445412510"), ("reset", "1445412510000"), ("reset-after", "30.0")]
            {
                let mut headers = HeaderMap::new();
                headers.insert("date", DATE.1.parse().unwrap());
                for (name, value) in [("limit", "100, 100;w=60"), ("remaining", "5"), (name, reset)] {
                    let name: http::HeaderName = format!("{prefix}-{name}").parse().unwrap();
                    headers.insert(name, value.parse().unwrap());
                }
                assert_eq!(Limits::of(&headers), expected, "{prefix} {name} {reset}");
            }
        }
    }

    #[test]
    fn the_end_of_a_window_is_paced_and_an_empty_one_is_waited_for() {
        let pause = |remaining| limits(&[("ratelimit", remaining)]).pace().map(|d| d.as_secs());
        assert_eq!(pause("limit=100, remaining=50, reset=30"), None);
        assert_eq!(pause("limit=100, remaining=5, reset=30"), Some(5));
        assert_eq!(pause("limit=100, remaining=0, reset=30"), Some(30));
        assert_eq!(pause("remaining=0, reset=30"), Some(30));
    }
}
