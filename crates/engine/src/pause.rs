//! Pauses: how long a file that failed is left alone.

use std::time::Duration;

use catchment_core::{Entry, Error, ErrorKind, Known, Retry};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// After the first failure in a row, the second, and so on; then the last one for ever.
const PAUSES: [u64; 6] = [MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR, 24 * HOUR];

/// How long to leave `entry` alone after `error`. `None`: until its fingerprint changes, for what
/// only another content can mend.
pub(crate) fn after(error: &Error, entry: &Entry, known: &Known) -> Option<Duration> {
    let longest = Duration::from_secs(PAUSES[PAUSES.len() - 1]);
    if matches!(error.kind(), ErrorKind::Unreadable | ErrorKind::TooLarge | ErrorKind::Unsupported) {
        // Without a fingerprint no change would ever show.
        return entry.fingerprint.is_none().then_some(longest);
    }
    let failures = known.quarantine.as_ref().map_or(0, |quarantine| quarantine.failures as usize);
    let pause = Duration::from_secs(PAUSES[failures.min(PAUSES.len() - 1)]);
    Some(match error.retry() {
        Retry::After(asked) => pause.max(asked),
        _ => pause,
    })
}

#[cfg(test)]
mod tests {
    use catchment_core::{Fingerprint, Quarantine};

    use super::*;

    fn known(failures: u32) -> Known {
        let quarantine =
            Quarantine { fingerprint: None, failures, until: None, kind: ErrorKind::Timeout, message: String::new() };
        Known { quarantine: Some(quarantine), ..Known::default() }
    }

    fn entry() -> Entry {
        let mut entry = Entry::file("1", "a");
        entry.fingerprint = Some(Fingerprint::new("x"));
        entry
    }

    #[test]
    fn pauses_grow_up_to_a_day() {
        let timeout = Error::new(ErrorKind::Timeout, "no answer");
        let pauses: Vec<_> = (0..8).map(|failures| after(&timeout, &entry(), &known(failures))).collect();
        assert_eq!(pauses[0], Some(Duration::from_secs(60)));
        assert!(pauses.is_sorted());
        assert_eq!(pauses[7], Some(Duration::from_secs(86_400)));
    }

    #[test]
    fn what_only_another_content_can_mend_waits_for_another_fingerprint() {
        let broken = Error::new(ErrorKind::Unreadable, "broken");
        assert_eq!(after(&broken, &entry(), &known(0)), None);
        assert!(after(&broken, &Entry::file("1", "a"), &known(0)).is_some(), "it has no fingerprint to wait for");
    }

    #[test]
    fn a_vendor_that_says_how_long_is_believed() {
        let limited = Error::new(ErrorKind::RateLimited, "slow down").retry_after(Duration::from_secs(7200));
        assert_eq!(after(&limited, &entry(), &known(0)), Some(Duration::from_secs(7200)));
    }
}
