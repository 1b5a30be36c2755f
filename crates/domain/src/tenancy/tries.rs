//! Slows repeated sign-ins down, for known and unknown usernames alike, and for addresses. Kept in memory: the lock itself
//! is a row.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::time::{Instant, MINUTE_MS};

const FORGOTTEN_AFTER_MS: i64 = 15 * MINUTE_MS;
const NAMES_MAX: usize = 10_000;
/// What a name has beyond is left out: a stranger may send a long one.
const NAME_LENGTH_CHARS_MAX: usize = 100;
const FREE_TRIES: u32 = 3;
const DELAY_MS_MAX: u64 = 4_000;

fn key(name: &str) -> String {
    name.chars().take(NAME_LENGTH_CHARS_MAX).flat_map(char::to_lowercase).collect()
}

/// Wrong tries a username.
#[derive(Default)]
pub struct Tries(Mutex<HashMap<String, (u32, Instant)>>);

impl Tries {
    /// How long to wait before answering: nothing for the first three, then 250 ms, 500 ms … 4 s.
    pub fn delay(&self, username: &str, now: Instant) -> Duration {
        let tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match tries.get(&key(username)) {
            Some((count, last)) if *count >= FREE_TRIES && last.plus_ms(FORGOTTEN_AFTER_MS) > now => {
                let doubled = 250u64 << (count - FREE_TRIES).min(8);
                Duration::from_millis(doubled.min(DELAY_MS_MAX))
            }
            _ => Duration::ZERO,
        }
    }

    pub fn failed(&self, username: &str, now: Instant) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = key(username);
        if tries.len() >= NAMES_MAX && !tries.contains_key(&name) {
            tries.retain(|_, (_, last)| last.plus_ms(FORGOTTEN_AFTER_MS) > now);
        }
        if tries.len() >= NAMES_MAX && !tries.contains_key(&name) {
            // Whoever fills it with made-up names must not leave the next one unslowed.
            let oldest = tries.iter().min_by_key(|(_, (_, last))| *last).map(|(name, _)| name.clone());
            oldest.and_then(|oldest| tries.remove(&oldest));
        }
        let entry = tries.entry(name).or_insert((0, now));
        let count = if entry.1.plus_ms(FORGOTTEN_AFTER_MS) > now { entry.0 + 1 } else { 1 };
        *entry = (count, now);
    }

    pub fn succeeded(&self, username: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(username));
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

    #[test]
    fn made_up_names_fill_no_memory_and_hide_nobody() {
        let (tries, now) = (Tries::default(), Instant(1_800_000_000_000));
        let long = "x".repeat(1_000_000);
        for number in 0..NAMES_MAX as i64 + 10 {
            tries.failed(&format!("{number} {}", if number < 3 { &long } else { "" }), now.plus_ms(number));
        }
        let later = now.plus_ms(NAMES_MAX as i64 + 10);
        for _ in 0..3 {
            tries.failed("ada", later);
        }
        assert_eq!(tries.delay("ada", later), Duration::from_millis(250), "a full memory slows the next name down too");
        let held = tries.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(held.len(), NAMES_MAX);
        assert!(held.keys().all(|name| name.len() <= NAME_LENGTH_CHARS_MAX));
        assert!(!held.contains_key("5 ") && held.contains_key("11 "), "the oldest go first");
    }
}
