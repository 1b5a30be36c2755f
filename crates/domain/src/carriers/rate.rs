//! Segments a second: a bucket that fills with time and never lets more through than was promised.

use crate::time::Instant;

/// How much may be saved up: a tenth of a second's worth, so that a pause is not followed by a flood.
const SAVED_MS: i64 = 100;
const PER_SECOND: i64 = 1_000;

/// Lets `per_second` segments through. Time is an argument; a clock that goes back adds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateBucket {
    per_second: i64,
    /// In thousandths of a segment.
    level: i64,
    filled_at: Instant,
}

impl RateBucket {
    /// Starts with one segment's worth.
    #[must_use]
    pub fn new(per_second: u32, now: Instant) -> Self {
        Self { per_second: i64::from(per_second), level: PER_SECOND, filled_at: now }
    }

    /// Changes the speed from now on; what is saved above the new measure is lost.
    pub fn set_rate(&mut self, per_second: u32, now: Instant) {
        self.fill(now);
        self.per_second = i64::from(per_second);
        self.level = self.level.min(self.full());
    }

    /// Takes up to `wanted` segments; gives how many may go now.
    pub fn take(&mut self, wanted: u32, now: Instant) -> u32 {
        self.fill(now);
        let granted = i64::from(wanted).min(self.level / PER_SECOND);
        self.level -= granted * PER_SECOND;
        u32::try_from(granted).unwrap_or(0)
    }

    /// When the next segment may go; `None` at a rate of nothing.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        let missing = PER_SECOND - self.level;
        if missing <= 0 {
            return Some(self.filled_at);
        }
        (self.per_second > 0).then(|| self.filled_at.plus_ms((missing + self.per_second - 1) / self.per_second))
    }

    fn fill(&mut self, now: Instant) {
        let elapsed_ms = (now.ms() - self.filled_at.ms()).max(0);
        self.level = self.level.saturating_add(elapsed_ms.saturating_mul(self.per_second)).min(self.full());
        self.filled_at = self.filled_at.max(now);
    }

    /// At least one segment, or a slow trunk would never send.
    fn full(&self) -> i64 {
        (self.per_second * SAVED_MS).max(PER_SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_the_pace() {
        let mut bucket = RateBucket::new(10, Instant(0));
        assert_eq!((bucket.take(5, Instant(0)), bucket.take(5, Instant(50)), bucket.take(5, Instant(100))), (1, 0, 1));
        assert_eq!(bucket.next_at(), Some(Instant(200)));
        bucket.set_rate(0, Instant(150));
        assert_eq!((bucket.take(1, Instant(99_999)), bucket.next_at()), (0, None));
    }

    proptest! {
        /// Over any stretch no more than the rate and what may be saved; and a busy taker gets nearly all of it.
        #[test]
        fn never_more_than_promised_and_hardly_less(rate in 1u32..50_000, steps in prop::collection::vec((-20i64..40, 1u32..5_000), 1..300)) {
            let mut bucket = RateBucket::new(rate, Instant(0));
            let (mut now, mut latest, mut sent) = (0i64, 0i64, 0i64);
            for (step, wanted) in steps {
                now = (now + step).max(0);
                latest = latest.max(now);
                sent += i64::from(bucket.take(wanted, Instant(now)));
                prop_assert!(sent * 1_000 <= latest * i64::from(rate) + (i64::from(rate) * 100).max(1_000));
            }
            let mut busy = RateBucket::new(rate, Instant(0));
            let total: i64 = (0..2_000).map(|ms| i64::from(busy.take(u32::MAX, Instant(ms)))).sum();
            prop_assert!(total * 1_000 >= 1_999 * i64::from(rate) - 1_000, "{}", total);
        }
    }
}
