//! What the media threads count: packets, and how late each turn was.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

const BUCKETS: usize = 256;
/// Width of a bucket of lateness.
const BUCKET_MICROS: u64 = 250;

#[derive(Debug)]
pub(super) struct Counters {
    pub legs: AtomicU64,
    pub packets_sent: AtomicU64,
    pub packets_received: AtomicU64,
    pub packets_refused: AtomicU64,
    pub turns_skipped: AtomicU64,
    pub events_dropped: AtomicU64,
    late: [AtomicU64; BUCKETS],
}

impl Default for Counters {
    fn default() -> Self {
        Self { legs: AtomicU64::new(0), packets_sent: AtomicU64::new(0), packets_received: AtomicU64::new(0), packets_refused: AtomicU64::new(0), turns_skipped: AtomicU64::new(0), events_dropped: AtomicU64::new(0), late: std::array::from_fn(|_| AtomicU64::new(0)) }
    }
}

impl Counters {
    pub fn late_by(&self, late: Duration) {
        let bucket = (late.as_micros() / u128::from(BUCKET_MICROS)).min(BUCKETS as u128 - 1) as usize;
        self.late[bucket].fetch_add(1, Relaxed);
    }

    pub fn read(&self) -> MediaStats {
        MediaStats {
            legs: self.legs.load(Relaxed),
            packets_sent: self.packets_sent.load(Relaxed),
            packets_received: self.packets_received.load(Relaxed),
            packets_refused: self.packets_refused.load(Relaxed),
            turns_skipped: self.turns_skipped.load(Relaxed),
            events_dropped: self.events_dropped.load(Relaxed),
            late: self.late.each_ref().map(|bucket| bucket.load(Relaxed)),
        }
    }
}

/// Counts since the engine began; the difference of two readings is what happened between.
#[derive(Debug, Clone)]
pub struct MediaStats {
    /// Open now.
    pub legs: u64,
    pub packets_sent: u64,
    pub packets_received: u64,
    /// Strangers' packets, and what is no audio.
    pub packets_refused: u64,
    /// Turns of 20 ms that a leg lost because its thread was held up.
    pub turns_skipped: u64,
    /// Events that nobody fetched in time.
    pub events_dropped: u64,
    late: [u64; BUCKETS],
}

impl MediaStats {
    /// What happened since an earlier reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            legs: self.legs,
            packets_sent: self.packets_sent - earlier.packets_sent,
            packets_received: self.packets_received - earlier.packets_received,
            packets_refused: self.packets_refused - earlier.packets_refused,
            turns_skipped: self.turns_skipped - earlier.turns_skipped,
            events_dropped: self.events_dropped - earlier.events_dropped,
            late: std::array::from_fn(|n| self.late[n] - earlier.late[n]),
        }
    }

    /// The lateness of sending that this share of the turns did not exceed, to 0.25 ms upwards; 64 ms stands for more.
    #[must_use]
    pub fn lateness(&self, share: f64) -> Duration {
        let wanted = (self.late.iter().sum::<u64>() as f64 * share).ceil() as u64;
        let mut seen = 0;
        let bucket = self.late.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        Duration::from_micros((bucket.unwrap_or(BUCKETS - 1) as u64 + 1) * BUCKET_MICROS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_is_the_share_that_was_not_exceeded() {
        let counters = Counters::default();
        for micros in 0..1_000 {
            counters.late_by(Duration::from_micros(micros * 10));
        }
        let stats = counters.read();
        assert_eq!(stats.lateness(0.5), Duration::from_micros(5_000));
        assert_eq!(stats.lateness(0.99), Duration::from_micros(10_000));
        let earlier = stats;
        counters.late_by(Duration::from_secs(1));
        assert_eq!(counters.read().since(&earlier).lateness(0.5), Duration::from_millis(64));
    }
}
