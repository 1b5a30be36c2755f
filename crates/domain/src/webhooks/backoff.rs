//! When an endpoint is tried again, and when it is left alone.

use crate::time::{DAY_MS, HOUR_MS, Instant, MINUTE_MS, SECOND_MS};

/// How long a delivery is tried, and an endpoint that takes nothing is kept on.
pub const GIVE_UP_AFTER_MS: i64 = 3 * DAY_MS;
/// Failures in a row from which on an endpoint is asked with one event at a time, until it takes one.
pub const FAILURES_BEFORE_PROBING: i64 = 3;
/// The longest pause that an endpoint may ask for.
const RETRY_AFTER_MS_MAX: i64 = DAY_MS;

/// The pauses after the first failures; then every quarter of an hour for the first six hours, then every hour.
const FIRST_PAUSES_MS: [i64; 5] = [5 * SECOND_MS, 30 * SECOND_MS, 2 * MINUTE_MS, 5 * MINUTE_MS, 10 * MINUTE_MS];
const EARLY_MS: i64 = 6 * HOUR_MS;

/// What became of one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryOutcome {
    /// A status of 200 to 299.
    Taken,
    /// No such answer: tried again later, and not before the endpoint's own `Retry-After`.
    Refused { retry_after_ms: Option<i64> },
    /// 410: nobody wants it any more.
    Gone,
}

/// The pause after `failures` of them since `since`: with up to a fifth more by `chance`, so that not everybody comes back at once.
#[must_use]
pub fn pause_ms(failures: i64, since: Instant, now: Instant, retry_after_ms: Option<i64>, chance: u64) -> i64 {
    let place = usize::try_from(failures.max(1) - 1).unwrap_or(usize::MAX);
    let early = now.ms() - since.ms() < EARLY_MS;
    let plain = FIRST_PAUSES_MS.get(place).copied().unwrap_or(if early { 15 * MINUTE_MS } else { HOUR_MS });
    let asked = retry_after_ms.unwrap_or(0).clamp(0, RETRY_AFTER_MS_MAX);
    let jitter = i64::try_from(chance % 1_000).unwrap_or(0) * plain / 5_000;
    plain.max(asked) + jitter
}

/// Whether what has failed since `since` is given up.
#[must_use]
pub fn is_hopeless(since: Instant, now: Instant) -> bool {
    now.ms() - since.ms() >= GIVE_UP_AFTER_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_soon_then_seldom_for_three_days() {
        let start = Instant(1_795_435_200_000);
        let (mut now, mut pauses) = (start, Vec::new());
        while !is_hopeless(start, now) {
            let pause = pause_ms(pauses.len() as i64 + 1, start, now, None, 0);
            pauses.push(pause);
            now = now.plus_ms(pause);
        }
        assert_eq!(&pauses[..6], [5_000, 30_000, 120_000, 300_000, 600_000, 900_000]);
        assert_eq!((pauses.last(), pauses.len()), (Some(&HOUR_MS), 94));
    }

    #[test]
    fn an_endpoint_may_ask_for_longer_and_chance_adds_a_fifth_at_most() {
        let at = Instant(0);
        assert_eq!(pause_ms(1, at, at, Some(60_000), 0), 60_000);
        assert_eq!(pause_ms(1, at, at, Some(1), 0), 5_000);
        assert_eq!(pause_ms(1, at, at, Some(i64::MAX), 0), DAY_MS);
        assert_eq!(pause_ms(1, at, at, Some(-5), 999), 5_999);
        assert_eq!(pause_ms(i64::MAX, at, at, None, u64::MAX), 15 * MINUTE_MS + 615 * 15 * MINUTE_MS / 5_000);
    }
}
