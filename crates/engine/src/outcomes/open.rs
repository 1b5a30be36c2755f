//! The in-memory side of receipts: attempts whose receipt is awaited, and what finds them.
//!
//! Everything here can be rebuilt from the store. What is not in memory is found there, a little later.

use std::hash::Hash;

use clarion_domain::attempts::attempt::Attempt;
use clarion_domain::id::AttemptId;
use clarion_domain::time::Instant;
use clarion_store::attempts::Reference;
use clarion_store::outcomes::UnmatchedReceipt;
use foldhash::HashMap;

use crate::attempts::Sender;
use crate::outcomes::receipt::ReceiptParts;

/// Attempts, and keys, kept in memory at most; older ones are found in the store.
const OPEN_MAX: usize = 2_000_000;
/// Receipts that wait for their attempt, in memory. Those beyond it wait in the store, and are read at the next start.
const WAITING_MAX: usize = 200_000;

/// An attempt that waits for its receipt.
#[derive(Debug, Clone)]
pub(crate) struct OpenAttempt {
    pub attempt: Attempt,
    pub heard: ReceiptParts,
    pub counted: crate::attempts::Counted,
    pub position: u32,
    pub try_number: u8,
}

/// A map that forgets what it was told first once it is full: half of it at a time, so that it need not keep an order.
pub(crate) struct Aging<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    half: usize,
}

impl<K: Eq + Hash, V> Aging<K, V> {
    fn new(max: usize) -> Self {
        Self { young: HashMap::default(), old: HashMap::default(), half: (max / 2).max(1) }
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        match self.young.get_mut(key) {
            Some(value) => Some(value),
            None => self.old.get_mut(key),
        }
    }

    pub(crate) fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }
}

/// Which attempts are open, and by which carrier's ids they are known.
pub(crate) struct Ledger {
    pub open: Aging<AttemptId, Box<OpenAttempt>>,
    pub keys: Aging<u64, (AttemptId, u8)>,
    /// Receipts in the store that found nothing yet, by each key under which their attempt may come.
    pub waiting: HashMap<u64, Vec<UnmatchedReceipt>>,
    /// Those that came up to then were looked for in the whole of the store's map.
    pub searched_at: Instant,
    /// The newest row of the store's map when it was last searched.
    pub searched_up_to: i64,
    /// The newest stored receipt that was looked at.
    pub read_up_to: i64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { open: Aging::new(OPEN_MAX), keys: Aging::new(OPEN_MAX), waiting: HashMap::default(), searched_at: Instant(0), searched_up_to: 0, read_up_to: 0 }
    }
}

impl Ledger {
    pub(crate) fn remember(&mut self, reference: Reference) {
        self.keys.insert(reference.key, (reference.attempt, reference.part));
    }

    pub(crate) fn watch(&mut self, id: AttemptId, open: OpenAttempt) {
        self.open.insert(id, Box::new(open));
    }

    /// A settled attempt is in the store: a second word for it finds it there, by its key.
    pub(crate) fn forget(&mut self, id: AttemptId) {
        self.open.remove(&id);
    }

    pub(crate) fn await_under(&mut self, key: u64, receipt: UnmatchedReceipt) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.entry(key).or_default().push(receipt);
        }
    }
}

impl Sender {
    /// Reads back what was sent lately, so that receipts find their attempts after a restart.
    pub(crate) async fn load_references(&mut self, since: Instant) -> Result<(), clarion_store::StoreError> {
        let mut found = Vec::new();
        self.store
            .walk_references(since, |_, reference| {
                found.push(reference);
                found.len() < OPEN_MAX / 2
            })
            .await?;
        for reference in found {
            self.ledger.remember(reference);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_and_the_newest_half_never() {
        let mut map = Aging::new(10);
        for number in 0..23 {
            map.insert(number, number);
            assert!((0.max(number - 4)..=number).all(|recent| map.get(&recent) == Some(&recent)), "{number}");
            assert!(map.young.len() + map.old.len() <= 10);
        }
        assert!(map.get(&3).is_none() && map.get_mut(&22).is_some());
        map.insert(17, 0);
        map.remove(&17);
        assert_eq!(map.get(&17), None);
    }
}
