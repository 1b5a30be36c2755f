//! How many places are taken, by whom, of connections or of what waits: one must not take those of all.

use core::hash::Hash;
use core::net::{IpAddr, Ipv6Addr};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts what is open: in all, and by whom.
pub struct Places<K>(Mutex<(usize, HashMap<K, usize>)>);

impl<K> Default for Places<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// A place that was taken; dropping it gives it back.
pub struct Place<K: Hash + Eq>(Arc<Places<K>>, K);

impl<K: Hash + Eq + Clone> Places<K> {
    /// `None` when this one has `of_one` already, or all together `of_all`.
    pub fn take(self: &Arc<Self>, whose: K, of_one: usize, of_all: usize) -> Option<Place<K>> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, each) = &mut *open;
        if *all >= of_all || each.get(&whose).is_some_and(|count| *count >= of_one) {
            return None;
        }
        *all += 1;
        *each.entry(whose.clone()).or_default() += 1;
        Some(Place(self.clone(), whose))
    }
}

impl<K: Hash + Eq> Drop for Place<K> {
    fn drop(&mut self) {
        let mut open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, each) = &mut *open;
        if let Some(count) = each.get_mut(&self.1) {
            (*all, *count) = (*all - 1, *count - 1);
            if *count == 0 {
                each.remove(&self.1);
            }
        }
    }
}

/// What counts as one caller: an address, of IPv6 the network, for one customer has all of it.
#[must_use]
pub fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_given_back() {
        let places: Arc<Places<u8>> = Arc::default();
        let (first, second) = (places.take(1, 2, 3), places.take(1, 2, 3));
        assert!(first.is_some() && second.is_some() && places.take(1, 2, 3).is_none());
        let other = places.take(2, 2, 3);
        assert!(other.is_some() && places.take(3, 2, 3).is_none(), "three in all");
        drop((first, other));
        assert!(places.take(3, 2, 3).is_some() && places.0.lock().expect("no panic").1.len() == 1);
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller() {
        let [four, mapped, one, neighbour, other]: [IpAddr; 5] = ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"].map(|text| counted(text.parse().expect("an address")));
        assert!(four == mapped && one == neighbour && one != other);
    }
}
