//! Slows repeated sign-ins down, for known and unknown usernames alike, and for addresses. Kept in memory: the lock itself
//! is a row.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::time::{Instant, MINUTE_MS};

const FORGOTTEN_AFTER_MS: i64 = 15 * MINUTE_MS;
const NAMES_MAX: usize = 10_000;
const FREE_TRIES: u32 = 3;
const DELAY_MS_MAX: u64 = 4_000;

/// Wrong tries a username.
#[derive(Default)]
pub struct Tries(Mutex<HashMap<String, (u32, Instant)>>);

impl Tries {
    /// How long to wait before answering: nothing for the first three, then 250 ms, 500 ms … 4 s.
    pub fn delay(&self, username: &str, now: Instant) -> Duration {
        let tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match tries.get(&username.to_lowercase()) {
            Some((count, last)) if *count >= FREE_TRIES && last.plus_ms(FORGOTTEN_AFTER_MS) > now => {
                let doubled = 250u64 << (count - FREE_TRIES).min(8);
                Duration::from_millis(doubled.min(DELAY_MS_MAX))
            }
            _ => Duration::ZERO,
        }
    }

    pub fn failed(&self, username: &str, now: Instant) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= NAMES_MAX {
            tries.retain(|_, (_, last)| last.plus_ms(FORGOTTEN_AFTER_MS) > now);
        }
        if tries.len() < NAMES_MAX {
            let entry = tries.entry(username.to_lowercase()).or_insert((0, now));
            let count = if entry.1.plus_ms(FORGOTTEN_AFTER_MS) > now { entry.0 + 1 } else { 1 };
            *entry = (count, now);
        }
    }

    pub fn succeeded(&self, username: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&username.to_lowercase());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slows_down_after_three_and_forgets() {
        let (tries, now) = (Tries::default(), Instant(1_800_000_000_000));
        for _ in 0..3 {
            assert_eq!(tries.delay("ada", now), Duration::ZERO);
            tries.failed("Ada", now);
        }
        assert_eq!(tries.delay("ADA", now), Duration::from_millis(250));
        (0..20).for_each(|_| tries.failed("ada", now));
        assert_eq!(tries.delay("ada", now), Duration::from_secs(4));
        assert_eq!(tries.delay("ada", now.plus_ms(FORGOTTEN_AFTER_MS)), Duration::ZERO);
        tries.succeeded("ada");
        assert_eq!(tries.delay("ada", now), Duration::ZERO);
    }
}
