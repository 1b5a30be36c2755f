//! How often somebody may ask: a bucket for each that holds a minute's requests and fills evenly. Kept in memory, by each node for itself.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use clarion_domain::time::Instant;

const MINUTE_US: i64 = 60_000_000;
const SECOND_US: i64 = 1_000_000;
/// Whoever comes when so many are counted is not.
const BUCKETS_MAX: usize = 50_000;

/// Buckets, by whoever they are for. Of each is kept when it is full again, in microseconds since 1970.
#[derive(Debug)]
pub struct Rate<K> {
    per_minute: u32,
    full_at: Mutex<HashMap<K, i64>>,
}

/// What a bucket holds after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// A minute's requests.
    pub quota: u32,
    pub left: u32,
    /// Rounded up, as is the other.
    pub full_in_seconds: u32,
    /// How long whoever asks must wait; nothing when they need not.
    pub wait_seconds: Option<u32>,
}

impl<K: Hash + Eq> Rate<K> {
    /// 0 is no limit.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, full_at: Mutex::default() }
    }

    /// Takes one request out of a bucket that holds one; `None` where there is no limit.
    pub fn take(&self, whose: K, now: Instant) -> Option<Standing> {
        let (each, now) = self.scale(now)?;
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let before = full_at.get(&whose).copied().unwrap_or(now).max(now);
        let standing = self.standing(before + each - now, each);
        if standing.wait_seconds.is_some() {
            return Some(Standing { left: 0, full_in_seconds: seconds(before - now), ..standing });
        }
        if full_at.len() >= BUCKETS_MAX {
            full_at.retain(|_, full| *full > now);
        }
        if full_at.len() < BUCKETS_MAX || full_at.contains_key(&whose) {
            full_at.insert(whose, before + each);
        }
        Some(standing)
    }

    /// How long whoever asks now would have to wait.
    pub fn wait_seconds(&self, whose: &K, now: Instant) -> Option<u32> {
        let (each, now) = self.scale(now)?;
        let before = self.full_at.lock().unwrap_or_else(PoisonError::into_inner).get(whose).copied()?.max(now);
        self.standing(before + each - now, each).wait_seconds
    }

    /// How long one request takes to come back, and the time, in microseconds.
    fn scale(&self, now: Instant) -> Option<(i64, i64)> {
        (self.per_minute > 0).then(|| ((MINUTE_US / i64::from(self.per_minute)).max(1), now.0 * 1_000))
    }

    fn standing(&self, missing_us: i64, each_us: i64) -> Standing {
        let over = missing_us - MINUTE_US.max(each_us);
        Standing {
            quota: self.per_minute,
            left: u32::try_from(-over / each_us).unwrap_or(0),
            full_in_seconds: seconds(missing_us),
            wait_seconds: (over > 0).then(|| seconds(over).max(1)),
        }
    }
}

fn seconds(us: i64) -> u32 {
    u32::try_from((us + SECOND_US - 1) / SECOND_US).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Instant = Instant(1_800_000_000_000);

    #[test]
    fn a_minutes_requests_may_come_at_once_and_come_back_evenly() {
        let rate = Rate::new(60);
        let left: Vec<u32> = (0..60).filter_map(|_| rate.take("ada", NOON)).filter(|standing| standing.wait_seconds.is_none()).map(|standing| standing.left).collect();
        assert_eq!((left.len(), left[0], left[59]), (60, 59, 0));
        let refused = rate.take("ada", NOON).expect("a limit");
        assert_eq!((refused.left, refused.wait_seconds, refused.full_in_seconds), (0, Some(1), 60));
        assert_eq!(rate.take("ada", NOON).expect("a limit").wait_seconds, Some(1), "a refused request takes nothing");
        assert_eq!(rate.take("bob", NOON).expect("a limit").wait_seconds, None);
        assert_eq!((rate.wait_seconds(&"ada", NOON), rate.wait_seconds(&"bob", NOON), rate.wait_seconds(&"eve", NOON)), (Some(1), None, None));
        let later = NOON.plus_ms(2_000);
        assert!([None, None, Some(1)].iter().all(|wait| rate.take("ada", later).expect("a limit").wait_seconds == *wait));
        assert_eq!(rate.take("ada", later.plus_ms(60_000)).expect("a limit").left, 59);
    }

    #[test]
    fn few_and_none_are_limits_too() {
        let rate = Rate::new(1);
        assert_eq!(rate.take(1, NOON).expect("a limit"), Standing { quota: 1, left: 0, full_in_seconds: 60, wait_seconds: None });
        assert_eq!(rate.take(1, NOON.plus_ms(1_000)).expect("a limit").wait_seconds, Some(59));
        assert_eq!(rate.take(1, NOON.plus_ms(60_000)).expect("a limit").wait_seconds, None);
        assert_eq!(Rate::new(0).take(1, NOON), None);
    }
}
