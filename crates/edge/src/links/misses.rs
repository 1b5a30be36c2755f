//! How often an address has asked for what there is not, in the last minute. Kept in memory, and nowhere else.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use clarion_domain::tenancy::places::counted;
use clarion_domain::time::{Instant, MINUTE_MS};

/// Many phones share one address of their network: a campaign whose links have expired must not lock the others out at once.
const MISSES_MAX: u32 = 100;
const ADDRESSES_MAX: usize = 20_000;

/// Misses and the start of the minute they count from, by address.
#[derive(Default)]
pub struct Misses(Mutex<HashMap<IpAddr, (u32, Instant)>>);

impl Misses {
    /// Whether an address is to wait.
    pub fn too_many(&self, address: IpAddr, now: Instant) -> bool {
        let misses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        misses.get(&counted(address)).is_some_and(|(count, since)| *count >= MISSES_MAX && since.plus_ms(MINUTE_MS) > now)
    }

    pub fn note(&self, address: IpAddr, now: Instant) {
        let mut misses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if misses.len() >= ADDRESSES_MAX {
            misses.retain(|_, (_, since)| since.plus_ms(MINUTE_MS) > now);
        }
        if misses.len() < ADDRESSES_MAX {
            let entry = misses.entry(counted(address)).or_insert((0, now));
            *entry = if entry.1.plus_ms(MINUTE_MS) > now { (entry.0 + 1, entry.1) } else { (1, now) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_until_its_minute_is_over() {
        let (misses, now) = (Misses::default(), Instant(1_800_000_000_000));
        let [four, six, neighbour]: [IpAddr; 3] = ["192.0.2.1", "2001:db8::1", "2001:db8::2"].map(|text| text.parse().expect("an address"));
        for _ in 0..MISSES_MAX {
            assert!(!misses.too_many(four, now));
            misses.note(four, now);
            misses.note(six, now);
        }
        assert!(misses.too_many(four, now) && misses.too_many(neighbour, now));
        assert!(!misses.too_many("192.0.2.2".parse().expect("an address"), now));
        assert!(!misses.too_many(four, now.plus_ms(MINUTE_MS)));
    }
}
