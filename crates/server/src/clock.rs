//! The clock: the one place of the program that asks the system what time it is.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use clarion_domain::time::Instant;

/// By how much this process's clock runs ahead of the system's. Only the demo and `demo.clock_ahead_seconds` set it.
static AHEAD_MS: AtomicI64 = AtomicI64::new(0);

/// Now.
pub fn now() -> Instant {
    real().plus_ms(AHEAD_MS.load(Ordering::Relaxed))
}

/// What others' clocks say, also where this installation's runs ahead: their certificates expire by those.
pub fn real() -> Instant {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// Sets this process's clock so that it is `at` now.
pub fn pretend(at: Instant) {
    let real = now().ms() - AHEAD_MS.load(Ordering::Relaxed);
    AHEAD_MS.store(at.ms() - real, Ordering::Relaxed);
}

/// Lets this process's clock run ahead of the system's.
pub fn run_ahead(by_ms: i64) {
    AHEAD_MS.store(by_ms, Ordering::Relaxed);
}
